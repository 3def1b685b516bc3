/*
 * The manifest of a core: what `partita build` says about a slice in hardware,
 * as JSON (docs/accelerators.md, "Manifest"). Written beside the RTL, read by the
 * driver, which fills pta_core_info from it, and by those who plan with it.
 *
 * Its figures come from the formulas of plan/design.h; nothing is simulated.
 */
#ifndef PTA_HLS_MANIFEST_H
#define PTA_HLS_MANIFEST_H

#include "base/hash.h"
#include "hls/driver/core.h"
#include "plan/design.h"

#define PTA_MANIFEST_VERSION 1
#define PTA_MANIFEST_FILE    "manifest.json"

/** An input or output tensor on the bus, in the order of a sample. */
typedef struct pta_manifest_tensor {
    char *name;          /* owned; layer whose tensor (or part) it is */
    int32_t width, frac; /* of the raw integers */
    bool is_signed, partial;
    int32_t element_bytes; /* on the bus: 1, 2, 4 or 8 */
    int64_t elements;
    size_t offset, bytes; /* in a sample; bytes padded to 8 */
} pta_manifest_tensor;

/** A step of the slice, in order: layer i is steps[i]. */
typedef struct pta_manifest_layer {
    char *name, *op; /* owned; "fc1", "dense" */
    char *formats;   /* owned; pta_step_formats (identity.h) */
    /* Weighted steps; else 0. */
    int64_t outputs, inputs, positions; /* M, N, how often a sample */
    pta_fold fold;
    int64_t reuse; /* steps per position */
    int64_t steps; /* cycles a sample that its busiest block works */
    pta_resources resources;
} pta_manifest_layer;

/** A memory of the core, in the order of the register map's memory select if
 * writable (the others follow). */
typedef struct pta_manifest_memory {
    char *file; /* owned; name of the hex file */
    int32_t layer;
    pta_memory_role role;
    bool writable;
    uint32_t words, word_bits;
    uint32_t lanes; /* 32-bit lanes of a word */
    uint32_t crc;   /* CRC-32 as the core computes it */
} pta_manifest_memory;

typedef struct pta_manifest_file {
    char *name; /* owned */
    char sha256[PTA_SHA256_HEX];
} pta_manifest_file;

typedef struct pta_manifest {
    char *generator; /* owned; "partita 0.1.0" */
    char *top;       /* owned; module, in the file TOP.sv */
    int32_t board;
    pta_engine engine;
    bool ram;                           /* weights can be written */
    char slice_digest[PTA_SHA256_HEX];  /* identity.h */
    char weight_digest[PTA_SHA256_HEX]; /* SHA-256 over the hex files of weights
                                           and biases, in order */
    char known_answer[PTA_SHA256_HEX];  /* known_answer.h; of these weights */
    uint32_t clock_hz;
    int64_t latency, interval; /* cycles */
    size_t in_bytes, out_bytes;
    int32_t n_inputs, n_outputs, n_layers, n_memories, n_files;
    pta_manifest_tensor *inputs, *outputs; /* owned */
    pta_manifest_layer *layers;            /* owned; [steps of the slice] */
    pta_manifest_memory *memories;         /* owned */
    pta_manifest_file *files;              /* owned; all but the manifest */
    pta_resources resources;               /* of the core */
} pta_manifest;

/** JSON text of a manifest; the same manifest gives the same bytes. Owned by the
 * caller (pta_free). */
pta_status PTA_MUST_CHECK pta_manifest_print(pta_ctx *ctx,
                                             const pta_manifest *manifest,
                                             char **text);

/** Reads what pta_manifest_print writes; `path` names it in messages. */
pta_status PTA_MUST_CHECK pta_manifest_parse(pta_ctx *ctx, const char *text,
                                             const char *path,
                                             pta_manifest **out);

/** Reads a manifest file. PTA_ERR_IO, PTA_ERR_FORMAT naming path and key. */
pta_status PTA_MUST_CHECK pta_manifest_read(pta_ctx *ctx, const char *path,
                                            pta_manifest **out);
void pta_manifest_destroy(pta_ctx *ctx, pta_manifest **manifest);

/** Releases what the manifest owns, not itself. */
void pta_manifest_free(pta_ctx *ctx, pta_manifest *manifest);

/** What the driver needs of it. `memories` stays empty: for a core with
 * writable weights the caller adds them (core.h, pta_gen_memories). */
void pta_manifest_info(const pta_manifest *manifest, pta_core_info *info);

/** Foldings of the slice's steps [n_steps], to build the same design again.
 * PTA_ERR_MISMATCH if it has another number of steps. */
pta_status PTA_MUST_CHECK pta_manifest_folds(pta_ctx *ctx,
                                             const pta_manifest *manifest,
                                             const pta_slice *slice,
                                             pta_fold *folds);

#endif
