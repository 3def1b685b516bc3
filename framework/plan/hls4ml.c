/*
 * The hls4ml profile in a plan: its types by layer, as text and back, their
 * defaults, and what hls4ml cannot compute.
 */
#include "plan/hls4ml_priv.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* Fraction bits beyond which exact sums would not fit the kernels. */
#define FRAC_MIN       (-16)
#define FRAC_MAX       32
#define FRAC_MAX_ACCUM 62
/* A saturating accumulator is compared, not masked. */
#define SATURATING_MAX 32

#define BIT(op) (1u << (op))
#define SUMS    (BIT(PTA_OP_DENSE) | BIT(PTA_OP_CONV) | BIT(PTA_OP_DWCONV))
#define TABLES  (BIT(PTA_OP_SIGMOID) | BIT(PTA_OP_TANH) | BIT(PTA_OP_SOFTMAX))

/* Types beside out and weight, and the layers that have them. */
static const struct {
    const char *key;
    size_t offset;
    unsigned ops;
    int widest;
} fields[] = {
    {"bias", offsetof(pta_hls4ml_types, bias), SUMS | BIT(PTA_OP_SCALE_SHIFT),
     PTA_WIDTH_MAX},
    {"accum", offsetof(pta_hls4ml_types, accum),
     SUMS | BIT(PTA_OP_AVGPOOL) | BIT(PTA_OP_SOFTMAX), PTA_ACCUM_WIDTH_MAX},
    {"table", offsetof(pta_hls4ml_types, table), TABLES, PTA_WIDTH_MAX},
    {"inv_table", offsetof(pta_hls4ml_types, inv_table), BIT(PTA_OP_SOFTMAX),
     PTA_WIDTH_MAX},
    {"inv_input", offsetof(pta_hls4ml_types, inv_input), BIT(PTA_OP_SOFTMAX),
     PTA_WIDTH_MAX},
};
#define N_FIELDS (sizeof fields / sizeof *fields)

static const char *const softmax_names[] = {"stable", "latency", "argmax"};

static pta_format *field(pta_hls4ml_types *types, size_t i)
{
    return (pta_format *)(void *)((char *)types + fields[i].offset);
}

static pta_format field_of(const pta_hls4ml_types *types, size_t i)
{
    pta_hls4ml_types copy = *types;
    return *field(&copy, i);
}

static bool has_field(const pta_node *node, size_t i)
{
    return (fields[i].ops & BIT(node->op)) != 0;
}

static bool has_table(const pta_node *node)
{
    return (TABLES & BIT(node->op)) != 0;
}

bool pta_plan_is_hls4ml(const pta_plan *plan)
{
    return strcmp(plan->profile, PTA_PROFILE_HLS4ML) == 0;
}

/* Partial sums are the accumulator's raw integers. */
static void set_acc(pta_node_format *f)
{
    pta_format accum = f->hls4ml.accum;
    f->acc_bits = accum.width;
    f->acc = accum.width <= 32 ? PTA_S32 : PTA_S64;
}

/* ---- defaults ---- */

static pta_format named(int width, int integer, pta_rounding rounding,
                        pta_overflow overflow)
{
    pta_format f = pta_format_tensor(width, integer, true);
    f.rounding = (uint8_t)rounding;
    f.overflow = (uint8_t)overflow;
    return f;
}

static pta_format default_of(const pta_node *node, size_t i, pta_format model)
{
    bool is_softmax = node->op == PTA_OP_SOFTMAX;
    if (strcmp(fields[i].key, "bias") == 0 ||
        strcmp(fields[i].key, "accum") == 0) {
        return model;
    }
    return is_softmax ? named(18, 8, PTA_RND_RND, PTA_OVF_SAT)
                      : named(18, 8, PTA_RND_TRN, PTA_OVF_WRAP);
}

static void set_defaults(const pta_node *node, pta_format model,
                         pta_node_format *f)
{
    *f = (pta_node_format){.out = model, .hls4ml = {.used = true}};
    if (pta_node_has_weight_format(node)) {
        f->weight = model;
    }
    for (size_t i = 0; i < N_FIELDS; i++) {
        if (has_field(node, i)) {
            *field(&f->hls4ml, i) = default_of(node, i, model);
        }
    }
    f->hls4ml.table_size = has_table(node) ? 1024 : 0;
    set_acc(f);
}

pta_status pta_plan_set_hls4ml(pta_ctx *ctx, const pta_graph *graph,
                               pta_format model, pta_plan *plan)
{
    char *profile = pta_strdup(ctx, PTA_PROFILE_HLS4ML);
    if (profile == NULL) {
        return PTA_ERR_NOMEM;
    }
    pta_free(ctx, plan->profile);
    plan->profile = profile;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const pta_node *node = &graph->nodes[i];
        set_defaults(node, model, &plan->formats[i]);
        if (pta_node_keeps_format(node)) {
            plan->formats[i].out = plan->formats[node->in[0]].out;
        }
        plan->formats[i].acc_frac = pta_acc_frac(graph, plan->formats, i);
    }
    return PTA_OK;
}

/* ---- text ---- */

static pta_status read_field(pta_ctx *ctx, const json_t *layer,
                             const char *where, size_t i,
                             pta_hls4ml_types *types)
{
    const char *text;
    PTA_TRY(pta_json_string(ctx, layer, where, fields[i].key, &text));
    pta_status status =
        pta_format_parse_to(ctx, text, fields[i].widest, field(types, i));
    return status == PTA_OK ? PTA_OK
                            : pta_fail_in(ctx, status, "%s: key \"%s\"", where,
                                          fields[i].key);
}

static pta_status read_softmax(pta_ctx *ctx, const json_t *layer,
                               const char *where, uint8_t *out)
{
    const char *text;
    PTA_TRY(pta_json_string(ctx, layer, where, "softmax", &text));
    for (uint8_t i = 0; i < 3; i++) {
        if (strcmp(softmax_names[i], text) == 0) {
            *out = i;
            return PTA_OK;
        }
    }
    return pta_fail(ctx, PTA_ERR_FORMAT,
                    "%s: key \"softmax\" is \"%s\"; expected stable, latency "
                    "or argmax",
                    where, text);
}

pta_status pta_hls4ml_read(pta_ctx *ctx, const json_t *layer, const char *where,
                           const pta_node *node, pta_node_format *f)
{
    const char *keys[N_FIELDS + 5] = {"out"};
    size_t n = 1;
    int64_t size = 0;
    if (pta_node_has_weight_format(node)) {
        keys[n++] = "weight";
    }
    f->hls4ml.used = true;
    for (size_t i = 0; i < N_FIELDS; i++) {
        if (has_field(node, i)) {
            keys[n++] = fields[i].key;
            PTA_TRY(read_field(ctx, layer, where, i, &f->hls4ml));
        }
    }
    if (has_table(node)) {
        keys[n++] = "table_size";
        PTA_TRY(
            pta_json_int(ctx, layer, where, "table_size", 16, 65536, &size));
    }
    if (node->op == PTA_OP_SOFTMAX) {
        keys[n++] = "softmax";
        PTA_TRY(read_softmax(ctx, layer, where, &f->hls4ml.softmax));
    }
    f->hls4ml.table_size = (int32_t)size;
    set_acc(f);
    return pta_json_only(ctx, layer, where, keys);
}

int pta_hls4ml_print(const pta_node *node, const pta_node_format *f,
                     char text[PTA_HLS4ML_TEXT])
{
    int n = 0;
    char name[PTA_FORMAT_TEXT];
    text[0] = '\0';
    for (size_t i = 0; i < N_FIELDS; i++) {
        if (has_field(node, i)) {
            pta_format_print(field_of(&f->hls4ml, i), name);
            n += snprintf(text + n, PTA_HLS4ML_TEXT - (size_t)n,
                          ", \"%s\": \"%s\"", fields[i].key, name);
        }
    }
    if (has_table(node)) {
        n += snprintf(text + n, PTA_HLS4ML_TEXT - (size_t)n,
                      ", \"table_size\": %d", (int)f->hls4ml.table_size);
    }
    if (node->op == PTA_OP_SOFTMAX) {
        n +=
            snprintf(text + n, PTA_HLS4ML_TEXT - (size_t)n,
                     ", \"softmax\": \"%s\"", softmax_names[f->hls4ml.softmax]);
    }
    return n;
}

/* ---- validation ---- */

static bool saturates(pta_format f)
{
    return f.overflow != PTA_OVF_WRAP;
}

static pta_status check_type(pta_ctx *ctx, const pta_node *node,
                             const char *what, pta_format f, int widest)
{
    int frac = pta_format_frac(f);
    int most = widest > PTA_WIDTH_MAX ? FRAC_MAX_ACCUM : FRAC_MAX;
    if (f.width < PTA_WIDTH_MIN || f.width > widest) {
        return pta_fail(ctx, PTA_ERR_RANGE,
                        "layer '%s': \"%s\" has %d bits, expected %d to %d",
                        node->name, what, (int)f.width, PTA_WIDTH_MIN, widest);
    }
    if (frac < FRAC_MIN || frac > most) {
        return pta_fail(ctx, PTA_ERR_RANGE,
                        "layer '%s': \"%s\" has %d fraction bits, expected %d "
                        "to %d",
                        node->name, what, frac, FRAC_MIN, most);
    }
    return PTA_OK;
}

static pta_status check_types(pta_ctx *ctx, const pta_node *node,
                              const pta_node_format *f)
{
    PTA_TRY(check_type(ctx, node, "out", f->out, PTA_WIDTH_MAX));
    if (pta_node_has_weight_format(node)) {
        PTA_TRY(check_type(ctx, node, "weight", f->weight, PTA_WIDTH_MAX));
    }
    for (size_t i = 0; i < N_FIELDS; i++) {
        pta_format type = field_of(&f->hls4ml, i);
        if (!has_field(node, i)) {
            continue;
        }
        PTA_TRY(check_type(ctx, node, fields[i].key, type, fields[i].widest));
        if (saturates(type) && type.width > SATURATING_MAX) {
            return pta_fail(ctx, PTA_ERR_RANGE,
                            "layer '%s': \"%s\" saturates and has %d bits, "
                            "expected at most %d",
                            node->name, fields[i].key, (int)type.width,
                            SATURATING_MAX);
        }
    }
    return PTA_OK;
}

static bool is_power_of_two(int32_t n)
{
    return n > 0 && (n & (n - 1)) == 0;
}

/* The tables are addressed by the top bits of numbers that must have them. */
static pta_status check_tables(pta_ctx *ctx, const pta_node *node,
                               const pta_hls4ml_types *types)
{
    bool is_softmax = node->op == PTA_OP_SOFTMAX;
    if (has_table(node) && !is_power_of_two(types->table_size)) {
        return pta_fail(ctx, PTA_ERR_RANGE,
                        "layer '%s': \"table_size\" is %d, expected a power "
                        "of two",
                        node->name, (int)types->table_size);
    }
    if (is_softmax && types->softmax != PTA_SOFTMAX_ARGMAX &&
        types->inv_input.width < 16 &&
        1 << types->inv_input.width < types->table_size) {
        return pta_fail(ctx, PTA_ERR_RANGE,
                        "layer '%s': \"inv_input\" has %d bits, a table of %d "
                        "entries needs more",
                        node->name, (int)types->inv_input.width,
                        (int)types->table_size);
    }
    return PTA_OK;
}

static bool is_merge(pta_op op)
{
    return op == PTA_OP_ADD || op == PTA_OP_SUB || op == PTA_OP_MUL ||
           op == PTA_OP_AVERAGE || op == PTA_OP_MAXIMUM || op == PTA_OP_CONCAT;
}

static pta_status check_graph(pta_ctx *ctx, const pta_graph *graph)
{
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const pta_node *node = &graph->nodes[i];
        if (is_merge(node->op) && node->n_in != 2) {
            return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                            "layer '%s': %s of %d tensors; hls4ml merges two",
                            node->name, pta_op_name(node->op), (int)node->n_in);
        }
        if (node->op == PTA_OP_RELU && isfinite(node->act_max) &&
            node->act_max != 6.0) {
            return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                            "layer '%s': ReLU up to %g; hls4ml has relu6",
                            node->name, node->act_max);
        }
        if (node->op == PTA_OP_HARD_SIGMOID && node->keras_major >= 3) {
            return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                            "layer '%s': hard_sigmoid of Keras 3; hls4ml has "
                            "that of Keras 2",
                            node->name);
        }
    }
    return PTA_OK;
}

pta_status pta_hls4ml_check(pta_ctx *ctx, const pta_graph *graph,
                            const pta_plan *plan)
{
    PTA_TRY(check_graph(ctx, graph));
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        PTA_TRY(check_types(ctx, &graph->nodes[i], &plan->formats[i]));
        PTA_TRY(check_tables(ctx, &graph->nodes[i], &plan->formats[i].hls4ml));
    }
    return PTA_OK;
}

/* The weighted layer whose partial sums leave a stage: its last. */
static int32_t split_layer(const pta_graph *graph, const pta_stage *stage)
{
    for (int32_t i = stage->last; i > stage->first; i--) {
        if (pta_node_splittable(&graph->nodes[i])) {
            return i;
        }
    }
    return stage->first;
}

pta_status pta_hls4ml_check_stages(pta_ctx *ctx, const pta_graph *graph,
                                   const pta_plan *plan)
{
    for (int32_t s = 0; s < plan->n_stages; s++) {
        const pta_stage *stage = &plan->stages[s];
        bool is_summed = stage->split == PTA_SPLIT_INPUT ||
                         stage->split == PTA_SPLIT_INCHANNEL ||
                         stage->split == PTA_SPLIT_PAIRED;
        int32_t id = split_layer(graph, stage);
        pta_format accum = plan->formats[id].hls4ml.accum;
        if (is_summed && stage->n_parts > 1 && saturates(accum)) {
            char text[PTA_FORMAT_TEXT];
            pta_format_print(accum, text);
            return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                            "layer '%s': its inputs are split (%s) and its "
                            "accumulator %s saturates: the sum would depend "
                            "on the cut; let it wrap or cut by outputs",
                            graph->nodes[id].name, pta_split_name(stage->split),
                            text);
        }
    }
    return PTA_OK;
}
