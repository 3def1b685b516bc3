/*
 * The search for narrow widths on a network whose noise and price are known
 * sums over its tensors, so that what must come out can be said; and widths one
 * by one in the formats.
 */
#include "quant/tune.h"

#include <math.h>
#include <string.h>

#include "unit/hash_weights.h"
#include "unit/unit.h"

enum { IN, FC1, FC2, N_NODES };

/* A pretended hardware and network. */
typedef struct world {
    pta_ctx *ctx;
    pta_graph *graph;
    pta_widths widths[N_NODES];
    double gain[N_NODES][2]; /* of a tensor's noise; weights second */
    double cost[N_NODES][2]; /* of a bit */
    double clip_noise;       /* of a clipped bit of the input */
    double limit;            /* of noise */
    int32_t refuse_below;    /* widths of fc2's output that lose answers */
    int32_t fail_after;      /* calls until one fails; negative: never */
} world;

static void make(world *w)
{
    static const int32_t size[N_NODES] = {8, 4, 2};
    *w = (world){.ctx = pta_ctx_create(),
                 .clip_noise = 1.0,
                 .limit = 0.001,
                 .fail_after = -1};
    UNIT_OK(w->ctx, pta_graph_create(w->ctx, "net", &w->graph));
    for (int32_t i = 0; i < N_NODES; i++) {
        hash_graph_add(w->ctx, w->graph, i == IN ? "in" : "fc",
                       pta_node_make(i == IN ? PTA_OP_INPUT : PTA_OP_DENSE),
                       i - 1, (pta_view){1, 1, size[i]});
        for (int k = 0; k < 2; k++) {
            w->gain[i][k] = i == IN && k == 1 ? 0.0 : 1.0;
            w->cost[i][k] = i == IN && k == 1 ? 0.0 : 1.0;
        }
    }
    UNIT_OK(w->ctx, pta_graph_add_output(w->ctx, w->graph, FC2));
}

static void drop(world *w)
{
    pta_graph_destroy(w->ctx, &w->graph);
    CU_ASSERT_EQUAL(pta_ctx_memory(w->ctx).live_blocks, 0);
    pta_ctx_destroy(&w->ctx);
}

static pta_status count_down(world *w)
{
    return w->fail_after >= 0 && w->fail_after-- == 0
               ? pta_fail(w->ctx, PTA_ERR_IO, "the disk is gone")
               : PTA_OK;
}

/* A step of 2^-(W + clip), squared; a clipped bit costs its own. */
static pta_status measure(void *user, pta_ctx *ctx, const pta_widths *widths,
                          double *noise)
{
    world *w = user;
    (void)ctx;
    PTA_TRY(count_down(w));
    *noise = 0;
    for (int32_t i = 0; i < N_NODES; i++) {
        const pta_widths *x = &widths[i];
        int clips = x->out_clip + x->weight_clip;
        *noise += w->gain[i][0] * ldexp(1.0, -2 * (x->out + x->out_clip));
        *noise += w->gain[i][1] * ldexp(1.0, -2 * (x->weight + x->weight_clip));
        *noise += clips * (i == IN ? w->clip_noise : 1.0);
    }
    return PTA_OK;
}

static pta_status judge(void *user, pta_ctx *ctx, const pta_widths *widths,
                        bool *good)
{
    world *w = user;
    double noise;
    PTA_TRY(measure(user, ctx, widths, &noise));
    *good = noise <= w->limit && widths[FC2].out >= w->refuse_below;
    return PTA_OK;
}

static pta_status price(void *user, pta_ctx *ctx, const pta_widths *widths,
                        double *out)
{
    world *w = user;
    (void)ctx;
    PTA_TRY(count_down(w));
    *out = 0;
    for (int32_t i = 0; i < N_NODES; i++) {
        *out +=
            w->cost[i][0] * widths[i].out + w->cost[i][1] * widths[i].weight;
    }
    return PTA_OK;
}

static pta_status tune(world *w, int32_t most)
{
    pta_tune tuning = {.graph = w->graph,
                       .most = most,
                       .noise = w->limit,
                       .judge = judge,
                       .measure = measure,
                       .price = price,
                       .user = w};
    pta_tune_work work;
    return pta_tune_run(w->ctx, &tuning, w->widths, &work);
}

/* Good, and no single bit less is. */
static void assert_narrow(world *w)
{
    bool good = false;
    UNIT_OK(w->ctx, judge(w, w->ctx, w->widths, &good));
    CU_ASSERT(good);
    for (int32_t i = 0; i < N_NODES; i++) {
        w->widths[i].out--;
        UNIT_OK(w->ctx, judge(w, w->ctx, w->widths, &good));
        CU_ASSERT(!good);
        w->widths[i].out++;
    }
}

static void test_alike(void)
{
    world w;
    make(&w);
    UNIT_OK(w.ctx, tune(&w, 16));
    assert_narrow(&w);
    CU_ASSERT_EQUAL(w.widths[IN].weight, 0);
    drop(&w);
}

/* What is dear is narrow, what is noisy is wide. */
static void test_dear_and_noisy(void)
{
    world w;
    make(&w);
    w.cost[FC1][1] = 4096;
    w.gain[FC2][1] = 4096;
    w.limit = 0.0005;
    UNIT_OK(w.ctx, tune(&w, 16));
    assert_narrow(&w);
    CU_ASSERT(w.widths[FC1].weight < w.widths[FC1].out);
    CU_ASSERT(w.widths[FC2].weight > w.widths[FC1].weight + 4);
    drop(&w);
}

/* A range that is only just beyond a power of two: the highest bit goes. */
static void test_clips(void)
{
    world w;
    make(&w);
    w.clip_noise = 0;
    UNIT_OK(w.ctx, tune(&w, 16));
    CU_ASSERT(w.widths[IN].out_clip > 0);
    CU_ASSERT_EQUAL(w.widths[FC1].out_clip + w.widths[FC1].weight_clip, 0);
    drop(&w);
}

/* Noise would allow less, but answers are lost. */
static void test_goes_back(void)
{
    world w;
    make(&w);
    w.gain[FC2][0] = 0;
    w.refuse_below = 9;
    UNIT_OK(w.ctx, tune(&w, 16));
    CU_ASSERT_EQUAL(w.widths[FC2].out, 9);
    w.refuse_below = 17;
    CU_ASSERT_EQUAL(tune(&w, 16), PTA_ERR_RANGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(w.ctx), "up to 16 bits"));
    drop(&w);
}

static void test_failures(void)
{
    world w;
    make(&w);
    for (int32_t after = 0; after < 60; after += 7) {
        w.fail_after = after;
        CU_ASSERT_EQUAL(tune(&w, 16), PTA_ERR_IO);
    }
    w.fail_after = -1;
    pta_ctx_set_faults(w.ctx, 1, 0);
    CU_ASSERT_EQUAL(tune(&w, 16), PTA_ERR_NOMEM);
    pta_ctx_set_faults(w.ctx, 0, 0);
    drop(&w);
}

static void test_mean(void)
{
    world w;
    make(&w);
    pta_widths_uniform(w.graph, 8, w.widths);
    w.widths[IN].out = 4;      /* of 8 values, 4 + 2 have 8 bits */
    w.widths[FC2].weight = 16; /* 8 weights, 32 have 8 bits */
    pta_mean_bits mean = pta_widths_mean(w.graph, w.widths);
    CU_ASSERT_DOUBLE_EQUAL(mean.weights, (32 * 8 + 8 * 16) / 40.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(mean.activations, (8 * 4 + 6 * 8) / 14.0, 1e-12);
    drop(&w);
}

static void test_formats(void)
{
    world w;
    hash_weights weights;
    pta_ranges *ranges;
    pta_node_format plain[N_NODES], f[N_NODES];
    make(&w);
    hash_weights_init(&weights, w.graph);
    UNIT_OK(w.ctx, pta_ranges_create(w.ctx, w.graph, &ranges));
    for (int32_t i = 0; i < N_NODES; i++) {
        ranges->node[i] = (pta_range){-3.0, 3.0};
    }
    UNIT_OK(w.ctx, pta_formats_choose(w.ctx, w.graph, &weights.weights, ranges,
                                      8, plain));
    pta_widths_uniform(w.graph, 8, w.widths);
    w.widths[FC1] = (pta_widths){6, 10, 1, 2};
    UNIT_OK(w.ctx, pta_formats_choose_widths(w.ctx, w.graph, &weights.weights,
                                             ranges, w.widths, f));
    CU_ASSERT_EQUAL(f[FC1].out.width, 6);
    CU_ASSERT_EQUAL(f[FC1].out.integer, plain[FC1].out.integer - 1);
    CU_ASSERT_EQUAL(f[FC1].weight.width, 10);
    CU_ASSERT_EQUAL(f[FC1].weight.integer, plain[FC1].weight.integer - 2);
    CU_ASSERT_EQUAL(f[FC2].out.width, 8);
    w.widths[FC1].weight = 1;
    CU_ASSERT_EQUAL(pta_formats_choose_widths(w.ctx, w.graph, &weights.weights,
                                              ranges, w.widths, f),
                    PTA_ERR_USAGE);
    pta_ranges_destroy(w.ctx, &ranges);
    drop(&w);
}

int main(void)
{
    static const unit_test tests[] = {
        {"all tensors alike", test_alike},
        {"dear and noisy tensors", test_dear_and_noisy},
        {"clipping", test_clips},
        {"goes back to what is good", test_goes_back},
        {"failures", test_failures},
        {"mean bits", test_mean},
        {"a width for each tensor", test_formats},
    };
    return unit_main("tune", tests, sizeof tests / sizeof *tests);
}
