/* Looks at a file in a child process, which HDF5 may crash: see h5.h. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "h5/h5.h"

#define PROBE_SECONDS 20

/* Quiet and mortal: whatever handlers this process has must not run. */
static _Noreturn void child_look(pta_ctx *ctx, const char *path,
                                 pta_h5_look look)
{
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
        (void)signal(deadly[i], SIG_DFL);
    }
    (void)signal(SIGALRM, SIG_DFL);
    (void)alarm(PROBE_SECONDS);
    (void)close(STDERR_FILENO); /* the C library reports a broken heap there */
    pta_h5 *file;
    pta_status status = pta_h5_open(ctx, path, &file);
    if (status == PTA_OK) {
        status = look(ctx, file);
        pta_h5_close(ctx, &file); /* a damaged heap often breaks only here */
    }
    _exit(status == PTA_OK ? 0 : 1);
}

pta_status pta_h5_probe(pta_ctx *ctx, const char *path, pta_h5_look look)
{
    pid_t child = fork();
    if (child == 0) {
        child_look(ctx, path, look);
    }
    int result = 0;
    while (child > 0 && waitpid(child, &result, 0) < 0 && errno == EINTR) {
    }
    if (child > 0 && WIFSIGNALED(result)) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: the HDF5 file is damaged (the HDF5 library fails "
                        "on it)",
                        path);
    }
    return PTA_OK;
}
