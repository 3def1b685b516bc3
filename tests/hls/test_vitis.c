/*
 * The Vitis output: slices of random graphs, written as C++, pass the rules for
 * what can be synthesised (vitis_rules.py), are compiled by g++ and run 1,000
 * samples bit-exact against the `fixed` device. --slow: many more slices, with
 * sanitizers. PARTITA_VITIS_HEADERS: a folder with the vendor's ap_int.h,
 * hls_stream.h and ap_axi_sdata.h to use instead of the stand-in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hls/driver/files.h"
#include "hls/gen/vitis.h"
#include "hls/random_slices.h"
#include "unit/scratch.h"

#define SEED    20261122u
#define SAMPLES 1000

static bool slow;

static const char digest[] =
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

static pta_vitis_params params_of(const random_slices *r)
{
    return (pta_vitis_params){.graph = r->graph.graph,
                              .generator = "partita test",
                              .slice_digest = digest,
                              .clock_hz = 100000000,
                              .n_samples = SAMPLES};
}

static int run_in(const char *folder, const char *command)
{
    char text[2 * SCRATCH_PATH + 1024];
    snprintf(text, sizeof text, "cd '%s' && %s", folder, command);
    return system(text);
}

static void say(const random_slices *r, const pta_slice *slice)
{
    fprintf(stderr, "graph %d, cut %s, board %d\n", (int)r->n_graphs, r->cut,
            (int)slice->board);
}

/* Command that builds the test bench in a folder. */
static void print_build(char *text, size_t size, const char *flags)
{
    const char *headers = getenv("PARTITA_VITIS_HEADERS");
    snprintf(text, size, "g++ -std=c++14 %s %s%s %s -I. slice.cpp tb.cpp -o tb",
             headers == NULL ? "-Wall -Wextra -Werror -Wno-unknown-pragmas"
                             : "-w",
             headers == NULL ? "" : "-isystem ", headers == NULL ? "" : headers,
             flags);
}

static void check_slice(random_slices *r, pta_slice *slice, pta_slice *real,
                        void *user)
{
    char path[SCRATCH_PATH], build[1024];
    const char *folder = scratch_path(path, "slice");
    pta_vitis_params params = params_of(r);
    pta_fold folds[64] = {{0}};
    (void)real, (void)user;
    for (int32_t i = 0; i < slice->n_steps && i < 64; i++) {
        folds[i].pe = (int32_t)pta_rng_range(&r->rng, 0, 5);
    }
    params.folds = slice->n_steps <= 64 ? folds : NULL;
    UNIT_OK(r->ctx, pta_folder_make(r->ctx, folder));
    UNIT_OK(r->ctx, pta_vitis_write(r->ctx, slice, &params, folder));
    print_build(build, sizeof build,
                slow ? "-O1 -fsanitize=address,undefined "
                       "-fno-sanitize-recover=all"
                     : "-O1");
    bool good = run_in(folder, "python3 " PTA_SOURCE_DIR
                               "/tests/hls/vitis_rules.py slice.cpp "
                               "pta_hls.h") == 0 &&
                run_in(folder, build) == 0 &&
                run_in(folder, "./tb samples.bin >said") == 0;
    CU_ASSERT_TRUE(good);
    if (!good) {
        say(r, slice);
        run_in(folder, "cat said");
    }
}

static void test_slices(void)
{
    random_slices r = {.ctx = pta_ctx_create(),
                       .rng = SEED,
                       .times = slow ? 6 : 1,
                       .unwanted = UINT64_C(1) << PTA_STEP_SOFTMAX};
    printf("\n  seed %u ", SEED);
    slices_for_each(&r, check_slice, NULL);
    printf("%d slices of %d samples ", (int)r.n_slices, SAMPLES);
    CU_ASSERT_EQUAL(pta_ctx_memory(r.ctx).live_blocks, 0);
    pta_ctx_destroy(&r.ctx);
}

/* The bench notices one wrong bit of the samples, in the last output. */
static void break_slice(random_slices *r, pta_slice *slice, pta_slice *real,
                        void *user)
{
    char path[SCRATCH_PATH], file[2 * SCRATCH_PATH], build[1024];
    const char *folder = scratch_path(path, "broken");
    pta_vitis_params params = params_of(r);
    (void)real, (void)user;
    params.n_samples = 3;
    UNIT_OK(r->ctx, pta_folder_make(r->ctx, folder));
    UNIT_OK(r->ctx, pta_vitis_write(r->ctx, slice, &params, folder));
    print_build(build, sizeof build, "-O0");
    CU_ASSERT_EQUAL(run_in(folder, build), 0);
    CU_ASSERT_EQUAL(run_in(folder, "./tb samples.bin >said"), 0);
    snprintf(file, sizeof file, "%s/samples.bin", folder);
    FILE *f = fopen(file, "r+b");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fseek(f, -8, SEEK_END);
    int byte = fgetc(f);
    fseek(f, -8, SEEK_END);
    fputc(byte ^ 1, f);
    fclose(f);
    CU_ASSERT_NOT_EQUAL(run_in(folder, "./tb samples.bin >said"), 0);
}

static void test_notices(void)
{
    uint64_t all = (UINT64_C(1) << N_FEATURES) - 1;
    random_slices r = {.ctx = pta_ctx_create(),
                       .rng = SEED,
                       .times = 1,
                       .unwanted = all & ~(UINT64_C(1) << PTA_STEP_DENSE)};
    slices_for_each(&r, break_slice, NULL);
    pta_ctx_destroy(&r.ctx);
}

static void refuse_slice(random_slices *r, pta_slice *slice, pta_slice *real,
                         void *user)
{
    pta_vitis_params params = params_of(r);
    (void)user;
    CU_ASSERT_EQUAL(pta_vitis_write(r->ctx, real, &params, "/nowhere"),
                    PTA_ERR_UNSUPPORTED);
    CU_ASSERT_EQUAL(pta_vitis_write(r->ctx, slice, &params, "/nowhere"),
                    PTA_ERR_NOT_FOUND);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(r->ctx), "/nowhere"));
    slice->steps[0].hls4ml.used = true;
    CU_ASSERT_EQUAL(pta_vitis_write(r->ctx, slice, &params, "/nowhere"),
                    PTA_ERR_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(r->ctx), "hls4ml"));
    slice->steps[0].hls4ml.used = false;
    for (uint32_t every = 1; every < 60; every += 3) {
        pta_ctx_set_faults(r->ctx, every, every / 2);
        pta_status status =
            pta_vitis_write(r->ctx, slice, &params, scratch_folder());
        CU_ASSERT_TRUE(status == PTA_ERR_NOMEM ||
                       (status == PTA_OK && every > 20));
    }
    pta_ctx_set_faults(r->ctx, 0, 0);
}

static void test_errors(void)
{
    uint64_t all = (UINT64_C(1) << N_FEATURES) - 1;
    random_slices r = {.ctx = pta_ctx_create(),
                       .rng = SEED,
                       .times = 1,
                       .unwanted = all & ~(UINT64_C(1) << PTA_STEP_SIGMOID)};
    slices_for_each(&r, refuse_slice, NULL);
    CU_ASSERT_EQUAL(pta_ctx_memory(r.ctx).live_blocks, 0);
    pta_ctx_destroy(&r.ctx);
}

/* The checker finds what it is there for. */
static void test_rules(void)
{
    CU_ASSERT_EQUAL(system("python3 " PTA_SOURCE_DIR
                           "/tests/hls/vitis_rules.py --self-test"),
                    0);
}

static const unit_test tests[] = {{"slices", test_slices},
                                  {"notices", test_notices},
                                  {"errors", test_errors},
                                  {"rules", test_rules}};

int main(int argc, char **argv)
{
    slow = argc > 1 && strcmp(argv[1], "--slow") == 0;
    if (system("g++ --version >/dev/null 2>&1") != 0) {
        puts("skipped: no g++ (./setup --tests installs it)");
        return 77;
    }
    int code = unit_main("vitis", tests, sizeof tests / sizeof *tests);
    scratch_remove();
    return code;
}
