/*
 * The formulas of framework/plan/count.c against what Yosys counted for the
 * foldings of tests/hls/grid.json: DSP and block RAM equal, LUT and FF within
 * bounds. Prints mean and worst error of each block; with -v every folding.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/design_priv.h"
#include "unit/unit.h"
#include "json/json.h"

#define GRID PTA_SOURCE_DIR "/tests/hls/grid.json"

#define N_MIN 14 /* foldings of each block */

/* Most error in per cent: mean over each block, and of any folding. */
#define MEAN_MAX  10.0
#define WORST_MAX 25.0

static pta_ctx *ctx;
static bool verbose;

/* ---- a row of the record as a block ---- */

static pta_block_kind kind_of(const char *name)
{
    pta_block_kind kind = 0;
    while (kind < PTA_BLOCK_COUNT && strcmp(pta_block_name(kind), name) != 0) {
        kind++;
    }
    CU_ASSERT_NOT_EQUAL_FATAL(kind, PTA_BLOCK_COUNT);
    return kind;
}

/* "w": [words, bits], in RAM, block RAM or LUTs as the parameters say; biases
 * are never in block RAM beside weights (lower_weighted.c). */
static void add_memory(pta_block *b, const char *name, const json_t *size)
{
    bool weights = *name == 'w', bias = *name == 'b';
    bool deep =
        pta_block_param(b, b->kind == PTA_BLOCK_DEPTHWISE ? "W_BLOCK"
                                                          : "BLOCK") != 0;
    bool scale = b->kind == PTA_BLOCK_SCALE_SHIFT;
    pta_fold_memory memory = pta_block_param(b, "RAM") != 0 ? PTA_MEMORY_RAM
                             : deep && (scale || !bias)     ? PTA_MEMORY_BLOCK
                                                            : PTA_MEMORY_LUT;
    pta_block_add_memory(b,
                         bias      ? PTA_ROLE_BIAS
                         : weights ? PTA_ROLE_WEIGHTS
                                   : PTA_ROLE_SCALE,
                         memory, json_integer_value(json_array_get(size, 0)),
                         json_integer_value(json_array_get(size, 1)));
}

/* Parameters that the grid leaves out are as the RTL has them. */
static pta_block block_of(const json_t *row)
{
    static const char *const ones[] = {"DH",       "DW",      "IN_SIGNED",
                                       "X_SIGNED", "SIGNED0", "SIGNED1"};
    static const char *const zeros[] = {"SHIFT", "RAM", "ACT", "OP"};
    pta_block b = {
        .kind = kind_of(json_string_value(json_object_get(row, "block")))};
    const char *name;
    json_t *value;
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++) {
        pta_block_set(&b, ones[i], 1);
    }
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++) {
        pta_block_set(&b, zeros[i], 0);
    }
    json_object_foreach(json_object_get(row, "params"), name, value)
    {
        pta_block_set(&b, name, json_integer_value(value));
    }
    json_object_foreach(json_object_get(row, "memories"), name, value)
    {
        add_memory(&b, name, value);
    }
    pta_block_count(&b);
    return b;
}

/* ---- errors ---- */

typedef struct errors {
    int32_t n;
    double lut, lut_worst, ff, ff_worst; /* per cent; the first two summed */
} errors;

static double per_cent(int64_t formula, int64_t counted)
{
    return 100.0 * fabs((double)(formula - counted)) / (double)counted;
}

static void compare(const json_t *row, errors *of)
{
    pta_block b = block_of(row);
    const pta_resources *f = &b.resources;
    const json_t *counts = json_object_get(row, "resources");
    int64_t c[4];
    static const char *const keys[] = {"lut", "ff", "dsp", "bram18"};
    for (int i = 0; i < 4; i++) {
        c[i] = json_integer_value(json_object_get(counts, keys[i]));
    }
    bool exact = f->dsp == c[2] && f->bram18 == c[3];
    CU_ASSERT_TRUE(exact);
    double lut = per_cent(f->lut, c[0]), ff = per_cent(f->ff, c[1]);
    of->n++;
    of->lut += lut;
    of->ff += ff;
    of->lut_worst = fmax(of->lut_worst, lut);
    of->ff_worst = fmax(of->ff_worst, ff);
    if (verbose || !exact || lut > WORST_MAX || ff > WORST_MAX) {
        char *text = json_dumps(json_object_get(row, "params"), JSON_COMPACT);
        printf("%s%s %s: LUT %lld counted, %lld by formula; FF %lld, %lld; DSP "
               "%lld, %lld; BRAM18 %lld, %lld\n",
               exact ? "" : "DIFFERS ", pta_block_name(b.kind), text,
               (long long)c[0], (long long)f->lut, (long long)c[1],
               (long long)f->ff, (long long)c[2], (long long)f->dsp,
               (long long)c[3], (long long)f->bram18);
        free(text);
    }
}

static void test_grid(void)
{
    char *text;
    size_t n, i;
    json_t *file, *row;
    errors of[PTA_BLOCK_COUNT] = {{0}};
    UNIT_OK(ctx, pta_file_read(ctx, GRID, &text, &n));
    UNIT_OK(ctx, pta_json_parse(ctx, text, GRID, &file));
    json_array_foreach(json_object_get(file, "grid"), i, row)
    {
        compare(row,
                &of[kind_of(json_string_value(json_object_get(row, "block")))]);
    }
    CU_ASSERT_TRUE(i >= 120);
    printf(
        "\nerror of formulas, per cent of %s's counts\n%-12s %9s %9s %9s %9s "
        "%9s\n",
        json_string_value(json_object_get(file, "yosys")), "block", "foldings",
        "LUT mean", "worst", "FF mean", "worst");
    for (int k = 0; k < PTA_BLOCK_COUNT; k++) {
        const errors *e = &of[k];
        if (e->n > 0) {
            printf("%-12s %9d %9.1f %9.1f %9.1f %9.1f\n",
                   pta_block_name((pta_block_kind)k), (int)e->n, e->lut / e->n,
                   e->lut_worst, e->ff / e->n, e->ff_worst);
            CU_ASSERT_TRUE(e->n >= N_MIN);
            CU_ASSERT_TRUE(e->lut / e->n <= MEAN_MAX);
            CU_ASSERT_TRUE(e->ff / e->n <= MEAN_MAX);
            CU_ASSERT_TRUE(e->lut_worst <= WORST_MAX);
            CU_ASSERT_TRUE(e->ff_worst <= WORST_MAX);
        }
    }
    json_decref(file);
    pta_free(ctx, text);
}

static const unit_test tests[] = {
    {"the grid of foldings", test_grid},
};

int main(int argc, char **argv)
{
    verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    ctx = pta_ctx_create();
    int failed = unit_main("count", tests, sizeof tests / sizeof *tests);
    pta_ctx_destroy(&ctx);
    return failed;
}
