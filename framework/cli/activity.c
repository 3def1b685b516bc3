/* How much of its format each layer uses: see activity.h. */
#include "cli/activity.h"

pta_status pta_activity_open(pta_ctx *ctx, const pta_graph *graph,
                             const pta_plan *plan, pta_activity *activity)
{
    *activity = (pta_activity){.graph = graph, .plan = plan};
    PTA_TRY_ALLOC(ctx, activity->count, graph->n_nodes);
    return PTA_OK;
}

void pta_activity_free(pta_ctx *ctx, pta_activity *activity)
{
    pta_free(ctx, activity->count);
    activity->count = NULL;
}

/* The least value of an unsigned format is an ordinary zero. */
void pta_activity_tap(void *user, int32_t node, const void *values,
                      int32_t n_samples, int64_t count)
{
    pta_activity *a = user;
    pta_format f = a->plan->formats[node].out;
    double most = (double)pta_format_max(f);
    double least = f.is_signed ? (double)pta_format_min(f) : -1.0;
    const double *value = values;
    int64_t n = n_samples * count, nonzero = 0, saturated = 0;
    for (int64_t i = 0; i < n; i++) {
        nonzero += value[i] != 0.0;
        saturated += value[i] >= most || value[i] <= least;
    }
    a->count[node].values += n;
    a->count[node].nonzero += nonzero;
    a->count[node].saturated += saturated;
}

static double share(int64_t part, const pta_activity_count *c)
{
    return (double)part / (double)c->values;
}

json_t *pta_activity_json(const pta_activity *a)
{
    json_t *layers = json_array();
    char format[PTA_FORMAT_TEXT];
    for (int32_t i = 0; i < a->graph->n_nodes; i++) {
        const pta_activity_count *c = &a->count[i];
        if (c->values == 0) {
            continue;
        }
        pta_format_print(a->plan->formats[i].out, format);
        json_array_append_new(layers,
                              json_pack("{s:s,s:s,s:f,s:f}", "layer",
                                        a->graph->nodes[i].name, "format",
                                        format, "nonzero", share(c->nonzero, c),
                                        "saturated", share(c->saturated, c)));
    }
    return layers;
}

pta_status pta_activity_print(pta_ctx *ctx, const pta_activity *a, FILE *file)
{
    pta_table_text table;
    char format[PTA_FORMAT_TEXT];
    pta_table_begin(&table, ctx, "layer|format|>non-zero %|>saturated %");
    for (int32_t i = 0; i < a->graph->n_nodes; i++) {
        const pta_activity_count *c = &a->count[i];
        if (c->values == 0) {
            continue;
        }
        pta_format_print(a->plan->formats[i].out, format);
        pta_table_cell(&table, "%s", a->graph->nodes[i].name);
        pta_table_cell(&table, "%s", format);
        pta_table_cell(&table, "%.2f", 100.0 * share(c->nonzero, c));
        pta_table_cell(&table, "%.2f", 100.0 * share(c->saturated, c));
    }
    fprintf(file, "\noutputs of the layers, in the reference:\n");
    return pta_table_end(&table, file);
}
