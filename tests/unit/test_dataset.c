/*
 * The named and random data sets: golden hashes shared with the Python reader,
 * names, shapes, limits, and what is refused.
 *
 * Where rows are absent (NSL-KDD and UNSW-NB15 are not in the repository) a
 * golden case is skipped and says so; the MNIST test set is always there.
 */
#include "unit.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "datasets/dataset.h"
#include "json/json.h"

static const int32_t d784[] = {784}, d28[] = {28, 28, 1}, d16[] = {16, 16},
                     d256[] = {256}, d121[] = {11, 11, 1}, d64[] = {64, 1},
                     d32[] = {32, 32, 3};
static const pta_dataset_want mnist_want = {"in", 1, d784},
                              image_want = {"in", 3, d28},
                              small_want = {"in", 1, d256},
                              small2_want = {"in", 2, d16},
                              nsl_want = {"in", 3, d121},
                              unsw_want = {"in", 2, d64},
                              odd_want = {"odd", 3, d32};

static pta_ctx *ctx;

static pta_dataset *open_ok(const char *text, const char *split,
                            const pta_dataset_want *want, int64_t limit)
{
    pta_dataset *data = NULL;
    UNIT_OK(ctx, pta_dataset_open(ctx, text, split, want, 1, limit, &data));
    return data;
}

/* Refused with this status, and a text that holds `says`. */
static void refused(const char *text, const char *split,
                    const pta_dataset_want *want, int32_t n_inputs,
                    pta_status status, const char *says)
{
    pta_dataset *data = NULL;
    CU_ASSERT_EQUAL(
        pta_dataset_open(ctx, text, split, want, n_inputs, 0, &data), status);
    CU_ASSERT_PTR_NULL(data);
    if (strstr(pta_ctx_error(ctx), says) == NULL) {
        printf("\n'%s': '%s' does not say '%s'\n", text, pta_ctx_error(ctx),
               says);
        CU_FAIL("wrong message");
    }
}

/* ---- golden ---- */

typedef struct golden_case {
    const char *key, *text;
    const pta_dataset_want *want;
} golden_case;

static const golden_case golden_cases[] = {
    {"mnist:test", "mnist:test", &mnist_want},
    {"mnist:train", "mnist:train", &image_want},
    {"mnist16:test", "mnist:test", &small_want},
    {"mnist16:train", "mnist:train", &small2_want},
    {"nsl-kdd:test", "nsl-kdd:test", &nsl_want},
    {"nsl-kdd:train", "nsl-kdd:train", &nsl_want},
    {"unsw-nb15:test", "unsw-nb15:test", &unsw_want},
    {"unsw-nb15:train", "unsw-nb15:train", &unsw_want},
};

/* SHA-256 of all inputs, then all labels as int32. */
static void hash_all(pta_dataset *data, int64_t count, char hex[PTA_SHA256_HEX])
{
    float row[784];
    pta_sha256 hash;
    uint8_t digest[PTA_SHA256_BYTES];
    pta_sha256_init(&hash);
    for (int64_t r = 0; r < pta_dataset_rows(data); r++) {
        UNIT_OK(ctx, pta_dataset_read(data, ctx, 0, r, 1, row));
        pta_sha256_update(&hash, row, (size_t)count * sizeof *row);
    }
    pta_sha256_update(&hash, pta_dataset_labels(data),
                      (size_t)pta_dataset_rows(data) * sizeof(int32_t));
    pta_sha256_final(&hash, digest);
    pta_sha256_hex(digest, hex);
}

static void compare_golden(const golden_case *c, const json_t *golden)
{
    pta_dataset *data = NULL;
    pta_status status =
        pta_dataset_open(ctx, c->text, NULL, c->want, 1, 0, &data);
    if (status == PTA_ERR_NOT_FOUND && strstr(c->key, "mnist:test") == NULL &&
        strstr(c->key, "mnist16:test") == NULL) {
        printf("\n    %s skipped: %s ", c->key, pta_ctx_error(ctx));
        return;
    }
    UNIT_OK(ctx, status);
    const json_t *entry = json_object_get(golden, c->key);
    CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
    int64_t count = 1;
    for (int32_t i = 0; i < c->want->rank; i++) {
        count *= c->want->dim[i];
    }
    char x[PTA_SHA256_HEX], xy[PTA_SHA256_HEX];
    hash_all(data, count, xy);
    CU_ASSERT_EQUAL(pta_dataset_rows(data),
                    json_integer_value(json_object_get(entry, "rows")));
    if (strstr(c->key, "test") != NULL) { /* the others are long */
        UNIT_OK(ctx, pta_dataset_digest(data, ctx, x));
        CU_ASSERT_STRING_EQUAL(
            x, json_string_value(json_object_get(entry, "x_sha256")));
    }
    CU_ASSERT_STRING_EQUAL(
        xy, json_string_value(json_object_get(entry, "xy_sha256")));
    printf("\n    %s: %lld rows agree ", c->key,
           (long long)pta_dataset_rows(data));
    pta_dataset_close(ctx, &data);
}

static void test_golden(void)
{
    char *text = NULL;
    size_t n_bytes = 0;
    json_t *golden = NULL;
    const char *path = PTA_SOURCE_DIR "/datasets/GOLDEN.json";
    UNIT_OK(ctx, pta_file_read(ctx, path, &text, &n_bytes));
    UNIT_OK(ctx, pta_json_parse(ctx, text, path, &golden));
    for (size_t i = 0; i < sizeof golden_cases / sizeof *golden_cases; i++) {
        compare_golden(&golden_cases[i], golden);
    }
    CU_ASSERT_EQUAL(json_object_size(golden),
                    sizeof golden_cases / sizeof *golden_cases);
    json_decref(golden);
    pta_free(ctx, text);
}

/* The feature-vector split has 57,235 / 8,531 / 16,566 rows. */
static void test_unsw_validation(void)
{
    pta_dataset *data = NULL;
    pta_status status = pta_dataset_open(ctx, "unsw-nb15:validation", NULL,
                                         &unsw_want, 1, 0, &data);
    if (status == PTA_ERR_NOT_FOUND || status == PTA_ERR_USAGE) {
        printf("skipped: %s ", pta_ctx_error(ctx));
        return;
    }
    UNIT_OK(ctx, status);
    CU_ASSERT_EQUAL(pta_dataset_rows(data), 8531);
    pta_dataset_close(ctx, &data);
}

/* ---- names, splits, limits ---- */

static void test_names(void)
{
    pta_dataset *data = open_ok("mnist", NULL, &mnist_want, 10);
    CU_ASSERT_STRING_EQUAL(pta_dataset_set(data), "mnist");
    CU_ASSERT_STRING_EQUAL(pta_dataset_split(data), "test");
    CU_ASSERT_EQUAL(pta_dataset_rows(data), 10);
    CU_ASSERT_FALSE(pta_dataset_is_random(data));
    static const int32_t first[] = {7, 2, 1, 0, 4, 1, 4, 9, 5, 9};
    CU_ASSERT_EQUAL(memcmp(pta_dataset_labels(data), first, sizeof first), 0);
    pta_dataset_close(ctx, &data);
    CU_ASSERT_PTR_NULL(data);
    pta_dataset_close(ctx, &data);

    /* The text's split wins over the caller's default. */
    data = open_ok("mnist:test", "train", &image_want, 1);
    CU_ASSERT_STRING_EQUAL(pta_dataset_split(data), "test");
    pta_dataset_close(ctx, &data);
    data = open_ok("mnist", NULL, &mnist_want, 1 << 20);
    CU_ASSERT_EQUAL(pta_dataset_rows(data), 10000);
    pta_dataset_close(ctx, &data);

    refused("cifar", NULL, &mnist_want, 1, PTA_ERR_USAGE, "'cifar'");
    refused("", NULL, &mnist_want, 1, PTA_ERR_USAGE, "there are");
    refused("mnist:", NULL, &mnist_want, 1, PTA_ERR_USAGE, "train test");
    refused("mnist:dev", NULL, &mnist_want, 1, PTA_ERR_USAGE, "'dev'");
    refused("mnist:tes", NULL, &mnist_want, 1, PTA_ERR_USAGE, "'tes'");
    refused("mnist", "train test", &mnist_want, 1, PTA_ERR_USAGE, "no split");
    refused("mnist", NULL, &odd_want, 1, PTA_ERR_MISMATCH, "32x32x3");
    refused("nsl-kdd", NULL, &mnist_want, 1, PTA_ERR_MISMATCH, "784");
    refused("unsw-nb15", NULL, &nsl_want, 1, PTA_ERR_MISMATCH, "11x11x1");
    const pta_dataset_want two[] = {mnist_want, mnist_want};
    refused("mnist", NULL, two, 2, PTA_ERR_MISMATCH, "one input");
}

/* Rows read in any chunks are the same rows. */
static void test_chunks(void)
{
    enum { ROWS = 7 };
    static float all[ROWS * 784], part[ROWS * 784];
    pta_dataset *data = open_ok("mnist", NULL, &mnist_want, ROWS);
    UNIT_OK(ctx, pta_dataset_read(data, ctx, 0, 0, ROWS, all));
    UNIT_OK(ctx, pta_dataset_read(data, ctx, 0, 4, 3, part + 4 * 784));
    UNIT_OK(ctx, pta_dataset_read(data, ctx, 0, 0, 4, part));
    CU_ASSERT_EQUAL(memcmp(all, part, sizeof all), 0);
    pta_dataset_close(ctx, &data);
}

/* ---- random ---- */

/* Rows in any order, twice too, with their labels. */
static void test_subset(void)
{
    static const int64_t rows[] = {7, 8, 9, 3, 99, 3};
    float whole[100 * 784], part[6 * 784];
    pta_dataset *data = open_ok("mnist", NULL, &mnist_want, 100), *subset;
    UNIT_OK(ctx, pta_dataset_subset(ctx, data, rows, 6, &subset));
    UNIT_OK(ctx, pta_dataset_read(data, ctx, 0, 0, 100, whole));
    CU_ASSERT_EQUAL(pta_dataset_rows(subset), 6);
    CU_ASSERT_STRING_EQUAL(pta_dataset_split(subset), "test");
    for (int64_t first = 0; first < 6; first++) {
        int64_t n = 6 - first;
        UNIT_OK(ctx, pta_dataset_read(subset, ctx, 0, first, n, part));
        for (int64_t i = 0; i < n; i++) {
            int64_t row = rows[first + i];
            CU_ASSERT(memcmp(part + i * 784, whole + row * 784,
                             784 * sizeof *part) == 0);
            CU_ASSERT_EQUAL(pta_dataset_labels(subset)[first + i],
                            pta_dataset_labels(data)[row]);
        }
    }
    pta_dataset_close(ctx, &subset);
    for (uint32_t fault = 1; fault <= 6; fault++) {
        pta_ctx_set_faults(ctx, 6, fault);
        pta_status status = pta_dataset_subset(ctx, data, rows, 6, &subset);
        pta_ctx_set_faults(ctx, 0, 0);
        CU_ASSERT_EQUAL(status, PTA_ERR_NOMEM);
    }
    pta_dataset_close(ctx, &data);
}

static void test_random(void)
{
    const pta_dataset_want wants[] = {{"a", 1, d64}, {"b", 2, d16}};
    pta_dataset *data = NULL;
    UNIT_OK(ctx,
            pta_dataset_open(ctx, "random:20:77", NULL, wants, 2, 0, &data));
    CU_ASSERT_TRUE(pta_dataset_is_random(data));
    CU_ASSERT_EQUAL(pta_dataset_rows(data), 20);
    CU_ASSERT_PTR_NULL(pta_dataset_labels(data));
    int64_t a[3 * 64], b[3 * 256];
    UNIT_OK(ctx, pta_dataset_read_random(data, ctx, 0, -128, 127, 5, 3, a));
    UNIT_OK(ctx, pta_dataset_read_random(data, ctx, 1, -9, 5, 5, 3, b));
    for (int64_t r = 0; r < 3; r++) { /* as dataset.h defines them */
        uint64_t state = 77 + (uint64_t)(5 + r);
        for (int e = 0; e < 64; e++) {
            CU_ASSERT_EQUAL(a[r * 64 + e], pta_rng_range(&state, -128, 127));
        }
        for (int e = 0; e < 256; e++) {
            CU_ASSERT_EQUAL(b[r * 256 + e], pta_rng_range(&state, -9, 5));
        }
    }
    float x[64];
    CU_ASSERT_EQUAL(pta_dataset_read(data, ctx, 0, 0, 1, x),
                    PTA_ERR_UNSUPPORTED);
    char hex[PTA_SHA256_HEX];
    CU_ASSERT_EQUAL(pta_dataset_digest(data, ctx, hex), PTA_ERR_UNSUPPORTED);
    pta_dataset_close(ctx, &data);
    data = open_ok("random:20:77", NULL, &odd_want, 3);
    CU_ASSERT_EQUAL(pta_dataset_rows(data), 3);
    pta_dataset_close(ctx, &data);
    data = open_ok("mnist", NULL, &mnist_want, 1);
    CU_ASSERT_EQUAL(pta_dataset_read_random(data, ctx, 0, 0, 1, 0, 1, a),
                    PTA_ERR_USAGE);
    pta_dataset_close(ctx, &data);
    static const char *const bad[] = {
        "random:",     "random:5",
        "random:0:1",  "random:-5:1",
        "random:5:",   "random:5:1x",
        "random:5:-1", "random:x:1",
        "random::1",   "random:99999999999999999999:1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        refused(bad[i], NULL, &odd_want, 1, PTA_ERR_USAGE, "random:N:SEED");
    }
}

/* Every failing allocation gives a status and leaves nothing behind. */
static void test_faults(void)
{
    for (uint32_t every = 1; every <= 12; every++) {
        pta_dataset *data = NULL;
        pta_memory before = pta_ctx_memory(ctx);
        pta_ctx_set_faults(ctx, every, every);
        pta_status status =
            pta_dataset_open(ctx, "mnist", NULL, &mnist_want, 1, 5, &data);
        pta_ctx_set_faults(ctx, 0, 0);
        CU_ASSERT_EQUAL(status != PTA_OK, data == NULL);
        CU_ASSERT(every > 1 || status == PTA_ERR_NOMEM);
        pta_dataset_close(ctx, &data);
        CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, before.live_blocks);
    }
}

static void test_balance(void)
{
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
}

int main(void)
{
    static const unit_test tests[] = {
        {"golden hashes", test_golden},
        {"unsw-nb15 validation part", test_unsw_validation},
        {"names, splits, limits, shapes", test_names},
        {"chunks", test_chunks},
        {"chosen rows", test_subset},
        {"random", test_random},
        {"faults", test_faults},
        {"memory balance", test_balance},
    };
    ctx = pta_ctx_create();
    int code = unit_main("dataset", tests, sizeof tests / sizeof *tests);
    pta_ctx_destroy(&ctx);
    return code;
}
