/* Between harness.c (draws, writes the top, builds) and drive.c (simulates). */
#ifndef HLS_HARNESS_PRIV_H
#define HLS_HARNESS_PRIV_H

#include "base/rng.h"
#include "harness.h"
#include "model.h"

typedef struct hls_model {
    void *(*open)(int seed, hls_ports *ports);
    void (*eval)(void *model, int clk, int rst);
    void (*close)(void *model);
} hls_model;

#define HLS_DRAWN 64

/** Which ends of its range a drawn quantity took, where it had two. */
typedef struct hls_drawn {
    const char *name;
    bool least, greatest;
} hls_drawn;

typedef struct hls_cover {
    int32_t n;
    hls_drawn drawn[HLS_DRAWN];
} hls_cover;

/** A name that did not take both; NULL: all did. */
const char *hls_cover_missing(const hls_cover *cover);

/** Cuts the streams in beats; or one, for one set of weights. */
void hls_pack(hls_case *c);
void hls_pack_stream(hls_case *c, hls_stream *s, int set);

/** Path of a memory's file. */
void hls_file_path(const hls_case *c, const char *param, int set, char *path,
                   size_t size);

/** weights.c: reads the drawn memories back, wires them; turns to one set,
 * written or already there, and checks its CRC. */
void hls_memories_read(hls_case *c);
void hls_memories_free(hls_case *c);
void hls_memories_write(FILE *f, const hls_case *c);
void hls_memories_ports(FILE *f, const hls_case *c);
void hls_memories_load(const hls_model *model, void *self, hls_ports *p,
                       hls_case *cases, int n_cases, int set, bool write);

/** Runs all cases under all patterns of stalls; returns wrong cases. */
int hls_drive(const hls_model *model, hls_case *cases, int n_cases,
              uint64_t rng, int reset_seed);

#endif
