/* Texts that the generators write: see script.h. */
#include "hls/gen/script.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hls/driver/files.h"

void pta_script_begin(pta_script *script, pta_ctx *ctx)
{
    *script = (pta_script){.ctx = ctx};
}

void pta_script_free(pta_script *script)
{
    pta_free(script->ctx, script->text);
    pta_script_begin(script, script->ctx);
}

static bool make_room(pta_script *s, size_t more)
{
    if (s->status != PTA_OK) {
        return false;
    }
    if (s->length + more + 1 > s->room) {
        size_t room = 2 * (s->length + more + 1);
        char *grown = pta_realloc(s->ctx, s->text, room);
        if (grown == NULL) {
            s->status = PTA_ERR_NOMEM;
            return false;
        }
        s->text = grown;
        s->room = room;
    }
    return true;
}

static void add_bytes(pta_script *s, const char *bytes, size_t n)
{
    if (make_room(s, n)) {
        memcpy(s->text + s->length, bytes, n);
        s->length += n;
        s->text[s->length] = '\0';
    }
}

void pta_script_add(pta_script *script, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n >= 0 && make_room(script, (size_t)n)) {
        vsnprintf(script->text + script->length, (size_t)n + 1, format, again);
        script->length += (size_t)n;
    }
    va_end(again);
}

static pta_status find_file(pta_ctx *ctx, const char *name,
                            char path[PTA_PATH_BYTES])
{
    static const char *const places[] = {PTA_HLS_SOURCE, PTA_HLS_DATA};
    for (size_t i = 0; i < 2; i++) {
        PTA_TRY(pta_path(ctx, path, "%s/%s", places[i], name));
        if (access(path, R_OK) == 0) {
            return PTA_OK;
        }
    }
    return pta_fail(ctx, PTA_ERR_NOT_FOUND, "no %s in %s or %s", name,
                    places[0], places[1]);
}

static void add_replaced(pta_script *s, const char *text, const char *top)
{
    static const char mark[] = "@TOP@";
    const char *next;
    while (top != NULL && (next = strstr(text, mark)) != NULL) {
        add_bytes(s, text, (size_t)(next - text));
        add_bytes(s, top, strlen(top));
        text = next + sizeof mark - 1;
    }
    add_bytes(s, text, strlen(text));
}

void pta_script_add_file(pta_script *script, const char *name, const char *top)
{
    char path[PTA_PATH_BYTES], *text = NULL;
    size_t n = 0;
    if (script->status == PTA_OK) {
        script->status = find_file(script->ctx, name, path);
    }
    if (script->status == PTA_OK) {
        script->status = pta_bytes_read(script->ctx, path, &text, &n);
    }
    if (script->status == PTA_OK) {
        add_replaced(script, text, top);
        pta_free(script->ctx, text);
    }
}

pta_status pta_script_save(pta_script *script, const char *folder,
                           const char *name)
{
    char path[PTA_PATH_BYTES];
    pta_status status = script->status;
    if (status == PTA_OK) {
        status = pta_path(script->ctx, path, "%s/%s", folder, name);
    }
    if (status == PTA_OK) {
        status = pta_bytes_write(script->ctx, path, true, script->text,
                                 script->length);
    }
    pta_script_free(script);
    return status;
}

void pta_identifier(const char *name, char *out, size_t size)
{
    size_t n = 0;
    if (isdigit((unsigned char)name[0]) && n + 1 < size) {
        out[n++] = '_';
    }
    for (; *name != '\0' && n + 1 < size; name++) {
        out[n++] = isalnum((unsigned char)*name) ? *name : '_';
    }
    out[n] = '\0';
}
