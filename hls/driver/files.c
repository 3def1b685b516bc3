/* Small files: see files.h. */
#include "hls/driver/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pta_status fail_path(pta_ctx *ctx, const char *path)
{
    int error = errno;
    return pta_fail(ctx, error == ENOENT ? PTA_ERR_NOT_FOUND : PTA_ERR_IO,
                    "%s: %s", path, strerror(error));
}

pta_status pta_path(pta_ctx *ctx, char path[PTA_PATH_BYTES], const char *format,
                    ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(path, PTA_PATH_BYTES, format, args);
    va_end(args);
    if (n < 0 || n >= PTA_PATH_BYTES) {
        return pta_fail(ctx, PTA_ERR_RANGE, "%s...: the path is too long",
                        path);
    }
    return PTA_OK;
}

static pta_status read_all(pta_ctx *ctx, int fd, const char *path, char **bytes,
                           size_t *n_bytes)
{
    size_t used = 0, room = 4096;
    char *text = pta_calloc(ctx, room, 1);
    ssize_t got = 1;
    while (text != NULL && got > 0) {
        got = read(fd, text + used, room - used - 1);
        used += got > 0 ? (size_t)got : 0;
        if (got > 0 && used + 1 == room) {
            char *grown = pta_realloc(ctx, text, 2 * room);
            if (grown == NULL) {
                pta_free(ctx, text);
            }
            text = grown;
            room *= 2;
        }
    }
    if (text == NULL) {
        return PTA_ERR_NOMEM;
    }
    if (got < 0) {
        pta_status status = fail_path(ctx, path);
        pta_free(ctx, text);
        return status;
    }
    text[used] = '\0';
    *bytes = text;
    *n_bytes = used;
    return PTA_OK;
}

pta_status pta_bytes_read(pta_ctx *ctx, const char *path, char **bytes,
                          size_t *n_bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail_path(ctx, path);
    }
    pta_status status = read_all(ctx, fd, path, bytes, n_bytes);
    close(fd);
    return status;
}

pta_status pta_line_read(pta_ctx *ctx, const char *path, char *line,
                         size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail_path(ctx, path);
    }
    ssize_t got = read(fd, line, size - 1);
    pta_status status = got < 0 ? fail_path(ctx, path) : PTA_OK;
    close(fd);
    if (status == PTA_OK) {
        line[got] = '\0';
        line[strcspn(line, "\r\n")] = '\0';
    }
    return status;
}

pta_status pta_bytes_write(pta_ctx *ctx, const char *path, bool make,
                           const void *bytes, size_t n_bytes)
{
    int flags = O_WRONLY | O_CLOEXEC | (make ? O_CREAT | O_TRUNC : 0);
    int fd = open(path, flags, 0644);
    if (fd < 0) {
        return fail_path(ctx, path);
    }
    const char *from = bytes;
    pta_status status = PTA_OK;
    while (n_bytes > 0 && status == PTA_OK) {
        ssize_t put = write(fd, from, n_bytes);
        if (put < 0) {
            status = fail_path(ctx, path);
        } else {
            from += put;
            n_bytes -= (size_t)put;
        }
    }
    if (close(fd) != 0 && status == PTA_OK) {
        status = fail_path(ctx, path);
    }
    return status;
}

pta_status pta_folder_make(pta_ctx *ctx, const char *path)
{
    char part[PTA_PATH_BYTES];
    PTA_TRY(pta_path(ctx, part, "%s", path));
    for (char *end = part + 1; end[-1] != '\0'; end++) {
        if (*end == '/' || *end == '\0') {
            char kept = *end;
            *end = '\0';
            if (mkdir(part, 0777) != 0 && errno != EEXIST) {
                return fail_path(ctx, part);
            }
            *end = kept;
        }
    }
    return PTA_OK;
}
