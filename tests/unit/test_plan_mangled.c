/*
 * Mangled plan files: thousands of random edits of a good plan, by byte and by
 * token. The reader must refuse each with a message that begins with the file's
 * name, or accept a plan that can be built and written back. Neither may crash,
 * hang or lose memory.
 *
 * PARTITA_TEST_SEED and PARTITA_TEST_COUNT set the seed and the number of files.
 */
#include <stdio.h>
#include <string.h>

#include "unit/named_nets.h"
#include "unit/slice_interpreter.h"
#include "unit/unit.h"

#define TEXT_ROOM 16384
#define HEX       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char *const numbers[] = {"0",
                                      "-1",
                                      "1",
                                      "2",
                                      "33",
                                      "64",
                                      "65",
                                      "5.5",
                                      "1e400",
                                      "2147483647",
                                      "2147483648",
                                      "4294967297",
                                      "-2147483648",
                                      "9223372036854775807",
                                      "9223372036854775808",
                                      "null",
                                      "true",
                                      "[]",
                                      "{}",
                                      "\"\"",
                                      "[3, 3]",
                                      "[-3, 14]",
                                      "[2147483647, 2147483647]"};
static const char *const strings[] = {"\"fixed<1,1>\"",
                                      "\"fixed<33,1>\"",
                                      "\"fixed<32,-32>\"",
                                      "\"ufixed<16,5>\"",
                                      "\"fixed<16,99>\"",
                                      "\"fixed<16,2147483648>\"",
                                      "\"fixed<16,>\"",
                                      "\"fixed<9,3,TRN,WRAP>\"",
                                      "\"fixed<16,2,RND_CONV,SAT_ZERO>\"",
                                      "\"fixed<16,2,RND\"",
                                      "\"fixed<32,16>\"",
                                      "\"conv1\"",
                                      "\"fc1\"",
                                      "\"softmax\"",
                                      "\"flatten\"",
                                      "\"image\"",
                                      "\"nosuch\"",
                                      "\"input\"",
                                      "\"rows\"",
                                      "\"paired\"",
                                      "\"whole\"",
                                      "\"int32\"",
                                      "\"\"",
                                      "7"};

#define PICK(list, rng)                                                        \
    list[pta_rng_range(rng, 0, (int64_t)(sizeof(list) / sizeof *(list)) - 1)]

/* Replaces `length` bytes at `at` by `by`, if there is room. */
static void replace(char *text, size_t at, size_t length, const char *by)
{
    size_t size = strlen(text), n = strlen(by);
    if (size - length + n < TEXT_ROOM) {
        memmove(text + at + n, text + at + length, size - at - length + 1);
        memcpy(text + at, by, n);
    }
}

/* The first number at or after a random place; its length, 0 if none. */
static size_t find_number(const char *text, uint64_t *rng, size_t *at)
{
    size_t size = strlen(text);
    size_t from = (size_t)pta_rng_range(rng, 0, (int64_t)size);
    *at = from + strcspn(text + from, "0123456789");
    return strspn(text + *at, "0123456789");
}

static size_t find_string(const char *text, uint64_t *rng, size_t *at)
{
    size_t size = strlen(text);
    size_t from = (size_t)pta_rng_range(rng, 0, (int64_t)size);
    *at = from + strcspn(text + from, "\"");
    if (text[*at] == '\0' || strchr(text + *at + 1, '"') == NULL) {
        return 0;
    }
    return (size_t)(strchr(text + *at + 1, '"') - text) - *at + 1;
}

static void mangle(char *text, uint64_t *rng)
{
    size_t size = strlen(text), at = 0, n;
    if (size == 0) {
        return;
    }
    size_t somewhere = (size_t)pta_rng_range(rng, 0, (int64_t)size - 1);
    switch (pta_rng_range(rng, 0, 5)) {
    case 0: /* one byte; a NUL cuts the rest off */
        text[somewhere] = (char)pta_rng_range(rng, 0, 255);
        break;
    case 1: /* some bytes lost */
        n = (size_t)pta_rng_range(rng, 1, 20);
        replace(text, somewhere, n < size - somewhere ? n : size - somewhere,
                "");
        break;
    case 2:
    case 3:
        n = find_number(text, rng, &at);
        replace(text, at, n, n > 0 ? PICK(numbers, rng) : "");
        break;
    case 4:
        n = find_string(text, rng, &at);
        replace(text, at, n, n > 0 ? PICK(strings, rng) : "");
        break;
    default: /* one string in the place of another */
    {
        char copy[128];
        n = find_string(text, rng, &at);
        if (n > 0 && n < sizeof copy) {
            memcpy(copy, text + at, n);
            copy[n] = '\0';
            n = find_string(text, rng, &at);
            replace(text, at, n, n > 0 ? copy : "");
        }
    }
    }
}

/* An accepted plan must be usable: slices, wires, and the same text again. */
static bool usable(pta_ctx *ctx, const pta_graph *graph, const pta_plan *plan)
{
    cluster c;
    char *text = NULL, *again = NULL;
    pta_plan *back = NULL;
    pta_status status = cluster_open(ctx, graph, plan, &c);
    cluster_close(ctx, &c);
    if (status == PTA_OK) {
        status = pta_plan_print(ctx, plan, graph, &text);
    }
    if (status == PTA_OK) {
        status = pta_plan_parse(ctx, text, "p.json", graph, &back);
    }
    if (status == PTA_OK) {
        status = pta_plan_print(ctx, back, graph, &again);
    }
    bool good = status == PTA_OK && strcmp(text, again) == 0;
    if (!good) {
        fprintf(stderr, "\naccepted, but: %s\n%s\n", pta_ctx_error(ctx),
                text != NULL ? text : "");
    }
    pta_plan_destroy(ctx, &back);
    pta_free(ctx, again);
    pta_free(ctx, text);
    return good;
}

static char *good_text(pta_ctx *ctx, const pta_graph *graph, const char *cut)
{
    char *text = NULL;
    pta_plan *plan = sim_plan(ctx, graph);
    pta_free(ctx, plan->model);
    plan->model = pta_strdup(ctx, "cnn.h5");
    strcpy(plan->model_digest, HEX);
    plan->calibration.set = pta_strdup(ctx, "mnist");
    plan->calibration.split = pta_strdup(ctx, "train");
    plan->calibration.rows = 60000;
    strcpy(plan->calibration.digest, HEX);
    UNIT_OK(ctx, pta_cut_apply(ctx, cut, graph, plan));
    for (int32_t b = 0; b < plan->n_boards; b++) {
        strcpy(plan->slice_digests[b], HEX);
    }
    UNIT_OK(ctx, pta_plan_print(ctx, plan, graph, &text));
    pta_plan_destroy(ctx, &plan);
    return text;
}

static uint64_t setting(const char *name, uint64_t fallback)
{
    const char *value = getenv(name);
    return value == NULL ? fallback : strtoull(value, NULL, 10);
}

static void test_mangled(void)
{
    static const char *const cuts[] = {
        "conv1=rows:3/5/3,pool1,conv3=channel:3,fc1=input:2,output",
        "conv1=paired:4,conv3=inchannel:2,fc1=paired:3"};
    uint64_t seed = setting("PARTITA_TEST_SEED", 20261122), rng = seed;
    uint64_t count = setting("PARTITA_TEST_COUNT", 4000), accepted = 0;
    pta_ctx *ctx = pta_ctx_create();
    pta_graph *graph = cnn_net(ctx);
    char *good[2] = {good_text(ctx, graph, cuts[0]),
                     good_text(ctx, graph, cuts[1])};
    static char text[TEXT_ROOM];
    for (uint64_t i = 0; i < count; i++) {
        pta_plan *plan = NULL;
        CU_ASSERT_FATAL(strlen(good[i % 2]) < TEXT_ROOM / 2);
        strcpy(text, good[i % 2]);
        for (int64_t k = pta_rng_range(&rng, 1, 3); k > 0; k--) {
            mangle(text, &rng);
        }
        pta_status status = pta_plan_parse(ctx, text, "p.json", graph, &plan);
        if (status == PTA_OK) {
            accepted++;
            CU_ASSERT_TRUE(usable(ctx, graph, plan));
        } else {
            CU_ASSERT_PTR_NULL(plan);
            CU_ASSERT_EQUAL(strncmp(pta_ctx_error(ctx), "p.json: ", 8), 0);
        }
        pta_plan_destroy(ctx, &plan);
        pta_ctx_clear_error(ctx);
    }
    printf("seed %llu: %llu of %llu accepted ", (unsigned long long)seed,
           (unsigned long long)accepted, (unsigned long long)count);
    CU_ASSERT_TRUE(accepted > 0 && accepted < count / 2);
    pta_free(ctx, good[0]);
    pta_free(ctx, good[1]);
    pta_graph_destroy(ctx, &graph);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

static const unit_test tests[] = {{"random edits", test_mangled}};

UNIT_MAIN("plan_mangled", tests)
