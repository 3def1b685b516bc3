/*
 * Vivado's .bit: a header of keyed fields (a design, b part, c date, d time),
 * then field e, the configuration data in big-endian words. The FPGA manager
 * takes the data alone, in little-endian words.
 */
#include <string.h>

#include "hls/driver/load.h"

#define PART "7z020clg400"

static const unsigned char magic[13] = {
    0, 9, 0x0f, 0xf0, 0x0f, 0xf0, 0x0f, 0xf0, 0x0f, 0xf0, 0, 0, 1};
static const unsigned char sync_word[4] = {0x66, 0x55, 0x99, 0xaa};

typedef struct reader {
    const unsigned char *at, *end;
} reader;

/* A field's key, its bytes and their count; false past the end. */
static bool next_field(reader *r, char *key, const unsigned char **data,
                       size_t *n)
{
    size_t width = r->at < r->end && *r->at == 'e' ? 4 : 2, left;
    if (r->at == r->end || (size_t)(r->end - r->at) < 1 + width) {
        return false;
    }
    *key = (char)*r->at++;
    *n = 0;
    for (size_t i = 0; i < width; i++) {
        *n = *n << 8 | *r->at++;
    }
    left = (size_t)(r->end - r->at);
    *data = r->at;
    r->at += *n <= left ? *n : left;
    return *n <= left;
}

static pta_status swap_words(pta_ctx *ctx, const char *path,
                             const unsigned char *data, size_t n, char **bin,
                             size_t *bin_bytes)
{
    char *out = n % 4 == 0 ? pta_calloc(ctx, n, 1) : NULL;
    bool found = false;
    if (n % 4 != 0) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: %zu bytes of configuration are no whole words",
                        path, n);
    }
    if (out == NULL) {
        return PTA_ERR_NOMEM;
    }
    for (size_t i = 0; i < n; i += 4) {
        for (size_t j = 0; j < 4; j++) {
            out[i + j] = (char)data[i + 3 - j];
        }
        found = found || memcmp(out + i, sync_word, 4) == 0;
    }
    if (!found) {
        pta_free(ctx, out);
        return pta_fail(ctx, PTA_ERR_FORMAT, "%s: no sync word", path);
    }
    *bin = out;
    *bin_bytes = n;
    return PTA_OK;
}

pta_status pta_bit_to_bin(pta_ctx *ctx, const char *path, const char *bit,
                          size_t n_bytes, char **bin, size_t *bin_bytes)
{
    const unsigned char *start = (const unsigned char *)bit, *data;
    reader r = {start + sizeof magic, start + n_bytes};
    char key;
    size_t n;
    if (n_bytes < sizeof magic || memcmp(bit, magic, sizeof magic) != 0) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "%s: is no .bit of Vivado", path);
    }
    while (next_field(&r, &key, &data, &n)) {
        if (key == 'b' && (n < sizeof PART || strncmp((const char *)data, PART,
                                                      sizeof PART - 1) != 0)) {
            return pta_fail(ctx, PTA_ERR_MISMATCH,
                            "%s: is for part %.*s, this is a " PART, path,
                            (int)n, (const char *)data);
        }
        if (key == 'e') {
            return swap_words(ctx, path, data, n, bin, bin_bytes);
        }
    }
    return pta_fail(ctx, PTA_ERR_FORMAT, "%s: ends within its header or data",
                    path);
}
