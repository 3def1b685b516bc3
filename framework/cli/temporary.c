/* A file that has its name only when it is whole: see temporary.h. */
#include "cli/temporary.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- signals ---- */

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
#define N_SIGNALS (sizeof signals / sizeof *signals)

/* What a signal handler can reach is global. */
static const char *volatile guarded;
static struct sigaction before[N_SIGNALS];

/* Only calls that are safe here. The signal is blocked until the end, and then
 * meets whoever had it before. */
static void remove_guarded(int signal)
{
    const char *name = guarded;
    if (name != NULL) {
        (void)unlink(name);
    }
    for (size_t i = 0; i < N_SIGNALS; i++) {
        if (signals[i] == signal) {
            (void)sigaction(signal, &before[i], NULL);
        }
    }
    (void)raise(signal);
}

/* A signal that was ignored stays ignored. */
static void guard(const char *name)
{
    struct sigaction action = {.sa_handler = remove_guarded};
    sigemptyset(&action.sa_mask);
    guarded = name;
    for (size_t i = 0; i < N_SIGNALS; i++) {
        (void)sigaction(signals[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN) {
            (void)sigaction(signals[i], &action, NULL);
        }
    }
}

static void let_go(void)
{
    for (size_t i = 0; i < N_SIGNALS; i++) {
        (void)sigaction(signals[i], &before[i], NULL);
    }
    guarded = NULL;
}

/* ---- files ---- */

static pta_status failed(pta_ctx *ctx, const char *path)
{
    return pta_fail(ctx, PTA_ERR_IO, "%s: cannot write: %s", path,
                    strerror(errno != 0 ? errno : EIO));
}

pta_status pta_temporary_open(pta_ctx *ctx, const char *path,
                              pta_temporary *file)
{
    size_t bytes = strlen(path) + sizeof ".XXXXXX";
    pta_temporary t = {.name = pta_calloc(ctx, bytes, 1)};
    if (t.name == NULL) {
        return PTA_ERR_NOMEM;
    }
    (void)snprintf(t.name, bytes, "%s.XXXXXX", path);
    t.fd = mkstemp(t.name);
    if (t.fd < 0) {
        pta_free(ctx, t.name);
        return failed(ctx, path);
    }
    guard(t.name);
    (void)fchmod(t.fd, 0644);
    *file = t;
    return PTA_OK;
}

static void forget(pta_ctx *ctx, pta_temporary *file)
{
    let_go();
    (void)close(file->fd);
    pta_free(ctx, file->name);
    file->name = NULL;
}

pta_status pta_temporary_commit(pta_ctx *ctx, pta_temporary *file,
                                const char *path)
{
    if (fsync(file->fd) != 0 || rename(file->name, path) != 0) {
        return failed(ctx, path);
    }
    forget(ctx, file);
    return PTA_OK;
}

void pta_temporary_close(pta_ctx *ctx, pta_temporary *file)
{
    if (file->name != NULL) {
        (void)unlink(file->name);
        forget(ctx, file);
    }
}
