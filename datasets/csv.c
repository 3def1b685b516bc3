/*
 * Splits rows at commas and reads numbers. Strict: what the published files do
 * not contain (quotes, blanks, nan, hexadecimal) is an error with its place.
 */
#include "datasets/csv.h"

#include <math.h>
#include <string.h>

void pta_csv_begin(pta_csv *csv, const char *path, char *text, size_t n_bytes)
{
    *csv = (pta_csv){.path = path, .next = text, .end = text + n_bytes};
    if (n_bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        csv->next += 3;
    }
}

/* Cuts one line off the text and returns it without its end. */
static char *csv_line(pta_csv *csv, size_t *length)
{
    char *line = csv->next;
    char *stop = memchr(line, '\n', (size_t)(csv->end - line));
    csv->next = stop == NULL ? csv->end : stop + 1;
    stop = stop == NULL ? csv->end : stop;
    if (stop > line && stop[-1] == '\r') {
        stop--;
    }
    *stop = '\0';
    *length = (size_t)(stop - line);
    csv->line++;
    return line;
}

pta_status pta_csv_next(pta_csv *csv, pta_ctx *ctx, int32_t n_fields,
                        bool *more)
{
    PTA_ASSERT(n_fields >= 1 && n_fields <= PTA_CSV_FIELDS);
    *more = csv->next < csv->end;
    if (!*more) {
        return PTA_OK;
    }
    size_t length = 0;
    char *at = csv_line(csv, &length);
    if (strlen(at) != length) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "%s: line %lld: a NUL byte",
                        csv->path, (long long)csv->line);
    }
    int32_t found = 0;
    while (at != NULL) {
        char *comma = strchr(at, ',');
        if (found < n_fields) {
            csv->field[found] = at;
        }
        if (comma != NULL) {
            *comma++ = '\0';
        }
        at = comma;
        found++;
    }
    if (found != n_fields) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: line %lld: %d columns, expected %d", csv->path,
                        (long long)csv->line, (int)found, (int)n_fields);
    }
    return PTA_OK;
}

pta_status pta_csv_number(const pta_csv *csv, pta_ctx *ctx, int32_t index,
                          double *value)
{
    const char *text = csv->field[index];
    char *end = NULL;
    double number = strtod(text, &end);
    bool decimal = text[strspn(text, "0123456789+-.eE")] == '\0';
    if (*text == '\0' || !decimal || *end != '\0' || !isfinite(number)) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: line %lld, column %d: '%.40s' is not a number",
                        csv->path, (long long)csv->line, (int)index + 1, text);
    }
    *value = number;
    return PTA_OK;
}
