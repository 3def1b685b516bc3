/* Other programs (child.h). */
#include "cli/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- paths ---- */

pta_status pta_path_in(pta_ctx *ctx, const char *folder, const char *name,
                       char **path)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *text;
    PTA_TRY_ALLOC(ctx, text, size);
    snprintf(text, size, "%s/%s", folder, name);
    *path = text;
    return PTA_OK;
}

pta_status pta_own_path(pta_ctx *ctx, char **path)
{
    char text[4096];
    ssize_t n = readlink("/proc/self/exe", text, sizeof text - 1);
    if (n <= 0) {
        return pta_fail(ctx, PTA_ERR_IO, "/proc/self/exe: %s", strerror(errno));
    }
    text[n] = '\0';
    *path = pta_strdup(ctx, text);
    return *path != NULL ? PTA_OK : PTA_ERR_NOMEM;
}

/* FOLDER/NAME if it can be read. */
static pta_status try_folder(pta_ctx *ctx, const char *folder, const char *name,
                             char **path)
{
    char *text;
    PTA_TRY(pta_path_in(ctx, folder, name, &text));
    if (access(text, R_OK) == 0) {
        *path = text;
        return PTA_OK;
    }
    pta_free(ctx, text);
    return PTA_ERR_NOT_FOUND;
}

static pta_status search_path(pta_ctx *ctx, const char *name, char **path)
{
    const char *at = getenv("PATH");
    while (at != NULL && *at != '\0') {
        char folder[4096];
        size_t n = strcspn(at, ":");
        snprintf(folder, sizeof folder, "%.*s", (int)n, at);
        pta_status status = try_folder(ctx, folder, name, path);
        if (status != PTA_ERR_NOT_FOUND) {
            return status;
        }
        at += n + (at[n] == ':');
    }
    return PTA_ERR_NOT_FOUND;
}

pta_status pta_find_beside(pta_ctx *ctx, const char *name, char **path)
{
    char *own;
    PTA_TRY(pta_own_path(ctx, &own));
    *strrchr(own, '/') = '\0';
    pta_status status = try_folder(ctx, own, name, path);
    if (status == PTA_ERR_NOT_FOUND) {
        status = try_folder(ctx, PTA_LIBDIR, name, path);
    }
    if (status == PTA_ERR_NOT_FOUND) {
        status = search_path(ctx, name, path);
    }
    if (status == PTA_ERR_NOT_FOUND) {
        status = pta_fail(ctx, PTA_ERR_NOT_FOUND,
                          "%s: neither in %s nor in %s nor in $PATH", name, own,
                          PTA_LIBDIR);
    }
    pta_free(ctx, own);
    return status;
}

/* ---- folders ---- */

pta_status pta_make_folder(pta_ctx *ctx, char **folder)
{
    const char *where = getenv("TMPDIR");
    char *text;
    PTA_TRY(pta_path_in(ctx, where != NULL ? where : "/tmp", "partita-XXXXXX",
                        &text));
    if (mkdtemp(text) == NULL) {
        pta_status status =
            pta_fail(ctx, PTA_ERR_IO, "%s: %s", text, strerror(errno));
        pta_free(ctx, text);
        return status;
    }
    *folder = text;
    return PTA_OK;
}

void pta_remove_folder(pta_ctx *ctx, char **folder)
{
    if (*folder == NULL) {
        return;
    }
    DIR *dir = opendir(*folder);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char path[4096];
        int n = snprintf(path, sizeof path, "%s/%s", *folder, entry->d_name);
        if (n > 0 && (size_t)n < sizeof path && entry->d_name[0] != '.') {
            (void)unlink(path);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    (void)rmdir(*folder);
    pta_free(ctx, *folder);
    *folder = NULL;
}

/* ---- programs ---- */

/* Whoever kills the parent ends the child too: smpirun and mpirun then end what
 * they started. */
static void become(const char *const *argv, const char *log, pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, (unsigned long)SIGTERM, 0ul, 0ul, 0ul) != 0 ||
        getppid() != parent) {
        _exit(126);
    }
    int file = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file < 0 || dup2(file, STDOUT_FILENO) < 0 ||
        dup2(file, STDERR_FILENO) < 0) {
        _exit(126);
    }
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    fprintf(stderr, "partita: %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

/* The line of a log to tell of. */
static void last_words(const char *log, char *text, int size)
{
    char line[512];
    bool own = false;
    text[0] = '\0';
    FILE *file = fopen(log, "r");
    while (file != NULL && fgets(line, (int)sizeof line, file) != NULL) {
        bool speaks = strncmp(line, "partita: ", 9) == 0;
        line[strcspn(line, "\n")] = '\0';
        if (speaks || (!own && line[0] != '\0')) {
            snprintf(text, (size_t)size, "%s", speaks ? line + 9 : line);
            own = own || speaks;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

/* Who stops this process stops the child, and what this process made is removed
 * on the way out. */
static volatile sig_atomic_t child_now, stopped_by;

static void stop_child(int number)
{
    stopped_by = number;
    if (child_now > 0) {
        (void)kill((pid_t)child_now, SIGTERM);
    }
}

static const int stops[] = {SIGINT, SIGTERM, SIGHUP};
enum { N_STOPS = sizeof stops / sizeof *stops };

/* Exit status of the child; -1: it could not be started. */
static int run_and_wait(const char *const *argv, const char *log)
{
    struct sigaction before[N_STOPS], own = {.sa_handler = stop_child};
    int code = 0;
    stopped_by = 0;
    for (int i = 0; i < N_STOPS; i++) {
        (void)sigaction(stops[i], &own, &before[i]);
    }
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        become(argv, log, parent);
    }
    child_now = child;
    if (stopped_by != 0) { /* before there was whom to stop */
        stop_child(stopped_by);
    }
    while (child > 0 && waitpid(child, &code, 0) < 0 && errno == EINTR) {
    }
    child_now = 0;
    for (int i = 0; i < N_STOPS; i++) {
        (void)sigaction(stops[i], &before[i], NULL);
    }
    return child < 0 ? -1 : code;
}

pta_status pta_run_child(pta_ctx *ctx, const char *const *argv, const char *log)
{
    fflush(NULL);
    int code = run_and_wait(argv, log);
    if (code < 0) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: %s", argv[0], strerror(errno));
    }
    if (stopped_by != 0) {
        return pta_fail(ctx, PTA_ERR_IO, "stopped by signal %d",
                        (int)stopped_by);
    }
    if (WIFEXITED(code) && WEXITSTATUS(code) == 0) {
        return PTA_OK;
    }
    char words[512];
    last_words(log, words, (int)sizeof words);
    const char *name = strrchr(argv[0], '/');
    return pta_fail(ctx, PTA_ERR_DEVICE, "%s ended with %s %d: %s",
                    name != NULL ? name + 1 : argv[0],
                    WIFSIGNALED(code) ? "signal" : "code",
                    WIFSIGNALED(code) ? WTERMSIG(code) : WEXITSTATUS(code),
                    words);
}
