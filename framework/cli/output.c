/*
 * What a person or a program reads: numbers, tables, progress, JSON files.
 */
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

/* ---- numbers ---- */

const char *pta_print_count(int64_t n, char text[PTA_COUNT_TEXT])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)n);
    int used = 0;
    for (int i = 0; i < length; i++) {
        bool is_group = i > 0 && (length - i) % 3 == 0;
        if (is_group && digits[i - 1] != '-') {
            text[used++] = ',';
        }
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}

const char *pta_print_bytes(uint64_t n, char text[PTA_COUNT_TEXT])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (n < 1024) {
        snprintf(text, PTA_COUNT_TEXT, "%u B", (unsigned)n);
        return text;
    }
    double value = (double)n / 1024.0;
    size_t unit = 0;
    for (; value >= 1024.0 && unit < 3; unit++) {
        value /= 1024.0;
    }
    snprintf(text, PTA_COUNT_TEXT, "%.1f %s", value, units[unit]);
    return text;
}

void pta_print_calibration(const pta_calibration *c, FILE *file)
{
    char rows[PTA_COUNT_TEXT];
    if (c->set != NULL && c->set[0] != '\0') {
        bool has_split = c->split != NULL && c->split[0] != '\0';
        fprintf(file, ", calibrated on %s%s%s (%s rows)", c->set,
                has_split ? ":" : "", has_split ? c->split : "",
                pta_print_count(c->rows, rows));
    }
}

/* ---- tables ---- */

static void add_cell(pta_table_text *table, const char *text)
{
    if (table->n_cells == table->room) {
        int room = table->room == 0 ? 64 : 2 * table->room;
        char **cells =
            pta_realloc(table->ctx, table->cells, (size_t)room * sizeof *cells);
        if (cells == NULL) {
            table->failed = true;
            return;
        }
        table->cells = cells;
        table->room = room;
    }
    char *copy = pta_strdup(table->ctx, text);
    table->failed = table->failed || copy == NULL;
    if (copy != NULL) {
        table->cells[table->n_cells++] = copy;
    }
}

void pta_table_begin(pta_table_text *table, pta_ctx *ctx, const char *headings)
{
    *table = (pta_table_text){.ctx = ctx};
    while (*headings != '\0') {
        size_t length = strcspn(headings, "|");
        char text[64];
        snprintf(text, sizeof text, "%.*s", (int)length, headings);
        add_cell(table, text);
        headings += length + (headings[length] == '|');
        table->n_columns++;
    }
}

void pta_table_cell(pta_table_text *table, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    add_cell(table, text);
}

static const char *cell_text(const pta_table_text *table, int i)
{
    const char *text = table->cells[i];
    return i < table->n_columns && text[0] == '>' ? text + 1 : text;
}

static int column_width(const pta_table_text *table, int column)
{
    int width = 0;
    for (int i = column; i < table->n_cells; i += table->n_columns) {
        int length = (int)strlen(cell_text(table, i));
        width = length > width ? length : width;
    }
    return width;
}

static void print_cell(const pta_table_text *table, int i, FILE *file)
{
    int column = i % table->n_columns;
    int width = column_width(table, column);
    bool is_last = column == table->n_columns - 1;
    if (table->cells[column][0] == '>') {
        fprintf(file, "%*s", width, cell_text(table, i));
    } else {
        fprintf(file, "%-*s", is_last ? 0 : width, cell_text(table, i));
    }
    fputs(is_last ? "\n" : "  ", file);
}

void pta_table_free(pta_table_text *table)
{
    for (int i = 0; i < table->n_cells; i++) {
        pta_free(table->ctx, table->cells[i]);
    }
    pta_free(table->ctx, table->cells);
    table->cells = NULL;
    table->n_cells = table->room = 0;
}

pta_status pta_table_end(pta_table_text *table, FILE *file)
{
    if (!table->failed) {
        for (int i = 0; i < table->n_cells; i++) {
            print_cell(table, i, file);
        }
    }
    pta_table_free(table);
    return table->failed ? PTA_ERR_NOMEM : PTA_OK;
}

/* ---- progress ---- */

double pta_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void pta_progress_begin(pta_progress *progress, const char *what,
                        const char *unit, int64_t total)
{
    double now = pta_seconds();
    *progress = (pta_progress){.what = what,
                               .unit = unit,
                               .total = total,
                               .started = now,
                               .last = now,
                               .active = isatty(STDERR_FILENO) != 0};
}

void pta_progress_step(pta_progress *progress, int64_t done)
{
    double now = pta_seconds();
    if (!progress->active || now - progress->started < 2.0 ||
        now - progress->last < 0.25) {
        return;
    }
    char have[PTA_COUNT_TEXT], all[PTA_COUNT_TEXT];
    done = done < progress->total ? done : progress->total; /* steps are even */
    fprintf(stderr, "\r%s: %s of %s %s", progress->what,
            pta_print_count(done, have), pta_print_count(progress->total, all),
            progress->unit);
    fflush(stderr);
    progress->last = now;
    progress->shown = true;
}

void pta_progress_end(pta_progress *progress)
{
    if (progress->shown) {
        fprintf(stderr, "\r\033[K");
    }
    progress->shown = false;
}

/* ---- JSON ---- */

pta_status pta_write_json(pta_ctx *ctx, const char *path, json_t *json)
{
    pta_status status = PTA_OK;
    if (path != NULL) {
        char *text = json_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
        if (text == NULL) {
            status = pta_fail(ctx, PTA_ERR_NOMEM,
                              "%s: the JSON output cannot "
                              "be made",
                              path);
        } else if (strcmp(path, "-") == 0) {
            puts(text);
        } else {
            status = pta_file_write(ctx, path, text, strlen(text));
        }
        free(text);
    }
    json_decref(json);
    return status;
}
