/*
 * The bus of the chip under a root prefix: load, open, run, and each failure by
 * its own message. A thread plays FPGA manager, PL, DMA and interrupt.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_board.h"
#include "hls/driver/bus_chip.h"
#include "hls/driver/device_hw.h"
#include "hls/driver/files.h"
#include "hls/driver/format.h"
#include "hls/driver/load.h"
#include "two_tensors.h"
#include "unit/unit.h"

#define SEED    0xb0a2du
#define SAMPLES 8
#define SLOTS   2
#define DIGEST  "00070e151c232a31383f464d545b6269"

static const pta_device_ops hw_ops = {.name = "board", PTA_HW_OPS};

typedef struct bench {
    pta_ctx *ctx;
    two_tensors two;
    fake_board board;
    pta_bus_chip_params chip;
    fake_board_params bus;
    pta_core_info info;
    pta_hw_config config;
    pta_load_params load;
    pta_device *device;
    char bit[128];
} bench;

static void prepare(bench *b)
{
    memset(b, 0, sizeof *b);
    b->ctx = pta_ctx_create();
    two_make(&b->two, 8, true);
    size_t bytes = pta_bus_in_bytes(&b->two.slice);
    b->board.fake =
        (fake_params){.beats = (uint32_t)(bytes / 8), .clock_hz = 100000000};
    for (uint8_t i = 0; i < 16; i++) {
        b->info.slice_digest[i] = (uint8_t)(i * 7);
        b->board.fake.slice_digest[i] = (uint8_t)(i * 7);
    }
    b->info.clock_hz = 100000000;
    b->info.in_bytes = b->info.out_bytes = bytes;
    b->info.latency = b->info.interval = bytes / 8;
    b->board.mhz = 100;
    b->board.pace = 200;
    b->board.interrupt = true;
    b->board.after = "operating\n";
    CU_ASSERT_FATAL(fake_board_start(&b->board));
    /* A busy machine may hold the thread up for milliseconds. */
    b->chip = (pta_bus_chip_params){.root = b->board.root,
                                    .slice_digest = DIGEST,
                                    .patience_ns = 400000000,
                                    .clock_span_ns = 300000000};
    b->bus = (fake_board_params){&b->chip, &b->board};
    b->config = (pta_hw_config){&b->info, &fake_board_bus, &b->bus};
    snprintf(b->bit, sizeof b->bit, "%s/slice.bit", b->board.root);
    b->load = (pta_load_params){b->board.root, b->bit, DIGEST, 300};
}

static void drop(bench *b)
{
    pta_hw_close(b->ctx, &b->device);
    fake_board_stop(&b->board);
    CU_ASSERT_EQUAL(pta_ctx_memory(b->ctx).live_blocks, 0);
    pta_ctx_destroy(&b->ctx);
}

/* A .bit for `part` with two words of configuration behind the sync word. */
static size_t make_bit(char *bit, const char *part)
{
    static const unsigned char magic[13] = {0,   9,  15,  240, 15, 240, 15,
                                            240, 15, 240, 0,   0,  1};
    static const unsigned char data[12] = {0xaa, 0x99, 0x55, 0x66, 1, 2,
                                           3,    4,    5,    6,    7, 8};
    static const char design[] = "a\0\5core\0";
    size_t n = 0, length = strlen(part) + 1;
    memcpy(bit, magic, sizeof magic);
    n += sizeof magic;
    memcpy(bit + n, design, 8);
    n += 8;
    bit[n++] = 'b';
    bit[n++] = 0;
    bit[n++] = (char)length;
    memcpy(bit + n, part, length);
    n += length;
    memcpy(bit + n, "e\0\0\0\14", 5);
    n += 5;
    memcpy(bit + n, data, sizeof data);
    return n + sizeof data;
}

static void put_bit(bench *b, const char *part)
{
    char bit[128];
    size_t n = make_bit(bit, part);
    UNIT_OK(b->ctx, pta_bytes_write(b->ctx, b->bit, true, bit, n));
}

static void loaded(bench *b)
{
    prepare(b);
    put_bit(b, "7z020clg400");
    UNIT_OK(b->ctx, pta_board_load(b->ctx, &b->load));
}

static pta_status open_device(bench *b)
{
    pta_device_params params = {.max_samples = SAMPLES, .n_slots = SLOTS};
    return pta_hw_open(b->ctx, &b->two.slice, &params, &hw_ops, &b->config,
                       &b->device);
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

static void refused(bench *b, pta_status status, const char *text)
{
    says(b, open_device(b), status, text);
    CU_ASSERT_PTR_NULL(b->device);
    drop(b);
}

/* ---- load ---- */

static uint32_t mem_word(bench *b, uint32_t address)
{
    uint32_t word = 0;
    int fd = open(fake_board_path(&b->board, "/dev/mem"), O_RDONLY);
    CU_ASSERT_EQUAL(pread(fd, &word, 4, (off_t)address), 4);
    close(fd);
    return word;
}

static void test_load(void)
{
    bench b;
    char *bin, line[80];
    size_t n;
    loaded(&b);
    UNIT_OK(b.ctx,
            pta_bytes_read(
                b.ctx, fake_board_path(&b.board, "/lib/firmware/partita.bin"),
                &bin, &n));
    CU_ASSERT_EQUAL(n, 12);
    CU_ASSERT_EQUAL(
        memcmp(bin, "\x66\x55\x99\xaa\x04\x03\x02\x01\x08\x07\x06\x05", 12), 0);
    pta_free(b.ctx, bin);
    CU_ASSERT_EQUAL(mem_word(&b, 0xF8000008u), 0xDF0D);
    uint32_t clk = mem_word(&b, 0xF8000170u); /* 1000 MHz / 10 */
    CU_ASSERT_EQUAL((clk >> 20 & 63) * (clk >> 8 & 63), 10);
    CU_ASSERT_EQUAL(clk >> 4 & 3, 0);
    CU_ASSERT_EQUAL(mem_word(&b, 0xF8000240u), 0);
    CU_ASSERT_EQUAL(mem_word(&b, 0xF8008000u), 0xF00); /* 64 bits */
    UNIT_OK(b.ctx,
            pta_line_read(b.ctx, fake_board_path(&b.board, PTA_RECORD_PATH),
                          line, sizeof line));
    CU_ASSERT_STRING_EQUAL(line, DIGEST);
    drop(&b);
}

static void test_load_refused(void)
{
    bench b;
    prepare(&b);
    says(&b, pta_board_load(b.ctx, &b.load), PTA_ERR_NOT_FOUND, "slice.bit");
    UNIT_OK(b.ctx, pta_bytes_write(b.ctx, b.bit, true, "PK\3\4", 4));
    says(&b, pta_board_load(b.ctx, &b.load), PTA_ERR_FORMAT, "no .bit");
    put_bit(&b, "7z010clg400");
    says(&b, pta_board_load(b.ctx, &b.load), PTA_ERR_MISMATCH,
         "is for part 7z010clg400");
    put_bit(&b, "7z020clg400");
    b.load.slice_digest = "0123x";
    says(&b, pta_board_load(b.ctx, &b.load), PTA_ERR_USAGE, "0123x");
    b.load.slice_digest = DIGEST;
    b.board.after = "write error\n";
    says(&b, pta_board_load(b.ctx, &b.load), PTA_ERR_DEVICE,
         "is \"write error\", not operating");
    CU_ASSERT_EQUAL(access(fake_board_path(&b.board, PTA_RECORD_PATH), F_OK),
                    -1);
    unlink(fake_board_path(&b.board, PTA_FPGA_MANAGER "/firmware"));
    says(&b, pta_board_load(b.ctx, &b.load), PTA_ERR_NOT_FOUND,
         "needs an FPGA manager");
    drop(&b);
}

/* Every cut of a .bit is refused without reading past its end. */
static void test_cut_bits(void)
{
    pta_ctx *ctx = pta_ctx_create();
    char bit[128], *bin;
    size_t n = make_bit(bit, "7z020clg400"), n_bin;
    for (size_t cut = 0; cut < n; cut++) {
        char *copy = pta_calloc(ctx, cut, 1);
        memcpy(copy, bit, cut);
        CU_ASSERT_EQUAL(pta_bit_to_bin(ctx, "x.bit", copy, cut, &bin, &n_bin),
                        PTA_ERR_FORMAT);
        pta_free(ctx, copy);
    }
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

/* ---- run ---- */

static void run_batches(bench *b)
{
    pta_cost cost;
    char line[80];
    UNIT_OK(b->ctx, open_device(b));
    for (int32_t n = 1; n <= SAMPLES; n++) {
        for (int32_t s = 0; s < SLOTS; s++) {
            two_put(&b->two, pta_hw_in_buffer(b->device, s), n,
                    SEED + (uint64_t)s);
            UNIT_OK(b->ctx, pta_hw_submit(b->device, b->ctx, s, n));
        }
        for (int32_t s = 0; s < SLOTS; s++) {
            UNIT_OK(b->ctx, pta_hw_collect(b->device, b->ctx, s, &cost));
            CU_ASSERT(two_got(&b->two, pta_hw_out_buffer(b->device, s), n,
                              SEED + (uint64_t)s));
            CU_ASSERT(n == 1 || cost.interval == b->board.fake.beats);
        }
    }
    /* The last sync for the CPU: slot 1's output, from the device. */
    size_t area = 64 + (72 * SAMPLES + 63) / 64 * 64;
    char expected[32];
    snprintf(expected, sizeof expected, "0x%08X%08X", (unsigned)(3 * area + 64),
             72 * SAMPLES | 2 << 2 | 1);
    UNIT_OK(b->ctx,
            pta_line_read(b->ctx,
                          fake_board_path(&b->board, "/sys/class/u-dma-buf/"
                                                     "udmabuf0/sync_for_cpu"),
                          line, sizeof line));
    CU_ASSERT_STRING_EQUAL(line, expected);
}

static void test_run(void)
{
    bench b;
    loaded(&b);
    run_batches(&b);
    drop(&b);
    loaded(&b);
    b.chip.poll = true;
    b.board.interrupt = false;
    run_batches(&b);
    drop(&b);
}

/* ---- failures ---- */

static void test_not_loaded(void)
{
    bench b;
    prepare(&b);
    refused(&b, PTA_ERR_NOT_FOUND, "run partita board load");
    loaded(&b);
    fake_board_write(&b.board, PTA_RECORD_PATH,
                     "ffffffffffffffffffffffffffffffff");
    refused(&b, PTA_ERR_MISMATCH, "holds the bitstream of slice ffffffff");
    loaded(&b);
    fake_board_write(&b.board, PTA_FPGA_MANAGER "/state", "unknown\n");
    refused(&b, PTA_ERR_DEVICE, "is \"unknown\", not operating");
    /* The record is right and the PL is not what it says. */
    prepare(&b);
    b.board.fake.slice_digest[0] = 1;
    put_bit(&b, "7z020clg400");
    UNIT_OK(b.ctx, pta_board_load(b.ctx, &b.load));
    refused(&b, PTA_ERR_MISMATCH, "the core's slice digest is 01070e");
}

static void test_module(void)
{
    bench b;
    loaded(&b);
    unlink(fake_board_path(&b.board, "/sys/class/u-dma-buf/udmabuf0/size"));
    refused(&b, PTA_ERR_NOT_FOUND, "load the module u-dma-buf");
    loaded(&b);
    fake_board_write(&b.board, "/sys/class/u-dma-buf/udmabuf0/size", "1024\n");
    refused(&b, PTA_ERR_RANGE, "u-dma-buf has 1024 bytes");
    loaded(&b);
    fake_board_write(&b.board, "/sys/class/u-dma-buf/udmabuf0/size", "much\n");
    refused(&b, PTA_ERR_FORMAT, "\"much\" is no number");
    loaded(&b);
    fake_board_write(&b.board, "/sys/class/uio/uio1/maps/map0/addr",
                     "0x41e00000\n");
    refused(&b, PTA_ERR_MISMATCH, "another overlay");
}

/* Root may open anything, so the test becomes somebody else for a while. */
static void test_permission(void)
{
    bench b;
    loaded(&b);
    bool root = geteuid() == 0;
    if (root) {
        CU_ASSERT_EQUAL(seteuid(65534), 0);
    } else {
        chmod(fake_board_path(&b.board, "/dev/udmabuf0"), 0);
        chmod(fake_board_path(&b.board,
                              "/sys/class/u-dma-buf/udmabuf0/sync_for_cpu"),
              0);
    }
    says(&b, open_device(&b), PTA_ERR_IO, "no permission");
    if (root) {
        says(&b, pta_board_load(b.ctx, &b.load), PTA_ERR_IO, "denied");
        CU_ASSERT_EQUAL(seteuid(0), 0);
    }
    drop(&b);
}

static void test_clock(void)
{
    bench b;
    loaded(&b);
    b.board.mhz = 125;
    refused(&b, PTA_ERR_DEVICE, "clock runs at 12");
    loaded(&b);
    b.board.mhz = 97;
    refused(&b, PTA_ERR_DEVICE, "clock runs at 9");
}

static void fails(bench *b, const char *text)
{
    pta_cost cost;
    UNIT_OK(b->ctx, pta_hw_submit(b->device, b->ctx, 0, 2));
    says(b, pta_hw_collect(b->device, b->ctx, 0, &cost), PTA_ERR_DEVICE, text);
    drop(b);
}

static void test_run_fails(void)
{
    bench b;
    loaded(&b);
    UNIT_OK(b.ctx, open_device(&b));
    b.board.faults.mm2s_error = PTA_DMA_SR_DECODE;
    fails(&b, "MM2S (to the core): decode error");
    loaded(&b);
    UNIT_OK(b.ctx, open_device(&b));
    b.board.faults.s2mm_error = PTA_DMA_SR_SLAVE;
    fails(&b, "S2MM (from the core): slave error");
    loaded(&b);
    UNIT_OK(b.ctx, open_device(&b));
    b.board.fake.never_done = true;
    fails(&b, "no answer: 2 samples are not done after");
    loaded(&b);
    UNIT_OK(b.ctx, open_device(&b));
    b.board.interrupt = false;
    b.board.pace = 1; /* so that it is waited for */
    fails(&b, "the DMA is done but no interrupt came");
    loaded(&b);
    b.board.interrupt = false;
    b.board.pace = 1;
    refused(&b, PTA_ERR_DEVICE, "the DMA is done but no interrupt came");
}

int main(void)
{
    static const unit_test tests[] = {{"load", test_load},
                                      {"load refused", test_load_refused},
                                      {"cut bitstreams", test_cut_bits},
                                      {"run", test_run},
                                      {"not loaded", test_not_loaded},
                                      {"module, size, overlay", test_module},
                                      {"permission", test_permission},
                                      {"clock", test_clock},
                                      {"run fails", test_run_fails}};
    printf("seed 0x%x\n", SEED);
    return unit_main("chip", tests, sizeof tests / sizeof *tests);
}
