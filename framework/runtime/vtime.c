/*
 * Modelled time (vtime.h): lays out a schedule, runs it (vschedule.c), sums up.
 */
#include <string.h>

#include "runtime/vtime_priv.h"

const char *pta_vkind_name(pta_vkind kind)
{
    static const char *const names[PTA_V_KINDS] = {"compute", "bus", "wire",
                                                   "wait", "port"};
    return names[kind];
}

/* ---- set-up ---- */

static void choose_flow(pta_vschedule *s)
{
    const pta_vflow *flow = s->flow;
    bool one = flow->latency || s->n_hosts == 1;
    int64_t behind = (int64_t)flow->depth * flow->copies - 1;
    s->behind = one ? 0 : behind;
    s->n_batches =
        (flow->n_samples + flow->micro_batch - 1) / flow->micro_batch;
    int32_t room = s->behind == 0 ? 0 : flow->depth - 1;
    int32_t lag = flow->overlap > 1 ? flow->overlap - 1 : 0;
    s->lag = lag > room / s->plan->n_stages ? room / s->plan->n_stages : lag;
}

/* Wires by sender: places in `outs`. */
static void sort_wires(pta_vschedule *s, int32_t board, int32_t **next,
                       pta_vstation *to)
{
    to->out = *next;
    for (int32_t w = 0; w < s->plan->n_wires; w++) {
        const pta_vwire *wire = &s->plan->wires[w];
        if (wire->src == board) {
            to->out[to->n_out++] = w;
        }
        to->n_in += wire->dst == board;
    }
    *next += to->n_out;
}

static void lay_stations(pta_vschedule *s)
{
    int32_t *next = s->outs, n = s->plan->n_boards, depth = s->flow->depth;
    pta_vinbox *box = s->inboxes;
    s->source = (pta_vstation){.board = PTA_BOARD_SOURCE};
    s->sink = (pta_vstation){.board = PTA_BOARD_SINK};
    sort_wires(s, PTA_BOARD_SOURCE, &next, &s->source);
    sort_wires(s, PTA_BOARD_SINK, &next, &s->sink);
    s->sink.n_slots = depth * s->flow->copies;
    s->sink.slots = box;
    box += s->sink.n_slots;
    for (int32_t h = 0; h < s->n_hosts; h++) {
        pta_vstation *b = &s->boards[h];
        *b = (pta_vstation){.host = h, .board = h % n};
        if (h < n) {
            sort_wires(s, b->board, &next, b);
        } else { /* the same wires as in copy 0 */
            b->out = s->boards[h % n].out;
            b->n_out = s->boards[h % n].n_out;
            b->n_in = s->boards[h % n].n_in;
        }
        b->n_slots = depth;
        b->slots = box;
        box += depth;
    }
}

static pta_status open_cores(pta_vschedule *s)
{
    int32_t n = s->cluster->n_machines;
    int32_t *users;
    PTA_TRY_ALLOC(s->ctx, s->cores, n);
    PTA_TRY_ALLOC(s->ctx, users, n);
    for (int32_t h = 0; h < s->n_hosts; h++) {
        users[s->cluster->hosts[h].machine]++;
    }
    pta_status status = PTA_OK;
    for (int32_t m = 0; m < n && status == PTA_OK; m++) {
        if (users[m] > s->cluster->cores[m]) {
            s->cores[m] = pta_calloc(s->ctx, (size_t)s->cluster->cores[m],
                                     sizeof **s->cores);
            status = s->cores[m] != NULL ? PTA_OK : PTA_ERR_NOMEM;
        }
    }
    pta_free(s->ctx, users);
    return status;
}

static pta_status open_schedule(pta_vschedule *s)
{
    pta_ctx *ctx = s->ctx;
    size_t depth = (size_t)s->flow->depth;
    pta_vresult *r = s->result;
    choose_flow(s);
    r->n_batches = s->n_batches;
    PTA_TRY_ALLOC(ctx, r->latency, s->n_batches);
    PTA_TRY_ALLOC(ctx, r->stages, s->n_hosts);
    PTA_TRY_ALLOC(ctx, s->start, s->n_batches);
    PTA_TRY_ALLOC(ctx, s->hosts, s->n_hosts);
    PTA_TRY_ALLOC(ctx, s->boards, s->n_hosts);
    PTA_TRY_ALLOC(ctx, s->heap, s->n_hosts);
    PTA_TRY_ALLOC(ctx, s->outs, s->plan->n_wires);
    PTA_TRY_ALLOC(ctx, s->inboxes,
                  ((size_t)s->n_hosts + (size_t)s->flow->copies) * depth);
    PTA_TRY(open_cores(s));
    for (int32_t h = 0; h < s->n_hosts; h++) {
        pta_vstate *x = &s->hosts[h];
        x->costs = &s->cluster->hosts[h];
        x->place = -1;
        r->stages[h].stage = s->plan->boards[h % s->plan->n_boards].stage;
        PTA_TRY_ALLOC(ctx, x->done, depth);
    }
    lay_stations(s);
    return PTA_OK;
}

static void close_schedule(pta_vschedule *s)
{
    for (int32_t h = 0; s->hosts != NULL && h < s->n_hosts; h++) {
        pta_free(s->ctx, s->hosts[h].done);
    }
    for (int32_t m = 0; s->cores != NULL && m < s->cluster->n_machines; m++) {
        pta_free(s->ctx, s->cores[m]);
    }
    pta_free(s->ctx, s->cores);
    pta_free(s->ctx, s->inboxes);
    pta_free(s->ctx, s->outs);
    pta_free(s->ctx, s->heap);
    pta_free(s->ctx, s->boards);
    pta_free(s->ctx, s->hosts);
    pta_free(s->ctx, s->start);
}

/* ---- results ---- */

static int compare(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Nearest rank among batches; all but the last have as many samples. */
static double percentile(const uint64_t *sorted, int64_t n, double part)
{
    int64_t at = (int64_t)(part * (double)n + 0.999999);
    at = at < 1 ? 1 : at > n ? n : at;
    return (double)sorted[at - 1];
}

static pta_status sum_up(const pta_vschedule *s)
{
    pta_vresult *r = s->result;
    uint64_t *sorted;
    PTA_TRY_ALLOC(s->ctx, sorted, r->n_batches);
    memcpy(sorted, r->latency, (size_t)r->n_batches * sizeof *sorted);
    qsort(sorted, (size_t)r->n_batches, sizeof *sorted, compare);
    r->p50 = percentile(sorted, r->n_batches, 0.50);
    r->p95 = percentile(sorted, r->n_batches, 0.95);
    r->p99 = percentile(sorted, r->n_batches, 0.99);
    r->max = (double)sorted[r->n_batches - 1];
    r->throughput = r->elapsed == 0
                        ? 0.0
                        : 1e9 * (double)s->flow->n_samples / (double)r->elapsed;
    pta_free(s->ctx, sorted);
    return PTA_OK;
}

static pta_status check(pta_ctx *ctx, const pta_vcluster *cluster,
                        const pta_vplan *plan, const pta_vflow *flow)
{
    int64_t needed = (int64_t)plan->n_boards * flow->copies;
    if (needed > cluster->n_hosts) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "the cluster has %d hosts, %lld boards need one each",
                        cluster->n_hosts, (long long)needed);
    }
    PTA_ASSERT(flow->n_samples > 0 && flow->micro_batch > 0 && flow->depth > 0);
    return PTA_OK;
}

pta_status pta_vtime_run(pta_ctx *ctx, const pta_vcluster *cluster,
                         const pta_vplan *plan, const pta_vflow *flow,
                         pta_vobserve observe, void *state, pta_vresult *out)
{
    PTA_TRY(check(ctx, cluster, plan, flow));
    pta_vresult result = {0};
    pta_vschedule s = {.ctx = ctx,
                       .cluster = cluster,
                       .plan = plan,
                       .flow = flow,
                       .observe = observe,
                       .state = state,
                       .result = &result,
                       .n_hosts = plan->n_boards * flow->copies};
    pta_status status = open_schedule(&s);
    if (status == PTA_OK) {
        pta_vschedule_run(&s);
        status = sum_up(&s);
    }
    close_schedule(&s);
    if (status != PTA_OK) {
        pta_vresult_free(ctx, &result);
        return status;
    }
    *out = result;
    return PTA_OK;
}

void pta_vresult_free(pta_ctx *ctx, pta_vresult *result)
{
    pta_free(ctx, result->latency);
    pta_free(ctx, result->stages);
    *result = (pta_vresult){0};
}
