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
#define N_FILES 9
#define NARROW  5 /* words of the two memories */
#define WIDE    3
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
    uint32_t beats; /* of a sample */
    uint32_t narrow[2 * NARROW], wide[3 * WIDE];
    pta_core_memory memories[2];
    pta_core_info info;
    pta_hw_config config;
    pta_device *device;
} bench;

static pta_sim_design design_of(bench *b, int tensors)
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
    char *parameter = strstr(b->texts[N_FILES - 2], "TENSORS = 2");
    parameter[10] = (char)('0' + tensors);
    return (pta_sim_design){"loopback", N_FILES, b->files};
}

static void describe_core(bench *b)
{
    for (uint8_t i = 0; i < 16; i++) {
        b->info.slice_digest[i] = (uint8_t)(i * 7);
        b->info.weight_digest[i] = (uint8_t)(i * 9);
    }
    b->info.clock_hz = 100000000;
    b->info.in_bytes = b->info.out_bytes = 8 * b->beats;
    b->info.latency = b->info.interval = b->beats;
    for (uint32_t i = 0; i < NARROW; i++) {
        b->narrow[2 * i] = 0x89abcdefu * (i + 1);
        b->narrow[2 * i + 1] = 0x5au + i; /* 40 bits in two lanes */
    }
    for (uint32_t i = 0; i < 3 * WIDE; i++) {
        b->wide[i] = 0x9e3779b9u * (i + 1);
    }
    b->memories[0] = (pta_core_memory){"narrow", NARROW, 2, b->narrow};
    b->memories[1] = (pta_core_memory){"wide", WIDE, 3, b->wide};
    b->info.n_memories = b->two.slice.n_inputs == 2 ? 2 : 0;
    b->info.memories = b->memories;
}

static void prepare(bench *b, int tensors, bool is_signed)
{
    memset(b, 0, sizeof *b);
    b->ctx = pta_ctx_create();
    two_make(&b->two, 8, is_signed);
    b->two.slice.n_values = b->two.slice.n_inputs = b->two.slice.n_outputs =
        tensors;
    b->beats = tensors == 2 ? 3 + 6 : 3;
    describe_core(b);
    pta_sim_design design = design_of(b, tensors);
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

static void put_reg(bench *b, uint32_t offset, uint32_t value)
{
    pta_bus *bus = pta_hw_core(b->device)->bus;
    UNIT_OK(b->ctx, bus->ops->write(bus, b->ctx, PTA_BUS_CORE, offset, value));
}

static uint32_t get_reg(bench *b, uint32_t offset)
{
    uint32_t value = 0;
    pta_bus *bus = pta_hw_core(b->device)->bus;
    UNIT_OK(b->ctx, bus->ops->read(bus, b->ctx, PTA_BUS_CORE, offset, &value));
    return value;
}

static void batches_under_stalls(int tensors)
{
    for (uint32_t stall = 0; stall <= 90; stall += 45) {
        for (int random = 0; random < 2; random++) {
            bench b;
            pta_cost cost;
            prepare(&b, tensors, random == 0);
            b.bus.stall_percent = stall;
            b.shim = (pta_shim_params){random, 7};
            UNIT_OK(b.ctx, open_device(&b));
            for (int32_t n = 1; n <= SAMPLES; n++) {
                batch(&b, n % SLOTS, n, &cost);
                CU_ASSERT(cost.cycles >= (uint64_t)n * b.beats);
                CU_ASSERT(n < 2 || stall > 0 || cost.interval == b.beats);
                CU_ASSERT((stall == 0) == (cost.stalls_out == 0));
                CU_ASSERT(cost.stalls_out < cost.cycles);
            }
            CU_ASSERT_EQUAL(get_reg(&b, PTA_REG_STATUS),
                            PTA_STATUS_IDLE | PTA_STATUS_DONE);
            drop(&b);
        }
    }
}

static void test_batches(void)
{
    batches_under_stalls(2);
}

static void test_one_tensor(void)
{
    batches_under_stalls(1);
}

/* The core's counters against what can be worked out: two register slices,
 * beats every cycle. */
static void test_counters(void)
{
    bench b;
    pta_core_counters c;
    prepare(&b, 2, true);
    UNIT_OK(b.ctx, open_device(&b));
    pta_core *core = pta_hw_core(b.device);
    memset(core->bus->memory, 0, core->bus->memory_bytes);
    UNIT_OK(b.ctx, pta_core_start(b.ctx, core, 64, 1024 + 512, 4));
    UNIT_OK(b.ctx, pta_core_finish(b.ctx, core, &c));
    CU_ASSERT_EQUAL(c.first, b.beats - 1 + 2);
    CU_ASSERT_EQUAL(c.span, 3 * b.beats);
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
    prepare(&b, 2, true);
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
 * and writing weights while busy are flagged too, other writes are not. */
static void test_error_bits(void)
{
    bench b;
    uint64_t now;
    prepare(&b, 2, true);
    UNIT_OK(b.ctx, open_device(&b));
    pta_bus *bus = pta_hw_core(b.device)->bus;
    put_reg(&b, PTA_REG_SAMPLES, 3);
    put_reg(&b, PTA_REG_CONTROL, PTA_CONTROL_START);
    put_reg(&b, PTA_REG_CONTROL, PTA_CONTROL_START);
    put_reg(&b, PTA_REG_MEM_DATA, 1);
    UNIT_OK(b.ctx, bus->ops->write(bus, b.ctx, PTA_BUS_DMA,
                                   PTA_DMA_MM2S + PTA_DMA_ADDR,
                                   (uint32_t)bus->device_address));
    UNIT_OK(b.ctx, bus->ops->write(bus, b.ctx, PTA_BUS_DMA,
                                   PTA_DMA_MM2S + PTA_DMA_LENGTH, 8));
    UNIT_OK(b.ctx, bus->ops->wait(bus, b.ctx, 1000, &now));
    put_reg(&b, PTA_REG_SAMPLES, 15); /* clears none */
    CU_ASSERT_EQUAL(get_reg(&b, PTA_REG_ERRORS),
                    PTA_ERRORS_EARLY | PTA_ERRORS_START | PTA_ERRORS_WRITE);
    put_reg(&b, PTA_REG_ERRORS, PTA_ERRORS_START);
    CU_ASSERT_EQUAL(get_reg(&b, PTA_REG_ERRORS),
                    PTA_ERRORS_EARLY | PTA_ERRORS_WRITE);
    put_reg(&b, PTA_REG_ERRORS, PTA_ERRORS_WRITE);
    put_reg(&b, PTA_REG_SAMPLES, 14);
    CU_ASSERT_EQUAL(get_reg(&b, PTA_REG_ERRORS), PTA_ERRORS_EARLY);
    /* A reset clears them and leaves none, before the driver does. */
    put_reg(&b, PTA_REG_CONTROL, PTA_CONTROL_RESET);
    UNIT_OK(b.ctx, bus->ops->wait(bus, b.ctx, 1000, &now));
    CU_ASSERT_EQUAL(get_reg(&b, PTA_REG_ERRORS), 0);
    UNIT_OK(b.ctx, pta_hw_reset(b.device, b.ctx));
    pta_cost cost;
    batch(&b, 0, 3, &cost);
    drop(&b);
}

static void test_weights(void)
{
    bench b;
    pta_cost cost;
    prepare(&b, 2, true);
    UNIT_OK(b.ctx, open_device(&b)); /* loads and checks */
    pta_core *core = pta_hw_core(b.device);
    batch(&b, 0, 2, &cost);
    UNIT_OK(b.ctx, pta_core_check(b.ctx, core));
    for (uint32_t i = 0; i < 2 * NARROW; i += 3) {
        b.narrow[i] ^= 1u << (i % 8);
        CU_ASSERT_EQUAL(pta_core_check(b.ctx, core), PTA_ERR_MISMATCH);
        UNIT_OK(b.ctx, pta_core_load(b.ctx, core)); /* a second set */
    }
    for (uint32_t i = 0; i < 3 * WIDE; i += 2) {
        b.wide[i] ^= 1u << 31;
        CU_ASSERT_EQUAL(pta_core_check(b.ctx, core), PTA_ERR_MISMATCH);
        UNIT_OK(b.ctx, pta_core_load(b.ctx, core));
    }
    b.narrow[1] |= 0x100; /* more than the 40 bits of a word */
    CU_ASSERT_EQUAL(pta_core_load(b.ctx, core), PTA_ERR_MISMATCH);
    put_reg(&b, PTA_REG_MEM_SELECT, 1);
    UNIT_OK(b.ctx, pta_core_recover(b.ctx, core));
    CU_ASSERT_EQUAL(get_reg(&b, PTA_REG_MEM_SELECT), 0);
    CU_ASSERT_EQUAL(get_reg(&b, PTA_REG_MEM_ADDRESS), 0);
    drop(&b);
}

/* What is written while a CRC is computed is refused, and changes nothing. */
static void test_refused(void)
{
    bench b;
    uint64_t now;
    prepare(&b, 2, true);
    UNIT_OK(b.ctx, open_device(&b));
    pta_core *core = pta_hw_core(b.device);
    put_reg(&b, PTA_REG_MEM_SELECT, 0);
    put_reg(&b, PTA_REG_MEM_COMMAND, 0); /* no command */
    CU_ASSERT_EQUAL(get_reg(&b, PTA_REG_STATUS), PTA_STATUS_IDLE);
    static const uint32_t offsets[] = {PTA_REG_MEM_DATA + 4,
                                       PTA_REG_MEM_COMMAND};
    for (int i = 0; i < 2; i++) {
        put_reg(&b, PTA_REG_MEM_COMMAND, 1);
        put_reg(&b, PTA_REG_MEM_SELECT, 1);
        put_reg(&b, PTA_REG_MEM_ADDRESS, 4);
        CU_ASSERT_EQUAL(get_reg(&b, PTA_REG_ERRORS), 0);
        put_reg(&b, offsets[i], 1);
        CU_ASSERT_EQUAL(get_reg(&b, PTA_REG_ERRORS), PTA_ERRORS_WRITE);
        CU_ASSERT((get_reg(&b, PTA_REG_STATUS) & PTA_STATUS_CRC) != 0);
        UNIT_OK(b.ctx, core->bus->ops->wait(core->bus, b.ctx, 5000, &now));
        CU_ASSERT((get_reg(&b, PTA_REG_STATUS) & PTA_STATUS_CRC) == 0);
        CU_ASSERT_EQUAL(get_reg(&b, PTA_REG_MEM_CRC),
                        pta_core_memory_crc(&b.memories[0]));
        CU_ASSERT_EQUAL(get_reg(&b, PTA_REG_MEM_SELECT), 0);
        put_reg(&b, PTA_REG_ERRORS, PTA_ERRORS_WRITE);
    }
    UNIT_OK(b.ctx, pta_core_check(b.ctx, core));
    drop(&b);
}

/* ---- AXI4-Lite, cycle by cycle ---- */

typedef struct lite {
    const pta_sim_core_ops *ops;
    void *core;
    pta_pins pins;
} lite;

/* Address, data and readiness for the answer each from a cycle of its own; junk
 * where nothing is valid. */
static void write_late(lite *l, uint32_t offset, uint32_t value,
                       const uint32_t from[3])
{
    pta_pins *p = &l->pins;
    bool address = false, data = false, offered = false, done = false;
    for (uint32_t t = 0; t < 50 && !done; t++) {
        p->aw_valid = !address && t >= from[0];
        p->w_valid = !data && t >= from[1];
        p->b_ready = t >= from[2];
        p->aw_addr = p->aw_valid ? offset : PTA_REG_ERRORS;
        p->w_data = p->w_valid ? value : ~value;
        l->ops->step(l->core, p);
        CU_ASSERT(!p->b_valid || (address && data));
        CU_ASSERT(p->b_valid || !offered); /* until it is taken */
        address = address || (p->aw_valid && p->aw_ready);
        data = data || (p->w_valid && p->w_ready);
        done = p->b_valid && p->b_ready;
        offered = p->b_valid && !done;
    }
    p->b_ready = 0;
    CU_ASSERT(done);
}

static uint32_t read_late(lite *l, uint32_t offset, const uint32_t from[2])
{
    pta_pins *p = &l->pins;
    bool address = false, offered = false, done = false;
    uint32_t value = 0;
    for (uint32_t t = 0; t < 50 && !done; t++) {
        p->ar_valid = !address && t >= from[0];
        p->r_ready = t >= from[1];
        p->ar_addr = p->ar_valid ? offset : PTA_REG_MAGIC;
        l->ops->step(l->core, p);
        CU_ASSERT(!p->r_valid || address);
        CU_ASSERT(!offered || (p->r_valid && p->r_data == value));
        value = p->r_data;
        address = address || (p->ar_valid && p->ar_ready);
        done = p->r_valid && p->r_ready;
        offered = p->r_valid && !done;
    }
    p->r_ready = 0;
    CU_ASSERT(done);
    return value;
}

static void test_orders(void)
{
    bench b;
    prepare(&b, 1, true);
    lite l = {.ops = b.model.ops, .core = b.model.ops->open(&b.shim)};
    CU_ASSERT_PTR_NOT_NULL_FATAL(l.core);
    for (uint32_t i = 0; i < 5 * 5 * 7; i++) {
        uint32_t from[3] = {i % 5, i / 5 % 5, i / 25};
        write_late(&l, PTA_REG_SAMPLES, SEED * i, from);
        CU_ASSERT_EQUAL(read_late(&l, PTA_REG_SAMPLES, from + 1), SEED * i);
    }
    l.ops->close(l.core);
    drop(&b);
}

static void test_cache(void)
{
    bench b;
    prepare(&b, 2, true);
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
    prepare(&b, 2, true);
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
                                      {"one tensor", test_one_tensor},
                                      {"counters", test_counters},
                                      {"faults", test_faults},
                                      {"error bits", test_error_bits},
                                      {"weights in RAM", test_weights},
                                      {"refused writes", test_refused},
                                      {"AXI4-Lite", test_orders},
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
