/* Compares a run's outputs with the references. */
#include "cli/verify.h"

#include "cli/score.h"

static pta_status allocate(pta_ctx *ctx, pta_verifier *v)
{
    PTA_TRY_ALLOC(ctx, v->in, v->graph->n_inputs);
    PTA_TRY_ALLOC(ctx, v->out, v->graph->n_outputs);
    for (int32_t i = 0; i < v->graph->n_inputs; i++) {
        int64_t *room;
        PTA_TRY_ALLOC(ctx, room,
                      PTA_FEED_ROWS * v->feed->layout.tensor[i].count);
        v->in[i] = room;
    }
    for (int32_t i = 0; i < v->graph->n_outputs; i++) {
        int64_t *room;
        PTA_TRY_ALLOC(ctx, room, PTA_FEED_ROWS * v->outputs->tensor[i].count);
        v->out[i] = room;
    }
    return PTA_OK;
}

static pta_status open_references(pta_ctx *ctx, pta_verifier *v,
                                  const pta_plan *plan, pta_weights *weights,
                                  bool with_blas, bool with_float)
{
    PTA_TRY(allocate(ctx, v));
    if (with_blas) {
        PTA_TRY(pta_reference_open(ctx, v->graph, weights, plan->formats,
                                   PTA_FEED_ROWS, &v->blas));
        PTA_TRY(pta_activity_open(ctx, v->graph, plan, &v->activity));
    }
    if (with_float) {
        PTA_TRY(pta_reference_open(ctx, v->graph, weights, NULL, PTA_FEED_ROWS,
                                   &v->reference));
    }
    return PTA_OK;
}

pta_status pta_verifier_open(pta_ctx *ctx, const pta_graph *graph,
                             const pta_plan *plan, pta_weights *weights,
                             pta_feed *feed, const pta_packing *outputs,
                             bool with_blas, bool with_float,
                             pta_verifier **out)
{
    pta_verifier *v;
    PTA_TRY_ALLOC(ctx, v, 1);
    v->graph = graph;
    v->outputs = outputs;
    v->feed = feed;
    v->first_bad = -1;
    pta_status status =
        open_references(ctx, v, plan, weights, with_blas, with_float);
    if (status != PTA_OK) {
        pta_verifier_close(ctx, &v);
        return status;
    }
    *out = v;
    return PTA_OK;
}

static void free_all(pta_ctx *ctx, void **blocks, int32_t n)
{
    for (int32_t i = 0; blocks != NULL && i < n; i++) {
        pta_free(ctx, blocks[i]);
    }
    pta_free(ctx, blocks);
}

void pta_verifier_close(pta_ctx *ctx, pta_verifier **v)
{
    if (*v != NULL) {
        pta_reference_close(ctx, &(*v)->reference);
        pta_reference_close(ctx, &(*v)->blas);
        pta_activity_free(ctx, &(*v)->activity);
        free_all(ctx, (*v)->in, (*v)->graph->n_inputs);
        free_all(ctx, (*v)->out, (*v)->graph->n_outputs);
        pta_free(ctx, *v);
        *v = NULL;
    }
}

static bool is_bit_exact(const pta_verifier *v, int32_t row, const void *sample)
{
    for (int32_t i = 0; i < v->outputs->n; i++) {
        int64_t count = v->outputs->tensor[i].count;
        const int64_t *expected = (const int64_t *)v->out[i] + row * count;
        for (int64_t e = 0; e < count; e++) {
            if (pta_packing_raw(v->outputs, sample, i, e) != expected[e]) {
                return false;
            }
        }
    }
    return true;
}

static pta_status run_reference(pta_verifier *v, pta_ctx *ctx, bool is_float,
                                int64_t first, int32_t n)
{
    for (int32_t i = 0; i < v->graph->n_inputs; i++) {
        PTA_TRY(is_float ? pta_feed_float(v->feed, ctx, i, first, n, v->in[i])
                         : pta_feed_raw(v->feed, ctx, i, first, n, v->in[i]));
    }
    return pta_reference_run(is_float ? v->reference : v->blas, ctx,
                             (const void *const *)v->in, v->out, n,
                             is_float ? NULL : pta_activity_tap, &v->activity);
}

static const char *sample_at(const pta_verifier *v, const void *samples,
                             int64_t s)
{
    return (const char *)samples + (size_t)s * v->outputs->sample_bytes;
}

static pta_status compare_bits(pta_verifier *v, pta_ctx *ctx, int64_t first,
                               int32_t n, const void *samples)
{
    PTA_TRY(run_reference(v, ctx, false, first, n));
    for (int32_t s = 0; s < n; s++) {
        if (is_bit_exact(v, s, sample_at(v, samples, s))) {
            v->bit_exact++;
        } else if (v->first_bad < 0) {
            v->first_bad = first + s;
        }
    }
    return PTA_OK;
}

static pta_status compare_classes(pta_verifier *v, pta_ctx *ctx, int64_t first,
                                  int32_t n, const void *samples,
                                  const int32_t *labels)
{
    PTA_TRY(run_reference(v, ctx, true, first, n));
    int64_t count = v->outputs->tensor[0].count;
    for (int32_t s = 0; s < n; s++) {
        const float *values = (const float *)v->out[0] + s * count;
        int32_t expected = pta_class_of_float(v->graph, values, count);
        int32_t got =
            pta_class_of(v->graph, v->outputs, sample_at(v, samples, s));
        v->argmax_differs += got != expected;
        v->float_right += labels != NULL && labels[first + s] == expected;
    }
    return PTA_OK;
}

pta_status pta_verifier_add(pta_verifier *v, pta_ctx *ctx, int64_t first,
                            int64_t n, const void *samples,
                            const int32_t *labels)
{
    for (int64_t done = 0; done < n; done += PTA_FEED_ROWS) {
        int32_t rows =
            n - done < PTA_FEED_ROWS ? (int32_t)(n - done) : PTA_FEED_ROWS;
        const char *at = sample_at(v, samples, done);
        if (v->blas != NULL) {
            PTA_TRY(compare_bits(v, ctx, first + done, rows, at));
        }
        if (v->reference != NULL) {
            PTA_TRY(compare_classes(v, ctx, first + done, rows, at, labels));
        }
    }
    v->samples += n;
    return PTA_OK;
}
