/*
 * The driver on the simulated bus, with a core in C: samples come back right
 * under stalls, and every fault is told by its own message, without a hang or a
 * wrong result, after which the core works again.
 */
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "fake_core.h"
#include "hls/driver/device_hw.h"
#include "hls/driver/format.h"
#include "hls/sim/bus_sim.h"
#include "ir/format.h"
#include "two_tensors.h"
#include "unit/unit.h"

#define SEED    0x5eedu
#define SAMPLES 8
#define SLOTS   3

static const pta_device_ops hw_ops = {.name = "test", PTA_HW_OPS};

typedef struct bench {
    pta_ctx *ctx;
    two_tensors two;
    fake_params fake;
    pta_sim_faults faults;
    pta_bus_sim_params bus;
    uint32_t weights[2];
    pta_core_memory memory;
    pta_core_info info;
    pta_hw_config config;
    pta_device *device;
} bench;

static void prepare(bench *b, int width, bool is_signed)
{
    memset(b, 0, sizeof *b);
    b->ctx = pta_ctx_create();
    two_make(&b->two, width, is_signed);
    size_t bytes = pta_bus_in_bytes(&b->two.slice);
    b->fake =
        (fake_params){.beats = (uint32_t)(bytes / 8), .clock_hz = 100000000};
    for (uint8_t i = 0; i < 16; i++) {
        b->fake.slice_digest[i] = b->info.slice_digest[i] = (uint8_t)(i * 7);
        b->fake.weight_digest[i] = b->info.weight_digest[i] = (uint8_t)(i * 9);
    }
    b->info.clock_hz = 100000000;
    b->info.in_bytes = b->info.out_bytes = bytes;
    b->info.latency = b->info.interval = bytes / 8;
    b->bus = (pta_bus_sim_params){.core = &fake_core,
                                  .core_params = &b->fake,
                                  .clock_hz = 100000000,
                                  .faults = &b->faults,
                                  .seed = SEED};
    b->config = (pta_hw_config){&b->info, &pta_bus_sim, &b->bus};
}

static void use_memory(bench *b)
{
    b->weights[0] = 1;
    b->memory = (pta_core_memory){"fc1_weights", 2, 1, b->weights};
    b->fake.ram = true;
    b->info.n_memories = 1;
    b->info.memories = &b->memory;
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
    CU_ASSERT_EQUAL(pta_ctx_memory(b->ctx).live_blocks, 0);
    pta_ctx_destroy(&b->ctx);
}

/* ---- batches ---- */

static void put(bench *b, int32_t slot, int32_t n, uint64_t seed)
{
    two_put(&b->two, pta_hw_in_buffer(b->device, slot), n, seed);
}

static bool got(bench *b, int32_t slot, int32_t n, uint64_t seed)
{
    return two_got(&b->two, pta_hw_out_buffer(b->device, slot), n, seed);
}

static pta_status run_batch(bench *b, int32_t slot, int32_t n, pta_cost *cost)
{
    put(b, slot, n, SEED + (uint64_t)slot);
    PTA_TRY(pta_hw_submit(b->device, b->ctx, slot, n));
    return pta_hw_collect(b->device, b->ctx, slot, cost);
}

static void many_batches(int width, bool is_signed, uint32_t stall)
{
    bench b;
    pta_cost cost;
    prepare(&b, width, is_signed);
    b.bus.stall_percent = stall;
    UNIT_OK(b.ctx, open_device(&b));
    size_t calls = pta_ctx_memory(b.ctx).calls;
    for (int32_t round = 0; round < 20; round++) {
        /* All slots in flight before the first is collected. */
        int32_t n = round % SAMPLES + 1;
        for (int32_t slot = 0; slot < SLOTS; slot++) {
            put(&b, slot, n, (uint64_t)(round * SLOTS + slot));
            UNIT_OK(b.ctx, pta_hw_submit(b.device, b.ctx, slot, n));
        }
        for (int32_t slot = 0; slot < SLOTS; slot++) {
            UNIT_OK(b.ctx, pta_hw_collect(b.device, b.ctx, slot, &cost));
            CU_ASSERT(got(&b, slot, n, (uint64_t)(round * SLOTS + slot)));
            CU_ASSERT(cost.cycles >= (uint64_t)n * b.fake.beats);
            CU_ASSERT((cost.interval == PTA_COST_ABSENT) == (n == 1));
            if (n > 1 && stall == 0) {
                CU_ASSERT_EQUAL(cost.interval, b.fake.beats);
                CU_ASSERT_EQUAL(cost.stalls_out, 0);
            } else if (n > 1) {
                CU_ASSERT(cost.interval > b.fake.beats);
                CU_ASSERT(cost.stalls_out > 0 && cost.stalls_in > 0);
            }
        }
    }
    CU_ASSERT_EQUAL(pta_ctx_memory(b.ctx).calls, calls);
    drop(&b);
}

static void test_batches(void)
{
    for (uint32_t stall = 0; stall <= 80; stall += 40) {
        many_batches(8, true, stall);
        many_batches(8, false, stall);  /* s16 and s32 on the host */
        many_batches(16, false, stall); /* s32 and s64 */
        many_batches(5, false, stall);
    }
}

static void test_empty_batch(void)
{
    bench b;
    pta_cost cost;
    prepare(&b, 8, true);
    UNIT_OK(b.ctx, open_device(&b));
    UNIT_OK(b.ctx, run_batch(&b, 0, 0, &cost));
    CU_ASSERT_EQUAL(pta_hw_submit(b.device, b.ctx, 0, SAMPLES + 1),
                    PTA_ERR_DEVICE);
    CU_ASSERT_EQUAL(pta_hw_collect(b.device, b.ctx, 1, &cost), PTA_ERR_DEVICE);
    UNIT_OK(b.ctx, pta_hw_submit(b.device, b.ctx, 1, 1));
    CU_ASSERT_EQUAL(pta_hw_submit(b.device, b.ctx, 1, 1), PTA_ERR_DEVICE);
    drop(&b);
}

/* ---- faults at open ---- */

static void refused(bench *b, pta_status status, const char *text)
{
    CU_ASSERT_EQUAL(open_device(b), status);
    CU_ASSERT_PTR_NULL(b->device);
    if (strstr(pta_ctx_error(b->ctx), text) == NULL) {
        printf("\nexpected \"%s\" in \"%s\"\n", text, pta_ctx_error(b->ctx));
        CU_FAIL("another message");
    }
    drop(b);
}

static void test_identity(void)
{
    bench b;
    prepare(&b, 8, true);
    b.fake.magic = 0xFFFFFFFFu;
    refused(&b, PTA_ERR_MISMATCH, "no Partita core: magic is 0xffffffff");
    prepare(&b, 8, true);
    b.fake.version = 2u << 16 | 5;
    refused(&b, PTA_ERR_UNSUPPORTED, "register map 2.5");
    prepare(&b, 8, true);
    b.fake.version = 1u << 16 | 9; /* an unknown minor is fine */
    UNIT_OK(b.ctx, open_device(&b));
    drop(&b);
    prepare(&b, 8, true);
    b.fake.slice_digest[15] ^= 1;
    refused(&b, PTA_ERR_MISMATCH, "slice digest is 00070e");
    prepare(&b, 8, true);
    b.fake.weight_digest[0] ^= 1;
    refused(&b, PTA_ERR_MISMATCH, "weight digest is 0109");
    prepare(&b, 8, true);
    b.fake.clock_hz = 50000000;
    refused(&b, PTA_ERR_MISMATCH, "built for 50000000 Hz");
    prepare(&b, 8, true);
    b.info.out_bytes -= 8;
    refused(&b, PTA_ERR_MISMATCH, "bytes in and");
    prepare(&b, 8, true);
    b.fake.silent_registers = true;
    refused(&b, PTA_ERR_DEVICE, "register 0x000 does not answer");
}

static void test_clock(void)
{
    bench b;
    prepare(&b, 8, true);
    b.fake.free_step = 2;
    refused(&b, PTA_ERR_DEVICE, "clock runs at 200");
    prepare(&b, 8, true);
    b.faults.slow_clock = 15; /* 1.5 % */
    refused(&b, PTA_ERR_DEVICE, "clock runs at 98.");
    prepare(&b, 8, true);
    b.faults.slow_clock = 5;
    UNIT_OK(b.ctx, open_device(&b));
    drop(&b);
}

static void test_dead_at_open(void)
{
    bench b;
    prepare(&b, 8, true);
    b.faults.dead_dma = true;
    refused(&b, PTA_ERR_DEVICE, "MM2S (to the core) stays in reset");
    prepare(&b, 8, true);
    b.fake.stuck_busy = true;
    refused(&b, PTA_ERR_DEVICE, "not idle after a reset");
    prepare(&b, 8, true);
    b.fake.wrong_answer = true;
    refused(&b, PTA_ERR_DEVICE, "answer to the known sample is wrong");
    prepare(&b, 8, true);
    b.fake.never_done = true;
    refused(&b, PTA_ERR_DEVICE, "no answer: 1 samples are not done after");
}

static void test_weights(void)
{
    bench b;
    prepare(&b, 8, true);
    use_memory(&b);
    b.fake.weight_digest[0] ^= 1; /* of no interest: they are written */
    UNIT_OK(b.ctx, open_device(&b));
    UNIT_OK(b.ctx, pta_core_check(b.ctx, pta_hw_core(b.device)));
    b.weights[1] = 3; /* the core's are not what they ought to be */
    CU_ASSERT_EQUAL(pta_core_check(b.ctx, pta_hw_core(b.device)),
                    PTA_ERR_MISMATCH);
    drop(&b);
    prepare(&b, 8, true);
    use_memory(&b);
    b.fake.flip_weight = true;
    refused(&b, PTA_ERR_MISMATCH, "weight memory fc1_weights: CRC is 0x");
    prepare(&b, 8, true);
    use_memory(&b);
    b.fake.crc_hangs = true;
    refused(&b, PTA_ERR_DEVICE, "fc1_weights: no CRC within");
    prepare(&b, 8, true);
    use_memory(&b);
    b.fake.ram = false;
    refused(&b, PTA_ERR_UNSUPPORTED, "built with --weights rom");
    prepare(&b, 8, true);
    use_memory(&b);
    b.weights[0] = 3; /* not the slice's: the known sample tells */
    refused(&b, PTA_ERR_DEVICE, "answer to the known sample is wrong");
}

/* IEEE 802.3: the CRC-32 of "12345678" is 0x9AE0DAAF. */
static void test_crc(void)
{
    const uint32_t data[] = {0x34333231, 0x38373635};
    const pta_core_memory memory = {"", 1, 2, data};
    CU_ASSERT_EQUAL(pta_core_memory_crc(&memory), 0x9AE0DAAFu);
}

/* ---- faults of a batch ---- */

/* Slot 0 fails with the text, slot 1 behind it is right: the core recovered. */
static void fails_once(bench *b, const char *text, void (*mend)(bench *))
{
    pta_cost cost;
    put(b, 0, 4, 1);
    put(b, 1, 4, 2);
    CU_ASSERT_EQUAL(pta_hw_submit(b->device, b->ctx, 0, 4), PTA_OK);
    pta_status status = pta_hw_collect(b->device, b->ctx, 0, &cost);
    CU_ASSERT_EQUAL(status, PTA_ERR_DEVICE);
    if (strstr(pta_ctx_error(b->ctx), text) == NULL) {
        printf("\nexpected \"%s\" in \"%s\"\n", text, pta_ctx_error(b->ctx));
        CU_FAIL("another message");
    }
    if (mend != NULL) {
        mend(b);
        UNIT_OK(b->ctx, pta_hw_reset(b->device, b->ctx));
    }
    put(b, 1, 4, 2);
    UNIT_OK(b->ctx, pta_hw_submit(b->device, b->ctx, 1, 4));
    UNIT_OK(b->ctx, pta_hw_collect(b->device, b->ctx, 1, &cost));
    CU_ASSERT(got(b, 1, 4, 2));
    drop(b);
}

static void no_faults(bench *b)
{
    memset(&b->faults, 0, sizeof b->faults);
}

static void test_dma_errors(void)
{
    static const struct {
        uint32_t bit;
        const char *text;
    } errors[] = {{PTA_DMA_SR_INTERNAL, "internal error"},
                  {PTA_DMA_SR_SLAVE, "slave error"},
                  {PTA_DMA_SR_DECODE, "decode error"}};
    for (size_t i = 0; i < 3; i++) {
        for (uint32_t after = 0; after < 8; after += 7) {
            bench b;
            prepare(&b, 8, true);
            UNIT_OK(b.ctx, open_device(&b));
            b.faults.mm2s_error = errors[i].bit;
            b.faults.error_after = after;
            fails_once(&b, errors[i].text, no_faults);
            prepare(&b, 8, true);
            UNIT_OK(b.ctx, open_device(&b));
            b.faults.s2mm_error = errors[i].bit;
            b.faults.error_after = after;
            fails_once(&b, errors[i].text, no_faults);
        }
    }
}

static void test_syncs(void)
{
    bench b;
    prepare(&b, 8, true);
    UNIT_OK(b.ctx, open_device(&b));
    b.faults.forget_to = true;
    fails_once(&b, "read bytes that were changed and not synced", no_faults);
    prepare(&b, 8, true);
    UNIT_OK(b.ctx, open_device(&b));
    b.faults.forget_for = true;
    fails_once(&b, "wrote bytes that were not handed over", no_faults);
    prepare(&b, 8, true);
    UNIT_OK(b.ctx, open_device(&b));
    b.faults.forget_from = true;
    fails_once(&b, "came from the device and were not synced", no_faults);
}

/* The core's own faults pass by themselves after the second batch (the first
 * is the known sample of open), so the driver's recovery has to do it. */
static void core_fails(size_t flag, const char *text)
{
    bench b;
    prepare(&b, 8, true);
    b.fake.once = 2;
    UNIT_OK(b.ctx, open_device(&b));
    ((bool *)&b.fake)[flag] = true;
    fails_once(&b, text, NULL);
}

static void test_core_faults(void)
{
    core_fails(offsetof(fake_params, never_done),
               "no answer: 4 samples are not done after");
    core_fails(offsetof(fake_params, short_output),
               "short transfer: 216 bytes of 288 came back");
    bench b;
    prepare(&b, 8, true);
    UNIT_OK(b.ctx, open_device(&b));
    b.faults.drop_last = true;
    fails_once(&b, "the input did not end", no_faults);
}

static void test_no_recovery(void)
{
    bench b;
    pta_cost cost;
    prepare(&b, 8, true);
    UNIT_OK(b.ctx, open_device(&b));
    b.fake.never_done = true;
    UNIT_OK(b.ctx, pta_hw_submit(b.device, b.ctx, 0, 1));
    UNIT_OK(b.ctx, pta_hw_submit(b.device, b.ctx, 1, 1));
    CU_ASSERT_EQUAL(pta_hw_collect(b.device, b.ctx, 0, &cost), PTA_ERR_DEVICE);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(b.ctx), "did not recover"));
    CU_ASSERT_EQUAL(pta_hw_collect(b.device, b.ctx, 1, &cost), PTA_ERR_DEVICE);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(b.ctx), "earlier fault"));
    b.fake.never_done = false;
    UNIT_OK(b.ctx, pta_hw_reset(b.device, b.ctx));
    UNIT_OK(b.ctx, run_batch(&b, 0, 2, &cost));
    CU_ASSERT(got(&b, 0, 2, SEED));
    drop(&b);
}

/* A lost interrupt costs time only: the registers are looked at anyway. */
static void test_no_interrupt(void)
{
    bench b;
    pta_cost cost;
    prepare(&b, 8, true);
    b.faults.no_interrupt = true;
    UNIT_OK(b.ctx, open_device(&b));
    UNIT_OK(b.ctx, run_batch(&b, 0, 3, &cost));
    CU_ASSERT(got(&b, 0, 3, SEED));
    drop(&b);
}

static void test_no_memory(void)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        bench b;
        prepare(&b, 8, false);
        pta_ctx_set_faults(b.ctx, 40, seed);
        pta_status status = open_device(&b);
        CU_ASSERT(status == PTA_OK || status == PTA_ERR_NOMEM);
        pta_ctx_set_faults(b.ctx, 0, 0);
        drop(&b);
    }
}

int main(void)
{
    static const unit_test tests[] = {
        {"batches under stalls", test_batches},
        {"empty and wrong batches", test_empty_batch},
        {"identity", test_identity},
        {"clock", test_clock},
        {"dead at open", test_dead_at_open},
        {"weights and their CRC", test_weights},
        {"CRC-32", test_crc},
        {"DMA errors", test_dma_errors},
        {"forgotten syncs", test_syncs},
        {"core faults", test_core_faults},
        {"no recovery", test_no_recovery},
        {"no interrupt", test_no_interrupt},
        {"no memory", test_no_memory}};
    printf("seed 0x%x\n", SEED);
    return unit_main("driver", tests, sizeof tests / sizeof *tests);
}
