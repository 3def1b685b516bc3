/* Choosing micro-batch and depth on the model (flow.h). */
#include "cli/flow.h"

#include <string.h>

#include "runtime/device_wait.h"

static const int32_t batches[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};
static const int32_t depths[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32};

#define COUNT(list) (int)(sizeof(list) / sizeof *(list))

enum {
    BUFFER_BYTES = 16 * 1024 * 1024, /* of one board */
    SAFETY = 2 /* in flight, times what the model needs: hosts are no clocks */
};

#define AS_GOOD 0.98 /* of the best throughput: what is small is preferred */

typedef struct search {
    pta_ctx *ctx;
    const pta_fabric *fabric;
    pta_vplan plan; /* boards: owned, a copy */
    const pta_flow_wish *wish;
    int64_t widest; /* bytes of a sample on a board */
} search;

/* ---- the model ---- */

static pta_status elapsed(const search *s, const pta_flow *flow,
                          int64_t n_batches, double *ns, double *p95_us)
{
    pta_vflow v = {.copies = s->wish->copies,
                   .micro_batch = flow->micro_batch,
                   .depth = flow->depth,
                   .overlap = s->wish->on_hosts ? 1 : PTA_WAIT_OVERLAP,
                   .n_samples = n_batches * flow->micro_batch};
    pta_vresult result;
    PTA_TRY(pta_vtime_run(s->ctx, &s->fabric->cluster, &s->plan, &v, NULL, NULL,
                          &result));
    *ns = (double)result.elapsed;
    *p95_us = 1e-3 * result.p95;
    pta_vresult_free(s->ctx, &result);
    return PTA_OK;
}

/** What a pipe that has filled carries: of two runs, the difference. */
static pta_status price(const search *s, pta_flow *flow)
{
    int64_t n = 2 * flow->depth * s->wish->copies + 8;
    double shorter, longer, p95_us;
    PTA_TRY(elapsed(s, flow, n, &shorter, &p95_us));
    PTA_TRY(elapsed(s, flow, 2 * n, &longer, &flow->p95_us));
    flow->throughput =
        longer > shorter
            ? 1e9 * (double)(n * flow->micro_batch) / (longer - shorter)
            : 0.0;
    return PTA_OK;
}

/* ---- the search ---- */

static int64_t in_flight(const pta_flow *flow)
{
    return (int64_t)flow->depth * flow->micro_batch;
}

static bool fits(const search *s, const pta_flow *flow)
{
    return in_flight(flow) <= BUFFER_BYTES / s->widest;
}

static bool within(const search *s, const pta_flow *flow)
{
    return s->wish->at_most_us <= 0.0 || flow->p95_us <= s->wish->at_most_us;
}

typedef struct table {
    int n;
    pta_flow rows[COUNT(batches) * COUNT(depths)];
} table;

/** Prices what may be chosen; a number that the user gave stays. */
static pta_status fill_table(const search *s, table *t)
{
    const pta_flow_wish *wish = s->wish;
    int n_batches = wish->micro_batch > 0 ? 1 : COUNT(batches);
    int n_depths = wish->depth > 0 ? 1 : COUNT(depths);
    for (int i = 0; i < n_batches * n_depths; i++) {
        int b = i / n_depths, d = i % n_depths;
        pta_flow flow = {.micro_batch = wish->micro_batch > 0
                                            ? wish->micro_batch
                                            : batches[b],
                         .depth = wish->depth > 0 ? wish->depth : depths[d]};
        if (fits(s, &flow) || i == 0) {
            PTA_TRY(price(s, &flow));
            t->rows[t->n++] = flow;
        }
    }
    return PTA_OK;
}

/** The least in flight among those as good as the best; NULL: all too slow. */
static const pta_flow *best_row(const search *s, const table *t)
{
    double most = 0.0;
    const pta_flow *best = NULL;
    for (int i = 0; i < t->n; i++) {
        if (within(s, &t->rows[i]) && t->rows[i].throughput > most) {
            most = t->rows[i].throughput;
        }
    }
    for (int i = 0; i < t->n; i++) {
        const pta_flow *row = &t->rows[i];
        if (within(s, row) && row->throughput >= AS_GOOD * most &&
            (best == NULL || in_flight(row) < in_flight(best))) {
            best = row;
        }
    }
    return best;
}

static pta_status refuse(const search *s, const table *t)
{
    const pta_flow *least = &t->rows[0];
    for (int i = 1; i < t->n; i++) {
        least = t->rows[i].p95_us < least->p95_us ? &t->rows[i] : least;
    }
    return pta_fail(s->ctx, PTA_ERR_RANGE,
                    "--at-most %g: the model's least latency is %.0f us (p95, "
                    "micro-batch %d, depth %d)",
                    s->wish->at_most_us, least->p95_us, (int)least->micro_batch,
                    (int)least->depth);
}

static pta_status choose(search *s, pta_flow *out)
{
    table *t;
    PTA_TRY_ALLOC(s->ctx, t, 1);
    pta_status status = fill_table(s, t);
    if (status == PTA_OK) {
        const pta_flow *best = best_row(s, t);
        if (best == NULL) {
            status = refuse(s, t);
        } else {
            *out = *best;
        }
    }
    pta_free(s->ctx, t);
    if (status != PTA_OK || s->wish->depth > 0) {
        return status;
    }
    pta_flow deeper = *out;
    deeper.depth *= SAFETY;
    PTA_TRY(price(s, &deeper));
    if (fits(s, &deeper) && within(s, &deeper)) {
        *out = deeper;
    }
    return PTA_OK;
}

/** A copy of the plan in which hosts compute, if they do. */
static pta_status open_search(search *s, const pta_vplan *plan)
{
    s->plan = *plan;
    s->widest = 1;
    PTA_TRY_ALLOC(s->ctx, s->plan.boards, plan->n_boards);
    memcpy(s->plan.boards, plan->boards,
           (size_t)plan->n_boards * sizeof *plan->boards);
    for (int32_t b = 0; b < plan->n_boards; b++) {
        pta_vboard *board = &s->plan.boards[b];
        int64_t bytes = 2 * board->bytes_in + board->bytes_out;
        s->widest = bytes > s->widest ? bytes : s->widest;
        if (s->wish->on_hosts) {
            board->cycles.source = PTA_CYCLES_HOST;
            board->host_ns = 0.5 * (double)plan->macs / plan->n_boards;
        }
    }
    return PTA_OK;
}

pta_status pta_flow_choose(pta_ctx *ctx, const pta_fabric *fabric,
                           const pta_vplan *plan, const pta_flow_wish *wish,
                           pta_flow *out)
{
    search s = {.ctx = ctx, .fabric = fabric, .wish = wish};
    PTA_TRY(open_search(&s, plan));
    pta_status status = choose(&s, out);
    pta_free(ctx, s.plan.boards);
    return status;
}
