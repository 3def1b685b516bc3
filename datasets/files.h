/*
 * The published files of the named sets: what they are called, what they must
 * hold, and where they may lie. Nothing else in Partita knows these names.
 */
#ifndef PTA_DATASETS_FILES_H
#define PTA_DATASETS_FILES_H

#include "base/ctx.h"
#include "base/hash.h"

typedef struct pta_file {
    const char *set;
    const char *name; /* uncompressed; ".gz" is added where it is compressed */
    size_t n_bytes;   /* uncompressed */
    const char *sha256;
    const char *sha256_lf; /* the same with LF line ends, or NULL */
    bool optional;         /* a set is complete without it */
} pta_file;

enum { PTA_FILES_MAX_BYTES = 64 << 20 };

/** Files of a set, and how many; NULL if there is no such set. */
const pta_file *pta_files_of(const char *set, int32_t *n_files);

/** One file by name; it must exist in the table. */
const pta_file *pta_files_named(const char *set, const char *name);

/**
 * Path of a file that lies, plain or gzipped, in <root>/<set>/ for the first
 * root of: $PARTITA_DATA (there also without <set>/), the fetch folder,
 * ../shared/datasets and datasets/ of the current directory and of the source
 * tree, the installed data directory. PTA_ERR_NOT_FOUND names them. `path` is
 * the caller's (pta_free).
 */
pta_status PTA_MUST_CHECK pta_files_find(pta_ctx *ctx, const pta_file *file,
                                         char **path);

/** Find and read, uncompressed. `data` and `path` are the caller's. */
pta_status PTA_MUST_CHECK pta_files_read(pta_ctx *ctx, const pta_file *file,
                                         char **path, uint8_t **data,
                                         size_t *n_bytes);

/** Which published file of the set these uncompressed bytes are, or NULL. */
const pta_file *pta_files_identify(const char *set, const uint8_t *data,
                                   size_t n_bytes);

/** PTA_ERR_FORMAT: the bytes at `path` are not `file`. */
pta_status pta_files_foreign(pta_ctx *ctx, const pta_file *file,
                             const char *path);

/** $XDG_DATA_HOME/partita or ~/.local/share/partita: where `fetch` puts sets.
 * The caller's (pta_free); PTA_ERR_NOT_FOUND without a home. */
pta_status PTA_MUST_CHECK pta_files_fetch_folder(pta_ctx *ctx, char **path);

#endif
