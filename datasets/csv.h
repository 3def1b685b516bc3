/*
 * Comma-separated text, one row at a time, in memory and in place.
 *
 * Serves the published files: no quoting, LF or CRLF line ends, perhaps a byte
 * order mark. Messages give file, line and column, all counted from 1.
 */
#ifndef PTA_DATASETS_CSV_H
#define PTA_DATASETS_CSV_H

#include "base/ctx.h"

enum { PTA_CSV_FIELDS = 64 };

typedef struct pta_csv {
    const char *path; /* borrowed; for messages */
    char *next, *end;
    int64_t line;                      /* of the current row */
    const char *field[PTA_CSV_FIELDS]; /* NUL-terminated, into the text */
} pta_csv;

/** Begins at the first line. The text [n_bytes + 1] ends in a NUL and is
 * written to: fields are cut off in place. */
void pta_csv_begin(pta_csv *csv, const char *path, char *text, size_t n_bytes);

/** Next row, which must have `n_fields` fields; *more is false at the end. */
pta_status PTA_MUST_CHECK pta_csv_next(pta_csv *csv, pta_ctx *ctx,
                                       int32_t n_fields, bool *more);

/** A field as a finite decimal number, by strtod and so with the very bits of
 * Python's float(). */
pta_status PTA_MUST_CHECK pta_csv_number(const pta_csv *csv, pta_ctx *ctx,
                                         int32_t index, double *value);

#endif
