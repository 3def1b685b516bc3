/*
 * Merges, concatenation, and layers that move elements, against code written
 * here on random formats and shapes.
 */
#include "unit.h"

#include "kernel_cases.h"

#define SEED  20261128u
#define COUNT 24
#define FINE  34 /* fraction bits at which every operand is a whole number */

typedef struct merge_case {
    pta_merge merge;
    pta_operand in[3];
    int64_t data[3][COUNT];
} merge_case;

static void make_case(uint64_t *rng, merge_case *c)
{
    int32_t n = (int32_t)case_range(rng, 2, 3);
    bool wide = (pta_rng_next(rng) & 1) != 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t width = wide ? 32 : (int32_t)case_range(rng, 2, 16);
        c->in[i] = (pta_operand){
            .type = PTA_S64,
            .frac = (int32_t)case_range(rng, wide ? -8 : 0, wide ? 34 : 12),
            .width = width};
        int64_t top = INT64_C(1) << (width - 1);
        for (int e = 0; e < COUNT; e++) {
            c->data[i][e] = case_range(rng, -top, top - 1);
        }
    }
    c->merge = (pta_merge){.op = (pta_merge_op)case_range(rng, 0, 4),
                           .count = COUNT / 2,
                           .n_in = n,
                           .in = c->in,
                           .y = PTA_S64,
                           .y_format = case_format(rng, false),
                           .act = (pta_activation)case_range(rng, 0, 2),
                           .act_max = case_range(rng, 0, 1 << 20),
                           .act_frac = (int32_t)case_range(rng, 0, 12)};
    if (c->merge.op == PTA_MERGE_AVERAGE && wide) {
        c->merge.y_format.overflow = PTA_OVF_SAT; /* number.h's one limit */
    }
    if (c->merge.op == PTA_MERGE_SUB) {
        c->merge.n_in = 2;
    }
    if (c->merge.op == PTA_MERGE_MUL && wide) {
        c->merge.n_in = 2;
        c->merge.act = PTA_ACT_NONE;
    }
}

static int64_t expected(const merge_case *c, int e)
{
    const pta_merge *m = &c->merge;
    pta_wide one = 1, sum = 0, product = 1, max = 0;
    int32_t frac = FINE, product_frac = 0;
    for (int32_t i = 0; i < m->n_in; i++) {
        pta_wide v = c->data[i][e] * (one << (FINE - c->in[i].frac));
        sum = i > 0 && m->op == PTA_MERGE_SUB ? sum - v : sum + v;
        max = i == 0 || v > max ? v : max;
        product *= c->data[i][e];
        product_frac += c->in[i].frac;
    }
    pta_wide value = m->op == PTA_MERGE_MAXIMUM ? max : sum;
    if (m->op == PTA_MERGE_MUL) {
        value = product;
        frac = product_frac;
        if (m->act != PTA_ACT_NONE) { /* narrow: bring both to 2^-48 */
            value *= one << (48 - frac);
            frac = 48;
        }
    }
    int32_t count = m->op == PTA_MERGE_AVERAGE ? m->n_in : 1;
    if (m->act != PTA_ACT_NONE && value < 0) {
        value = 0;
    }
    if (m->act == PTA_ACT_RELU_MAX) {
        pta_wide top = m->act_max * count * (one << (frac - m->act_frac));
        value = value > top ? top : value;
    }
    return pta_convert_scaled_ref(value, count, frac - pta_frac(m->y_format),
                                  m->y_format);
}

static void test_merges(void)
{
    uint64_t rng = SEED;
    printf("seed %u ", SEED);
    for (int i = 0; i < 20000; i++) {
        merge_case c;
        make_case(&rng, &c);
        CU_ASSERT_TRUE_FATAL(pta_merge_init(&c.merge));
        const void *x[] = {c.data[0], c.data[1], c.data[2]};
        size_t stride[] = {COUNT * 4, COUNT * 4, COUNT * 4};
        int64_t y[COUNT];
        pta_batch batch = {
            .n = 2, .x = x, .x_stride = stride, .y = y, .y_stride = COUNT * 4};
        pta_merge_ref(&c.merge, &batch);
        for (int e = 0; e < COUNT; e++) {
            CU_ASSERT_EQUAL(y[e], expected(&c, e));
        }
    }
}

static void test_too_far(void)
{
    pta_operand in[2] = {{PTA_S32, 0, 32}, {PTA_S32, 100, 32}};
    pta_merge m = {.op = PTA_MERGE_ADD,
                   .n_in = 2,
                   .in = in,
                   .y_format = {16, 6, true, PTA_RND_RND, PTA_OVF_SAT}};
    CU_ASSERT_FALSE(pta_merge_init(&m));
    in[1].frac = 80;
    CU_ASSERT_TRUE(pta_merge_init(&m));
    m.op = PTA_MERGE_MUL;
    in[1].frac = 100;
    CU_ASSERT_TRUE(pta_merge_init(&m));
}

/* Channels of the second input after those of the first, rescaled. */
static void test_concat(void)
{
    static const int8_t a[] = {1, 2, 3, 4};
    static const int16_t b[] = {100, 200, 300, 400, 500, 600, 700, 800};
    const pta_operand in[2] = {{PTA_S8, 2, 8}, {PTA_S16, 4, 16}};
    const void *x[] = {a, b};
    size_t stride[] = {2, 8};
    int16_t y[12];
    pta_image views[2] = {{2, 1, 1}, {2, 1, 2}};
    pta_concat c = {.axis = 2,
                    .n_in = 2,
                    .in = in,
                    .in_view = views,
                    .out = {2, 1, 3},
                    .y = PTA_S16,
                    .y_format = {16, 13, true, PTA_RND_RND, PTA_OVF_SAT}};
    pta_batch batch = {
        .n = 2, .x = x, .x_stride = stride, .y = y, .y_stride = 12};
    pta_concat_ref(&c, &batch);
    static const int16_t want[] = {2, 50,  100, 4, 150, 200,
                                   6, 250, 300, 8, 350, 400};
    CU_ASSERT_EQUAL(memcmp(y, want, sizeof want), 0);
    c.axis = 0; /* rows after rows */
    c.out = (pta_image){3, 1, 2};
    views[0] = (pta_image){1, 1, 2};
    pta_concat_ref(&c, &batch);
    static const int16_t rows[] = {2, 4, 50,  100, 150, 200,
                                   6, 8, 250, 300, 350, 400};
    CU_ASSERT_EQUAL(memcmp(y, rows, sizeof rows), 0);
}

static void test_shapes(void)
{
    int16_t x[24], y[40], back[24];
    for (int16_t i = 0; i < 24; i++) {
        x[i] = (int16_t)(i + 1);
    }
    const void *in = x;
    size_t stride = 0;
    pta_batch batch = {.n = 1, .x = &in, .x_stride = &stride, .y = y};
    pta_permute p = {{2, 3, 4}, {2, 0, 1}, PTA_S16};
    pta_permute_ref(&p, &batch);
    for (int h = 0; h < 2; h++) {
        for (int w = 0; w < 3; w++) {
            for (int c = 0; c < 4; c++) {
                CU_ASSERT_EQUAL(y[(c * 2 + h) * 3 + w], x[(h * 3 + w) * 4 + c]);
            }
        }
    }
    pta_pad pad = {{2, 3, 2}, {4, 5, 2}, 1, 1, PTA_S16};
    pta_pad_ref(&pad, &batch);
    int64_t sum = 0;
    for (int i = 0; i < 40; i++) {
        sum += y[i];
    }
    CU_ASSERT_EQUAL(sum, 78);
    CU_ASSERT_EQUAL(y[(1 * 5 + 1) * 2], 1);
    CU_ASSERT_EQUAL(y[(2 * 5 + 3) * 2 + 1], 12);
    /* rows 1..2 and channel 1 of the padded image */
    in = y;
    pta_batch again = {.n = 1, .x = &in, .x_stride = &stride, .y = back};
    pta_crop crop = {{4, 5, 2}, {2, 5, 1}, 1, 1, PTA_S16};
    pta_crop_ref(&crop, &again);
    static const int16_t want[] = {0, 2, 4, 6, 0, 0, 8, 10, 12, 0};
    CU_ASSERT_EQUAL(memcmp(back, want, sizeof want), 0);
    const pta_run runs[] = {{12, 1, 2}, {18, 0, 1}};
    pta_gather gather = {runs, 2, PTA_S16};
    pta_gather_ref(&gather, &again);
    CU_ASSERT_EQUAL(back[0], y[18]);
    CU_ASSERT_EQUAL(back[1], y[12]);
    CU_ASSERT_EQUAL(back[2], y[13]);
}

static const unit_test tests[] = {{"merges", test_merges},
                                  {"too far", test_too_far},
                                  {"concat", test_concat},
                                  {"shapes", test_shapes}};

UNIT_MAIN("merge", tests)
