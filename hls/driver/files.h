/* Small files: attributes under /sys, records under /run, texts of a build. */
#ifndef PTA_HLS_FILES_H
#define PTA_HLS_FILES_H

#include "base/ctx.h"

#define PTA_PATH_BYTES 1024

/** printf into a path; PTA_ERR_RANGE if it is too long. */
pta_status PTA_MUST_CHECK pta_path(pta_ctx *ctx, char path[PTA_PATH_BYTES],
                                   const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** A whole file with a NUL behind it (owned by the caller, pta_free).
 * PTA_ERR_NOT_FOUND if there is none, PTA_ERR_IO otherwise. */
pta_status PTA_MUST_CHECK pta_bytes_read(pta_ctx *ctx, const char *path,
                                         char **bytes, size_t *n_bytes);

/** A file's first line of at most `size` - 1 characters, without its end. */
pta_status PTA_MUST_CHECK pta_line_read(pta_ctx *ctx, const char *path,
                                        char *line, size_t size);

/** Writes into a file that may have to exist (an attribute) or is made. */
pta_status PTA_MUST_CHECK pta_bytes_write(pta_ctx *ctx, const char *path,
                                          bool make, const void *bytes,
                                          size_t n_bytes);

/** Makes a folder and those above it. */
pta_status PTA_MUST_CHECK pta_folder_make(pta_ctx *ctx, const char *path);

#endif
