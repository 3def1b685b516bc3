/*
 * Reads plain or gzipped files whole and writes gzipped ones atomically. zlib's
 * gz functions do both; what they call success and what not is told here.
 */
#include "datasets/gz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { GZ_CHUNK = 1 << 20, GZ_PATH = 4096 };

static pta_status gz_fail(pta_ctx *ctx, gzFile file, const char *path)
{
    int code = Z_OK;
    const char *text = gzerror(file, &code);
    if (code == Z_ERRNO) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: %s", path, strerror(errno));
    }
    if (code == Z_BUF_ERROR) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: truncated: the gzip stream has no end", path);
    }
    return pta_fail(ctx, PTA_ERR_FORMAT, "%s: damaged gzip stream (%s)", path,
                    text);
}

/* Grows the buffer as the file turns out longer, up to the limit. */
static pta_status gz_read_all(pta_ctx *ctx, gzFile file, const char *path,
                              size_t max_bytes, uint8_t **data, size_t *n_bytes)
{
    size_t room = 0;
    for (;;) {
        if (room - *n_bytes < GZ_CHUNK + 1) {
            room = room * 2 + GZ_CHUNK + 1;
            uint8_t *grown = pta_realloc(ctx, *data, room);
            if (grown == NULL) {
                return PTA_ERR_NOMEM;
            }
            *data = grown;
        }
        int got = gzread(file, *data + *n_bytes, GZ_CHUNK);
        if (got < 0) {
            return gz_fail(ctx, file, path);
        }
        *n_bytes += (size_t)got;
        if (*n_bytes > max_bytes) {
            return pta_fail(ctx, PTA_ERR_FORMAT,
                            "%s: longer than the expected %zu bytes", path,
                            max_bytes);
        }
        if (got < GZ_CHUNK) {
            (*data)[*n_bytes] = 0;
            break;
        }
    }
    /* A short read is not an error by itself: the state tells the end. */
    int code = Z_OK;
    (void)gzerror(file, &code);
    return code == Z_OK || code == Z_STREAM_END ? PTA_OK
                                                : gz_fail(ctx, file, path);
}

pta_status pta_gz_read(pta_ctx *ctx, const char *path, size_t max_bytes,
                       uint8_t **data, size_t *n_bytes)
{
    gzFile file = gzopen(path, "rb");
    if (file == NULL) {
        return pta_fail(ctx, errno == ENOENT ? PTA_ERR_NOT_FOUND : PTA_ERR_IO,
                        "%s: %s", path, strerror(errno));
    }
    (void)gzbuffer(file, 1 << 17);
    uint8_t *bytes = NULL;
    size_t n = 0;
    pta_status status = gz_read_all(ctx, file, path, max_bytes, &bytes, &n);
    (void)gzclose_r(file);
    if (status != PTA_OK) {
        pta_free(ctx, bytes);
        return status;
    }
    *data = bytes;
    *n_bytes = n;
    return PTA_OK;
}

/* The descriptor stays open until the bytes have reached the disk. */
static pta_status gz_write_to(pta_ctx *ctx, int fd, const char *path,
                              const uint8_t *data, size_t n_bytes)
{
    int copy = dup(fd);
    gzFile file = copy < 0 ? NULL : gzdopen(copy, "wb6");
    if (file == NULL) {
        if (copy >= 0) {
            (void)close(copy);
        }
        return pta_fail(ctx, PTA_ERR_IO, "%s: %s", path, strerror(errno));
    }
    bool good = true;
    for (size_t at = 0; good && at < n_bytes;) {
        size_t n = n_bytes - at < GZ_CHUNK ? n_bytes - at : GZ_CHUNK;
        good = gzwrite(file, data + at, (unsigned)n) == (int)n;
        at += n;
    }
    errno = good ? 0 : errno;
    int closed = gzclose_w(file);
    if (!good || closed != Z_OK || fsync(fd) != 0) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: cannot write: %s", path,
                        strerror(errno != 0 ? errno : EIO));
    }
    return PTA_OK;
}

pta_status pta_gz_write(pta_ctx *ctx, const char *path, const uint8_t *data,
                        size_t n_bytes)
{
    char temporary[GZ_PATH];
    int length = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof temporary) {
        return pta_fail(ctx, PTA_ERR_RANGE, "%s: path too long", path);
    }
    int fd = mkstemp(temporary);
    if (fd < 0) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: %s", path, strerror(errno));
    }
    (void)fchmod(fd, 0644);
    pta_status status = gz_write_to(ctx, fd, path, data, n_bytes);
    (void)close(fd);
    if (status == PTA_OK && rename(temporary, path) != 0) {
        status = pta_fail(ctx, PTA_ERR_IO, "%s: %s", path, strerror(errno));
    }
    if (status != PTA_OK) {
        (void)unlink(temporary);
    }
    return status;
}
