/* The user's own HDF5 file: shapes, types, labels, several inputs, damage. */
#include "unit.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "datasets/dataset.h"
#include "h5/h5.h"
#include "scratch.h"

enum { ROWS = 6, COUNT = 12 };

static const int32_t d3x4[] = {3, 4, 1}, d5[] = {5};
static const pta_dataset_want one[] = {{"in", 3, d3x4}};
static const pta_dataset_want two[] = {{"in", 3, d3x4}, {"b", 1, d5}};

static pta_ctx *ctx;
static float x[ROWS * COUNT];
static char path[SCRATCH_PATH];

static pta_h5 *create(void)
{
    pta_h5 *file = NULL;
    UNIT_OK(ctx, pta_h5_create(ctx, scratch_path(path, "own.h5"), &file));
    return file;
}

static void put_f32(pta_h5 *file, const char *name, int32_t rank,
                    const int64_t *dim, const float *values)
{
    UNIT_OK(ctx, pta_h5_write_f32(ctx, file, name, rank, dim, values));
}

static void put_i32(pta_h5 *file, const char *name, int32_t rank,
                    const int64_t *dim, const int32_t *values)
{
    UNIT_OK(ctx, pta_h5_write_i32(ctx, file, name, rank, dim, values));
}

static pta_dataset *opened(const pta_dataset_want *wants, int32_t n,
                           int64_t limit)
{
    pta_dataset *data = NULL;
    UNIT_OK(ctx, pta_dataset_open(ctx, path, NULL, wants, n, limit, &data));
    return data;
}

static void refused(pta_h5 *file, const pta_dataset_want *wants, int32_t n,
                    pta_status status, const char *says)
{
    if (file != NULL) {
        UNIT_OK(ctx, pta_h5_finish(ctx, &file));
    }
    pta_dataset *data = NULL;
    CU_ASSERT_EQUAL(pta_dataset_open(ctx, path, NULL, wants, n, 0, &data),
                    status);
    CU_ASSERT_PTR_NULL(data);
    if (strstr(pta_ctx_error(ctx), says) == NULL ||
        strstr(pta_ctx_error(ctx), path) == NULL) {
        printf("\n'%s' does not say '%s'\n", pta_ctx_error(ctx), says);
        CU_FAIL("wrong message");
    }
}

/* ---- accepted ---- */

static void test_shapes(void)
{
    static const int64_t shapes[][4] = {
        {ROWS, 3, 4, 1}, {ROWS, 3, 4, 0}, {ROWS, COUNT, 0, 0}};
    static const int32_t ranks[] = {4, 3, 2};
    for (int i = 0; i < 3; i++) {
        pta_h5 *file = create();
        put_f32(file, "x", ranks[i], shapes[i], x);
        UNIT_OK(ctx, pta_h5_finish(ctx, &file));
        pta_dataset *data = opened(one, 1, 0);
        float got[2 * COUNT];
        CU_ASSERT_EQUAL(pta_dataset_rows(data), ROWS);
        CU_ASSERT_PTR_NULL(pta_dataset_labels(data)); /* there is no y */
        CU_ASSERT_FALSE(pta_dataset_is_random(data));
        CU_ASSERT_STRING_EQUAL(pta_dataset_set(data), path);
        UNIT_OK(ctx, pta_dataset_read(data, ctx, 0, 3, 2, got));
        CU_ASSERT_EQUAL(memcmp(got, x + 3 * COUNT, sizeof got), 0);
        pta_dataset_close(ctx, &data);
    }
}

static void test_labels(void)
{
    static const int32_t y[ROWS] = {3, 0, 9, 2, 1, 4};
    static const float yf[ROWS] = {3, 0, 9, 2, 1, 4};
    for (int i = 0; i < 3; i++) {
        pta_h5 *file = create();
        put_f32(file, "x", 2, (const int64_t[]){ROWS, COUNT}, x);
        if (i < 2) {
            put_i32(file, "y", 1 + i, (const int64_t[]){ROWS, 1}, y);
        } else {
            put_f32(file, "y", 1, (const int64_t[]){ROWS}, yf);
        }
        UNIT_OK(ctx, pta_h5_finish(ctx, &file));
        pta_dataset *data = opened(one, 1, 4);
        CU_ASSERT_EQUAL(pta_dataset_rows(data), 4);
        CU_ASSERT_EQUAL(
            memcmp(pta_dataset_labels(data), y, 4 * sizeof(int32_t)), 0);
        pta_dataset_close(ctx, &data);
    }
}

static void test_two_inputs(void)
{
    int32_t b[ROWS * 5];
    for (int32_t i = 0; i < ROWS * 5; i++) {
        b[i] = i - 7;
    }
    pta_h5 *file = create();
    put_f32(file, "x/in", 3, (const int64_t[]){ROWS, 3, 4}, x);
    put_i32(file, "x/b", 2, (const int64_t[]){ROWS, 5}, b);
    UNIT_OK(ctx, pta_h5_finish(ctx, &file));
    pta_dataset *data = opened(two, 2, 0);
    float got[5];
    UNIT_OK(ctx, pta_dataset_read(data, ctx, 1, 5, 1, got));
    CU_ASSERT(got[0] == 18.0f && got[4] == 22.0f);
    char hex[PTA_SHA256_HEX], want[PTA_SHA256_HEX];
    UNIT_OK(ctx, pta_dataset_digest(data, ctx, hex));
    pta_sha256 hash;
    uint8_t digest[PTA_SHA256_BYTES];
    pta_sha256_init(&hash);
    pta_sha256_update(&hash, x, sizeof x);
    pta_sha256_final(&hash, digest);
    pta_sha256_hex(digest, want);
    CU_ASSERT_STRING_EQUAL(hex, want);
    pta_dataset_close(ctx, &data);
}

/* 960 MB of rows (never written, so not on the disk either): only those asked
 * for are read. */
static void test_large(void)
{
    const int64_t dim[] = {20000000, COUNT};
    struct rusage before, after;
    float got[COUNT];
    pta_h5 *file = create();
    UNIT_OK(ctx, pta_h5_create_dataset(ctx, file, "x", PTA_H5_F32, 2, dim));
    UNIT_OK(ctx, pta_h5_write_rows(ctx, file, "x", PTA_H5_F32, 9999999, 1, x));
    UNIT_OK(ctx, pta_h5_finish(ctx, &file));
    CU_ASSERT_EQUAL(getrusage(RUSAGE_SELF, &before), 0);
    pta_dataset *data = opened(one, 1, 0);
    CU_ASSERT_EQUAL(pta_dataset_rows(data), dim[0]);
    UNIT_OK(ctx, pta_dataset_read(data, ctx, 0, 9999999, 1, got));
    CU_ASSERT_EQUAL(memcmp(got, x, sizeof got), 0);
    pta_dataset_close(ctx, &data);
    CU_ASSERT_EQUAL(getrusage(RUSAGE_SELF, &after), 0);
    CU_ASSERT(after.ru_maxrss - before.ru_maxrss < 8 * 1024); /* KiB */
    CU_ASSERT_EQUAL(unlink(path), 0);
}

/* ---- refused ---- */

static void test_x_refused(void)
{
    pta_h5 *file = create();
    put_f32(file, "samples", 2, (const int64_t[]){ROWS, COUNT}, x);
    refused(file, one, 1, PTA_ERR_FORMAT, "no dataset or group x");

    file = create();
    put_f32(file, "x", 3, (const int64_t[]){ROWS, 4, 3}, x);
    refused(file, one, 1, PTA_ERR_MISMATCH, "has shape 6x4x3");
    refused(NULL, one, 1, PTA_ERR_MISMATCH, "rows of 3x4x1");

    file = create();
    put_f32(file, "x", 1, (const int64_t[]){COUNT}, x);
    refused(file, one, 1, PTA_ERR_MISMATCH, "has shape 12");

    file = create();
    put_f32(file, "x", 2, (const int64_t[]){0, COUNT}, x);
    refused(file, one, 1, PTA_ERR_FORMAT, "no rows");

    file = create();
    put_f32(file, "x", 2, (const int64_t[]){ROWS, COUNT}, x);
    refused(file, two, 2, PTA_ERR_MISMATCH, "the model has 2 inputs");

    file = create();
    put_f32(file, "x/in", 2, (const int64_t[]){ROWS, COUNT}, x);
    refused(file, two, 2, PTA_ERR_MISMATCH, "no dataset x/b");

    file = create();
    put_f32(file, "x/in", 2, (const int64_t[]){ROWS, COUNT}, x);
    put_f32(file, "x/b", 2, (const int64_t[]){ROWS - 1, 5}, x);
    refused(file, two, 2, PTA_ERR_MISMATCH, "x/b has 5 rows, x/in has 6");

    file = create();
    put_f32(file, "x/in/deeper", 2, (const int64_t[]){ROWS, COUNT}, x);
    refused(file, one, 1, PTA_ERR_FORMAT, "x/in");
}

static void test_y_refused(void)
{
    static const float bad[][ROWS] = {{0, 1, 2, -1, 0, 0},
                                      {0, 1, 2, 0.5f, 0, 0},
                                      {0, 1, 2, NAN, 0, 0},
                                      {0, 1, 2, 3e9f, 0, 0}};
    for (int i = 0; i < 4; i++) {
        pta_h5 *file = create();
        put_f32(file, "x", 2, (const int64_t[]){ROWS, COUNT}, x);
        put_f32(file, "y", 1, (const int64_t[]){ROWS}, bad[i]);
        refused(file, one, 1, PTA_ERR_FORMAT, "row 3: ");
    }
    pta_h5 *file = create();
    put_f32(file, "x", 2, (const int64_t[]){ROWS, COUNT}, x);
    put_f32(file, "y", 1, (const int64_t[]){ROWS - 1}, x);
    refused(file, one, 1, PTA_ERR_MISMATCH, "y has shape 5");
    file = create();
    put_f32(file, "x", 2, (const int64_t[]){ROWS, COUNT}, x);
    put_f32(file, "y", 2, (const int64_t[]){ROWS, 10}, x);
    refused(file, one, 1, PTA_ERR_MISMATCH, "y has shape 6x10");
}

/* The rows before it can be read; the row itself is named. */
static void test_not_finite(void)
{
    static const double bad[] = {(double)NAN, (double)INFINITY,
                                 (double)-INFINITY, 1e39};
    for (int i = 0; i < 4; i++) {
        double values[ROWS * COUNT] = {0};
        values[4 * COUNT + 7] = bad[i];
        pta_h5 *file = create();
        UNIT_OK(ctx, pta_h5_write_f64(ctx, file, "x", 2,
                                      (const int64_t[]){ROWS, COUNT}, values));
        UNIT_OK(ctx, pta_h5_finish(ctx, &file));
        pta_dataset *data = opened(one, 1, 0);
        float got[3 * COUNT];
        UNIT_OK(ctx, pta_dataset_read(data, ctx, 0, 0, 3, got));
        CU_ASSERT_EQUAL(pta_dataset_read(data, ctx, 0, 3, 3, got),
                        PTA_ERR_FORMAT);
        CU_ASSERT_PTR_NOT_NULL(
            strstr(pta_ctx_error(ctx), "row 4, element 7 is "));
        pta_dataset_close(ctx, &data);
    }
}

static void test_damaged(void)
{
    pta_h5 *file = create();
    put_f32(file, "x", 2, (const int64_t[]){ROWS, COUNT}, x);
    UNIT_OK(ctx, pta_h5_finish(ctx, &file));
    struct stat info;
    CU_ASSERT_EQUAL(stat(path, &info), 0);
    CU_ASSERT_EQUAL(truncate(path, info.st_size / 2), 0);
    refused(NULL, one, 1, PTA_ERR_FORMAT, "truncated");
    scratch_write(path, "own.h5", "not HDF5", 8);
    refused(NULL, one, 1, PTA_ERR_FORMAT, "not an HDF5 file");
    scratch_path(path, "none.hdf5");
    refused(NULL, one, 1, PTA_ERR_IO, "No such file");
}

static void test_faults(void)
{
    pta_h5 *file = create();
    put_f32(file, "x/in", 2, (const int64_t[]){ROWS, COUNT}, x);
    put_f32(file, "x/b", 2, (const int64_t[]){ROWS, 5}, x);
    put_i32(file, "y", 1, (const int64_t[]){ROWS}, (const int32_t[ROWS]){0});
    UNIT_OK(ctx, pta_h5_finish(ctx, &file));
    for (uint32_t every = 1; every <= 20; every++) {
        size_t before = pta_ctx_memory(ctx).live_blocks;
        pta_dataset *data = NULL;
        pta_ctx_set_faults(ctx, every, every);
        pta_status status = pta_dataset_open(ctx, path, NULL, two, 2, 0, &data);
        pta_ctx_set_faults(ctx, 0, 0);
        CU_ASSERT_EQUAL(status != PTA_OK, data == NULL);
        pta_dataset_close(ctx, &data);
        CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, before);
    }
}

static void test_balance(void)
{
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
}

int main(void)
{
    static const unit_test tests[] = {
        {"shapes", test_shapes},         {"labels", test_labels},
        {"two inputs", test_two_inputs}, {"a large file", test_large},
        {"x refused", test_x_refused},   {"y refused", test_y_refused},
        {"not finite", test_not_finite}, {"damaged file", test_damaged},
        {"faults", test_faults},         {"memory balance", test_balance},
    };
    for (int i = 0; i < ROWS * COUNT; i++) {
        x[i] = (float)i / 7.0f;
    }
    ctx = pta_ctx_create();
    int code = unit_main("dataset_user", tests, sizeof tests / sizeof *tests);
    scratch_remove();
    pta_ctx_destroy(&ctx);
    return code;
}
