/*
 * The blocks a core is made of: every module pta_NAME that a text uses and that
 * is a file of hls/rtl, and what those use in turn.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "gen_priv.h"

#define MODULES_MAX 64
#define MODULE_NAME 64

typedef struct modules {
    char names[MODULES_MAX][MODULE_NAME]; /* sorted, once found all */
    int32_t n;
} modules;

static void remember(modules *m, const char *name, size_t length)
{
    for (int32_t i = 0; i < m->n; i++) {
        if (strlen(m->names[i]) == length &&
            strncmp(m->names[i], name, length) == 0) {
            return;
        }
    }
    PTA_ASSERT(m->n < MODULES_MAX && length < MODULE_NAME);
    memcpy(m->names[m->n], name, length);
    m->names[m->n++][length] = '\0';
}

static bool of_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$';
}

/* An instance: "pta_NAME #(" or "pta_NAME instance (", outside comments. */
static void find_instances(const char *text, modules *m)
{
    for (const char *at = text; *at != '\0';) {
        if (strncmp(at, "//", 2) == 0) {
            at += strcspn(at, "\n");
        } else if (strncmp(at, "module ", 7) == 0) {
            at += 7;
            at += strcspn(at, " (#;");
        } else if (of_name(*at)) {
            const char *end = at;
            while (of_name(*end)) {
                end++;
            }
            const char *next = end + strspn(end, " \n");
            if (strncmp(at, "pta_", 4) == 0 && next > end &&
                (*next == '#' || isalpha((unsigned char)*next))) {
                remember(m, at, (size_t)(end - at));
            }
            at = end;
        } else {
            at++;
        }
    }
}

static pta_status read_rtl(pta_ctx *ctx, const char *module, pta_rtl_file *file)
{
    char name[MODULE_NAME + 16];
    pta_script text;
    snprintf(name, sizeof name, "rtl/%s.sv", module);
    pta_script_begin(&text, ctx);
    pta_script_add_file(&text, name, NULL);
    if (text.status == PTA_OK) {
        file->name = pta_strdup(ctx, name + 4);
        text.status = file->name == NULL ? PTA_ERR_NOMEM : PTA_OK;
    }
    pta_status status = text.status;
    if (status != PTA_OK) {
        pta_script_free(&text);
        return status;
    }
    file->text = text.text;
    file->bytes = text.length;
    return PTA_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const pta_rtl_file *)a)->name,
                  ((const pta_rtl_file *)b)->name);
}

void pta_gen_rtl_free(pta_ctx *ctx, pta_rtl_file *files, int32_t n_files)
{
    for (int32_t i = 0; files != NULL && i < n_files; i++) {
        pta_free(ctx, files[i].name);
        pta_free(ctx, files[i].text);
    }
    pta_free(ctx, files);
}

pta_status pta_gen_rtl(pta_ctx *ctx, const char *top, pta_rtl_file **files,
                       int32_t *n_files)
{
    modules found = {.n = 0};
    pta_rtl_file *list;
    PTA_TRY_ALLOC(ctx, list, MODULES_MAX);
    find_instances(top, &found);
    for (int32_t i = 0; i < found.n; i++) {
        pta_status status = read_rtl(ctx, found.names[i], &list[i]);
        if (status != PTA_OK) {
            pta_gen_rtl_free(ctx, list, found.n);
            return status;
        }
        find_instances(list[i].text, &found);
    }
    qsort(list, (size_t)found.n, sizeof *list, by_name);
    *files = list;
    *n_files = found.n;
    return PTA_OK;
}
