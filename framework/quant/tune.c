/* The search for narrow widths (tune.h). */
#include "quant/tune.h"

#include <math.h>

#define HEADROOM   2 /* bits above the common width that a way begins at */
#define WAYS       5
#define LESS_NOISE 0.8   /* of a way, against the one before */
#define NOISE_MIN  1e-12 /* what a bit adds at least, to divide by */
#define PRICE_MIN  1e-9  /* what it saves at least: wires like it too */

/* A width that can be narrowed, and what one bit less would do. */
typedef struct knob {
    int32_t node;
    bool is_weight;
    bool clips; /* the bit is best taken at the high end */
    double saves, adds;
} knob;

/* A step that was taken. */
typedef struct step {
    int32_t node;
    bool is_weight, clips;
} step;

typedef struct search {
    pta_ctx *ctx;
    const pta_tune *tune;
    pta_widths *widths;
    pta_tune_work work;
    knob *knobs; /* owned; those still to be narrowed */
    step *steps; /* owned */
    int32_t n_knobs, n_steps;
    double price, noise; /* of the widths as they are */
    double limit;        /* of noise, now */
    bool judges;         /* every step, not just its noise */
} search;

/* ---- what is asked of the caller ---- */

static pta_status judge(search *s, bool *good)
{
    s->work.judged++;
    return s->tune->judge(s->tune->user, s->ctx, s->widths, good);
}

static pta_status measure(search *s, double *noise)
{
    s->work.measured++;
    return s->tune->measure(s->tune->user, s->ctx, s->widths, noise);
}

static pta_status price(search *s, double *out)
{
    return s->tune->price(s->tune->user, s->ctx, s->widths, out);
}

/* ---- one bit ---- */

/* Takes `bits` off a width, or with -1 gives a bit back. */
static void narrow(search *s, int32_t node, bool is_weight, bool clips,
                   int32_t bits)
{
    pta_widths *w = &s->widths[node];
    *(is_weight ? &w->weight : &w->out) -= bits;
    if (clips) {
        *(is_weight ? &w->weight_clip : &w->out_clip) += bits;
    }
}

static int32_t width_of(const search *s, const knob *k)
{
    const pta_widths *w = &s->widths[k->node];
    return k->is_weight ? w->weight : w->out;
}

/* Tries one bit less at either end. */
static pta_status weigh(search *s, knob *k)
{
    double noise[2], narrower = HUGE_VAL;
    for (int clips = 0; clips < 2; clips++) {
        narrow(s, k->node, k->is_weight, clips != 0, 1);
        PTA_TRY(measure(s, &noise[clips]));
        if (clips == 0) {
            PTA_TRY(price(s, &narrower));
        }
        narrow(s, k->node, k->is_weight, clips != 0, -1);
    }
    k->clips = noise[1] < noise[0];
    k->adds = fmax(noise[k->clips] - s->noise, NOISE_MIN);
    k->saves = fmax(s->price - narrower, PRICE_MIN);
    return PTA_OK;
}

/* ---- the search ---- */

/* From below: what is too narrow is seen to be so after few rows. */
static pta_status find_common(search *s, int32_t *bits)
{
    const pta_graph *graph = s->tune->graph;
    for (*bits = PTA_WIDTH_MIN; *bits <= s->tune->most; ++*bits) {
        bool good;
        pta_widths_uniform(graph, *bits, s->widths);
        PTA_TRY(judge(s, &good));
        if (good) {
            return PTA_OK;
        }
    }
    return pta_fail(s->ctx, PTA_ERR_RANGE,
                    "%s: no width of up to %d bits for all tensors loses as "
                    "little as is allowed",
                    graph->name, s->tune->most);
}

static pta_status list_knobs(search *s)
{
    PTA_TRY(price(s, &s->price));
    PTA_TRY(measure(s, &s->noise));
    for (int32_t i = 0; i < s->tune->graph->n_nodes; i++) {
        for (int weight = 0; weight < 2; weight++) {
            knob k = {.node = i, .is_weight = weight != 0};
            if (width_of(s, &k) > PTA_WIDTH_MIN) {
                PTA_TRY(weigh(s, &k));
                s->knobs[s->n_knobs++] = k;
            }
        }
    }
    return PTA_OK;
}

/* Takes a bit off if that is allowed. */
static pta_status try_step(search *s, const knob *k, bool clips, bool *allowed)
{
    double noise;
    narrow(s, k->node, k->is_weight, clips, 1);
    PTA_TRY(measure(s, &noise));
    *allowed = noise <= s->limit;
    if (*allowed && s->judges) {
        PTA_TRY(judge(s, allowed));
    }
    if (!*allowed) {
        narrow(s, k->node, k->is_weight, clips, -1);
        return PTA_OK;
    }
    s->noise = noise;
    s->steps[s->n_steps++] = (step){k->node, k->is_weight, clips};
    return price(s, &s->price);
}

/* A bit less changes what the others' bits are worth, but little: that is
 * measured anew only for the width that was narrowed. */
static pta_status take_step(search *s)
{
    bool allowed;
    knob *k = s->knobs;
    for (int32_t i = 1; i < s->n_knobs; i++) {
        const knob *other = &s->knobs[i];
        k = other->saves / other->adds > k->saves / k->adds ? &s->knobs[i] : k;
    }
    PTA_TRY(try_step(s, k, k->clips, &allowed));
    if (!allowed && s->judges) {
        PTA_TRY(try_step(s, k, !k->clips, &allowed));
    }
    if (!allowed || width_of(s, k) == PTA_WIDTH_MIN) {
        *k = s->knobs[--s->n_knobs];
        return PTA_OK;
    }
    return weigh(s, k);
}

static pta_status take_steps(search *s)
{
    PTA_TRY(list_knobs(s));
    while (s->n_knobs > 0) {
        PTA_TRY(take_step(s));
    }
    return PTA_OK;
}

/* All steps that the limit allows. */
static pta_status walk(search *s, int32_t begin, bool *good)
{
    pta_widths_uniform(s->tune->graph, begin, s->widths);
    s->n_steps = 0;
    PTA_TRY(take_steps(s));
    return judge(s, good);
}

/* The narrowest good widths on the last way; `common` if there are none. From
 * there, other steps may still be good, and after them others. */
static pta_status go_back(search *s, int32_t common)
{
    bool good = false;
    while (!good && s->n_steps > 0) {
        const step *last = &s->steps[--s->n_steps];
        narrow(s, last->node, last->is_weight, last->clips, -1);
        PTA_TRY(judge(s, &good));
    }
    if (!good) {
        pta_widths_uniform(s->tune->graph, common, s->widths);
    }
    s->judges = true;
    s->limit = s->tune->noise;
    do {
        s->n_steps = 0;
        PTA_TRY(take_steps(s));
    } while (s->n_steps > 0);
    return PTA_OK;
}

/* Ways of less noise end elsewhere, where no answer may be lost. */
static pta_status find_narrow(search *s)
{
    int32_t common, n = s->tune->graph->n_nodes;
    bool good = false;
    PTA_TRY(find_common(s, &common));
    int32_t begin = common + HEADROOM;
    begin = begin < s->tune->most ? begin : s->tune->most;
    PTA_TRY_ALLOC(s->ctx, s->knobs, 2 * n);
    PTA_TRY_ALLOC(s->ctx, s->steps, 2 * n * begin);
    s->limit = s->tune->noise;
    for (int32_t way = 0; way < WAYS && !good; way++) {
        s->limit *= way > 0 ? LESS_NOISE : 1.0;
        PTA_TRY(walk(s, begin, &good));
    }
    return good ? PTA_OK : go_back(s, common);
}

pta_status pta_tune_run(pta_ctx *ctx, const pta_tune *tune, pta_widths *widths,
                        pta_tune_work *work)
{
    search s = {.ctx = ctx, .tune = tune, .widths = widths};
    pta_status status = find_narrow(&s);
    pta_free(ctx, s.knobs);
    pta_free(ctx, s.steps);
    *work = s.work;
    return status;
}

/* ---- what is told ---- */

static int64_t count_weights(const pta_graph *graph, int32_t node)
{
    const pta_node *n = &graph->nodes[node];
    if (n->op == PTA_OP_RELU) {
        return 1;
    }
    pta_weight_role role =
        n->op == PTA_OP_SCALE_SHIFT ? PTA_WEIGHT_SCALE : PTA_WEIGHT_KERNEL;
    return pta_weight_count(graph, node, role,
                            pta_weight_whole(graph, node, role));
}

pta_mean_bits pta_widths_mean(const pta_graph *graph, const pta_widths *widths)
{
    double weight_bits = 0, value_bits = 0, weights = 0, values = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        if (widths[i].weight > 0) {
            double n = (double)count_weights(graph, i);
            weight_bits += n * widths[i].weight;
            weights += n;
        }
        if (widths[i].out > 0) {
            double n = (double)pta_view_count(graph->nodes[i].view);
            value_bits += n * widths[i].out;
            values += n;
        }
    }
    return (pta_mean_bits){weights > 0 ? weight_bits / weights : 0,
                           values > 0 ? value_bits / values : 0};
}
