/*
 * Runs curl or wget. A program rather than a library: proxies, certificates
 * and redirects are then as the user has set them up, and nothing is linked.
 * Stalled transfers end after 30 seconds.
 */
#include "datasets/download.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAID = 300, ARGS = 20 };

extern char **environ;

/* Starts argv with its standard error in a pipe; *from is the end to read. */
static int start(const char *const *argv, pid_t *child, int *from)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return errno;
    }
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    (void)posix_spawn_file_actions_addclose(&actions, ends[0]);
    (void)posix_spawn_file_actions_addclose(&actions, ends[1]);
    /* posix_spawnp promises not to change argv; its type cannot say so. */
    char *words[ARGS] = {NULL};
    for (int i = 0; i < ARGS - 1 && argv[i] != NULL; i++) {
        memcpy(&words[i], &argv[i], sizeof words[i]);
    }
    int error = posix_spawnp(child, argv[0], &actions, NULL, words, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    if (error != 0) {
        (void)close(ends[0]);
        return error;
    }
    *from = ends[0];
    return 0;
}

/* Reads to the end, so that the program never waits for us; keeps the start. */
static void hear(int from, char said[SAID])
{
    size_t used = 0;
    char rest[SAID];
    for (;;) {
        bool room = used < SAID - 1;
        ssize_t n = read(from, room ? said + used : rest,
                         room ? SAID - 1 - used : sizeof rest);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        used += room ? (size_t)n : 0;
    }
    while (used > 0 && (unsigned char)said[used - 1] <= ' ') {
        used--;
    }
    said[used] = '\0';
    for (size_t i = 0; i < used; i++) { /* one line */
        said[i] = (unsigned char)said[i] < ' ' ? ' ' : said[i];
    }
}

/* Returns the program's exit code, -1 if it was killed, -2 if there is none. */
static int run(const char *const *argv, char said[SAID])
{
    pid_t child = 0;
    int from = -1, state = 0;
    if (start(argv, &child, &from) != 0) {
        return -2;
    }
    hear(from, said);
    (void)close(from);
    while (waitpid(child, &state, 0) < 0) {
        if (errno != EINTR) {
            return -1;
        }
    }
    return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

pta_status pta_download(pta_ctx *ctx, const char *url, const char *path)
{
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "%s: not an address beginning with http:// or https://",
                        url);
    }
    const char *const curl[ARGS] = {"curl",
                                    "--fail",
                                    "--location",
                                    "--silent",
                                    "--show-error",
                                    "--proto",
                                    "=http,https",
                                    "--connect-timeout",
                                    "20",
                                    "--speed-limit",
                                    "1000",
                                    "--speed-time",
                                    "30",
                                    "--output",
                                    path,
                                    "--url",
                                    url,
                                    NULL};
    const char *const wget[ARGS] = {
        "wget", "--no-verbose", "--tries=1", "--timeout=30",
        "-O",   path,           url,         NULL};
    char said[SAID] = "";
    int code = run(curl, said);
    if (code == -2 || code == 127) {
        code = run(wget, said);
    }
    if (code == -2 || code == 127) {
        return pta_fail(ctx, PTA_ERR_IO,
                        "downloading needs the program curl or wget");
    }
    if (code != 0) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: %s", url,
                        *said != '\0' ? said : "the download was cut off");
    }
    return PTA_OK;
}
