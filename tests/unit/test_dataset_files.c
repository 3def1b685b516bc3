/*
 * What the named sets are read with: gzip, IDX, CSV, encoding by a table, and
 * the search for published files; above all, damaged and foreign ones.
 */
#include "unit.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "datasets/dataset.h"
#include "datasets/encode.h"
#include "datasets/files.h"
#include "datasets/gz.h"
#include "datasets/idx.h"
#include "scratch.h"

static pta_ctx *ctx;

/* The stored detail must hold this text. */
static void says(const char *text)
{
    if (strstr(pta_ctx_error(ctx), text) == NULL) {
        printf("\n'%s' does not say '%s'\n", pta_ctx_error(ctx), text);
        CU_FAIL("wrong message");
    }
}

/* ---- gzip ---- */

static void gz_refused(const char *path, size_t limit, pta_status status,
                       const char *text)
{
    uint8_t *data = NULL;
    size_t n = 0;
    CU_ASSERT_EQUAL(pta_gz_read(ctx, path, limit, &data, &n), status);
    CU_ASSERT_PTR_NULL(data);
    says(path);
    says(text);
}

static void test_gz(void)
{
    enum { N = 3000000 };
    char path[SCRATCH_PATH], plain[SCRATCH_PATH], cut[SCRATCH_PATH];
    uint8_t *bytes = pta_calloc(ctx, N, 1), *data = NULL;
    for (size_t i = 0; i < N; i++) {
        bytes[i] = (uint8_t)(i * i >> 3);
    }
    scratch_path(path, "a.gz");
    UNIT_OK(ctx, pta_gz_write(ctx, path, bytes, N));
    size_t n = 0;
    UNIT_OK(ctx, pta_gz_read(ctx, path, N, &data, &n));
    CU_ASSERT_EQUAL(n, N);
    CU_ASSERT_EQUAL(memcmp(data, bytes, N), 0);
    CU_ASSERT_EQUAL(data[N], 0);
    pta_free(ctx, data);
    gz_refused(path, N - 1, PTA_ERR_FORMAT, "longer than");

    /* Plain bytes come back as they are. */
    scratch_write(plain, "plain", bytes, 1000);
    UNIT_OK(ctx, pta_gz_read(ctx, plain, N, &data, &n));
    CU_ASSERT(n == 1000 && memcmp(data, bytes, 1000) == 0);
    pta_free(ctx, data);

    /* Cut anywhere, or with a byte changed, it is refused. */
    UNIT_OK(ctx, pta_gz_write(ctx, path, bytes, 5000));
    FILE *file = fopen(path, "rb");
    uint8_t stream[8192];
    size_t length = fread(stream, 1, sizeof stream, file);
    (void)fclose(file);
    const size_t cuts[] = {3,          10,         11,        length / 2,
                           length - 9, length - 8, length - 1};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        scratch_write(cut, "cut.gz", stream, cuts[i]);
        gz_refused(cut, N, PTA_ERR_FORMAT, "truncated");
    }
    stream[length - 6] ^= 1; /* in the check sum */
    scratch_write(cut, "cut.gz", stream, length);
    gz_refused(cut, N, PTA_ERR_FORMAT, "damaged");
    gz_refused("/no/such/file", N, PTA_ERR_NOT_FOUND, "No such file");
    gz_refused(scratch_folder(), N, PTA_ERR_IO, "directory");
    pta_free(ctx, bytes);
}

static void test_gz_write(void)
{
    CU_ASSERT_EQUAL(
        pta_gz_write(ctx, "/no/folder/a.gz", (const uint8_t *)"a", 1),
        PTA_ERR_IO);
    says("/no/folder/a.gz");
}

/* ---- IDX ---- */

static void idx_refused(const uint8_t *bytes, size_t n, int32_t rank,
                        const char *text)
{
    pta_idx idx;
    CU_ASSERT_EQUAL(pta_idx_parse(ctx, "file", bytes, n, rank, &idx),
                    PTA_ERR_FORMAT);
    says("file: ");
    says(text);
}

static void test_idx(void)
{
    uint8_t bytes[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0,
                       1, 0, 0, 0, 3, 9, 8, 7, 6, 5, 4};
    pta_idx idx;
    UNIT_OK(ctx, pta_idx_parse(ctx, "file", bytes, sizeof bytes, 3, &idx));
    CU_ASSERT(idx.dim[0] == 2 && idx.dim[1] == 1 && idx.dim[2] == 3);
    CU_ASSERT_EQUAL(idx.data[5], 4);
    idx_refused(bytes, 0, 3, "truncated");
    idx_refused(bytes, 3, 3, "truncated");
    idx_refused(bytes, 15, 3, "inside the header");
    idx_refused(bytes, sizeof bytes - 1, 3, "truncated");
    idx_refused(bytes, sizeof bytes, 1, "magic number is 0x00000803");
    bytes[2] = 0x0d; /* floats */
    idx_refused(bytes, sizeof bytes, 3, "0x00000d03, expected 0x00000803");
    bytes[2] = 8;
    bytes[15] = 2;
    idx_refused(bytes, sizeof bytes, 3, "too long");
    bytes[15] = 0;
    idx_refused(bytes, sizeof bytes, 3, "axis 2 has size 0");
    memset(bytes + 4, 0xff, 12);
    idx_refused(bytes, sizeof bytes, 3, "axis 0");
    bytes[4] = bytes[8] = bytes[12] = 0x7f; /* overflows 64 bits */
    idx_refused(bytes, sizeof bytes, 3, "axis 2");
}

/* ---- CSV and tables ---- */

static const char *const colours[] = {"red", "blue"};
static const char *const sizes[] = {"small", "other"};
static const pta_table_column numbers[] = {
    {"n", 0, false, 0.0, 4.0},
    {"m", 1, true, 0.0, 2.0},
    {"fixed", 1, false, 7.0, 7.0},
};
static const pta_table_nominal words[] = {
    {"colour", 2, false, 2, colours},
    {"size", 3, true, 2, sizes},
};
static const pta_table_label labels[] = {{"bad", 1}, {"good", 0}};
static const pta_table table = {.n_fields = 5,
                                .n_values = 7,
                                .n_columns = 3,
                                .n_nominal = 2,
                                .n_labels = 2,
                                .columns = numbers,
                                .nominal = words,
                                .labels = labels,
                                .label = 4};

/* One row of text through the table. */
static pta_status encode(const char *text, float x[7], int32_t *y)
{
    static char copy[256];
    pta_csv csv;
    bool more = false;
    (void)snprintf(copy, sizeof copy, "%s", text);
    pta_csv_begin(&csv, "file.csv", copy, strlen(copy));
    PTA_TRY(pta_csv_next(&csv, ctx, 5, &more));
    CU_ASSERT_TRUE(more);
    return pta_encode_row(ctx, &table, &csv, x, y);
}

static void encode_is(const char *text, int32_t class, const float want[7])
{
    float x[7];
    int32_t y = -1;
    UNIT_OK(ctx, encode(text, x, &y));
    CU_ASSERT_EQUAL(y, class);
    for (int i = 0; i < 7; i++) {
        CU_ASSERT_EQUAL(x[i], want[i]);
    }
}

static void encode_refused(const char *text, const char *what)
{
    float x[7];
    int32_t y = -1;
    CU_ASSERT_EQUAL(encode(text, x, &y), PTA_ERR_FORMAT);
    says("file.csv: line 1");
    says(what);
}

static void test_encode(void)
{
    encode_is("1,0,red,small,good", 0,
              (const float[]){0.25f, 0, 0, 1, 0, 1, 0});
    encode_is("\xef\xbb\xbf-8,0,blue,big,bad\r\n", 1,
              (const float[]){-2, 0, 0, 0, 1, 0, 1}); /* not clamped */
    encode_is("2e0,0,pink,other,bad\n", 1,
              (const float[]){0.5f, 0, 0, 0, 0, 0, 1}); /* unknown: zeros */
}

static void test_encode_refused(void)
{
    encode_refused("1,0,red,small", "4 columns, expected 5");
    encode_refused("1,0,red,small,good,", "6 columns, expected 5");
    encode_refused("\n", "1 columns, expected 5");
    encode_refused("1,0,red,small,ugly", "column 5: unknown label 'ugly'");
    encode_refused("1,0,red,small,", "column 5: unknown label ''");
    encode_refused("1,-1,red,small,good", "column 2 (m): -1 is out of range");
    encode_refused("1e300,0,red,small,good", "column 1 (n)");
    static const char *const bad[] = {"",      " ",     "1 ", " 1",  "nan",
                                      "inf",   "0x1",   "1e", "1_0", "--1",
                                      "1.2.3", "1e999", "+",  "."};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char row[64], what[64];
        (void)snprintf(row, sizeof row, "%s,0,red,small,good", bad[i]);
        (void)snprintf(what, sizeof what, "column 1: '%s' is not a number",
                       bad[i]);
        encode_refused(row, what);
    }
}

static void test_csv_lines(void)
{
    char text[] = "a,b\n\xffq,\r\nlast,row";
    pta_csv csv;
    bool more = false;
    pta_csv_begin(&csv, "f", text, sizeof text - 1);
    UNIT_OK(ctx, pta_csv_next(&csv, ctx, 2, &more));
    CU_ASSERT(more && strcmp(csv.field[1], "b") == 0);
    UNIT_OK(ctx, pta_csv_next(&csv, ctx, 2, &more));
    CU_ASSERT(more && strcmp(csv.field[1], "") == 0);
    UNIT_OK(ctx, pta_csv_next(&csv, ctx, 2, &more));
    CU_ASSERT(more && strcmp(csv.field[1], "row") == 0 && csv.line == 3);
    UNIT_OK(ctx, pta_csv_next(&csv, ctx, 2, &more));
    CU_ASSERT_FALSE(more);
    char nul[] = "a,b\na,\0b\n";
    pta_csv_begin(&csv, "f", nul, sizeof nul - 1);
    UNIT_OK(ctx, pta_csv_next(&csv, ctx, 2, &more));
    CU_ASSERT_EQUAL(pta_csv_next(&csv, ctx, 2, &more), PTA_ERR_FORMAT);
    says("f: line 2: a NUL byte");
}

/* ---- published files ---- */

static void test_missing(void)
{
    static const pta_file none = {.set = "mnist", .name = "no-such-file"};
    char *path = NULL;
    CU_ASSERT_EQUAL(pta_files_find(ctx, &none, &path), PTA_ERR_NOT_FOUND);
    CU_ASSERT_PTR_NULL(path);
    says("no-such-file[.gz]");
    says("partita fetch mnist");
    says(scratch_folder()); /* $PARTITA_DATA */
    says("/fetched/partita/mnist");
    says("../shared/datasets/mnist");
}

static const int32_t d784[] = {784}, d121[] = {121}, d64[] = {64};
static const pta_dataset_want image = {"in", 1, d784}, flow = {"in", 1, d121},
                              flow64 = {"in", 1, d64};

static void set_refused(const char *set, const pta_dataset_want *want,
                        const char *text)
{
    pta_dataset *data = NULL;
    CU_ASSERT_EQUAL(pta_dataset_open(ctx, set, NULL, want, 1, 0, &data),
                    PTA_ERR_FORMAT);
    CU_ASSERT_PTR_NULL(data);
    says(scratch_folder());
    says(text);
}

/* Files in $PARTITA_DATA come before those of the repository. */
static void test_mnist_refused(void)
{
    char path[SCRATCH_PATH];
    static uint8_t bytes[7840016] = {0, 0, 8, 3,  0, 0, 0x27, 0x10,
                                     0, 0, 0, 28, 0, 0, 0,    28};
    scratch_write(path, "t10k-images-idx3-ubyte", bytes, 7840015);
    set_refused("mnist", &image, "truncated");
    scratch_write(path, "t10k-images-idx3-ubyte", bytes, 7840016);
    set_refused("mnist", &image, "not the published file");
    UNIT_OK(ctx, pta_gz_write(ctx, path, bytes, 7840000));
    set_refused("mnist", &image, "truncated");
    scratch_write(path, "t10k-images-idx3-ubyte", bytes, 0);
    set_refused("mnist", &image, "truncated: 0 bytes");
    CU_ASSERT_EQUAL(unlink(path), 0);
    char labels_file[] = "\0\0\x08\x03";
    scratch_write(path, "t10k-labels-idx1-ubyte", labels_file, 4);
    set_refused("mnist", &image, "magic number");
    CU_ASSERT_EQUAL(unlink(path), 0);
}

#define NSL_ROW(a, label)                                                      \
    "0,tcp,ftp_data,SF," a ",0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,2,2,0,0,0,0,1," \
    "0,0,150,25,0.17,0.03,0.17,0,0,0,0.05,0," label ",20\n"

static void nsl_refused(const char *text, const char *what)
{
    char path[SCRATCH_PATH];
    scratch_write(path, "KDDTest+.txt", text, strlen(text));
    set_refused("nsl-kdd", &flow, what);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

static void test_nsl_refused(void)
{
    nsl_refused("", "KDDTest+.txt: no rows");
    nsl_refused(NSL_ROW("491", "normal"), "not the published file");
    nsl_refused(NSL_ROW("491", "normal") NSL_ROW("491", "surprise"),
                "line 2, column 42: unknown label 'surprise'");
    nsl_refused(NSL_ROW("491", "normal") NSL_ROW("x", "normal"),
                "line 2, column 5: 'x' is not a number");
    nsl_refused(NSL_ROW("491", "normal") NSL_ROW("1,2", "normal"),
                "line 2: 44 columns, expected 43");
    nsl_refused(NSL_ROW("491", "normal") "0,tcp", "line 2: 2 columns");
}

static void test_unsw_refused(void)
{
    char path[SCRATCH_PATH];
    static const char text[] = "id,dur\n";
    scratch_write(path, "UNSW_NB15_testing-set.csv", text, strlen(text));
    set_refused("unsw-nb15", &flow64, "line 1: 2 columns, expected 45");
    CU_ASSERT_EQUAL(unlink(path), 0);
    scratch_write(path, "UNSW_NB15_training-set.csv", text, 0);
    set_refused("unsw-nb15", &flow64, "UNSW_NB15_training-set.csv: no rows");
    CU_ASSERT_EQUAL(unlink(path), 0);
}

/* The same rows with LF line ends, and under the other file's name. */
static void test_unsw_forms(void)
{
    char path[SCRATCH_PATH], *found = NULL;
    uint8_t *data = NULL;
    size_t n = 0, kept = 0;
    const pta_file *file =
        pta_files_named("unsw-nb15", "UNSW_NB15_testing-set.csv");
    if (pta_files_read(ctx, file, &found, &data, &n) != PTA_OK) {
        printf("skipped: %s ", pta_ctx_error(ctx));
        return;
    }
    CU_ASSERT_PTR_EQUAL(pta_files_identify("unsw-nb15", data, n), file);
    for (size_t i = 0; i < n; i++) {
        if (data[i] != '\r') {
            data[kept++] = data[i];
        }
    }
    CU_ASSERT_PTR_EQUAL(pta_files_identify("unsw-nb15", data, kept), file);
    /* Both names hold the smaller file: the second is known for what it is. */
    scratch_write(path, "UNSW_NB15_training-set.csv", data, kept);
    pta_dataset *set = NULL;
    UNIT_OK(ctx, pta_dataset_open(ctx, "unsw-nb15", NULL, &flow64, 1, 0, &set));
    CU_ASSERT_EQUAL(pta_dataset_rows(set), 16566);
    pta_dataset_close(ctx, &set);
    CU_ASSERT_EQUAL(unlink(path), 0);
    pta_free(ctx, data);
    pta_free(ctx, found);
}

static void test_balance(void)
{
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
}

int main(void)
{
    static const unit_test tests[] = {
        {"gzip", test_gz},
        {"gzip: unwritable", test_gz_write},
        {"idx", test_idx},
        {"csv lines", test_csv_lines},
        {"encode", test_encode},
        {"encode: refused", test_encode_refused},
        {"missing file", test_missing},
        {"mnist: refused", test_mnist_refused},
        {"nsl-kdd: refused", test_nsl_refused},
        {"unsw-nb15: refused", test_unsw_refused},
        {"unsw-nb15: line ends, names", test_unsw_forms},
        {"memory balance", test_balance},
    };
    char fetched[SCRATCH_PATH];
    ctx = pta_ctx_create();
    (void)setenv("PARTITA_DATA", scratch_folder(), 1);
    (void)setenv("XDG_DATA_HOME", scratch_path(fetched, "fetched"), 1);
    int code = unit_main("dataset_files", tests, sizeof tests / sizeof *tests);
    scratch_remove();
    pta_ctx_destroy(&ctx);
    return code;
}
