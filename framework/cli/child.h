/*
 * Other programs: this command again, mpirun's wrapper, the simulator.
 */
#ifndef PTA_CLI_CHILD_H
#define PTA_CLI_CHILD_H

#include "base/ctx.h"

/** Path of a file beside this command ("partita-run"), or in LIBDIR/partita or
 * the search path; owned by the caller. PTA_ERR_NOT_FOUND otherwise. */
pta_status PTA_MUST_CHECK pta_find_beside(pta_ctx *ctx, const char *name,
                                          char **path);

/** This command's own file; owned by the caller. */
pta_status PTA_MUST_CHECK pta_own_path(pta_ctx *ctx, char **path);

/**
 * Runs argv (ends with NULL; searched in PATH) and waits; it gets SIGTERM should
 * this process end first. SIGINT, SIGTERM and SIGHUP meanwhile stop it, and come
 * back as PTA_ERR_IO. Both outputs go to `log`, which is overwritten.
 * PTA_ERR_DEVICE with the log's last line that begins with "partita: ", or else
 * its last one, if it does not exit with 0.
 */
pta_status PTA_MUST_CHECK pta_run_child(pta_ctx *ctx, const char *const *argv,
                                        const char *log);

/** A new folder under $TMPDIR or /tmp, owned by the caller; removed with what
 * is in it (files only). */
pta_status PTA_MUST_CHECK pta_make_folder(pta_ctx *ctx, char **folder);
void pta_remove_folder(pta_ctx *ctx, char **folder);

/** "FOLDER/NAME"; owned by the caller. */
pta_status PTA_MUST_CHECK pta_path_in(pta_ctx *ctx, const char *folder,
                                      const char *name, char **path);

#endif
