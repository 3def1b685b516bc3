/*
 * Predictions to CSV and HDF5: what is in the files, and that a file under its
 * final name is always whole (full disk by a limit on the size of files).
 */
#include "unit.h"

#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "cli/results.h"
#include "h5/h5.h"
#include "scratch.h"

enum { ROWS = 5 };

static const int32_t d3[] = {3}, d21[] = {2, 1};
static const pta_results_output outputs[] = {{"output", 1, d3},
                                             {"side", 2, d21}};
static const int32_t classes[ROWS] = {2, 0, -1, 1, 2};
static const int64_t a[ROWS * 3] = {1, 2, INT64_MIN, INT64_MAX, 5,  6,  7, 8,
                                    9, 0, -11,       12,        13, 14, 15};
static const int64_t b[ROWS * 2] = {21, 22, 23, 24, 25, 26, 27, 28, 29, 30};

static pta_ctx *ctx;

/* A hook of LeakSanitizer: HDF5 1.10 does not free a file whose closing failed
 * on a full disk; ours is checked by the context. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

/* Adds rows [first, first + n) of a and b. */
static pta_status add(pta_results *results, int64_t first, int64_t n)
{
    const void *const values[] = {a + first * 3, b + first * 2};
    return pta_results_add(results, ctx, n, classes + first, values);
}

static void says(const char *text)
{
    if (strstr(pta_ctx_error(ctx), text) == NULL) {
        printf("\n'%s' does not say '%s'\n", pta_ctx_error(ctx), text);
        CU_FAIL("wrong message");
    }
}

/* Files in the scratch folder. */
static int count(void)
{
    DIR *folder = opendir(scratch_folder());
    int n = 0;
    for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;) {
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    }
    (void)closedir(folder);
    return n;
}

static pta_results *opened(char path[SCRATCH_PATH], const char *name)
{
    pta_results *results = NULL;
    UNIT_OK(ctx, pta_results_open(ctx, scratch_path(path, name), ROWS, 2,
                                  outputs, PTA_RESULTS_RAW, &results));
    return results;
}

static void written(char path[SCRATCH_PATH], const char *name)
{
    pta_results *results = opened(path, name);
    UNIT_OK(ctx, add(results, 0, 2));
    UNIT_OK(ctx, add(results, 2, 0));
    UNIT_OK(ctx, add(results, 2, 3));
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0); /* not before the end */
    UNIT_OK(ctx, pta_results_commit(ctx, &results));
    CU_ASSERT_PTR_NULL(results);
    CU_ASSERT_EQUAL(count(), 1);
}

static void test_csv(void)
{
    char path[SCRATCH_PATH], text[1024];
    written(path, "out.csv");
    FILE *file = fopen(path, "r");
    size_t n = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[n] = '\0';
    CU_ASSERT_STRING_EQUAL(
        text, "sample,class,output[0],output[1],output[2],side[0],side[1]\n"
              "0,2,1,2,-9223372036854775808,21,22\n"
              "1,0,9223372036854775807,5,6,23,24\n"
              "2,,7,8,9,25,26\n"
              "3,1,0,-11,12,27,28\n"
              "4,2,13,14,15,29,30\n");
    CU_ASSERT_EQUAL(unlink(path), 0);
}

static void test_csv_float(void)
{
    char path[SCRATCH_PATH], line[256];
    float got[3] = {0};
    static const float values[3] = {0.1f, -1.17549435e-38f, 16777217.0f / 3};
    const void *const pointers[] = {values};
    pta_results *results = NULL;
    UNIT_OK(ctx, pta_results_open(ctx, scratch_path(path, "out.csv"), 1, 1,
                                  outputs, PTA_RESULTS_FLOAT, &results));
    UNIT_OK(ctx, pta_results_add(results, ctx, 1, classes, pointers));
    UNIT_OK(ctx, pta_results_commit(ctx, &results));
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL(fgets(line, sizeof line, file));
    CU_ASSERT_EQUAL(fscanf(file, "0,2,%f,%f,%f", &got[0], &got[1], &got[2]), 3);
    (void)fclose(file);
    CU_ASSERT_EQUAL(memcmp(got, values, sizeof got), 0);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

static void test_h5(void)
{
    char path[SCRATCH_PATH];
    written(path, "out.h5");
    pta_h5 *file = NULL;
    pta_h5_info info;
    int32_t class[ROWS];
    int64_t got_a[ROWS * 3], got_b[ROWS * 2];
    UNIT_OK(ctx, pta_h5_open(ctx, path, &file));
    UNIT_OK(ctx, pta_h5_dataset_info(ctx, file, "class", &info));
    pta_h5_slab all = pta_h5_slab_all(&info);
    UNIT_OK(ctx, pta_h5_read_i32(ctx, file, "class", &all, class));
    UNIT_OK(ctx, pta_h5_dataset_info(ctx, file, "raw/output", &info));
    CU_ASSERT(info.rank == 2 && info.dim[0] == ROWS && info.dim[1] == 3);
    CU_ASSERT_EQUAL(info.elem_bytes, 8);
    all = pta_h5_slab_all(&info);
    UNIT_OK(ctx, pta_h5_read_i64(ctx, file, "raw/output", &all, got_a));
    UNIT_OK(ctx, pta_h5_dataset_info(ctx, file, "raw/side", &info));
    CU_ASSERT(info.rank == 3 && info.dim[1] == 2 && info.dim[2] == 1);
    all = pta_h5_slab_all(&info);
    UNIT_OK(ctx, pta_h5_read_i64(ctx, file, "raw/side", &all, got_b));
    pta_h5_close(ctx, &file);
    CU_ASSERT_EQUAL(memcmp(class, classes, sizeof class), 0);
    CU_ASSERT_EQUAL(memcmp(got_a, a, sizeof a), 0);
    CU_ASSERT_EQUAL(memcmp(got_b, b, sizeof b), 0);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

static void test_h5_float(void)
{
    char path[SCRATCH_PATH];
    static const float values[3] = {0.1f, -2.5f, 1e30f};
    const void *const pointers[] = {values};
    pta_results *results = NULL;
    UNIT_OK(ctx, pta_results_open(ctx, scratch_path(path, "out.hdf5"), 1, 1,
                                  outputs, PTA_RESULTS_FLOAT, &results));
    UNIT_OK(ctx, pta_results_add(results, ctx, 1, classes, pointers));
    UNIT_OK(ctx, pta_results_commit(ctx, &results));
    pta_h5 *file = NULL;
    pta_h5_info info;
    float got[3];
    UNIT_OK(ctx, pta_h5_open(ctx, path, &file));
    UNIT_OK(ctx, pta_h5_dataset_info(ctx, file, "float/output", &info));
    CU_ASSERT(info.kind == PTA_H5_FLOAT && info.elem_bytes == 4);
    pta_h5_slab all = pta_h5_slab_all(&info);
    UNIT_OK(ctx, pta_h5_read_f32(ctx, file, "float/output", &all, got));
    CU_ASSERT_EQUAL(memcmp(got, values, sizeof got), 0);
    pta_h5_close(ctx, &file);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

/* ---- what must not leave a file ---- */

static void test_unfinished(void)
{
    static const char *const names[] = {"out.csv", "out.h5"};
    for (int i = 0; i < 2; i++) {
        char path[SCRATCH_PATH];
        pta_results *results = opened(path, names[i]);
        UNIT_OK(ctx, add(results, 0, 4));
        CU_ASSERT_EQUAL(pta_results_commit(ctx, &results), PTA_ERR_MISMATCH);
        says("only 4 of 5 samples");
        CU_ASSERT_PTR_NULL(results);
        CU_ASSERT_EQUAL(count(), 0);
        results = opened(path, names[i]);
        UNIT_OK(ctx, add(results, 0, 5));
        pta_results_abandon(ctx, &results);
        pta_results_abandon(ctx, &results);
        CU_ASSERT_EQUAL(count(), 0);
        /* What was there before stays as it was. */
        scratch_write(path, names[i], "old", 3);
        results = opened(path, names[i]);
        UNIT_OK(ctx, add(results, 0, 1));
        pta_results_abandon(ctx, &results);
        struct stat info;
        CU_ASSERT_EQUAL(stat(path, &info), 0);
        CU_ASSERT_EQUAL(info.st_size, 3);
        CU_ASSERT_EQUAL(unlink(path), 0);
    }
}

/* Writes until something fails, as `run` does; returns the first failure. */
static pta_status fill_disk(const char *path)
{
    enum { MANY = 20000, BLOCK = 500 };
    static int64_t values[BLOCK * 3];
    static int32_t class[BLOCK];
    const void *const pointers[] = {values};
    pta_results *results = NULL;
    PTA_TRY(pta_results_open(ctx, path, MANY, 1, outputs, PTA_RESULTS_RAW,
                             &results));
    for (int64_t at = 0; at < MANY; at += BLOCK) {
        pta_status status =
            pta_results_add(results, ctx, BLOCK, class, pointers);
        if (status != PTA_OK) {
            pta_results_abandon(ctx, &results);
            return status;
        }
    }
    return pta_results_commit(ctx, &results);
}

static void test_full_disk(void)
{
    static const char *const names[] = {"out.csv", "out.h5"};
    static const rlim_t limits[] = {0, 100, 5000, 100000};
    struct rlimit before;
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    for (int i = 0; i < 8; i++) {
        char path[SCRATCH_PATH];
        scratch_path(path, names[i % 2]);
        struct rlimit tight = before;
        tight.rlim_cur = limits[i / 2];
        CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &tight), 0);
        pta_status status = fill_disk(path);
        CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &before), 0);
        CU_ASSERT_EQUAL(status, PTA_ERR_IO);
        says(path);
        CU_ASSERT_EQUAL(count(), 0);
    }
    char path[SCRATCH_PATH]; /* and it is the limit that did it */
    UNIT_OK(ctx, fill_disk(scratch_path(path, "out.h5")));
    CU_ASSERT_EQUAL(unlink(path), 0);
}

/* How a child ended that had begun a file and was stopped. */
static int stopped_by(int signal_number, const char *name)
{
    char path[SCRATCH_PATH];
    int ready[2], status = 0;
    char byte = 0;
    CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        pta_results *results = opened(path, name);
        bool good = add(results, 0, 2) == PTA_OK && count() == 1 &&
                    write(ready[1], "y", 1) == 1;
        (void)close(ready[1]);
        sleep(good ? 30 : 0);
        _exit(1);
    }
    (void)close(ready[1]);
    CU_ASSERT_EQUAL(read(ready[0], &byte, 1), 1);
    CU_ASSERT_EQUAL(kill(child, signal_number), 0);
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    (void)close(ready[0]);
    return status;
}

static void test_stopped(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < 6; i++) {
        int status = stopped_by(signals[i % 3], i < 3 ? "out.csv" : "out.h5");
        CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == signals[i % 3]);
        CU_ASSERT_EQUAL(count(), 0);
    }
}

static bool is_default(int signal_number)
{
    struct sigaction now;
    return sigaction(signal_number, NULL, &now) == 0 &&
           now.sa_handler == SIG_DFL;
}

/* An ignored signal stays ignored; afterwards all do what they did before. */
static void test_signals(void)
{
    char path[SCRATCH_PATH];
    (void)signal(SIGHUP, SIG_IGN);
    pta_results *results = opened(path, "out.csv");
    CU_ASSERT(!is_default(SIGTERM) && !is_default(SIGINT));
    CU_ASSERT(raise(SIGHUP) == 0 && count() == 1);
    pta_results_abandon(ctx, &results);
    CU_ASSERT(is_default(SIGTERM) && is_default(SIGINT) && count() == 0);
    (void)signal(SIGHUP, SIG_DFL);
    written(path, "out.h5");
    CU_ASSERT(is_default(SIGTERM) && unlink(path) == 0);
}

static void test_refused(void)
{
    pta_results *results = NULL;
    static const char *const bad[] = {"out.txt", "out", ".csv", "", "csv"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_EQUAL(pta_results_open(ctx, bad[i], ROWS, 2, outputs,
                                         PTA_RESULTS_RAW, &results),
                        PTA_ERR_USAGE);
        says(".csv, .h5 or .hdf5");
    }
    CU_ASSERT_EQUAL(pta_results_open(ctx, "/no/folder/out.csv", ROWS, 2,
                                     outputs, PTA_RESULTS_RAW, &results),
                    PTA_ERR_IO);
    says("/no/folder/out.csv: ");
    CU_ASSERT_PTR_NULL(results);
}

static void test_faults(void)
{
    static const char *const names[] = {"out.csv", "out.h5"};
    for (uint32_t every = 1; every <= 30; every++) {
        char path[SCRATCH_PATH];
        pta_results *results = NULL;
        scratch_path(path, names[every % 2]);
        pta_ctx_set_faults(ctx, every, every);
        pta_status status = pta_results_open(ctx, path, ROWS, 2, outputs,
                                             PTA_RESULTS_RAW, &results);
        if (status == PTA_OK) {
            status = add(results, 0, ROWS);
        }
        if (status == PTA_OK) {
            status = pta_results_commit(ctx, &results);
        }
        pta_ctx_set_faults(ctx, 0, 0);
        pta_results_abandon(ctx, &results);
        CU_ASSERT_EQUAL(access(path, F_OK) == 0, status == PTA_OK);
        (void)unlink(path);
        CU_ASSERT_EQUAL(count(), 0);
        CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    }
}

int main(void)
{
    static const unit_test tests[] = {
        {"csv", test_csv},
        {"csv, floats", test_csv_float},
        {"hdf5", test_h5},
        {"hdf5, floats", test_h5_float},
        {"unfinished", test_unfinished},
        {"full disk", test_full_disk},
        {"stopped", test_stopped},
        {"signals", test_signals},
        {"refused", test_refused},
        {"faults", test_faults},
    };
    ctx = pta_ctx_create();
    int code = unit_main("results", tests, sizeof tests / sizeof *tests);
    scratch_remove();
    pta_ctx_destroy(&ctx);
    return code;
}
