/*
 * A file that has its name only when it is whole. Until then it is PATH.XXXXXX,
 * which SIGINT, SIGTERM and SIGHUP remove before they end the process as they
 * always do. Nothing catches SIGKILL: mpirun, stopped itself, sends SIGTERM and
 * a second later SIGKILL, but at once where another rank of the host has ended.
 */
#ifndef PTA_CLI_TEMPORARY_H
#define PTA_CLI_TEMPORARY_H

#include "base/ctx.h"

typedef struct pta_temporary {
    char *name; /* owned; what to open and write; NULL: none */
    int fd;     /* of it */
} pta_temporary;

/** Local; one such file at a time. PTA_ERR_IO: the folder of `path` cannot be
 * written to. */
pta_status PTA_MUST_CHECK pta_temporary_open(pta_ctx *ctx, const char *path,
                                             pta_temporary *file);

/** Waits until it is on the disk, then names it, replacing what was there.
 * PTA_ERR_IO: it is still to be closed. */
pta_status PTA_MUST_CHECK pta_temporary_commit(pta_ctx *ctx,
                                               pta_temporary *file,
                                               const char *path);

/** Removes the file unless committed. Accepts none. */
void pta_temporary_close(pta_ctx *ctx, pta_temporary *file);

#endif
