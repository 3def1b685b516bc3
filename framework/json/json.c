/* Readers of JSON whose errors name file and key, and whole-file helpers. */
#include "json/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

pta_status pta_json_parse(pta_ctx *ctx, const char *text, const char *path,
                          json_t **out)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "%s: line %d: %s", path,
                        error.line, error.text);
    }
    *out = json;
    return PTA_OK;
}

/* ---- members ---- */

static pta_status member(pta_ctx *ctx, const json_t *object, const char *where,
                         const char *key, const char *type, bool matches,
                         const json_t *value)
{
    if (!json_is_object(object)) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "%s: expected an object", where);
    }
    if (value == NULL) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "%s: key \"%s\" is missing", where,
                        key);
    }
    if (!matches) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "%s: key \"%s\" must be %s", where,
                        key, type);
    }
    return PTA_OK;
}

pta_status pta_json_string(pta_ctx *ctx, const json_t *object,
                           const char *where, const char *key, const char **out)
{
    const json_t *value = json_object_get(object, key);
    PTA_TRY(member(ctx, object, where, key, "a string", json_is_string(value),
                   value));
    *out = json_string_value(value);
    return PTA_OK;
}

pta_status pta_json_int(pta_ctx *ctx, const json_t *object, const char *where,
                        const char *key, int64_t lo, int64_t hi, int64_t *out)
{
    const json_t *value = json_object_get(object, key);
    PTA_TRY(member(ctx, object, where, key, "an integer",
                   json_is_integer(value), value));
    int64_t number = json_integer_value(value);
    if (number < lo || number > hi) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: key \"%s\" is %lld; expected %lld to %lld", where,
                        key, (long long)number, (long long)lo, (long long)hi);
    }
    *out = number;
    return PTA_OK;
}

pta_status pta_json_number(pta_ctx *ctx, const json_t *object,
                           const char *where, const char *key, double *out)
{
    const json_t *value = json_object_get(object, key);
    PTA_TRY(member(ctx, object, where, key, "a number", json_is_number(value),
                   value));
    *out = json_number_value(value);
    return PTA_OK;
}

pta_status pta_json_array(pta_ctx *ctx, const json_t *object, const char *where,
                          const char *key, json_t **out)
{
    json_t *value = json_object_get(object, key);
    PTA_TRY(member(ctx, object, where, key, "an array", json_is_array(value),
                   value));
    *out = value;
    return PTA_OK;
}

pta_status pta_json_object(pta_ctx *ctx, const json_t *object,
                           const char *where, const char *key, json_t **out)
{
    json_t *value = json_object_get(object, key);
    PTA_TRY(member(ctx, object, where, key, "an object", json_is_object(value),
                   value));
    *out = value;
    return PTA_OK;
}

pta_status pta_json_only(pta_ctx *ctx, const json_t *object, const char *where,
                         const char *const *allowed)
{
    for (void *it = json_object_iter((json_t *)(uintptr_t)object); it != NULL;
         it = json_object_iter_next((json_t *)(uintptr_t)object, it)) {
        const char *key = json_object_iter_key(it);
        const char *const *name = allowed;
        while (*name != NULL && strcmp(*name, key) != 0) {
            name++;
        }
        if (*name == NULL) {
            return pta_fail(ctx, PTA_ERR_FORMAT, "%s: unknown key \"%s\"",
                            where, key);
        }
    }
    return PTA_OK;
}

/* ---- whole files ---- */

static pta_status io_error(pta_ctx *ctx, const char *path)
{
    return pta_fail(ctx, PTA_ERR_IO, "%s: %s", path, strerror(errno));
}

pta_status pta_file_read(pta_ctx *ctx, const char *path, char **text,
                         size_t *n_bytes)
{
    FILE *file = pta_ctx_fault(ctx) ? (errno = EIO, NULL) : fopen(path, "rb");
    if (file == NULL) {
        return io_error(ctx, path);
    }
    char *buffer = NULL;
    size_t size = 0, used = 0;
    pta_status status = PTA_OK;
    for (;;) {
        if (used + 1 >= size) {
            size = size == 0 ? 65536 : 2 * size;
            char *grown = pta_realloc(ctx, buffer, size);
            if (grown == NULL) {
                status = PTA_ERR_NOMEM;
                break;
            }
            buffer = grown;
        }
        size_t got = fread(buffer + used, 1, size - used - 1, file);
        used += got;
        if (got == 0) {
            status = ferror(file) ? io_error(ctx, path) : PTA_OK;
            break;
        }
    }
    fclose(file);
    if (status != PTA_OK) {
        pta_free(ctx, buffer);
        return status;
    }
    buffer[used] = '\0';
    *text = buffer;
    if (n_bytes != NULL) {
        *n_bytes = used;
    }
    return PTA_OK;
}

static pta_status write_device(pta_ctx *ctx, const char *path,
                               const void *bytes, size_t n_bytes)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return io_error(ctx, path);
    }
    bool good = fwrite(bytes, 1, n_bytes, file) == n_bytes;
    good = fclose(file) == 0 && good;
    return good ? PTA_OK : io_error(ctx, path);
}

pta_status pta_file_write(pta_ctx *ctx, const char *path, const void *bytes,
                          size_t n_bytes)
{
    char temporary[4096];
    struct stat there;
    bool is_device = stat(path, &there) == 0 && !S_ISREG(there.st_mode);
    if (is_device) { /* a terminal, a pipe, /dev/null: nothing to rename */
        return write_device(ctx, path, bytes, n_bytes);
    }
    int length = snprintf(temporary, sizeof temporary, "%s.tmp-%ld", path,
                          (long)getpid());
    if (length < 0 || (size_t)length >= sizeof temporary) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: the path is too long", path);
    }
    FILE *file =
        pta_ctx_fault(ctx) ? (errno = EIO, NULL) : fopen(temporary, "wb");
    if (file == NULL) {
        return io_error(ctx, path);
    }
    bool good = fwrite(bytes, 1, n_bytes, file) == n_bytes;
    good = fflush(file) == 0 && good;
    good = fsync(fileno(file)) == 0 && good;
    int saved = errno;
    good = fclose(file) == 0 && good;
    if (good && rename(temporary, path) == 0) {
        return PTA_OK;
    }
    errno = good ? errno : saved;
    pta_status status = io_error(ctx, path);
    (void)remove(temporary);
    return status;
}
