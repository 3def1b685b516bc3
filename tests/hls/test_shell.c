/*
 * Register file and stream shell in RTL, simulated by Verilator behind the
 * driver: loopback.sv built through the cache. Skipped without Verilator.
 * --rtl DIR: with the blocks of DIR and the user's cache, without the tests of
 * the cache (mutate.py).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hls/driver/device_hw.h"
#include "hls/driver/files.h"
#include "hls/driver/format.h"
#include "hls/sim/bus_sim.h"
#include "hls/sim/cache.h"
#include "two_tensors.h"
#include "unit/unit.h"

#define SEED    0x10095u
#define SAMPLES 16
#define SLOTS   2
#define BEATS   9 /* 3 + 6 */
#define N_FILES 9
#define N_WORDS 5
#define RTL     "PTA_SHELL_RTL" /* variable: folder of other blocks */

static const pta_device_ops hw_ops = {.name = "rtl", PTA_HW_OPS};

typedef struct bench {
    pta_ctx *ctx;
    two_tensors two;
    pta_sim_file files[N_FILES];
    char *texts[N_FILES];
    pta_sim_model model;
    pta_sim_faults faults;
    pta_shim_params shim;
    pta_bus_sim_params bus;
    uint32_t weights[2 * N_WORDS];
    pta_core_memory memory;
    pta_core_info info;
    pta_hw_config config;
    pta_device *device;
} bench;

static pta_sim_design design_of(bench *b)
{
    static const char *const names[N_FILES] = {
        "hls/rtl/pta_regs.sv",           "hls/rtl/pta_regs_mem.sv",
        "hls/rtl/pta_shell_in.sv",       "hls/rtl/pta_shell_out.sv",
        "hls/rtl/pta_skid.sv",           "hls/rtl/pta_unpack.sv",
        "hls/rtl/pta_pack.sv",           "tests/hls/loopback.sv",
        "tests/hls/loopback_weights.hex"};
    for (int i = 0; i < N_FILES; i++) {
        char path[PTA_PATH_BYTES];
        pta_sim_file *f = &b->files[i];
        UNIT_OK(b->ctx, pta_path(b->ctx, path, PTA_SOURCE_DIR "/%s", names[i]));
        if (getenv(RTL) != NULL && strstr(names[i], "hls/rtl/") == names[i]) {
            UNIT_OK(b->ctx, pta_path(b->ctx, path, "%s/%s", getenv(RTL),
                                     strrchr(names[i], '/') + 1));
        }
        UNIT_OK(b->ctx, pta_bytes_read(b->ctx, path, &b->texts[i], &f->bytes));
        f->name = strrchr(names[i], '/') + 1;
        f->text = b->texts[i];
    }
    return (pta_sim_design){"loopback", N_FILES, b->files};
}

static void describe_core(bench *b)
{
    for (uint8_t i = 0; i < 16; i++) {
        b->info.slice_digest[i] = (uint8_t)(i * 7);
        b->info.weight_digest[i] = (uint8_t)(i * 9);
    }
    b->info.clock_hz = 100000000;
    b->info.in_bytes = b->info.out_bytes = 8 * BEATS;
    b->info.latency = b->info.interval = BEATS;
    for (uint32_t i = 0; i < N_WORDS; i++) {
        b->weights[2 * i] = 0x89abcdefu * (i + 1);
        b->weights[2 * i + 1] = 0x5au + i; /* 40 bits in two lanes */
    }
    b->memory = (pta_core_memory){"loopback_weights", N_WORDS, 2, b->weights};
    b->info.n_memories = 1;
    b->info.memories = &b->memory;
}

static void prepare(bench *b, bool is_signed)
{
    memset(b, 0, sizeof *b);
    b->ctx = pta_ctx_create();
    two_make(&b->two, 8, is_signed);
    describe_core(b);
    pta_sim_design design = design_of(b);
    UNIT_OK(b->ctx, pta_sim_model_open(b->ctx, &design, &b->model));
    b->bus = (pta_bus_sim_params){.core = b->model.ops,
                                  .core_params = &b->shim,
                                  .clock_hz = 100000000,
                                  .faults = &b->faults,
                                  .seed = SEED};
    b->config = (pta_hw_config){
        .info = &b->info, .bus = &pta_bus_sim, .bus_params = &b->bus};
}

static pta_status open_device(bench *b)
{
    pta_device_params params = {.max_samples = SAMPLES, .n_slots = SLOTS};
    return pta_hw_open(b->ctx, &b->two.slice, &params, &hw_ops, &b->config,
                       &b->device);
}

static void drop(bench *b)
{
    pta_hw_close(b->ctx, &b->device);
    pta_sim_model_close(&b->model);
    for (int i = 0; i < N_FILES; i++) {
        pta_free(b->ctx, b->texts[i]);
    }
    CU_ASSERT_EQUAL(pta_ctx_memory(b->ctx).live_blocks, 0);
    pta_ctx_destroy(&b->ctx);
}

static void batch(bench *b, int32_t slot, int32_t n, pta_cost *cost)
{
    uint64_t seed = SEED + (uint64_t)n;
    two_put(&b->two, pta_hw_in_buffer(b->device, slot), n, seed);
    UNIT_OK(b->ctx, pta_hw_submit(b->device, b->ctx, slot, n));
    UNIT_OK(b->ctx, pta_hw_collect(b->device, b->ctx, slot, cost));
    CU_ASSERT(two_got(&b->two, pta_hw_out_buffer(b->device, slot), n, seed));
}

static void test_batches(void)
{
    for (uint32_t stall = 0; stall <= 90; stall += 45) {
        for (int random = 0; random < 2; random++) {
            bench b;
            pta_cost cost;
            prepare(&b, random == 0);
            b.bus.stall_percent = stall;
            b.shim = (pta_shim_params){random, 7};
            UNIT_OK(b.ctx, open_device(&b));
            for (int32_t n = 1; n <= SAMPLES; n++) {
                batch(&b, n % SLOTS, n, &cost);
                CU_ASSERT(cost.cycles >= (uint64_t)n * BEATS);
                CU_ASSERT(n < 2 || stall > 0 || cost.interval == BEATS);
                CU_ASSERT((stall == 0) == (cost.stalls_out == 0));
                CU_ASSERT(cost.stalls_out < cost.cycles);
            }
            drop(&b);
        }
    }
}

/* The core's counters against what can be worked out: two register slices,
 * beats every cycle. */
static void test_counters(void)
{
    bench b;
    pta_core_counters c;
    prepare(&b, true);
    UNIT_OK(b.ctx, open_device(&b));
    pta_core *core = pta_hw_core(b.device);
    memset(core->bus->memory, 0, core->bus->memory_bytes);
    UNIT_OK(b.ctx, pta_core_start(b.ctx, core, 64, 1024 + 512, 4));
    UNIT_OK(b.ctx, pta_core_finish(b.ctx, core, &c));
    CU_ASSERT_EQUAL(c.first, BEATS - 1 + 2);
    CU_ASSERT_EQUAL(c.span, 3 * BEATS);
    CU_ASSERT_EQUAL(c.stalls_out, 0);
    /* The start, waiting for the DMA, the first beat, and so on. */
    CU_ASSERT_EQUAL(c.cycles, 1 + c.stalls_in + 1 + c.first + c.span);
    drop(&b);
}

static void expect_fault(bench *b, const char *text)
{
    pta_cost cost;
    UNIT_OK(b->ctx, pta_hw_submit(b->device, b->ctx, 0, 2));
    CU_ASSERT_EQUAL(pta_hw_collect(b->device, b->ctx, 0, &cost),
                    PTA_ERR_DEVICE);
    if (strstr(pta_ctx_error(b->ctx), text) == NULL) {
        printf("\nexpected \"%s\" in \"%s\"\n", text, pta_ctx_error(b->ctx));
        CU_FAIL("another message");
    }
    memset(&b->faults, 0, sizeof b->faults);
    UNIT_OK(b->ctx, pta_hw_reset(b->device, b->ctx));
    batch(b, 1, 5, &cost);
}

static void test_faults(void)
{
    bench b;
    prepare(&b, true);
    UNIT_OK(b.ctx, open_device(&b));
    b.faults.drop_last = true;
    expect_fault(&b, "the input did not end");
    b.faults.mm2s_error = PTA_DMA_SR_SLAVE;
    b.faults.error_after = 11; /* in the middle of a sample */
    expect_fault(&b, "slave error");
    b.faults.s2mm_error = PTA_DMA_SR_DECODE;
    b.faults.error_after = 4;
    expect_fault(&b, "decode error");
    drop(&b);
}

/* Fewer bytes than the samples written: an early TLAST. Starting while busy
 * and writing weights while busy are flagged too. */
static void test_error_bits(void)
{
    bench b;
    uint32_t errors;
    prepare(&b, true);
    UNIT_OK(b.ctx, open_device(&b));
    pta_core *core = pta_hw_core(b.device);
    pta_bus *bus = core->bus;
    UNIT_OK(b.ctx,
            bus->ops->write(bus, b.ctx, PTA_BUS_CORE, PTA_REG_SAMPLES, 3));
    UNIT_OK(b.ctx,
            bus->ops->write(bus, b.ctx, PTA_BUS_CORE, PTA_REG_CONTROL, 1));
    UNIT_OK(b.ctx,
            bus->ops->write(bus, b.ctx, PTA_BUS_CORE, PTA_REG_CONTROL, 1));
    UNIT_OK(b.ctx,
            bus->ops->write(bus, b.ctx, PTA_BUS_CORE, PTA_REG_MEM_DATA, 1));
    UNIT_OK(b.ctx, bus->ops->write(bus, b.ctx, PTA_BUS_DMA,
                                   PTA_DMA_MM2S + PTA_DMA_ADDR,
                                   (uint32_t)bus->device_address));
    UNIT_OK(b.ctx, bus->ops->write(bus, b.ctx, PTA_BUS_DMA,
                                   PTA_DMA_MM2S + PTA_DMA_LENGTH, 8));
    uint64_t now;
    UNIT_OK(b.ctx, bus->ops->wait(bus, b.ctx, 1000, &now));
    UNIT_OK(b.ctx, bus->ops->write(bus, b.ctx, PTA_BUS_CORE, PTA_REG_SAMPLES,
                                   15)); /* clears none */
    UNIT_OK(b.ctx,
            bus->ops->read(bus, b.ctx, PTA_BUS_CORE, PTA_REG_ERRORS, &errors));
    CU_ASSERT_EQUAL(errors,
                    PTA_ERRORS_EARLY | PTA_ERRORS_START | PTA_ERRORS_WRITE);
    UNIT_OK(b.ctx, bus->ops->write(bus, b.ctx, PTA_BUS_CORE, PTA_REG_ERRORS,
                                   PTA_ERRORS_START));
    UNIT_OK(b.ctx,
            bus->ops->read(bus, b.ctx, PTA_BUS_CORE, PTA_REG_ERRORS, &errors));
    CU_ASSERT_EQUAL(errors, PTA_ERRORS_EARLY | PTA_ERRORS_WRITE);
    /* A reset clears them and leaves none, before the driver does. */
    UNIT_OK(b.ctx, bus->ops->write(bus, b.ctx, PTA_BUS_CORE, PTA_REG_CONTROL,
                                   PTA_CONTROL_RESET));
    UNIT_OK(b.ctx, bus->ops->wait(bus, b.ctx, 1000, &now));
    UNIT_OK(b.ctx,
            bus->ops->read(bus, b.ctx, PTA_BUS_CORE, PTA_REG_ERRORS, &errors));
    CU_ASSERT_EQUAL(errors, 0);
    UNIT_OK(b.ctx, pta_hw_reset(b.device, b.ctx));
    pta_cost cost;
    batch(&b, 0, 3, &cost);
    drop(&b);
}

static void test_weights(void)
{
    bench b;
    pta_cost cost;
    prepare(&b, true);
    UNIT_OK(b.ctx, open_device(&b)); /* loads and checks */
    pta_core *core = pta_hw_core(b.device);
    batch(&b, 0, 2, &cost);
    UNIT_OK(b.ctx, pta_core_check(b.ctx, core));
    for (uint32_t i = 0; i < 2 * N_WORDS; i += 3) {
        b.weights[i] ^= 1u << (i % 8);
        CU_ASSERT_EQUAL(pta_core_check(b.ctx, core), PTA_ERR_MISMATCH);
        UNIT_OK(b.ctx, pta_core_load(b.ctx, core)); /* a second set */
    }
    b.weights[1] |= 0x100; /* more than the 40 bits of a word */
    CU_ASSERT_EQUAL(pta_core_load(b.ctx, core), PTA_ERR_MISMATCH);
    drop(&b);
}

static void test_cache(void)
{
    bench b;
    prepare(&b, true);
    CU_ASSERT(!b.model.built); /* the first test did */
    pta_sim_design design = {"loopback", N_FILES, b.files};
    pta_sim_model other;
    b.texts[N_FILES - 1][9] ^= 1; /* another weight: another core */
    UNIT_OK(b.ctx, pta_sim_model_open(b.ctx, &design, &other));
    CU_ASSERT(other.built);
    CU_ASSERT_STRING_NOT_EQUAL(other.path, b.model.path);
    char path[PTA_PATH_BYTES];
    UNIT_OK(b.ctx, pta_path(b.ctx, path, "%.*sloopback_weights.hex",
                            (int)(strrchr(other.path, '/') + 1 - other.path),
                            other.path));
    pta_sim_model_close(&other);
    UNIT_OK(b.ctx, pta_bytes_write(b.ctx, path, true, "damaged", 7));
    CU_ASSERT_EQUAL(pta_sim_model_open(b.ctx, &design, &other),
                    PTA_ERR_MISMATCH);
    b.texts[N_FILES - 2][60] = '@'; /* no longer a design */
    memcpy(strstr(b.texts[N_FILES - 2], "module"), "modul ", 6);
    CU_ASSERT_EQUAL(pta_sim_model_open(b.ctx, &design, &other),
                    PTA_ERR_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(b.ctx), "%Error"));
    drop(&b);
}

/* Two processes at once: one builds, the other finds. */
static void test_lock(void)
{
    bench b;
    prepare(&b, true);
    memcpy(b.texts[N_FILES - 1], "00000000aa", 10);
    pta_sim_design design = {"loopback", N_FILES, b.files};
    pta_sim_model model;
    int built[2] = {0, 0};
    pid_t child = fork();
    pta_status status = pta_sim_model_open(b.ctx, &design, &model);
    built[0] = status == PTA_OK ? model.built : 9;
    if (child == 0) {
        _exit(built[0]);
    }
    waitpid(child, &built[1], 0);
    CU_ASSERT_EQUAL(built[0] + WEXITSTATUS(built[1]), 1);
    pta_sim_model_close(&model);
    drop(&b);
}

int main(int argc, char **argv)
{
    static const unit_test tests[] = {{"batches under stalls", test_batches},
                                      {"counters", test_counters},
                                      {"faults", test_faults},
                                      {"error bits", test_error_bits},
                                      {"weights in RAM", test_weights},
                                      {"cache", test_cache},
                                      {"cache, two processes", test_lock}};
    char cache[] = "/tmp/pta_shell_XXXXXX", command[64];
    if (system("verilator --version >/dev/null 2>&1") != 0) {
        printf("skipped: verilator is not installed\n");
        return 77;
    }
    printf("seed 0x%x\n", SEED);
    size_t n_tests = sizeof tests / sizeof *tests;
    if (argc == 3 && strcmp(argv[1], "--rtl") == 0) {
        setenv(RTL, argv[2], 1);
        return unit_main("shell", tests, n_tests - 2);
    }
    if (mkdtemp(cache) == NULL) {
        return 1;
    }
    setenv("XDG_CACHE_HOME", cache, 1);
    int failed = unit_main("shell", tests, n_tests);
    snprintf(command, sizeof command, "rm -rf %s", cache);
    return system(command) != 0 || failed;
}
