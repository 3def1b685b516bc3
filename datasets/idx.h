/*
 * IDX, the file format of MNIST: a big-endian header (two zero bytes, element
 * type, rank, one 32-bit size per axis), then the elements. Unsigned bytes only.
 */
#ifndef PTA_DATASETS_IDX_H
#define PTA_DATASETS_IDX_H

#include "base/ctx.h"

enum { PTA_IDX_RANK = 3 };

typedef struct pta_idx {
    int32_t rank;
    int32_t dim[PTA_IDX_RANK];
    const uint8_t *data; /* borrowed from the bytes parsed */
} pta_idx;

/**
 * Checks that `bytes` are a whole IDX file of unsigned bytes with `rank` axes,
 * not a byte more or less. `path` is for messages. Else PTA_ERR_FORMAT.
 */
pta_status PTA_MUST_CHECK pta_idx_parse(pta_ctx *ctx, const char *path,
                                        const uint8_t *bytes, size_t n_bytes,
                                        int32_t rank, pta_idx *out);

#endif
