/*
 * Reads plans: JSON text against a graph. Every key is checked before use and
 * named when it is wrong; what follows from the rest is not in the file.
 */
#include <stdio.h>
#include <string.h>

#include "plan/hls4ml_priv.h"
#include "plan/layout_priv.h"
#include "plan/plan_fold_priv.h"
#include "plan/plan_priv.h"
#include "json/json.h"

typedef struct reader {
    pta_ctx *ctx;
    const char *path;
    const pta_graph *graph;
    pta_plan *plan;
    char where[320]; /* file and place, for messages */
} reader;

/* "plan.json: layers.fc1" in r->where. */
__attribute__((format(printf, 2, 3))) static const char *
at(reader *r, const char *format, ...)
{
    va_list args;
    int n = snprintf(r->where, sizeof r->where, "%.200s: ", r->path);
    va_start(args, format);
    vsnprintf(r->where + n, sizeof r->where - (size_t)n, format, args);
    va_end(args);
    return r->where;
}

static pta_status text_copy(reader *r, const json_t *object, const char *where,
                            const char *key, char **out)
{
    const char *value;
    PTA_TRY(pta_json_string(r->ctx, object, where, key, &value));
    char *copy = pta_strdup(r->ctx, value);
    if (copy == NULL) {
        return PTA_ERR_NOMEM;
    }
    pta_free(r->ctx, *out);
    *out = copy;
    return PTA_OK;
}

/* 64 hexadecimal digits, or none when `optional`. */
static pta_status digest_check(reader *r, const char *where, const char *key,
                               const char *value, char hex[PTA_SHA256_HEX])
{
    size_t n = strlen(value);
    if (n != 0 &&
        (n != PTA_SHA256_HEX - 1 || strspn(value, "0123456789abcdef") != n)) {
        return pta_fail(r->ctx, PTA_ERR_FORMAT,
                        "%s: \"%s\" must be 64 hexadecimal digits", where, key);
    }
    memcpy(hex, value, n + 1);
    return PTA_OK;
}

static pta_status digest(reader *r, const json_t *object, const char *where,
                         const char *key, char hex[PTA_SHA256_HEX])
{
    const char *value;
    if (json_object_get(object, key) == NULL) {
        hex[0] = '\0';
        return PTA_OK;
    }
    PTA_TRY(pta_json_string(r->ctx, object, where, key, &value));
    return digest_check(r, where, key, value, hex);
}

/* ---- head ---- */

static pta_status read_calibration(reader *r, const json_t *root)
{
    static const char *const keys[] = {"set", "split", "rows", "digest", NULL};
    json_t *object;
    pta_calibration *c = &r->plan->calibration;
    if (json_object_get(root, "calibration") == NULL) {
        return PTA_OK;
    }
    PTA_TRY(pta_json_object(r->ctx, root, r->path, "calibration", &object));
    const char *where = at(r, "calibration");
    PTA_TRY(pta_json_only(r->ctx, object, where, keys));
    PTA_TRY(text_copy(r, object, where, "set", &c->set));
    PTA_TRY(text_copy(r, object, where, "split", &c->split));
    PTA_TRY(
        pta_json_int(r->ctx, object, where, "rows", 0, INT64_MAX, &c->rows));
    return digest(r, object, where, "digest", c->digest);
}

static pta_status read_head(reader *r, const json_t *root)
{
    static const char *const keys[] = {
        "partita_plan", "model",  "model_digest", "profile", "bits",
        "calibration",  "layers", "stages",       "slices",  NULL};
    int64_t version, bits = 0;
    PTA_TRY(pta_json_int(r->ctx, root, r->path, "partita_plan",
                         PTA_PLAN_VERSION, PTA_PLAN_VERSION, &version));
    PTA_TRY(pta_json_only(r->ctx, root, r->path, keys));
    PTA_TRY(text_copy(r, root, r->path, "model", &r->plan->model));
    PTA_TRY(digest(r, root, r->path, "model_digest", r->plan->model_digest));
    PTA_TRY(text_copy(r, root, r->path, "profile", &r->plan->profile));
    if (json_object_get(root, "bits") != NULL) {
        PTA_TRY(pta_json_int(r->ctx, root, r->path, "bits", 0, PTA_WIDTH_MAX,
                             &bits));
    }
    r->plan->bits = (int32_t)bits;
    return read_calibration(r, root);
}

/* ---- layers ---- */

static pta_status read_format(reader *r, const json_t *layer, const char *where,
                              const char *key, pta_format *out)
{
    const char *value;
    PTA_TRY(pta_json_string(r->ctx, layer, where, key, &value));
    pta_status status = pta_format_parse(r->ctx, value, out);
    if (status != PTA_OK) {
        return pta_fail_in(r->ctx, status, "%s: key \"%s\"", where, key);
    }
    const char *comma = strchr(value, ',');
    bool is_short = comma == NULL || strchr(comma + 1, ',') == NULL;
    if (is_short && strcmp(key, "weight") == 0) {
        out->overflow = PTA_OVF_SAT_SYM;
    }
    return PTA_OK;
}

/* Width of the accumulator and, with it or stated, its type on the wire. */
static pta_status read_acc(reader *r, const json_t *layer, const char *where,
                           const pta_node *node, pta_node_format *f)
{
    const char *type;
    int64_t bits = 0;
    if (pta_node_weighted(node) || json_object_get(layer, "acc_bits") != NULL) {
        PTA_TRY(pta_json_int(r->ctx, layer, where, "acc_bits", 1, 64, &bits));
    }
    f->acc_bits = (int32_t)bits;
    f->acc = bits <= 32 ? PTA_S32 : PTA_S64;
    if (json_object_get(layer, "partial") == NULL) {
        return PTA_OK;
    }
    PTA_TRY(pta_json_string(r->ctx, layer, where, "partial", &type));
    const char *expected = bits <= 32 ? "int32" : "int64";
    if (strcmp(type, expected) != 0) {
        return pta_fail(r->ctx, PTA_ERR_FORMAT,
                        "%s: key \"partial\" is \"%s\"; sums of %d bits are "
                        "\"%s\"",
                        where, type, (int)bits, expected);
    }
    return PTA_OK;
}

static pta_status read_layer(reader *r, const json_t *layers, int32_t id)
{
    static const char *const keys[] = {"out",     "weight", "acc_bits",
                                       "partial", "fold",   NULL};
    const pta_node *node = &r->graph->nodes[id];
    pta_node_format *f = &r->plan->formats[id];
    json_t *layer;
    PTA_TRY(
        pta_json_object(r->ctx, layers, at(r, "layers"), node->name, &layer));
    const char *where = at(r, "layers.%s", node->name);
    bool is_hls4ml = pta_plan_is_hls4ml(r->plan);
    if (!is_hls4ml) {
        PTA_TRY(pta_json_only(r->ctx, layer, where, keys));
    }
    PTA_TRY(read_format(r, layer, where, "out", &f->out));
    if (pta_node_has_weight_format(node)) {
        PTA_TRY(read_format(r, layer, where, "weight", &f->weight));
    } else if (json_object_get(layer, "weight") != NULL) {
        return pta_fail(r->ctx, PTA_ERR_FORMAT,
                        "%s: key \"weight\", but %s has no weights", where,
                        pta_op_name(node->op));
    }
    if (is_hls4ml) {
        return pta_hls4ml_read(r->ctx, layer, where, node, f);
    }
    PTA_TRY(pta_fold_read(r->ctx, layer, where, node, &r->plan->folds[id]));
    return read_acc(r, layer, where, node, f);
}

/* A layer that keeps its input's format has no entry of its own. */
static pta_status check_layer_names(reader *r, json_t *layers)
{
    const char *name;
    json_t *layer;
    json_object_foreach(layers, name, layer)
    {
        int32_t id = pta_graph_find(r->graph, name);
        bool own = id >= 0 && strcmp(r->graph->nodes[id].name, name) == 0;
        if (!own || !pta_node_states_format(r->graph, id)) {
            return pta_fail(r->ctx, PTA_ERR_FORMAT, "%s: \"%s\" is %s",
                            at(r, "layers"), name,
                            id < 0 ? "no layer of the model"
                            : own  ? "a layer without a format of its own"
                                   : "merged into another layer");
        }
    }
    return PTA_OK;
}

static pta_status read_layers(reader *r, const json_t *root)
{
    json_t *layers;
    PTA_TRY(pta_json_object(r->ctx, root, r->path, "layers", &layers));
    PTA_TRY(check_layer_names(r, layers));
    for (int32_t i = 0; i < r->graph->n_nodes; i++) {
        const pta_node *node = &r->graph->nodes[i];
        pta_node_format *f = &r->plan->formats[i];
        *f = (pta_node_format){.acc = PTA_S32};
        if (!pta_graph_in_integer(r->graph, i)) {
            continue;
        }
        if (pta_node_states_format(r->graph, i)) {
            PTA_TRY(read_layer(r, layers, i));
        } else {
            f->out = r->plan->formats[node->in[0]].out;
            f->hls4ml.used = pta_plan_is_hls4ml(r->plan);
        }
        f->acc_frac = pta_acc_frac(r->graph, r->plan->formats, i);
    }
    return PTA_OK;
}

/* ---- stages ---- */

static pta_status read_sizes(reader *r, const json_t *parts, const char *where,
                             int32_t **out)
{
    int32_t *sizes;
    PTA_TRY_ALLOC(r->ctx, sizes, json_array_size(parts));
    for (size_t p = 0; p < json_array_size(parts); p++) {
        const json_t *value = json_array_get(parts, p);
        json_int_t size = json_integer_value(value); /* 0 if it is none */
        if (size < 1 || size > INT32_MAX) {
            pta_free(r->ctx, sizes);
            return pta_fail(r->ctx, PTA_ERR_FORMAT,
                            "%s: key \"parts\": element %d must be a positive "
                            "integer",
                            where, (int)p);
        }
        sizes[p] = (int32_t)size;
    }
    *out = sizes;
    return PTA_OK;
}

/* "parts" is a number to balance, or the sizes. */
static pta_status read_split(reader *r, const json_t *object, const char *where,
                             int32_t s)
{
    const char *name;
    pta_split split;
    const json_t *parts = json_object_get(object, "parts");
    int64_t n = 1;
    int32_t *sizes = NULL;
    if (json_object_get(object, "split") == NULL && parts == NULL) {
        return pta_stage_split(r->ctx, r->graph, r->plan, s, PTA_SPLIT_WHOLE, 1,
                               NULL);
    }
    PTA_TRY(pta_json_string(r->ctx, object, where, "split", &name));
    if (!pta_split_find(name, strlen(name), &split) ||
        split == PTA_SPLIT_WHOLE) {
        return pta_fail(r->ctx, PTA_ERR_FORMAT,
                        "%s: key \"split\" is \"%s\"; expected neuron, input, "
                        "channel, inchannel, rows or paired",
                        where, name);
    }
    if (json_is_array(parts)) {
        n = (int64_t)json_array_size(parts);
        PTA_TRY(read_sizes(r, parts, where, &sizes));
    } else {
        PTA_TRY(pta_json_int(r->ctx, object, where, "parts", 1, INT32_MAX, &n));
    }
    pta_status status =
        pta_stage_split(r->ctx, r->graph, r->plan, s, split, (int32_t)n, sizes);
    pta_free(r->ctx, sizes);
    return status;
}

/* Where stage s begins; the first takes all that lies before it. */
static pta_status read_start(reader *r, const json_t *stages, int32_t s,
                             pta_stage *stage)
{
    static const char *const keys[] = {"from", "split", "parts", "engine",
                                       NULL};
    const json_t *object = json_array_get(stages, (size_t)s);
    const char *where = at(r, "stages[%d]", (int)s), *from;
    PTA_TRY(pta_json_string(r->ctx, object, where, "from", &from));
    PTA_TRY(pta_json_only(r->ctx, object, where, keys));
    PTA_TRY(pta_engine_read(r->ctx, object, where, &stage->engine));
    PTA_TRY(pta_stage_start(r->ctx, r->graph, where, from, &stage->first));
    if (s > 0 && stage->first <= stage[-1].first) {
        return pta_fail(r->ctx, PTA_ERR_FORMAT,
                        "%s: \"%s\" does not come after the stage before it",
                        where, from);
    }
    return PTA_OK;
}

static pta_status fill_stages(reader *r, const json_t *stages, pta_plan *draft)
{
    int32_t n = draft->n_stages;
    for (int32_t s = 0; s < n; s++) {
        PTA_TRY(read_start(r, stages, s, &draft->stages[s]));
    }
    draft->stages[0].first = 0;
    for (int32_t s = 0; s < n; s++) {
        draft->stages[s].last =
            s + 1 < n ? draft->stages[s + 1].first - 1 : r->graph->n_nodes - 1;
    }
    reader in_draft = *r;
    in_draft.plan = draft;
    for (int32_t s = 0; s < n; s++) {
        const char *where = at(&in_draft, "stages[%d]", (int)s);
        PTA_TRY(
            read_split(&in_draft, json_array_get(stages, (size_t)s), where, s));
    }
    return PTA_OK;
}

static pta_status read_stages(reader *r, const json_t *root)
{
    json_t *stages;
    PTA_TRY(pta_json_array(r->ctx, root, r->path, "stages", &stages));
    size_t n = json_array_size(stages);
    if (n < 1 || n > (size_t)r->graph->n_nodes) {
        return pta_fail(r->ctx, PTA_ERR_FORMAT,
                        "%s: key \"stages\" has %zu, expected 1 to %d", r->path,
                        n, (int)r->graph->n_nodes);
    }
    pta_plan draft = *r->plan;
    draft.n_stages = (int32_t)n;
    PTA_TRY_ALLOC(r->ctx, draft.stages, n);
    pta_status status = fill_stages(r, stages, &draft);
    if (status == PTA_OK) {
        status = pta_plan_set_stages(r->ctx, r->plan, draft.stages, (int32_t)n);
    }
    if (status != PTA_OK) {
        pta_stages_free(r->ctx, draft.stages, (int32_t)n);
    }
    return status;
}

static pta_status read_digests(reader *r, const json_t *root)
{
    json_t *slices;
    if (json_object_get(root, "slices") == NULL) {
        return PTA_OK;
    }
    PTA_TRY(pta_json_array(r->ctx, root, r->path, "slices", &slices));
    if (json_array_size(slices) != (size_t)r->plan->n_boards) {
        return pta_fail(r->ctx, PTA_ERR_FORMAT,
                        "%s: key \"slices\" has %zu digests, the stages have "
                        "%d boards: make the plan again",
                        r->path, json_array_size(slices),
                        (int)r->plan->n_boards);
    }
    for (int32_t b = 0; b < r->plan->n_boards; b++) {
        const char *value =
            json_string_value(json_array_get(slices, (size_t)b));
        const char *where = at(r, "slices[%d]", (int)b);
        PTA_TRY(digest_check(r, where, "digest", value != NULL ? value : "?",
                             r->plan->slice_digests[b]));
    }
    return PTA_OK;
}

/* ---- the whole ---- */

static pta_status read_plan(reader *r, const json_t *root)
{
    PTA_TRY(read_head(r, root));
    PTA_TRY(read_layers(r, root));
    PTA_TRY(read_stages(r, root));
    PTA_TRY(read_digests(r, root));
    return pta_plan_validate(r->ctx, r->plan, r->graph);
}

pta_status pta_plan_parse(pta_ctx *ctx, const char *text, const char *path,
                          const pta_graph *graph, pta_plan **out)
{
    json_t *root;
    PTA_TRY(pta_json_parse(ctx, text, path, &root));
    reader r = {.ctx = ctx, .path = path, .graph = graph};
    pta_status status = pta_plan_create(ctx, graph, &r.plan);
    if (status == PTA_OK) {
        status = read_plan(&r, root);
    }
    json_decref(root);
    if (status != PTA_OK) {
        pta_plan_destroy(ctx, &r.plan);
        bool named = strstr(pta_ctx_error(ctx), path) != NULL;
        return named ? status : pta_fail_in(ctx, status, "%s", path);
    }
    *out = r.plan;
    return PTA_OK;
}

pta_status pta_plan_parse_model(pta_ctx *ctx, const char *text,
                                const char *path, char **model)
{
    json_t *root;
    const char *value;
    PTA_TRY(pta_json_parse(ctx, text, path, &root));
    pta_status status = pta_json_string(ctx, root, path, "model", &value);
    if (status == PTA_OK) {
        *model = pta_strdup(ctx, value);
        status = *model == NULL ? PTA_ERR_NOMEM : PTA_OK;
    }
    json_decref(root);
    return status;
}

pta_status pta_plan_parse_is_hls4ml(pta_ctx *ctx, const char *text,
                                    const char *path, bool *is_hls4ml)
{
    json_t *root;
    const char *value;
    PTA_TRY(pta_json_parse(ctx, text, path, &root));
    pta_status status = pta_json_string(ctx, root, path, "profile", &value);
    if (status == PTA_OK) {
        *is_hls4ml = strcmp(value, PTA_PROFILE_HLS4ML) == 0;
    }
    json_decref(root);
    return status;
}
