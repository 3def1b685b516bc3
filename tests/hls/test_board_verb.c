/*
 * `partita board` as a user calls it, on a board under a folder: load, status,
 * smoke test, their JSON, and wrong use.
 */
#define _GNU_SOURCE
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "fake_board.h"
#include "hls/driver/bitstream.h"
#include "hls/driver/bus_chip.h"
#include "hls/driver/files.h"
#include "hls/gen/known_answer.h"
#include "unit/unit.h"

#define DIGEST                                                                 \
    "00070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9"
#define BEATS 3

extern fake_board *chip_board; /* chip_in_step.c */

typedef struct bench {
    pta_ctx *ctx;
    fake_board board;
} bench;

static void write_core(bench *b)
{
    static char generator[] = "test", top[] = "pta_top", name[] = "in";
    static const unsigned char bit[] = {
        0,   9, 15,  240, 15,  240, 15,  240,  15,   240,  0,   0,   1,
        'b', 0, 12,  '7', 'z', '0', '2', '0',  'c',  'l',  'g', '4', '0',
        '0', 0, 'e', 0,   0,   0,   4,   0xaa, 0x99, 0x55, 0x66};
    pta_manifest_tensor in = {.name = name,
                              .width = 6,
                              .is_signed = true,
                              .element_bytes = 1,
                              .elements = 8 * BEATS - 3,
                              .bytes = 8 * BEATS};
    pta_manifest m = {.generator = generator,
                      .top = top,
                      .slice_digest = DIGEST,
                      .clock_hz = 100000000,
                      .latency = BEATS,
                      .interval = BEATS,
                      .in_bytes = 8 * BEATS,
                      .out_bytes = 8 * BEATS,
                      .n_inputs = 1,
                      .inputs = &in,
                      .n_outputs = 1,
                      .outputs = &in};
    char *text, sample[8 * BEATS] = {0};
    memset(m.weight_digest, '0', sizeof m.weight_digest - 1);
    /* The core gives back what it takes. */
    UNIT_OK(b->ctx, pta_known_sample(b->ctx, &m, sample));
    UNIT_OK(b->ctx, pta_known_digest(b->ctx, &m, sample, m.known_answer));
    UNIT_OK(b->ctx, pta_manifest_print(b->ctx, &m, &text));
    UNIT_OK(b->ctx, pta_bytes_write(
                        b->ctx, fake_board_path(&b->board, "/manifest.json"),
                        true, text, strlen(text)));
    pta_free(b->ctx, text);
    UNIT_OK(b->ctx,
            pta_bytes_write(b->ctx, fake_board_path(&b->board, "/pta_top.bit"),
                            true, bit, sizeof bit));
}

static void prepare(bench *b)
{
    memset(b, 0, sizeof *b);
    b->ctx = pta_ctx_create();
    b->board.fake = (fake_params){.beats = BEATS, .clock_hz = 100000000};
    for (uint8_t i = 0; i < 16; i++) {
        b->board.fake.slice_digest[i] = (uint8_t)(i * 7);
    }
    b->board.mhz = 100;
    b->board.pace = 200;
    b->board.interrupt = true;
    b->board.after = "operating\n";
    CU_ASSERT_FATAL(fake_board_start(&b->board));
    chip_board = &b->board;
    write_core(b);
}

static void drop(bench *b)
{
    fake_board_stop(&b->board);
    CU_ASSERT_EQUAL(pta_ctx_memory(b->ctx).live_blocks, 0);
    pta_ctx_destroy(&b->ctx);
}

/* Runs `partita board WORDS`, @ standing for the board's folder; the exit code.
 */
static int board(bench *b, const char *words)
{
    char text[1024], *argv[16] = {text}, *rest, *at = text;
    int argc = 0;
    at += snprintf(text, sizeof text, "board ");
    for (; *words != '\0'; words++) {
        at += snprintf(at, (size_t)(text + sizeof text - at), "%s",
                       *words == '@' ? b->board.root : (char[]){*words, '\0'});
    }
    for (char *word = strtok_r(text, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        argv[argc++] = word;
    }
    return pta_verb_board.run(b->ctx, argc, argv);
}

static void fails(bench *b, const char *words, int code, const char *message)
{
    CU_ASSERT_EQUAL(board(b, words), code);
    if (strstr(pta_ctx_error(b->ctx), message) == NULL) {
        printf("\nexpected \"%s\" in \"%s\"\n", message, pta_ctx_error(b->ctx));
        CU_FAIL("another message");
    }
}

static json_t *read_json(const bench *b, const char *path)
{
    json_t *json = json_load_file(fake_board_path(&b->board, path), 0, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    return json;
}

static double number(const json_t *json, const char *key)
{
    return json_number_value(json_object_get(json, key));
}

static void test_status(void)
{
    bench b;
    prepare(&b);
    CU_ASSERT_EQUAL(board(&b, "status --root @ --json @/status.json"), 0);
    json_t *s = read_json(&b, "/status.json");
    CU_ASSERT_TRUE(json_is_null(json_object_get(s, "slice")));
    CU_ASSERT_TRUE(json_is_null(json_object_get(s, "clock_hz")));
    json_decref(s);
    CU_ASSERT_EQUAL(board(&b, "load @/pta_top.bit --root @"), 0);
    CU_ASSERT_EQUAL(board(&b, "status --root @ --json @/status.json"), 0);
    s = read_json(&b, "/status.json");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(s, "slice")),
                           DIGEST);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(s, "fpga")),
                           "operating");
    CU_ASSERT_EQUAL(number(s, "clock_hz"), 100e6);
    CU_ASSERT_EQUAL(number(s, "dma_buffer_bytes"), BOARD_MEMORY);
    json_decref(s);
    drop(&b);
}

static void test_smoke(void)
{
    bench b;
    prepare(&b);
    CU_ASSERT_EQUAL(board(&b, "load @/pta_top.bit --root @"), 0);
    CU_ASSERT_EQUAL(board(&b, "smoke --manifest @/manifest.json --root @ "
                              "--json @/smoke.json"),
                    0);
    json_t *s = read_json(&b, "/smoke.json");
    const json_t *rows = json_object_get(s, "batches");
    CU_ASSERT_EQUAL(json_array_size(rows), 4);
    CU_ASSERT(number(s, "clock_hz") > 99e6 && number(s, "clock_hz") < 101e6);
    CU_ASSERT_EQUAL(number(s, "interval_cycles"), BEATS);
    CU_ASSERT_TRUE(json_is_true(json_object_get(s, "answer_checked")));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        double parts = number(row, "sync_us") + number(row, "core_us") +
                       number(row, "driver_us");
        CU_ASSERT(number(row, "total_us") > 0);
        CU_ASSERT(parts >= 0.999 * number(row, "total_us"));
    }
    json_decref(s);
    drop(&b);
}

static void test_refused(void)
{
    bench b;
    prepare(&b);
    fails(&b, "", 2, "\"\": expected load, smoke or status");
    fails(&b, "format", 2, "\"format\": expected load, smoke or status");
    fails(&b, "load", 2, "SLICE.bit is missing");
    fails(&b, "smoke me", 2, "\"me\": board smoke takes options only");
    fails(&b, "load @/lib/x.bit --root @", 1,
          "--manifest, --plan or --digest says it");
    fails(&b, "load @/lib/x.bit --root @ --digest 12", 2,
          "slice digest \"12\"");
    fails(&b, "load @/lib/x.bit --root @ --manifest @/manifest.json", 1,
          "lib/x.bit: No such file");
    fails(&b, "smoke --root @ --manifest @/none.json", 1, "none.json");
    fails(&b, "smoke --root @ --manifest @/manifest.json", 1,
          "run partita board load");
    b.board.after = "write error\n";
    fails(&b, "load @/pta_top.bit --root @", 1, "is \"write error\"");
    drop(&b);
}

static void test_smoke_fails(void)
{
    bench b;
    prepare(&b);
    CU_ASSERT_EQUAL(board(&b, "load @/pta_top.bit --root @"), 0);
    b.board.mhz = 125;
    fails(&b, "smoke --root @ --manifest @/manifest.json", 1,
          "clock runs at 12");
    b.board.mhz = 100;
    b.board.fake.wrong_answer = true; /* always the same one */
    fails(&b, "smoke --manifest @/manifest.json --root @", 1,
          "answer to the known sample has SHA-256");
    b.board.fake.wrong_answer = false;
    b.board.fake.never_done = true;
    fails(&b, "smoke --root @ --manifest @/manifest.json --poll", 1,
          "no answer: 1 samples");
    drop(&b);
}

int main(void)
{
    static const unit_test tests[] = {{"load, status", test_status},
                                      {"smoke test", test_smoke},
                                      {"refused", test_refused},
                                      {"smoke test fails", test_smoke_fails}};
    return unit_main("board_verb", tests, sizeof tests / sizeof *tests);
}
