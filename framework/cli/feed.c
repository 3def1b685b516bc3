/* Rows of a data set as a model's inputs. */
#include "cli/feed.h"

#include <string.h>

pta_status pta_open_dataset(pta_ctx *ctx, const pta_graph *graph,
                            const char *text, const char *split, int64_t limit,
                            pta_dataset **out)
{
    pta_dataset_want *want;
    PTA_TRY_ALLOC(ctx, want, graph->n_inputs);
    for (int32_t i = 0; i < graph->n_inputs; i++) {
        const pta_node *node = &graph->nodes[graph->inputs[i]];
        want[i] =
            (pta_dataset_want){node->name, node->shape.rank, node->shape.dim};
    }
    pta_status status =
        pta_dataset_open(ctx, text, split, want, graph->n_inputs, limit, out);
    pta_free(ctx, want);
    return status;
}

static pta_status open_feed(pta_ctx *ctx, const pta_plan *plan, bool is_float,
                            pta_feed *feed)
{
    feed->rows = pta_dataset_rows(feed->data);
    if (feed->rows == 0) {
        return pta_fail(ctx, PTA_ERR_MISMATCH, "%s: there are no rows",
                        pta_dataset_set(feed->data));
    }
    PTA_TRY(
        pta_packing_inputs(ctx, feed->graph, plan, is_float, &feed->layout));
    PTA_TRY(
        pta_packing_inputs(ctx, feed->graph, plan, false, &feed->raw_layout));
    for (int32_t i = 0; i < feed->layout.n; i++) {
        int64_t count = feed->layout.tensor[i].count;
        feed->most = count > feed->most ? count : feed->most;
    }
    PTA_TRY_ALLOC(ctx, feed->values, PTA_FEED_ROWS * feed->most);
    PTA_TRY_ALLOC(ctx, feed->raws, PTA_FEED_ROWS * feed->most);
    return PTA_OK;
}

static pta_status make_feed(pta_ctx *ctx, const pta_graph *graph,
                            const pta_plan *plan, pta_dataset *data,
                            bool is_float, pta_feed **out)
{
    pta_feed *feed;
    PTA_TRY_ALLOC(ctx, feed, 1);
    feed->graph = graph;
    feed->data = data;
    pta_status status = open_feed(ctx, plan, is_float, feed);
    if (status != PTA_OK) {
        pta_feed_close(ctx, &feed);
        return status;
    }
    *out = feed;
    return PTA_OK;
}

pta_status pta_feed_open(pta_ctx *ctx, const pta_graph *graph,
                         const pta_plan *plan, const char *text, int64_t limit,
                         bool is_float, pta_feed **out)
{
    pta_dataset *data;
    PTA_TRY(pta_open_dataset(ctx, graph, text, NULL, limit, &data));
    pta_status status = make_feed(ctx, graph, plan, data, is_float, out);
    if (status != PTA_OK) {
        pta_dataset_close(ctx, &data);
        return status;
    }
    (*out)->owned = data;
    return PTA_OK;
}

pta_status pta_feed_open_rows(pta_ctx *ctx, const pta_graph *graph,
                              const pta_plan *plan, pta_dataset *data,
                              pta_feed **out)
{
    return make_feed(ctx, graph, plan, data, false, out);
}

void pta_feed_close(pta_ctx *ctx, pta_feed **feed)
{
    if (*feed != NULL) {
        pta_free(ctx, (*feed)->raws);
        pta_free(ctx, (*feed)->values);
        pta_packing_free(ctx, &(*feed)->raw_layout);
        pta_packing_free(ctx, &(*feed)->layout);
        pta_dataset_close(ctx, &(*feed)->owned);
        pta_free(ctx, *feed);
        *feed = NULL;
    }
}

pta_status pta_feed_raw(pta_feed *feed, pta_ctx *ctx, int32_t input,
                        int64_t first, int32_t n, int64_t *raw)
{
    const pta_tensor_place *t = &feed->raw_layout.tensor[input];
    if (pta_dataset_is_random(feed->data)) {
        return pta_dataset_read_random(
            feed->data, ctx, input, pta_format_min(t->format),
            pta_format_max(t->format), first, n, raw);
    }
    PTA_TRY(pta_dataset_read(feed->data, ctx, input, first, n, feed->values));
    for (int64_t e = 0; e < n * t->count; e++) {
        raw[e] = pta_format_quantise(t->format, (double)feed->values[e]);
    }
    return PTA_OK;
}

pta_status pta_feed_float(pta_feed *feed, pta_ctx *ctx, int32_t input,
                          int64_t first, int32_t n, float *values)
{
    if (!pta_dataset_is_random(feed->data)) {
        return pta_dataset_read(feed->data, ctx, input, first, n, values);
    }
    const pta_tensor_place *t = &feed->raw_layout.tensor[input];
    PTA_TRY(pta_feed_raw(feed, ctx, input, first, n, feed->raws));
    for (int64_t e = 0; e < n * t->count; e++) {
        values[e] = (float)pta_format_value(t->format, feed->raws[e]);
    }
    return PTA_OK;
}

static void store_row(const pta_tensor_place *t, const int64_t *raw, void *at)
{
    switch (t->dtype) {
    case PTA_S8:
        for (int64_t e = 0; e < t->count; e++) {
            ((int8_t *)at)[e] = (int8_t)raw[e];
        }
        break;
    case PTA_S16:
        for (int64_t e = 0; e < t->count; e++) {
            ((int16_t *)at)[e] = (int16_t)raw[e];
        }
        break;
    case PTA_S32:
        for (int64_t e = 0; e < t->count; e++) {
            ((int32_t *)at)[e] = (int32_t)raw[e];
        }
        break;
    case PTA_S64:
        memcpy(at, raw, (size_t)t->count * sizeof *raw);
        break;
    case PTA_F32:
        break;
    }
}

static pta_status encode_input(pta_feed *feed, pta_ctx *ctx, int32_t input,
                               int64_t first, int32_t n, char *samples)
{
    const pta_tensor_place *t = &feed->layout.tensor[input];
    bool is_float = t->dtype == PTA_F32;
    PTA_TRY(is_float ? pta_feed_float(feed, ctx, input, first, n, feed->values)
                     : pta_feed_raw(feed, ctx, input, first, n, feed->raws));
    for (int32_t s = 0; s < n; s++) {
        char *at = samples + (size_t)s * feed->layout.sample_bytes + t->offset;
        if (is_float) {
            memcpy(at, feed->values + s * t->count,
                   (size_t)t->count * sizeof(float));
        } else {
            store_row(t, feed->raws + s * t->count, at);
        }
    }
    return PTA_OK;
}

pta_status pta_feed_encode(pta_feed *feed, pta_ctx *ctx, int64_t first,
                           int64_t n, void *samples)
{
    for (int64_t done = 0; done < n; done += PTA_FEED_ROWS) {
        int64_t left = n - done;
        int32_t rows = left < PTA_FEED_ROWS ? (int32_t)left : PTA_FEED_ROWS;
        char *at = (char *)samples + (size_t)done * feed->layout.sample_bytes;
        for (int32_t i = 0; i < feed->layout.n; i++) {
            PTA_TRY(encode_input(feed, ctx, i, first + done, rows, at));
        }
    }
    return PTA_OK;
}
