/*
 * Whole files, plain or gzipped: the one home of <zlib.h>.
 *
 * The published files of the named sets are at most 47 MB uncompressed, so
 * they are read whole; what a file is is told by its first bytes, not its name.
 */
#ifndef PTA_DATASETS_GZ_H
#define PTA_DATASETS_GZ_H

#include "base/ctx.h"

/**
 * Reads and, where needed, uncompresses a file. `data` is owned by the caller
 * (pta_free) and ends in a NUL that is not counted in `n_bytes`. More than
 * `max_bytes`, a truncated or a damaged gzip stream: PTA_ERR_FORMAT.
 */
pta_status PTA_MUST_CHECK pta_gz_read(pta_ctx *ctx, const char *path,
                                      size_t max_bytes, uint8_t **data,
                                      size_t *n_bytes);

/**
 * Writes a gzipped file: under a temporary name beside it, renamed when all
 * bytes are on the disk. On failure nothing is left.
 */
pta_status PTA_MUST_CHECK pta_gz_write(pta_ctx *ctx, const char *path,
                                       const uint8_t *data, size_t n_bytes);

#endif
