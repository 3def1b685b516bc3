/*
 * The device `board` from bitstream to answer on a board under a folder: load,
 * find the core by the slice's name, open, run; the smoke test; the status; and
 * what a user does wrong, by its own message. (test_chip.c has the faults of the
 * board itself.)
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_board.h"
#include "fake_vivado.h"
#include "hls/driver/bitstream.h"
#include "hls/driver/board_status.h"
#include "hls/driver/device_board.h"
#include "hls/driver/format.h"
#include "hls/driver/load.h"
#include "hls/driver/smoke.h"
#include "two_tensors.h"
#include "unit/unit.h"

#define SEED    0xb0a7u
#define SAMPLES 8
#define SLOTS   2

typedef struct bench {
    pta_ctx *ctx;
    two_tensors two;
    fake_board board;
    pta_core_names names;
    pta_manifest manifest;
    char build[128], bit[160], options[320];
    pta_device *device;
} bench;

/* ---- the chip's bus, in step with the one board of this process ---- */

static fake_board *the_board;
static pta_bus_chip_params patient;

static pta_status step_open(pta_ctx *ctx, const void *params, size_t bytes,
                            pta_bus **out)
{
    /* A busy machine may hold the thread up for milliseconds. */
    patient = *(const pta_bus_chip_params *)params;
    patient.patience_ns = 400000000;
    patient.clock_span_ns = 300000000;
    fake_board_params p = {&patient, the_board};
    return fake_board_bus.open(ctx, &p, bytes, out);
}

static pta_bus_ops step_bus;
static pta_device_ops step_ops;

static pta_status open_in_step(pta_ctx *ctx, const pta_slice *slice,
                               const pta_device_params *params,
                               pta_device **out)
{
    return pta_board_open(ctx, slice, params, &step_ops, &step_bus, out);
}

/* ---- a board and a build ---- */

static void put_digest(const char *hex, uint8_t bytes[16])
{
    for (int i = 0; i < 16; i++) {
        unsigned byte = 0;
        CU_ASSERT_EQUAL(sscanf(hex + 2 * i, "%2x", &byte), 1);
        bytes[i] = (uint8_t)byte;
    }
}

static void write_build(bench *b)
{
    char path[200], *text;
    static const unsigned char bit[] = {
        0,   9, 15,  240, 15,  240, 15,  240,  15,   240,  0,   0,   1,
        'b', 0, 12,  '7', 'z', '0', '2', '0',  'c',  'l',  'g', '4', '0',
        '0', 0, 'e', 0,   0,   0,   4,   0xaa, 0x99, 0x55, 0x66};
    UNIT_OK(b->ctx, pta_folder_make(b->ctx, b->build));
    snprintf(path, sizeof path, "%s/" PTA_MANIFEST_FILE, b->build);
    UNIT_OK(b->ctx, pta_manifest_print(b->ctx, &b->manifest, &text));
    UNIT_OK(b->ctx, pta_bytes_write(b->ctx, path, true, text, strlen(text)));
    pta_free(b->ctx, text);
    UNIT_OK(b->ctx, pta_bytes_write(b->ctx, b->bit, true, bit, sizeof bit));
}

static void make_manifest(bench *b)
{
    static char generator[] = "test", top[] = "pta_top";
    pta_manifest *m = &b->manifest;
    size_t bytes = pta_bus_in_bytes(&b->two.slice);
    *m = (pta_manifest){.generator = generator,
                        .top = top,
                        .clock_hz = 100000000,
                        .latency = (int64_t)bytes / 8,
                        .interval = (int64_t)bytes / 8,
                        .in_bytes = bytes,
                        .out_bytes = bytes};
    memcpy(m->slice_digest, b->names.rom, sizeof m->slice_digest);
    memset(m->weight_digest, '1', sizeof m->weight_digest - 1);
    memset(m->known_answer, '0', sizeof m->known_answer - 1);
}

static void begin(bench *b)
{
    memset(b, 0, sizeof *b);
    b->ctx = pta_ctx_create();
    two_make(&b->two, 8, true);
}

static void start(bench *b)
{
    pta_core_names_of(&b->two.slice, &b->names);
    make_manifest(b);
    b->board.fake = (fake_params){.beats = (uint32_t)(b->manifest.in_bytes / 8),
                                  .clock_hz = 100000000};
    put_digest(b->manifest.slice_digest, b->board.fake.slice_digest);
    memset(b->board.fake.weight_digest, 0x11, 16);
    b->board.mhz = 100;
    b->board.pace = 200;
    b->board.interrupt = true;
    b->board.after = "operating\n";
    CU_ASSERT_FATAL(fake_board_start(&b->board));
    the_board = &b->board;
    snprintf(b->build, sizeof b->build, "%s/builds/board0", b->board.root);
    snprintf(b->bit, sizeof b->bit, "%s/pta_top.bit", b->build);
    snprintf(b->options, sizeof b->options, "root=%s,bitstreams=%s/builds",
             b->board.root, b->board.root);
    setenv("XDG_CACHE_HOME", fake_board_path(&b->board, "/cache"), 1);
    write_build(b);
}

static void prepare(bench *b)
{
    begin(b);
    start(b);
}

static void load(bench *b)
{
    pta_load_params p = {b->board.root, b->bit, b->manifest.slice_digest, 300};
    UNIT_OK(b->ctx, pta_board_load(b->ctx, &p));
}

static void drop(bench *b)
{
    pta_hw_close(b->ctx, &b->device);
    fake_board_stop(&b->board);
    CU_ASSERT_EQUAL(pta_ctx_memory(b->ctx).live_blocks, 0);
    pta_ctx_destroy(&b->ctx);
}

static pta_status open_with(bench *b, const char *options)
{
    pta_device_params params = {
        .max_samples = SAMPLES, .n_slots = SLOTS, .options = options};
    return step_ops.open(b->ctx, &b->two.slice, &params, &b->device);
}

static void says(bench *b, pta_status found, pta_status status,
                 const char *text)
{
    CU_ASSERT_EQUAL(found, status);
    if (strstr(pta_ctx_error(b->ctx), text) == NULL) {
        printf("\nexpected \"%s\" in \"%s\"\n", text, pta_ctx_error(b->ctx));
        CU_FAIL("another message");
    }
}

/* ---- load, open, run ---- */

static void run_batches(bench *b)
{
    const pta_device_ops *ops = b->device->ops;
    pta_cost cost;
    for (int32_t n = 1; n <= SAMPLES; n++) {
        for (int32_t s = 0; s < SLOTS; s++) {
            two_put(&b->two, ops->in_buffer(b->device, s), n,
                    SEED + (uint64_t)s);
            UNIT_OK(b->ctx, ops->submit(b->device, b->ctx, s, n));
        }
        for (int32_t s = 0; s < SLOTS; s++) {
            UNIT_OK(b->ctx, ops->collect(b->device, b->ctx, s, &cost));
            CU_ASSERT(two_got(&b->two, ops->out_buffer(b->device, s), n,
                              SEED + (uint64_t)s));
            CU_ASSERT(cost.cycles >= b->board.fake.beats * (uint32_t)n);
        }
    }
}

static void test_flow(void)
{
    bench b;
    prepare(&b);
    load(&b);
    UNIT_OK(b.ctx, open_with(&b, b.options));
    run_batches(&b);
    drop(&b);
}

/* What rank 0 sent is found where nothing else is. */
static void test_kept(void)
{
    bench b;
    char *text, options[128];
    prepare(&b);
    load(&b);
    snprintf(options, sizeof options, "root=%s,bitstreams=%s/nowhere,poll",
             b.board.root, b.board.root);
    says(&b, open_with(&b, options), PTA_ERR_NOT_FOUND, "nowhere: has no core");
    UNIT_OK(b.ctx, pta_manifest_print(b.ctx, &b.manifest, &text));
    UNIT_OK(b.ctx, pta_bitstream_keep(b.ctx, text, "bits", 4));
    pta_free(b.ctx, text);
    UNIT_OK(b.ctx, open_with(&b, options));
    run_batches(&b);
    drop(&b);
}

/* A core with writable weights is found by the name of its program. */
static void test_names(void)
{
    bench b;
    pta_bitstream found;
    char folder[96];
    prepare(&b);
    snprintf(folder, sizeof folder, "%s/builds", b.board.root);
    memcpy(b.manifest.slice_digest, b.names.ram, PTA_SHA256_HEX);
    b.manifest.ram = true;
    write_build(&b);
    UNIT_OK(b.ctx, pta_bitstream_find(b.ctx, folder, &b.names, &found));
    CU_ASSERT_TRUE(found.manifest->ram);
    CU_ASSERT_STRING_EQUAL(found.bit_path, b.bit);
    pta_bitstream_free(b.ctx, &found);
    fake_board_write(&b.board, "/builds/board0/manifest.json", "{\"top\": 3");
    says(&b, pta_bitstream_find(b.ctx, folder, &b.names, &found),
         PTA_ERR_FORMAT, "board0/manifest.json: line");
    drop(&b);
}

/* ---- refused ---- */

static void test_options(void)
{
    static const struct {
        const char *options, *text;
    } cases[] = {{NULL, "--bitstreams DIR is missing"},
                 {"fast", "unknown option \"fast\"; expected bitstreams=DIR"},
                 {"poll=1", "unknown option \"poll\""},
                 {"patience=0", "patience=0: expected 1 to"},
                 {"patience=1s", "patience=1s: expected 1 to"}};
    bench b;
    prepare(&b);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        says(&b, open_with(&b, cases[i].options), PTA_ERR_USAGE, cases[i].text);
    }
    drop(&b);
    pta_board_options o;
    pta_ctx *ctx = pta_ctx_create();
    UNIT_OK(ctx,
            pta_board_options_parse(
                ctx, "hls4ml=fixed<16,6>/fixed<8,2>,poll,patience=70", &o));
    CU_ASSERT_STRING_EQUAL(o.bus, "fixed<16,6>/fixed<8,2>");
    CU_ASSERT_TRUE(o.poll && o.hls4ml);
    CU_ASSERT_EQUAL(o.patience_ns, 70000000);
    pta_board_options_free(ctx, &o);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

static void test_not_ready(void)
{
    bench b;
    prepare(&b);
    says(&b, open_with(&b, b.options), PTA_ERR_NOT_FOUND,
         "run partita board load");
    load(&b);
    fake_board_write(&b.board, PTA_RECORD_PATH,
                     "0123456789abcdef0123456789abcdef");
    says(&b, open_with(&b, b.options), PTA_ERR_MISMATCH,
         "holds the bitstream of slice 0123456789abcdef");
    drop(&b);
    prepare(&b);
    b.board.fake.weight_digest[3] = 0; /* the same program, other weights */
    load(&b);
    says(&b, open_with(&b, b.options), PTA_ERR_MISMATCH,
         "the core's weight digest is 11111100");
    drop(&b);
    prepare(&b);
    b.manifest.in_bytes += 8; /* another bus format */
    write_build(&b);
    load(&b);
    says(&b, open_with(&b, b.options), PTA_ERR_MISMATCH,
         "the slice's samples have");
    drop(&b);
    prepare(&b);
    b.board.fake.wrong_answer = true;
    load(&b);
    says(&b, open_with(&b, b.options), PTA_ERR_DEVICE,
         "answer to the known sample is wrong");
    drop(&b);
}

/* ---- a VivadoAccelerator design ---- */

/* One tensor goes through a core of streams alone; nobody touches registers it
 * does not have, and the record must still be the slice's. */
static void test_vivado(void)
{
    bench b;
    char options[160];
    const fake_wire wire = {'i', 2, 8, 5}; /* fixed<8,3> as fixed<16,3> */
    begin(&b);
    b.two.slice.n_inputs = b.two.slice.n_outputs = 1;
    pta_ctx *other = pta_ctx_create(); /* the thread's */
    fake_vivado_params fake = {
        .ctx = other, .slice = &b.two.slice, .in = wire, .out = wire};
    b.board.streams = &fake_vivado;
    b.board.streams_params = &fake;
    b.board.beat = 2;
    start(&b);
    unlink(fake_board_path(&b.board, "/sys/class/uio/uio0/name"));
    unlink(fake_board_path(&b.board, "/dev/mem"));
    snprintf(options, sizeof options, "root=%s,hls4ml=fixed<16,3>",
             b.board.root);
    says(&b, open_with(&b, options), PTA_ERR_NOT_FOUND,
         "run partita board load");
    fake_board_write(&b.board, PTA_FPGA_MANAGER "/state", "operating\n");
    mkdir(fake_board_path(&b.board, "/run/partita"), 0755);
    fake_board_write(&b.board, PTA_RECORD_PATH, b.names.rom);
    UNIT_OK(b.ctx, open_with(&b, options));
    const pta_device_ops *ops = b.device->ops;
    pta_cost cost;
    for (int32_t n = 1; n <= SAMPLES; n++) {
        unsigned char *in = ops->in_buffer(b.device, 0);
        size_t stride = pta_slice_in_bytes(&b.two.slice);
        for (size_t i = 0; i < stride * (size_t)n; i++) {
            in[i] = (unsigned char)(i % stride < 21 ? i * 37 + 11 : 0);
        }
        UNIT_OK(b.ctx, ops->submit(b.device, b.ctx, 0, n));
        UNIT_OK(b.ctx, ops->collect(b.device, b.ctx, 0, &cost));
        CU_ASSERT_EQUAL(cost.cycles, PTA_COST_ABSENT);
        for (size_t i = 0; i < stride * (size_t)n; i++) {
            const unsigned char *out = ops->out_buffer(b.device, 0);
            CU_ASSERT(i % stride >= 21 || out[i] == in[i]);
        }
    }
    drop(&b);
    pta_ctx_destroy(&other);
}

/* ---- smoke test and status ---- */

static void test_smoke(void)
{
    bench b;
    pta_core_info info;
    pta_smoke_result r;
    unsigned char sample[256];
    prepare(&b);
    load(&b);
    pta_manifest_info(&b.manifest, &info);
    pta_bus_chip_params chip = {.root = b.board.root,
                                .slice_digest = b.manifest.slice_digest};
    pta_smoke_params p = {&info,  &step_bus, &chip, BOARD_MEMORY,
                          sample, sample,    5};
    for (size_t i = 0; i < sizeof sample; i++) {
        sample[i] = (unsigned char)(i * 5 + 1);
    }
    UNIT_OK(b.ctx, pta_smoke_run(b.ctx, &p, &r));
    CU_ASSERT_EQUAL(r.n_rows, 3); /* 512 samples do not fit */
    CU_ASSERT(r.clock_hz > 99e6 && r.clock_hz < 101e6);
    CU_ASSERT_EQUAL(r.interval, b.board.fake.beats);
    for (int i = 0; i < r.n_rows; i++) {
        CU_ASSERT_EQUAL(r.rows[i].n_samples, i == 0 ? 1 : i == 1 ? 8 : 64);
        CU_ASSERT(r.rows[i].core_us >=
                  0.01 * b.board.fake.beats * r.rows[i].n_samples);
        CU_ASSERT(r.rows[i].total_us > 0 && r.rows[i].sync_us > 0);
        CU_ASSERT(pta_smoke_overhead_us(&r.rows[i]) >= 0);
    }
    p.memory_bytes = 64;
    says(&b, pta_smoke_run(b.ctx, &p, &r), PTA_ERR_RANGE, "u-dma-buf has 64");
    p.memory_bytes = BOARD_MEMORY;
    b.board.fake.wrong_answer = true;
    says(&b, pta_smoke_run(b.ctx, &p, &r), PTA_ERR_DEVICE, "expected 0x");
    p.answer = NULL; /* wrong the same way each time: nobody can tell */
    UNIT_OK(b.ctx, pta_smoke_run(b.ctx, &p, &r));
    drop(&b);
}

static void test_status(void)
{
    bench b;
    pta_board_state s;
    prepare(&b);
    pta_board_state_read(b.ctx, b.board.root, &s);
    CU_ASSERT_STRING_EQUAL(s.slice, "");
    CU_ASSERT_STRING_EQUAL(s.fpga, "unknown");
    load(&b);
    pta_board_state_read(b.ctx, b.board.root, &s);
    CU_ASSERT_STRING_EQUAL(s.slice, b.manifest.slice_digest);
    CU_ASSERT_STRING_EQUAL(s.fpga, "operating");
    CU_ASSERT_EQUAL(s.dma_bytes, BOARD_MEMORY);
    CU_ASSERT_EQUAL(s.dma_address, BOARD_ADDRESS);
    CU_ASSERT_TRUE(s.uio_core && s.uio_dma && s.uio_irq);
    CU_ASSERT_EQUAL(s.fclk_hz, 100e6);
    pta_board_state_read(b.ctx, "/nonexistent", &s);
    CU_ASSERT(s.slice[0] == '\0' && s.fpga[0] == '\0' && s.dma_bytes == 0 &&
              !s.uio_core && !s.uio_irq && s.fclk_hz == 0);
    drop(&b);
}

int main(void)
{
    static const unit_test tests[] = {
        {"load, open, run", test_flow}, {"sent by rank 0", test_kept},
        {"names", test_names},          {"options", test_options},
        {"not ready", test_not_ready},  {"hls4ml design", test_vivado},
        {"smoke test", test_smoke},     {"status", test_status}};
    step_bus = fake_board_bus;
    step_bus.open = step_open;
    step_ops = pta_device_board;
    step_ops.open = open_in_step;
    printf("seed 0x%x\n", SEED);
    return unit_main("board", tests, sizeof tests / sizeof *tests);
}
