/* Rows of a data set through the `float` reference, batch by batch. */
#include "cli/float_rows.h"

#include "cli/cli.h"
#include "cli/feed.h"

typedef struct run {
    const pta_graph *graph;
    pta_dataset *data;
    const pta_float_visit *visit;
    pta_reference *reference; /* owned */
    float **in, **out;        /* owned; [n_inputs], [n_outputs] */
    int64_t first;            /* row of the batch */
} run;

static pta_status allocate(pta_ctx *ctx, const pta_graph *graph, int32_t n,
                           const int32_t *nodes, float ***blocks)
{
    PTA_TRY_ALLOC(ctx, *blocks, n);
    for (int32_t i = 0; i < n; i++) {
        int64_t count = pta_view_count(graph->nodes[nodes[i]].view);
        PTA_TRY_ALLOC(ctx, (*blocks)[i], PTA_FEED_ROWS * count);
    }
    return PTA_OK;
}

static void free_blocks(pta_ctx *ctx, float **blocks, int32_t n)
{
    for (int32_t i = 0; blocks != NULL && i < n; i++) {
        pta_free(ctx, blocks[i]);
    }
    pta_free(ctx, blocks);
}

static void tap(void *user, int32_t node, const void *values, int32_t n_samples,
                int64_t count)
{
    const run *r = user;
    const pta_float_visit *v = r->visit;
    if (v->tap != NULL) {
        v->tap(v->user, node, values, n_samples, count);
    }
    if (v->answers != NULL && node == pta_graph_integer_output(r->graph, 0)) {
        v->answers(v->user, r->first, n_samples, values, count);
    }
}

static pta_status run_batch(pta_ctx *ctx, run *r, int64_t first, int32_t n)
{
    r->first = first;
    for (int32_t i = 0; i < r->graph->n_inputs; i++) {
        PTA_TRY(pta_dataset_read(r->data, ctx, i, first, n, r->in[i]));
    }
    return pta_reference_run(r->reference, ctx, (const void *const *)r->in,
                             (void *const *)r->out, n, tap, r);
}

static pta_status run_all(pta_ctx *ctx, run *r, pta_weights *weights,
                          const char *doing)
{
    const pta_graph *g = r->graph;
    int64_t rows = pta_dataset_rows(r->data);
    PTA_TRY(allocate(ctx, g, g->n_inputs, g->inputs, &r->in));
    PTA_TRY(allocate(ctx, g, g->n_outputs, g->outputs, &r->out));
    PTA_TRY(pta_reference_open(ctx, g, weights, NULL, PTA_FEED_ROWS,
                               &r->reference));
    pta_status status = PTA_OK;
    pta_progress progress;
    pta_progress_begin(&progress, doing, "rows", rows);
    for (int64_t at = 0; at < rows && status == PTA_OK; at += PTA_FEED_ROWS) {
        int64_t left = rows - at;
        status = run_batch(
            ctx, r, at, left < PTA_FEED_ROWS ? (int32_t)left : PTA_FEED_ROWS);
        pta_progress_step(&progress, at);
    }
    pta_progress_end(&progress);
    return status;
}

pta_status pta_float_rows(pta_ctx *ctx, pta_model *model, pta_dataset *data,
                          const char *doing, const pta_float_visit *visit)
{
    run r = {.graph = pta_model_graph(model), .data = data, .visit = visit};
    if (pta_dataset_rows(data) == 0) {
        return pta_fail(ctx, PTA_ERR_MISMATCH, "%s: there are no rows",
                        pta_dataset_set(data));
    }
    pta_status status = run_all(ctx, &r, pta_model_weights(model), doing);
    pta_reference_close(ctx, &r.reference);
    free_blocks(ctx, r.in, r.graph->n_inputs);
    free_blocks(ctx, r.out, r.graph->n_outputs);
    return status;
}
