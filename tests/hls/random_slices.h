/*
 * Slices of random graphs cut at random, chosen so that together they have every
 * feature a number of times: every op of plan/slice.h, both kinds of crop,
 * partial sums of both types, several inputs and outputs, unsigned formats.
 */
#ifndef PTA_TESTS_RANDOM_SLICES_H
#define PTA_TESTS_RANDOM_SLICES_H

#include "plan/plan.h"
#include "runtime/slice_load.h"
#include "unit/random_graph.h"
#include "unit/unit.h"

enum {
    FEATURE_CROP_RUNS = PTA_STEP_CROP + 1,
    FEATURE_PARTIAL_32,
    FEATURE_PARTIAL_64,
    FEATURE_INPUTS,  /* several */
    FEATURE_OUTPUTS, /* several */
    FEATURE_UNSIGNED,
    FEATURE_MANY, /* a merge of three or more */
    N_FEATURES
};

static const char *const feature_names[N_FEATURES] = {"dense",
                                                      "conv",
                                                      "depthwise",
                                                      "scale shift",
                                                      "max pooling",
                                                      "avg pooling",
                                                      "relu",
                                                      "sigmoid",
                                                      "tanh",
                                                      "hard sigmoid",
                                                      "softmax",
                                                      "permute",
                                                      "zero pad",
                                                      "add",
                                                      "sub",
                                                      "mul",
                                                      "average",
                                                      "maximum",
                                                      "concat",
                                                      "crop",
                                                      "crop by runs",
                                                      "int32 partial sums",
                                                      "int64 partial sums",
                                                      "several inputs",
                                                      "several outputs",
                                                      "unsigned values",
                                                      "merge of many"};

typedef struct random_slices {
    pta_ctx *ctx;
    uint64_t rng;
    int times;         /* that each feature is wanted */
    uint64_t unwanted; /* features not asked for, as bits */
    int nodes;         /* of a graph; 0: 6 */
    int seen[N_FEATURES];
    int32_t n_graphs, n_slices;
    /* of the slice in hand */
    random_graph graph;
    pta_plan *plan;
    const char *cut;
} random_slices;

static inline uint64_t slice_features(const pta_slice *s)
{
    uint64_t f = 0;
    for (int32_t i = 0; i < s->n_steps; i++) {
        const pta_step *step = &s->steps[i];
        bool by_runs =
            step->op == PTA_STEP_CROP && (step->crop_h < 0 || step->crop_c < 0);
        f |= UINT64_C(1) << (by_runs ? (int)FEATURE_CROP_RUNS : (int)step->op);
        if (step->partial) {
            f |= UINT64_C(1) << (s->values[step->out].dtype == PTA_S64
                                     ? FEATURE_PARTIAL_64
                                     : FEATURE_PARTIAL_32);
        }
        f |= step->n_in > 2 ? UINT64_C(1) << FEATURE_MANY : 0;
    }
    for (int32_t i = 0; i < s->n_values; i++) {
        bool is_unsigned = !s->values[i].format.is_signed;
        f |= is_unsigned ? UINT64_C(1) << FEATURE_UNSIGNED : 0;
    }
    f |= s->n_inputs > 1 ? UINT64_C(1) << FEATURE_INPUTS : 0;
    f |= s->n_outputs > 1 ? UINT64_C(1) << FEATURE_OUTPUTS : 0;
    return f;
}

/* Whether a slice has a feature that is still wanted; counts it if so. */
static inline bool slices_want(random_slices *r, const pta_slice *s)
{
    uint64_t f = slice_features(s);
    bool wanted = false;
    for (int i = 0; i < N_FEATURES; i++) {
        wanted =
            wanted || ((f & ~r->unwanted) >> i & 1 && r->seen[i] < r->times);
    }
    for (int i = 0; wanted && i < N_FEATURES; i++) {
        r->seen[i] += (int)(f >> i & 1);
    }
    return wanted;
}

static inline bool slices_done(const random_slices *r)
{
    bool done = true;
    for (int i = 0; i < N_FEATURES; i++) {
        done = done && (r->seen[i] >= r->times || (r->unwanted >> i & 1));
    }
    return done;
}

/* A plan for a stage that begins at the first layer after the inputs, and one
 * that is split in two somewhere behind. */
static inline bool random_cut(random_slices *r, char *text, size_t size)
{
    static const char *const kinds[] = {
        "",        "=neuron:2",    "=channel:2", "=input:2",
        "=rows:2", "=inchannel:2", "=paired:2",  "=rows:3"};
    const pta_graph *g = r->graph.graph;
    const char *kind = kinds[pta_rng_range(&r->rng, 0, 7)];
    int64_t first = g->n_inputs;
    int64_t at = pta_rng_range(&r->rng, first, g->n_nodes - 1);
    const char *from = g->nodes[at].name;
    if (at > first) {
        snprintf(text, size, "%s,%s%s", g->nodes[first].name, from, kind);
    } else {
        snprintf(text, size, "%s%s", from, kind);
    }
    return pta_cut_apply(r->ctx, text, g, r->plan) == PTA_OK;
}

static inline pta_plan *slices_plan(pta_ctx *ctx, const random_graph *r)
{
    pta_plan *plan = NULL;
    UNIT_OK(ctx, pta_plan_create(ctx, r->graph, &plan));
    memcpy(plan->formats, r->formats,
           (size_t)r->graph->n_nodes * sizeof *plan->formats);
    return plan;
}

/* Loaded slices of every board that are wanted go to `use`. Float slices of the
 * same board where `with_float`. */
typedef void slices_use(random_slices *r, pta_slice *slice, pta_slice *real,
                        void *user);

static inline void slices_of_plan(random_slices *r, slices_use *use, void *user)
{
    for (int32_t b = 0; b < r->plan->n_boards; b++) {
        pta_slice *slice = NULL, *real = NULL;
        char digest[PTA_SHA256_HEX];
        UNIT_OK(r->ctx, pta_slice_build(r->ctx, r->graph.graph, r->plan, b,
                                        false, &slice));
        if (slices_want(r, slice)) {
            UNIT_OK(r->ctx, pta_slice_build(r->ctx, r->graph.graph, r->plan, b,
                                            true, &real));
            UNIT_OK(r->ctx, pta_slice_load(r->ctx, r->graph.graph, r->plan,
                                           &r->graph.weights, slice, digest));
            UNIT_OK(r->ctx, pta_slice_load(r->ctx, r->graph.graph, r->plan,
                                           &r->graph.weights, real, digest));
            use(r, slice, real, user);
            r->n_slices++;
        }
        pta_slice_destroy(r->ctx, &slice);
        pta_slice_destroy(r->ctx, &real);
    }
}

/** Makes slices until every feature was had `times` times. */
static inline void slices_for_each(random_slices *r, slices_use *use,
                                   void *user)
{
    for (; !slices_done(r) && r->n_graphs < 4000; r->n_graphs++) {
        char cut[160];
        r->graph = (random_graph){.rng = &r->rng,
                                  .bits = 4 + r->n_graphs % 20,
                                  .all_modes = r->n_graphs % 3 == 0};
        rg_make(r->ctx, &r->graph, r->nodes > 0 ? r->nodes : 6);
        for (int k = 0; k < 6; k++) {
            r->plan = slices_plan(r->ctx, &r->graph);
            if (random_cut(r, cut, sizeof cut)) {
                r->cut = cut;
                slices_of_plan(r, use, user);
            }
            pta_plan_destroy(r->ctx, &r->plan);
        }
        rg_free(r->ctx, &r->graph);
    }
    for (int i = 0; i < N_FEATURES; i++) {
        if (r->seen[i] < r->times && !(r->unwanted >> i & 1)) {
            fprintf(stderr, "%s: only %d times\n", feature_names[i],
                    r->seen[i]);
        }
    }
    CU_ASSERT_TRUE(slices_done(r));
}

#endif
