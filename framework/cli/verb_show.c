/*
 * partita show: a plan as tables.
 */
#include <string.h>

#include "cli/cli.h"
#include "cli/page.h"
#include "plan/wire.h"

static const pta_option show_options[] = {
    {.name = "json",
     .kind = PTA_OPTION_TEXT,
     .group = "Output",
     .placeholder = "FILE",
     .help = "write the numbers as JSON (- for standard output)"},
    {.name = "html",
     .kind = PTA_OPTION_TEXT,
     .group = "Output",
     .placeholder = "FILE",
     .help = "write a page: cuts, load of each board, time line, best plans "
             "by number of boards; all modelled"},
    {.name = "cluster",
     .kind = PTA_OPTION_TEXT,
     .group = "Output",
     .placeholder = "FILE",
     .help = "of the page: boards and network; default PYNQ-Z2 on one switch"},
    {.name = NULL}};

/* A plan with the slices and wires that follow from it; no weights. */
typedef struct view {
    pta_ctx *ctx;
    pta_loaded loaded;
    const pta_graph *graph;
    const pta_plan *plan;
    pta_slice **slices; /* owned; boards, then the sink */
    pta_wires wires;    /* owned */
} view;

static pta_status build(view *v)
{
    int32_t n = v->plan->n_boards;
    PTA_TRY_ALLOC(v->ctx, v->slices, n + 1);
    for (int32_t b = 0; b <= n; b++) {
        PTA_TRY(pta_slice_build(v->ctx, v->graph, v->plan,
                                b < n ? b : PTA_BOARD_SINK, false,
                                &v->slices[b]));
    }
    return pta_wires_build(v->ctx, v->graph, v->plan, v->slices, v->slices[n],
                           &v->wires);
}

static void release(view *v)
{
    for (int32_t b = 0; v->slices != NULL && b <= v->plan->n_boards; b++) {
        pta_slice_destroy(v->ctx, &v->slices[b]);
    }
    pta_free(v->ctx, v->slices);
    pta_wires_free(v->ctx, &v->wires);
    pta_loaded_free(v->ctx, &v->loaded);
}

/* Multiply-accumulates of a slice: each weight row once per output cell. */
static int64_t slice_macs(const pta_slice *slice)
{
    int64_t macs = 0;
    for (int32_t s = 0; s < slice->n_steps; s++) {
        const pta_step *step = &slice->steps[s];
        if (step->weighted && step->op != PTA_STEP_RELU) {
            macs += pta_view_count(slice->values[step->out].view) *
                    step->weights.cols;
        }
    }
    return macs;
}

static uint64_t wire_bytes(const view *v, int32_t board, bool incoming)
{
    uint64_t bytes = 0;
    for (int32_t w = 0; w < v->wires.n_wires; w++) {
        const pta_wire *wire = &v->wires.wires[w];
        if ((incoming ? wire->dst : wire->src) == board) {
            bytes += wire->sample_bytes;
        }
    }
    return bytes;
}

/* "conv1 pool1 conv2": the layers of a stage, cut short to fit. */
static void stage_layers(const view *v, const pta_stage *stage, char *text,
                         size_t size)
{
    text[0] = '\0';
    for (int32_t i = stage->first; i <= stage->last; i++) {
        size_t used = strlen(text);
        bool is_hidden = v->graph->nodes[i].op == PTA_OP_INPUT;
        if (!is_hidden && used + 4 < size) {
            snprintf(text + used, size - used, "%s%s", used > 0 ? " " : "",
                     v->graph->nodes[i].name);
        }
    }
    if (strlen(text) > size - 5) {
        snprintf(text + size - 5, 5, "...");
    }
}

static const char *board_name(int32_t board, char text[16])
{
    if (board == PTA_BOARD_SOURCE) {
        return "source";
    }
    if (board == PTA_BOARD_SINK) {
        return "sink";
    }
    snprintf(text, 16, "%d", board);
    return text;
}

/* ---- text ---- */

static pta_status print_boards(const view *v)
{
    pta_table_text table;
    char layers[48], a[PTA_COUNT_TEXT];
    pta_table_begin(&table, v->ctx,
                    ">board|stage|split|>part|layers|>weights|>MACs|>bytes "
                    "in|>bytes out");
    for (int32_t b = 0; b < v->plan->n_boards; b++) {
        int32_t part, s = pta_plan_stage_of(v->plan, b, &part);
        const pta_stage *stage = &v->plan->stages[s];
        stage_layers(v, stage, layers, sizeof layers);
        pta_table_cell(&table, "%d", b);
        pta_table_cell(&table, "%d", s);
        pta_table_cell(&table, "%s", pta_split_name(stage->split));
        if (stage->split == PTA_SPLIT_WHOLE) {
            pta_table_cell(&table, "%s", "");
        } else {
            pta_table_cell(&table, "%d", stage->sizes[part]);
        }
        pta_table_cell(&table, "%s", layers);
        pta_table_cell(
            &table, "%s",
            pta_print_bytes(pta_slice_weight_bytes(v->slices[b]), a));
        pta_table_cell(&table, "%s",
                       pta_print_count(slice_macs(v->slices[b]), a));
        pta_table_cell(&table, "%llu",
                       (unsigned long long)wire_bytes(v, b, true));
        pta_table_cell(&table, "%llu",
                       (unsigned long long)wire_bytes(v, b, false));
    }
    return pta_table_end(&table, stdout);
}

static pta_status print_formats(const view *v)
{
    pta_table_text table;
    char text[PTA_FORMAT_TEXT];
    pta_table_begin(&table, v->ctx,
                    "layer|operation|output|weights|>accumulator bits");
    for (int32_t i = 0; i < v->graph->n_nodes; i++) {
        const pta_node_format *f = &v->plan->formats[i];
        if (!pta_graph_in_integer(v->graph, i)) {
            continue;
        }
        pta_format_print(f->out, text);
        pta_table_cell(&table, "%s", v->graph->nodes[i].name);
        pta_table_cell(&table, "%s", pta_op_name(v->graph->nodes[i].op));
        pta_table_cell(&table, "%s", text);
        text[0] = '\0';
        if (f->weight.width > 0) {
            pta_format_print(f->weight, text);
        }
        pta_table_cell(&table, "%s", text);
        if (pta_node_weighted(&v->graph->nodes[i])) {
            pta_table_cell(&table, "%d", f->acc_bits);
        } else {
            pta_table_cell(&table, "%s", "");
        }
    }
    return pta_table_end(&table, stdout);
}

static pta_status print_wires(const view *v)
{
    pta_table_text table;
    char a[16], b[16];
    pta_table_begin(&table, v->ctx, ">from|>to|>bytes per sample|carries");
    for (int32_t w = 0; w < v->wires.n_wires; w++) {
        const pta_wire *wire = &v->wires.wires[w];
        bool partial = false;
        for (int32_t p = 0; p < wire->n_pieces; p++) {
            partial = partial || wire->pieces[p].partial;
        }
        pta_table_cell(&table, "%s", board_name(wire->src, a));
        pta_table_cell(&table, "%s", board_name(wire->dst, b));
        pta_table_cell(&table, "%zu", wire->sample_bytes);
        pta_table_cell(&table, "%s", partial ? "partial sums" : "activations");
    }
    return pta_table_end(&table, stdout);
}

static pta_status print_view(const view *v, const char *path)
{
    printf("%s: %s, %d %s, profile %s", path, v->plan->model, v->plan->n_boards,
           v->plan->n_boards == 1 ? "board" : "boards", v->plan->profile);
    pta_print_calibration(&v->plan->calibration, stdout);
    printf("\n\n");
    PTA_TRY(print_boards(v));
    printf("\n");
    PTA_TRY(print_formats(v));
    printf("\n");
    return print_wires(v);
}

/* ---- JSON ---- */

static json_t *board_json(const view *v, int32_t b)
{
    int32_t part, s = pta_plan_stage_of(v->plan, b, &part);
    const pta_stage *stage = &v->plan->stages[s];
    json_t *layers = json_array();
    for (int32_t i = stage->first; i <= stage->last; i++) {
        if (v->graph->nodes[i].op != PTA_OP_INPUT) {
            json_array_append_new(layers, json_string(v->graph->nodes[i].name));
        }
    }
    return json_pack("{s:i,s:i,s:s,s:i,s:o,s:I,s:I,s:I,s:I}", "board", (int)b,
                     "stage", (int)s, "split", pta_split_name(stage->split),
                     "part", (int)part, "layers", layers, "weight_bytes",
                     (json_int_t)pta_slice_weight_bytes(v->slices[b]), "macs",
                     (json_int_t)slice_macs(v->slices[b]), "bytes_in",
                     (json_int_t)wire_bytes(v, b, true), "bytes_out",
                     (json_int_t)wire_bytes(v, b, false));
}

static json_t *view_json(const view *v, const char *path)
{
    json_t *boards = json_array(), *wires = json_array();
    char a[16], b[16];
    for (int32_t i = 0; i < v->plan->n_boards; i++) {
        json_array_append_new(boards, board_json(v, i));
    }
    for (int32_t w = 0; w < v->wires.n_wires; w++) {
        const pta_wire *wire = &v->wires.wires[w];
        json_array_append_new(
            wires, json_pack("{s:s,s:s,s:I}", "from", board_name(wire->src, a),
                             "to", board_name(wire->dst, b), "sample_bytes",
                             (json_int_t)wire->sample_bytes));
    }
    return json_pack("{s:s,s:s,s:i,s:o,s:o}", "plan", path, "model",
                     v->plan->model, "bits", (int)v->plan->bits, "boards",
                     boards, "wires", wires);
}

/* ---- the page ---- */

static pta_status write_html(const view *v, const pta_options *options,
                             const char *html)
{
    const char *path = pta_options_text(options, "cluster");
    pta_cluster *cluster;
    if (path == NULL) {
        PTA_TRY(pta_cluster_create(v->ctx, v->plan->n_boards, &cluster));
    } else {
        char *text;
        PTA_TRY(pta_file_read(v->ctx, path, &text, NULL));
        pta_status status = pta_cluster_parse(v->ctx, text, path, &cluster);
        pta_free(v->ctx, text);
        PTA_TRY(status);
    }
    pta_status status =
        pta_page_write(v->ctx, html, v->graph, v->loaded.plan, cluster);
    pta_cluster_destroy(v->ctx, &cluster);
    return status;
}

/* ---- the verb ---- */

static pta_status show(pta_ctx *ctx, const pta_options *options)
{
    const char *path = pta_options_operand(options);
    const char *json = pta_options_text(options, "json");
    view v = {.ctx = ctx};
    PTA_TRY(pta_load(ctx, path, &v.loaded));
    v.graph = pta_model_graph(v.loaded.model);
    v.plan = v.loaded.plan;
    pta_status status = build(&v);
    if (status == PTA_OK && (json == NULL || strcmp(json, "-") != 0)) {
        status = print_view(&v, path);
    }
    if (status == PTA_OK && json != NULL) {
        status = pta_write_json(ctx, json, view_json(&v, path));
    }
    if (status == PTA_OK && pta_options_text(options, "html") != NULL) {
        status = write_html(&v, options, pta_options_text(options, "html"));
    }
    release(&v);
    return status;
}

static int run(pta_ctx *ctx, int argc, char **argv)
{
    return pta_verb_main(ctx, &pta_verb_show, argc, argv, show);
}

const pta_verb pta_verb_show = {"show", "PLAN",
                                "A plan as tables: boards, formats, wires.",
                                show_options, run};
