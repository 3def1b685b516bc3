/*
 * partita info: the layers of a model and what they cost.
 */
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "ir/build.h"

static const pta_option info_options[] = {
    {.name = "json",
     .kind = PTA_OPTION_TEXT,
     .group = "Output",
     .placeholder = "FILE",
     .help = "write the numbers as JSON (- for standard output)"},
    {.name = NULL}};

static const char *activation(const pta_node *node, char text[32])
{
    switch (node->act) {
    case PTA_ACT_NONE:
        return "";
    case PTA_ACT_RELU:
        return "relu";
    case PTA_ACT_RELU_MAX:
        snprintf(text, 32, "relu(max %g)", node->act_max);
        return text;
    }
    return "";
}

static void print_merged(const pta_node *node, char *text, size_t size)
{
    text[0] = '\0';
    for (int32_t i = 0; i < node->n_merged; i++) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s", i > 0 ? " " : "",
                 node->merged[i]);
    }
}

static pta_status print_table(pta_ctx *ctx, const pta_model *model)
{
    const pta_graph *graph = pta_model_graph(model);
    int64_t macs = 0;
    char a[PTA_COUNT_TEXT], b[PTA_COUNT_TEXT], shape[PTA_SHAPE_TEXT], act[32],
        merged[256];
    printf("%s: %s, Keras %s, %d input%s, %d output%s\n\n",
           pta_model_path(model), graph->name, pta_model_keras_version(model),
           graph->n_inputs, graph->n_inputs == 1 ? "" : "s", graph->n_outputs,
           graph->n_outputs == 1 ? "" : "s");
    pta_table_text table;
    pta_table_begin(&table, ctx,
                    "layer|operation|output|>parameters|>MACs|activation|"
                    "merged");
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const pta_node *node = &graph->nodes[i];
        macs += pta_node_macs(graph, i);
        print_merged(node, merged, sizeof merged);
        pta_table_cell(&table, "%s", node->name);
        pta_table_cell(&table, "%s", pta_op_name(node->op));
        pta_shape_print(&node->shape, shape);
        pta_table_cell(&table, "%s", shape);
        pta_table_cell(&table, "%s",
                       pta_print_count(pta_node_params(graph, i), a));
        pta_table_cell(&table, "%s",
                       pta_print_count(pta_node_macs(graph, i), b));
        pta_table_cell(&table, "%s", activation(node, act));
        pta_table_cell(&table, "%s", merged);
    }
    pta_table_cell(&table, "total");
    pta_table_cell(&table, "%s", "");
    pta_table_cell(&table, "%s", "");
    pta_table_cell(&table, "%s", pta_print_count(pta_graph_params(graph), a));
    pta_table_cell(&table, "%s", pta_print_count(macs, b));
    pta_table_cell(&table, "%s", "");
    pta_table_cell(&table, "%s", "");
    return pta_table_end(&table, stdout);
}

static json_t *node_json(const pta_graph *graph, int32_t i)
{
    const pta_node *node = &graph->nodes[i];
    char act[32];
    json_t *shape = json_array(), *merged = json_array();
    for (int32_t d = 0; d < node->shape.rank; d++) {
        json_array_append_new(shape, json_integer(node->shape.dim[d]));
    }
    for (int32_t m = 0; m < node->n_merged; m++) {
        json_array_append_new(merged, json_string(node->merged[m]));
    }
    return json_pack("{s:s,s:s,s:o,s:I,s:I,s:s,s:o}", "name", node->name, "op",
                     pta_op_name(node->op), "shape", shape, "parameters",
                     (json_int_t)pta_node_params(graph, i), "macs",
                     (json_int_t)pta_node_macs(graph, i), "activation",
                     activation(node, act), "merged", merged);
}

static json_t *model_json(const pta_model *model)
{
    const pta_graph *graph = pta_model_graph(model);
    json_t *layers = json_array();
    int64_t macs = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        json_array_append_new(layers, node_json(graph, i));
        macs += pta_node_macs(graph, i);
    }
    return json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:o}", "model",
                     pta_model_path(model), "name", graph->name,
                     "keras_version", pta_model_keras_version(model), "digest",
                     pta_model_digest(model), "parameters",
                     (json_int_t)pta_graph_params(graph), "macs",
                     (json_int_t)macs, "layers", layers);
}

static pta_status info(pta_ctx *ctx, const pta_options *options)
{
    pta_model *model = NULL;
    const char *path = pta_options_text(options, "json");
    PTA_TRY(pta_model_open(ctx, pta_options_operand(options), &model));
    pta_status status = PTA_OK;
    if (path == NULL || strcmp(path, "-") != 0) {
        status = print_table(ctx, model);
    }
    if (status == PTA_OK && path != NULL) {
        status = pta_write_json(ctx, path, model_json(model));
    }
    pta_model_close(ctx, &model);
    return status;
}

static int run(pta_ctx *ctx, int argc, char **argv)
{
    return pta_verb_main(ctx, &pta_verb_info, argc, argv, info);
}

const pta_verb pta_verb_info = {
    "info", "MODEL", "Layers, shapes, parameters and operations of a model.",
    info_options, run};
