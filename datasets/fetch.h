/*
 * Fetches the files of a named set, checked against their published hashes.
 *
 * Needs the program curl, or else wget; nothing at build time. A file is
 * installed gzipped, under a temporary name first: what is there under its
 * final name is whole and right.
 */
#ifndef PTA_DATASETS_FETCH_H
#define PTA_DATASETS_FETCH_H

#include "base/ctx.h"

typedef struct pta_fetch_options {
    const char *from; /* folder to take the files from, plain or gzipped, in it
                         or in <from>/<set>/; NULL: download */
    const char *url;  /* instead of the known addresses: URL/NAME.gz is asked
                         for; NULL: $PARTITA_FETCH_URL, then those */
    const char *out;  /* files go to <out>/<set>/; NULL: the fetch folder */
    void (*say)(void *user, const char *line); /* progress; may be NULL */
    void *user;
} pta_fetch_options;

/**
 * Fetches every file of `set` that is not yet in place.
 *   PTA_ERR_USAGE        no such set
 *   PTA_ERR_UNSUPPORTED  the set has no direct address: print what
 *                        pta_fetch_by_hand() says and exit 3
 *   PTA_ERR_NOT_FOUND    a file is not in `from`
 *   PTA_ERR_FORMAT       wrong hash, truncated, damaged
 *   PTA_ERR_IO           download or disk
 * Files already installed by this call stay.
 */
pta_status PTA_MUST_CHECK pta_fetch(pta_ctx *ctx, const char *set,
                                    const pta_fetch_options *options);

/** What a user does by hand for a set: page, file names, hashes, and where to
 * put them (`out` as above). The text is the caller's (pta_free). */
pta_status PTA_MUST_CHECK pta_fetch_by_hand(pta_ctx *ctx, const char *set,
                                            const char *out, char **text);

#endif
