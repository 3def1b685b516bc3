/*
 * Harness of the block tests: many random geometries of one block in one
 * Verilator model, every output word compared with the reference kernel.
 *
 * How to test a block `pta_foo`: write a function that draws one geometry, and
 * give main() a table of such functions (see test_dense_blocks.c):
 *
 *     static void draw_foo(hls_case *c)
 *     {
 *         int32_t n = (int32_t)hls_param(c, "N", 1, 40);  // .N(n), drawn
 *         int32_t p = (int32_t)hls_param(c, "P", 1, n);
 *         hls_set(c, "WOUT", 9);                          // .WOUT(9), derived
 *         FILE *f = hls_file(c, "FILE");                  // .FILE("...")
 *         fprintf(f, "%x\n", 42);
 *         c->samples = 8;
 *         hls_stream *x = hls_in(c, "in", n, p, 8, c->samples);
 *         hls_stream *y = hls_out(c, "out", n, p, 9, c->samples);
 *         hls_fill(c, x, true);
 *         ... fill y->data[vector * n + element] with the _ref kernel ...
 *         c->interval = ...; c->latency = ...;            // or leave at -1
 *     }
 *     static const hls_block blocks[] = {{"foo", draw_foo}};
 *     int main(int argc, char **argv)
 *     {
 *         return hls_main(argc, argv, blocks, 1);
 *     }
 *
 * and register it in tests/CMakeLists.txt: `pta_hls(test_x.c foo ...)`, which
 * makes the tests hls/foo (12 geometries) and slow/hls_foo (100).
 *
 * Each run draws from a printed seed; every drawn quantity takes its least and
 * its greatest value in at least one case each, or the run fails. Streams are
 * driven under several patterns of stalls, with a reset in the middle of the data
 * between patterns; all of it twice, registers starting as other random bits
 * (Verilator's --x-initial unique). Lanes past the last element of a
 * vector are driven with junk and not compared: they mean nothing. Checked in
 * every cycle: an offered beat stays until it is taken; sometimes: neither
 * ready nor valid nor data out follow out_ready or in_valid within a cycle.
 */
#ifndef HLS_HARNESS_H
#define HLS_HARNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define HLS_STREAMS  8 /* inputs, and outputs, of a block */
#define HLS_MEMORIES 2 /* weight memories of a block */

/** A stream of `vectors` vectors of `count` elements, p per beat. */
typedef struct hls_stream {
    const char *name; /* of the ports: NAME_data, NAME_valid, NAME_ready */
    int32_t count, p, w;
    int32_t vectors; /* of all samples together */
    int64_t *data;   /* [vectors][count] raw integers; owned by the case */
    /* the harness's own */
    int32_t id, n_beats, words;
    int64_t offset;         /* of its first word in the top's port */
    uint32_t *beats, *mask; /* [n_beats][words] */
    uint32_t *sets[2];      /* beats with the first and second weights */
    int32_t next, taken;    /* beat offered, beats moved */
    bool held;              /* offered and not taken in the cycle before */
    int64_t first, last;    /* cycle of beat 0, of the last beat moved */
    int64_t last_of_first;  /* of the last beat of sample 1 */
} hls_stream;

/** A weight memory behind ports PORT_write, PORT_data and PORT_q. */
typedef struct hls_mem {
    char port;         /* 'w' */
    const char *param; /* "W_FILE" */
    int32_t bits;      /* of a word */
    /* the harness's own */
    int32_t words;
    uint32_t *sets[2]; /* [words][lanes of 32 bits] */
} hls_mem;

typedef struct hls_case {
    int32_t index, n_cases; /* of this geometry */
    uint64_t rng;           /* pta_rng_next(&c->rng) */
    int32_t samples;        /* vectors of a stream are equal parts of it */
    int64_t latency;        /* cycles from first beat in to last beat out of
                               sample 1, without stalls; -1: not checked */
    int64_t interval;       /* cycles per sample, without stalls, times
                               samples - 1 exactly; -1: not checked */
    int64_t rest;           /* cycles for all samples after the first, where
                               they differ; -1: not checked */
    int64_t ahead;          /* beats in[0] takes while no output is taken, or
                               all if it has fewer; -1: not checked */
    int32_t n_in, n_out;
    hls_stream in[HLS_STREAMS], out[HLS_STREAMS];
    int32_t n_mem;
    hls_mem mem[HLS_MEMORIES];
    /* the harness's own */
    const char *block, *folder;
    struct hls_cover *cover;
    int32_t errors;
    int set;         /* of weights being drawn; 1 in the end: they are loaded */
    char text[4096]; /* parameters */
    FILE *file;
} hls_case;

typedef struct hls_block {
    const char *name; /* module pta_NAME */
    void (*draw)(hls_case *c);
} hls_block;

/** Draws from [lo, hi]; of each name (a literal) both ends come up, in cases
 * where lo < hi. */
int64_t hls_draw(hls_case *c, const char *name, int64_t lo, int64_t hi);
/** The same, passed to the block as parameter NAME. */
int64_t hls_param(hls_case *c, const char *name, int64_t lo, int64_t hi);
/** Passes a parameter (as a signed 64-bit constant beyond 31 bits). */
void hls_set(hls_case *c, const char *name, int64_t value);
/** Opens a file whose path is parameter NAME; closed by the next hls_file or
 * after the case is drawn. */
FILE *hls_file(hls_case *c, const char *name);
/** Writes one line of hex: n elements of w bits, element 0 lowest. */
void hls_word(FILE *f, const int64_t *values, int32_t n, int32_t w);

/** Declares a weight memory of a block that has ports for them. */
void hls_memory(hls_case *c, char port, const char *param, int32_t bits);
/** Of a geometry with RAM 1: what follows (files, data of outputs, which is
 * zeroed) belongs to a second set of weights; hls_file passes nothing more. The
 * first set is what the memories start with; under the other patterns of stalls
 * both are loaded in turn through the memory port, and their CRCs compared. */
void hls_second_set(hls_case *c);

hls_stream *hls_in(hls_case *c, const char *name, int32_t count, int32_t p,
                   int32_t w, int32_t vectors);
hls_stream *hls_out(hls_case *c, const char *name, int32_t count, int32_t p,
                    int32_t w, int32_t vectors);
/** Random raw integers of s->w bits, one in eight an extreme value. */
void hls_fill(hls_case *c, hls_stream *s, bool is_signed);
/** One such integer. */
int64_t hls_value(hls_case *c, int32_t w, bool is_signed);

int32_t hls_ceil(int32_t a, int32_t b);

/** Usage: PROGRAM BLOCK [--slow] [--first N] [--seed N] [--rtl DIR] [--work DIR];
 * --first: of the drawn geometries only these. Exit 0, 1 on a mismatch, 3 if the
 * model does not build, 77 without Verilator. */
int hls_main(int argc, char **argv, const hls_block *blocks, int n_blocks);
/** The same with another number of geometries than 12 (--slow: 100). */
int hls_main_cases(int argc, char **argv, const hls_block *blocks, int n_blocks,
                   int n_cases);

#endif
