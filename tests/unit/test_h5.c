/* framework/h5: what is written is read back; parts; bad files. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/rng.h"
#include "h5/h5.h"
#include "unit/scratch.h"
#include "unit/unit.h"

#define SEED 20261122
enum { A = 6, B = 9, C = 4 };

static pta_ctx *ctx;
static char path[SCRATCH_PATH];

static void make_file(void)
{
    static const int64_t dim[3] = {A, B, C};
    static const int64_t n = 5, none = 0;
    float f[A * B * C];
    double d[5] = {1e300, -2.5, 0, 3, 1e-300};
    int32_t i32[5] = {INT32_MIN, -1, 0, 1, INT32_MAX};
    int64_t i64[5] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    for (int i = 0; i < A * B * C; i++) {
        f[i] = (float)i / 8;
    }
    pta_h5 *file;
    UNIT_OK(ctx, pta_h5_create(ctx, scratch_path(path, "a.h5"), &file));
    UNIT_OK(ctx, pta_h5_write_f32(ctx, file, "g/h/f", 3, dim, f));
    UNIT_OK(ctx, pta_h5_write_f64(ctx, file, "d", 1, &n, d));
    UNIT_OK(ctx, pta_h5_write_i32(ctx, file, "g/i", 1, &n, i32));
    UNIT_OK(ctx, pta_h5_write_i64(ctx, file, "g/l", 1, &n, i64));
    UNIT_OK(ctx, pta_h5_write_f32(ctx, file, "empty", 1, &none, f));
    UNIT_OK(ctx, pta_h5_write_attr_string(ctx, file, "/", "title", "a b\nc"));
    UNIT_OK(ctx, pta_h5_write_attr_string(ctx, file, "g/i", "unit", ""));
    UNIT_OK(ctx, pta_h5_finish(ctx, &file));
    CU_ASSERT_PTR_NULL(file);
}

static void test_objects(void)
{
    pta_h5 *file;
    pta_h5_names names;
    pta_h5_info info;
    char *text;
    make_file();
    UNIT_OK(ctx, pta_h5_open(ctx, path, &file));
    CU_ASSERT_STRING_EQUAL(pta_h5_path(file), path);
    CU_ASSERT(pta_h5_exists(file, "g/h/f") && pta_h5_exists(file, "d"));
    CU_ASSERT(!pta_h5_exists(file, "g/x") && !pta_h5_exists(file, "x/y"));
    CU_ASSERT(pta_h5_is_group(file, "g/h") && !pta_h5_is_group(file, "d"));
    UNIT_OK(ctx, pta_h5_list(ctx, file, "/", &names));
    CU_ASSERT_EQUAL_FATAL(names.n, 3);
    CU_ASSERT_STRING_EQUAL(names.name[0], "d");
    CU_ASSERT_STRING_EQUAL(names.name[2], "g");
    pta_h5_names_free(ctx, &names);
    CU_ASSERT_EQUAL(pta_h5_list(ctx, file, "d", &names), PTA_ERR_FORMAT);
    UNIT_OK(ctx, pta_h5_dataset_info(ctx, file, "g/h/f", &info));
    CU_ASSERT(info.kind == PTA_H5_FLOAT && info.elem_bytes == 4);
    CU_ASSERT(info.rank == 3 && info.dim[0] == A && info.dim[2] == C);
    UNIT_OK(ctx, pta_h5_attr_string(ctx, file, "/", "title", &text));
    CU_ASSERT_STRING_EQUAL(text, "a b\nc");
    pta_free(ctx, text);
    UNIT_OK(ctx, pta_h5_attr_string(ctx, file, "g/i", "unit", &text));
    CU_ASSERT_STRING_EQUAL(text, "");
    pta_free(ctx, text);
    CU_ASSERT(pta_h5_has_attr(file, "/", "title"));
    CU_ASSERT(!pta_h5_has_attr(file, "/", "unit"));
    CU_ASSERT_EQUAL(pta_h5_attr_string(ctx, file, "/", "unit", &text),
                    PTA_ERR_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "attribute unit of /"));
    pta_h5_close(ctx, &file);
}

/* Keras writes lists both as fixed and as variable strings. */
static void test_string_lists(void)
{
    static const char *const models[] = {"datasets/mnist_fcnn.h5",
                                         "../shared/models/resnet8_cifar10.h5"};
    static const char *const third[] = {"output", "batch_normalization_1"};
    for (int i = 0; i < 2; i++) {
        char model[512];
        pta_h5 *file;
        pta_h5_names names;
        snprintf(model, sizeof model, "%s/%s", PTA_SOURCE_DIR, models[i]);
        if (access(model, R_OK) != 0) {
            printf("skipped: %s is not there ", model);
            continue;
        }
        UNIT_OK(ctx, pta_h5_open(ctx, model, &file));
        UNIT_OK(ctx, pta_h5_attr_strings(ctx, file, "model_weights",
                                         "layer_names", &names));
        bool found = false;
        for (int32_t k = 0; k < names.n; k++) {
            found = found || strcmp(names.name[k], third[i]) == 0;
        }
        CU_ASSERT(found);
        pta_h5_names_free(ctx, &names);
        pta_h5_close(ctx, &file);
    }
}

/* A random slab against plain indexing. */
static void check_slab(pta_h5 *file, uint64_t *state)
{
    static const int64_t dim[3] = {A, B, C};
    static const pta_h5_info info = {PTA_H5_FLOAT, 4, 3, {A, B, C}};
    float got[A * B * C];
    pta_h5_slab slab = pta_h5_slab_all(&info);
    for (int i = 0; i < 3; i++) {
        slab.start[i] = pta_rng_range(state, 0, dim[i] - 1);
        slab.block[i] = pta_rng_range(state, 1, dim[i] - slab.start[i]);
        slab.stride[i] = pta_rng_range(state, slab.block[i], dim[i]);
        slab.count[i] =
            1 + (dim[i] - slab.start[i] - slab.block[i]) / slab.stride[i];
    }
    uint64_t before = pta_h5_bytes_read(file);
    UNIT_OK(ctx, pta_h5_read_f32(ctx, file, "g/h/f", &slab, got));
    int64_t n = pta_h5_slab_count(&slab), wrong = 0, k = 0;
    CU_ASSERT_EQUAL(pta_h5_bytes_read(file) - before, (uint64_t)n * 4);
    int64_t at[3], len[3];
    for (int i = 0; i < 3; i++) {
        len[i] = slab.count[i] * slab.block[i];
    }
    for (at[0] = 0; at[0] < len[0]; at[0]++) {
        for (at[1] = 0; at[1] < len[1]; at[1]++) {
            for (at[2] = 0; at[2] < len[2]; at[2]++) {
                int64_t flat = 0;
                for (int i = 0; i < 3; i++) {
                    flat = flat * dim[i] + slab.start[i] +
                           at[i] / slab.block[i] * slab.stride[i] +
                           at[i] % slab.block[i];
                }
                wrong += got[k++] != (float)flat / 8;
            }
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_slabs(void)
{
    uint64_t state = SEED;
    pta_h5 *file;
    make_file();
    UNIT_OK(ctx, pta_h5_open(ctx, path, &file));
    for (int i = 0; i < 300; i++) {
        check_slab(file, &state);
    }
    pta_h5_close(ctx, &file);
}

static void test_types(void)
{
    pta_h5 *file;
    pta_h5_info info;
    float f[5];
    double d[5];
    int32_t i32[5];
    int64_t i64[5];
    make_file();
    UNIT_OK(ctx, pta_h5_open(ctx, path, &file));
    UNIT_OK(ctx, pta_h5_dataset_info(ctx, file, "d", &info));
    pta_h5_slab all = pta_h5_slab_all(&info);
    UNIT_OK(ctx, pta_h5_read_f64(ctx, file, "d", &all, d));
    CU_ASSERT(d[0] == 1e300 && d[1] == -2.5 && d[4] == 1e-300);
    UNIT_OK(ctx, pta_h5_read_f32(ctx, file, "d", &all, f));
    CU_ASSERT(isinf(f[0]) && f[1] == -2.5f && f[4] == 0);
    UNIT_OK(ctx, pta_h5_read_i32(ctx, file, "g/i", &all, i32));
    CU_ASSERT(i32[0] == INT32_MIN && i32[4] == INT32_MAX);
    UNIT_OK(ctx, pta_h5_read_f64(ctx, file, "g/i", &all, d));
    CU_ASSERT(d[0] == INT32_MIN && d[3] == 1);
    UNIT_OK(ctx, pta_h5_read_i64(ctx, file, "g/l", &all, i64));
    CU_ASSERT(i64[0] == INT64_MIN && i64[4] == INT64_MAX);
    CU_ASSERT_EQUAL(pta_h5_read_i32(ctx, file, "g/l", &all, i32),
                    PTA_ERR_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "dataset g/l"));
    CU_ASSERT_EQUAL(pta_h5_read_i64(ctx, file, "d", &all, i64), PTA_ERR_FORMAT);
    CU_ASSERT_EQUAL(pta_h5_read_f32(ctx, file, "nothing", &all, f),
                    PTA_ERR_FORMAT);
    UNIT_OK(ctx, pta_h5_dataset_info(ctx, file, "empty", &info));
    all = pta_h5_slab_all(&info);
    UNIT_OK(ctx, pta_h5_read_f32(ctx, file, "empty", &all, f));
    pta_h5_close(ctx, &file);
}

/* Slabs that leave the dataset, by one element or by overflow. */
static void test_outside(void)
{
    static const struct {
        int64_t start, stride, count, block;
    } bad[] = {{0, 1, 6, 1},         {5, 1, 1, 1},         {-1, 1, 1, 1},
               {0, 1, 2, 2},         {4, 1, 1, 2},         {0, 0, 2, 1},
               {0, INT64_MAX, 3, 1}, {0, 1, INT64_MAX, 1}, {0, 1, 1, -1},
               {0, 1, 0, 1},         {INT64_MAX, 1, 1, 1}};
    pta_h5 *file;
    double d[8];
    make_file();
    UNIT_OK(ctx, pta_h5_open(ctx, path, &file));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pta_h5_slab slab = {
            1, {bad[i].start}, {bad[i].stride}, {bad[i].count}, {bad[i].block}};
        CU_ASSERT_EQUAL(pta_h5_read_f64(ctx, file, "d", &slab, d),
                        PTA_ERR_RANGE);
    }
    pta_h5_slab flat = {2, {0, 0}, {1, 1}, {1, 1}, {1, 1}};
    CU_ASSERT_EQUAL(pta_h5_read_f64(ctx, file, "d", &flat, d), PTA_ERR_RANGE);
    pta_h5_close(ctx, &file);
}

static char *slurp(size_t *n)
{
    static char bytes[65536];
    FILE *file = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    *n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return bytes;
}

static void test_bad_files(void)
{
    pta_h5 *file = NULL;
    char bad[SCRATCH_PATH];
    size_t n;
    make_file();
    const char *bytes = slurp(&n);
    CU_ASSERT_EQUAL(pta_h5_open(ctx, "/nowhere/x.h5", &file), PTA_ERR_IO);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(pta_ctx_error(ctx), "/nowhere/x.h5: No such"));
    scratch_write(bad, "text.h5", "hello\n", 6);
    CU_ASSERT_EQUAL(pta_h5_open(ctx, bad, &file), PTA_ERR_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "not an HDF5 file"));
    scratch_write(bad, "zero.h5", "", 0);
    CU_ASSERT_EQUAL(pta_h5_open(ctx, bad, &file), PTA_ERR_FORMAT);
    for (size_t keep = 8; keep < n; keep += n / 13) {
        scratch_write(bad, "cut.h5", bytes, keep);
        CU_ASSERT_EQUAL(pta_h5_open(ctx, bad, &file), PTA_ERR_FORMAT);
        CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "cut.h5: "));
    }
    CU_ASSERT_EQUAL(pta_h5_create(ctx, "/nowhere/x.h5", &file), PTA_ERR_IO);
    CU_ASSERT_PTR_NULL(file);
}

static pta_status look_and_die(pta_ctx *c, const pta_h5 *file)
{
    (void)c;
    return pta_h5_exists(file, "d") && raise(SIGSEGV) != 0 ? PTA_ERR_IO
                                                           : PTA_OK;
}

static pta_status look_and_fail(pta_ctx *c, const pta_h5 *file)
{
    (void)file;
    return pta_fail(c, PTA_ERR_FORMAT, "told to the child only");
}

/* A crash in the child is a status here; a failure is left to the caller. */
static void test_probe(void)
{
    make_file();
    pta_ctx_clear_error(ctx);
    UNIT_OK(ctx, pta_h5_probe(ctx, path, look_and_fail));
    CU_ASSERT_STRING_EQUAL(pta_ctx_error(ctx), "");
    UNIT_OK(ctx, pta_h5_probe(ctx, "/nowhere/x.h5", look_and_die));
    CU_ASSERT_EQUAL(pta_h5_probe(ctx, path, look_and_die), PTA_ERR_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "a.h5: the HDF5 file"));
}

static bool full_disk_reported(void)
{
    static const int64_t n = 100000;
    pta_h5 *file = NULL;
    float *values = pta_calloc(ctx, (size_t)n, sizeof *values);
    pta_status status = pta_h5_create(ctx, "/dev/full", &file);
    if (status == PTA_OK) {
        status = pta_h5_write_f32(ctx, file, "x", 1, &n, values);
        pta_status finished = pta_h5_finish(ctx, &file);
        status = status == PTA_OK ? finished : status;
    }
    return status == PTA_ERR_IO && file == NULL &&
           strstr(pta_ctx_error(ctx), "/dev/full") != NULL;
}

/* Writing to a full disk must not pass for success. In a process of its own:
 * HDF5 1.10 itself leaks after a failed flush. */
static void test_full_disk(void)
{
    if (access("/dev/full", W_OK) != 0) {
        printf("skipped: no /dev/full ");
        return;
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        _exit(full_disk_reported() ? 0 : 1);
    }
    int result = -1;
    CU_ASSERT_EQUAL(waitpid(child, &result, 0), child);
    CU_ASSERT_EQUAL(result, 0);
}

/* Every single failure is reported and leaks nothing. */
static void test_faults(void)
{
    make_file();
    for (uint64_t seed = 0; seed < 12; seed++) {
        pta_h5 *file = NULL;
        pta_h5_names names;
        double d[5];
        pta_h5_slab all = {1, {0}, {5}, {1}, {5}};
        pta_ctx_set_faults(ctx, 12, seed);
        pta_status status = pta_h5_open(ctx, path, &file);
        if (status == PTA_OK) {
            status = pta_h5_list(ctx, file, "g", &names);
        }
        if (status == PTA_OK) {
            pta_h5_names_free(ctx, &names);
            status = pta_h5_read_f64(ctx, file, "d", &all, d);
        }
        pta_ctx_set_faults(ctx, 0, 0);
        CU_ASSERT(status == PTA_OK || status == PTA_ERR_NOMEM ||
                  status == PTA_ERR_IO);
        pta_h5_close(ctx, &file);
        CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    }
}

static const unit_test tests[] = {
    {"objects and attributes", test_objects},
    {"lists of strings", test_string_lists},
    {"random slabs", test_slabs},
    {"types", test_types},
    {"slabs outside", test_outside},
    {"bad files", test_bad_files},
    {"probe", test_probe},
    {"full disk", test_full_disk},
    {"faults", test_faults},
};

int main(void)
{
    ctx = pta_ctx_create();
    printf("seed %d\n", SEED);
    int failed = unit_main("h5", tests, sizeof tests / sizeof *tests);
    failed = failed || pta_ctx_memory(ctx).live_blocks != 0;
    pta_ctx_destroy(&ctx);
    scratch_remove();
    return failed;
}
