/*
 * Ranges: least and greatest value of every tensor over calibration rows, as
 * the `float` reference computes them, and their file NAME.ranges.json.
 */
#ifndef PTA_QUANT_RANGES_H
#define PTA_QUANT_RANGES_H

#include "base/hash.h"
#include "ir/graph.h"

typedef struct pta_range {
    double lo, hi; /* lo > hi: not known */
} pta_range;

typedef struct pta_ranges {
    char *model;                       /* owned; file name, "" if unknown */
    char model_sha256[PTA_SHA256_HEX]; /* of that file; "" if unknown */
    char *set, *split;                 /* owned */
    int64_t rows;
    char
        digest[PTA_SHA256_HEX]; /* SHA-256 of the rows, little-endian float32 */
    int32_t n_nodes;
    pta_range *node; /* owned; [n_nodes] of the graph */
} pta_ranges;

pta_status PTA_MUST_CHECK pta_ranges_create(pta_ctx *ctx,
                                            const pta_graph *graph,
                                            pta_ranges **out);
void pta_ranges_destroy(pta_ctx *ctx, pta_ranges **ranges);

/** Where the rows came from; `digest` as above. Copies the texts. */
pta_status PTA_MUST_CHECK pta_ranges_set_origin(pta_ctx *ctx,
                                                pta_ranges *ranges,
                                                const char *set,
                                                const char *split, int64_t rows,
                                                const char *digest);

/** File name of the model, and with it whose ranges these are. */
pta_status PTA_MUST_CHECK pta_ranges_set_model(pta_ctx *ctx, pta_ranges *ranges,
                                               const char *model);

/** Widens node's range by n float32 values. */
void pta_ranges_add(pta_ranges *ranges, int32_t node, const float *values,
                    int64_t n);

/** Reads a ranges file; a node whose own or merged name is missing and whose
 * format needs it is an error naming file and layer. A node with a merged ReLU
 * takes the range of the merged layer's name when both are present. Format:
 * {"format":"partita-ranges","version":1,"model":...,"model_sha256":...,
 *  "set":...,"split":...,"rows":N,"digest":HEX,"ranges":{"layer":[lo,hi],...}} */
pta_status PTA_MUST_CHECK pta_ranges_read(pta_ctx *ctx, const char *path,
                                          const pta_graph *graph,
                                          pta_ranges **out);
pta_status PTA_MUST_CHECK pta_ranges_write(pta_ctx *ctx, const char *path,
                                           const pta_graph *graph,
                                           const pta_ranges *ranges);

#endif
