/*
 * Writes plans: one line per layer and per stage, keys in a fixed order, so
 * that a person can read them and the same plan gives the same bytes.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plan/hls4ml_priv.h"
#include "plan/layout_priv.h"
#include "plan/plan_fold_priv.h"
#include "plan/plan_priv.h"
#include "json/json.h"

/* Text that grows; after a failure it stays as it is. */
typedef struct text {
    pta_ctx *ctx;
    pta_status status;
    char *bytes;
    size_t used, size;
} text;

__attribute__((format(printf, 2, 3))) static void put(text *t,
                                                      const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (t->status == PTA_OK && t->used + (size_t)n + 1 > t->size) {
        size_t size = 2 * (t->used + (size_t)n + 1);
        char *grown = pta_realloc(t->ctx, t->bytes, size);
        t->status = grown == NULL ? PTA_ERR_NOMEM : PTA_OK;
        t->bytes = grown == NULL ? t->bytes : grown;
        t->size = grown == NULL ? t->size : size;
    }
    if (t->status == PTA_OK) {
        vsnprintf(t->bytes + t->used, t->size - t->used, format, again);
        t->used += (size_t)n;
    }
    va_end(again);
}

/* A string in quotes, escaped as JSON wants it. */
static void put_string(text *t, const char *string)
{
    json_t *json = json_string(string);
    char *quoted = json == NULL ? NULL : json_dumps(json, JSON_ENCODE_ANY);
    if (quoted == NULL) {
        t->status =
            pta_fail(t->ctx, PTA_ERR_FORMAT, "a name in the plan is not UTF-8");
    } else {
        put(t, "%s", quoted);
    }
    free(quoted);
    json_decref(json);
}

/* ---- layers ---- */

/* Weights saturate symmetrically unless their format says otherwise. */
static void put_weight_format(text *t, pta_format f)
{
    char name[PTA_FORMAT_TEXT];
    if (f.rounding == PTA_RND_RND && f.overflow == PTA_OVF_SAT) {
        put(t, ", \"weight\": \"%s<%d,%d,RND,SAT>\"",
            f.is_signed ? "fixed" : "ufixed", f.width, f.integer);
        return;
    }
    if (f.rounding == PTA_RND_RND && f.overflow == PTA_OVF_SAT_SYM) {
        f.overflow = PTA_OVF_SAT;
    }
    pta_format_print(f, name);
    put(t, ", \"weight\": \"%s\"", name);
}

static void put_layer(text *t, const pta_node *node, const pta_node_format *f,
                      const pta_fold *fold)
{
    char name[PTA_FORMAT_TEXT];
    pta_format_print(f->out, name);
    put_string(t, node->name);
    put(t, ": {\"out\": \"%s\"", name);
    if (pta_node_has_weight_format(node)) {
        put_weight_format(t, f->weight);
    }
    if (f->hls4ml.used) {
        char types[PTA_HLS4ML_TEXT];
        pta_hls4ml_print(node, f, types);
        put(t, "%s}", types);
        return;
    }
    if (node->op != PTA_OP_INPUT && f->acc_bits > 0) {
        put(t, ", \"acc_bits\": %d", (int)f->acc_bits);
    }
    if (pta_node_splittable(node)) {
        put(t, ", \"partial\": \"%s\"", f->acc == PTA_S32 ? "int32" : "int64");
    }
    if (fold->pe > 0) {
        char folding[PTA_FOLD_TEXT];
        pta_fold_print(fold, folding);
        put(t, ", \"fold\": %s", folding);
    }
    put(t, "}");
}

static void put_layers(text *t, const pta_plan *plan, const pta_graph *graph)
{
    const char *before = "";
    put(t, "  \"layers\": {\n");
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        if (pta_node_states_format(graph, i)) {
            put(t, "%s    ", before);
            pta_fold fold = pta_plan_fold(plan, i);
            put_layer(t, &graph->nodes[i], &plan->formats[i], &fold);
            before = ",\n";
        }
    }
    put(t, "\n  },\n");
}

/* ---- stages ---- */

static void put_stage(text *t, const pta_graph *graph, const pta_stage *stage)
{
    put(t, "    {\"from\": ");
    put_string(t, graph->nodes[pta_stage_named(graph, stage)].name);
    if (stage->split != PTA_SPLIT_WHOLE) {
        put(t, ", \"split\": \"%s\", \"parts\": [",
            pta_split_name(stage->split));
        for (int32_t p = 0; p < stage->n_parts; p++) {
            put(t, "%s%d", p > 0 ? ", " : "", (int)stage->sizes[p]);
        }
        put(t, "]");
    }
    if (stage->engine != PTA_ENGINE_STREAMING) {
        put(t, ", \"engine\": \"%s\"", pta_engine_name(stage->engine));
    }
    put(t, "}");
}

static void put_stages(text *t, const pta_plan *plan, const pta_graph *graph)
{
    put(t, "  \"stages\": [\n");
    for (int32_t s = 0; s < plan->n_stages; s++) {
        put_stage(t, graph, &plan->stages[s]);
        put(t, s + 1 < plan->n_stages ? ",\n" : "\n");
    }
    put(t, "  ]");
}

/* ---- the whole ---- */

static void put_head(text *t, const pta_plan *plan)
{
    const pta_calibration *c = &plan->calibration;
    put(t, "{\n  \"partita_plan\": %d,\n  \"model\": ", PTA_PLAN_VERSION);
    put_string(t, plan->model);
    if (plan->model_digest[0] != '\0') {
        put(t, ",\n  \"model_digest\": \"%s\"", plan->model_digest);
    }
    put(t, ",\n  \"profile\": \"%s\",\n  \"bits\": %d,\n", plan->profile,
        (int)plan->bits);
    if (c->set != NULL) {
        put(t, "  \"calibration\": {\"set\": ");
        put_string(t, c->set);
        put(t, ", \"split\": ");
        put_string(t, c->split != NULL ? c->split : "");
        put(t, ", \"rows\": %lld, \"digest\": \"%s\"},\n", (long long)c->rows,
            c->digest);
    }
}

static bool has_digests(const pta_plan *plan)
{
    for (int32_t b = 0; b < plan->n_boards; b++) {
        if (plan->slice_digests[b][0] != '\0') {
            return true;
        }
    }
    return false;
}

static void put_digests(text *t, const pta_plan *plan)
{
    put(t, ",\n  \"slices\": [\n");
    for (int32_t b = 0; b < plan->n_boards; b++) {
        put(t, "    \"%s\"%s\n", plan->slice_digests[b],
            b + 1 < plan->n_boards ? "," : "");
    }
    put(t, "  ]");
}

pta_status pta_plan_print(pta_ctx *ctx, const pta_plan *plan,
                          const pta_graph *graph, char **out)
{
    text t = {.ctx = ctx};
    put_head(&t, plan);
    put_layers(&t, plan, graph);
    put_stages(&t, plan, graph);
    if (has_digests(plan)) {
        put_digests(&t, plan);
    }
    put(&t, "\n}\n");
    if (t.status != PTA_OK) {
        pta_free(ctx, t.bytes);
        return t.status;
    }
    *out = t.bytes;
    return PTA_OK;
}
