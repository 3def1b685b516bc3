/* Configuration and weights of one rule4ml estimator, as a graph. */
#include "model/rule4ml.h"

#include <stdio.h>
#include <string.h>

#include "h5/h5.h"
#include "ir/build.h"
#include "model/rule4ml_priv.h"
#include "json/json.h"

#define MATRICES_MAX 64
#define WIDTH_MAX    65536

/* Kernel [in][out] and, but for the numeric chain, bias of a dense layer. */
typedef struct matrix {
    int64_t in, out;
    float *kernel, *bias; /* owned */
} matrix;

/* Rows of an embedding; row 0 is of no category. */
typedef struct table {
    const char *name;  /* "strategy", "board": borrowed, static */
    const json_t *ids; /* borrowed */
    int64_t rows, width;
    float *values; /* owned; [rows][width] */
} table;

struct pta_rule4ml {
    json_t *config;       /* owned */
    const json_t *labels; /* of numeric features; borrowed */
    char *path;           /* owned; of the configuration */
    table tables[2];
    int32_t n_matrices;
    matrix matrices[MATRICES_MAX]; /* by the graph's weights key */
    pta_graph *graph;              /* owned */
    pta_weights weights;
};

/* ---- weights ---- */

static pta_status read_weights(pta_weights *self, pta_ctx *ctx, int32_t node,
                               pta_weight_role role, pta_weight_part part,
                               double *values)
{
    const pta_rule4ml *r = self->state;
    const matrix *m = &r->matrices[r->graph->nodes[node].weights];
    (void)ctx;
    if (role == PTA_WEIGHT_BIAS) {
        for (int32_t o = 0; o < part.out_count; o++) {
            *values++ =
                m->bias != NULL ? (double)m->bias[part.out_start + o] : 0.0;
        }
        return PTA_OK;
    }
    for (int32_t b = 0; b < part.in_count; b++) {
        for (int32_t i = 0; i < part.in_block; i++) {
            int64_t in = part.in_start + (int64_t)b * part.in_stride + i;
            const float *row = m->kernel + in * m->out + part.out_start;
            for (int32_t o = 0; o < part.out_count; o++) {
                *values++ = (double)row[o];
            }
        }
    }
    return PTA_OK;
}

/* Keras numbers the layers of a kind: "dense", "dense_1", ... */
static void dataset_name(char text[64], const char *kind, int32_t k,
                         int variable)
{
    if (k == 0) {
        snprintf(text, 64, "/layers/%s/vars/%d", kind, variable);
    } else {
        snprintf(text, 64, "/layers/%s_%d/vars/%d", kind, (int)k, variable);
    }
}

static pta_status read_array(pta_ctx *ctx, pta_h5 *file, const char *name,
                             int32_t rank, int64_t rows, int64_t columns,
                             float **out)
{
    pta_h5_info info;
    PTA_TRY(pta_h5_dataset_info(ctx, file, name, &info));
    if (info.rank != rank || info.dim[0] != rows ||
        (rank == 2 && info.dim[1] != columns)) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "%s: %s: expected %lld x %lld values, as its "
                        "configuration says",
                        pta_h5_path(file), name, (long long)rows,
                        (long long)columns);
    }
    PTA_TRY_ALLOC(ctx, *out, rows * columns);
    pta_h5_slab all = pta_h5_slab_all(&info);
    return pta_h5_read_f32(ctx, file, name, &all, *out);
}

static pta_status read_matrix(pta_ctx *ctx, pta_h5 *file, int32_t k, matrix *m,
                              bool has_bias)
{
    char name[64];
    dataset_name(name, "dense", k, 0);
    PTA_TRY(read_array(ctx, file, name, 2, m->in, m->out, &m->kernel));
    if (has_bias) {
        dataset_name(name, "dense", k, 1);
        PTA_TRY(read_array(ctx, file, name, 1, m->out, 1, &m->bias));
    }
    return PTA_OK;
}

/* ---- the graph ---- */

static pta_status add_node(pta_ctx *ctx, pta_graph *graph, pta_node node,
                           const char *kind, int32_t k, int64_t width,
                           int32_t *index)
{
    char name[64];
    snprintf(name, sizeof name, "%s%d", kind, (int)k);
    node.name = name;
    node.shape = (pta_shape){1, {(int32_t)width}};
    node.view = (pta_view){1, 1, (int32_t)width};
    return pta_graph_add(ctx, graph, &node, index);
}

/* A dense layer behind node *at, whose width is *width. */
static pta_status add_dense(pta_ctx *ctx, pta_rule4ml *r, pta_h5 *file,
                            int64_t out, bool is_hidden, int64_t *width,
                            int32_t *at)
{
    int32_t k = r->n_matrices;
    if (k == MATRICES_MAX) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED, "%s: more than %d layers",
                        r->path, MATRICES_MAX);
    }
    r->matrices[k] = (matrix){.in = *width, .out = out};
    r->n_matrices++;
    PTA_TRY(read_matrix(ctx, file, k, &r->matrices[k], is_hidden));
    pta_node node = pta_node_make(PTA_OP_DENSE);
    node.n_in = 1;
    node.in = at;
    node.weights = k;
    node.has_bias = is_hidden;
    node.act = is_hidden ? PTA_ACT_RELU : PTA_ACT_NONE;
    *width = out;
    return add_node(ctx, r->graph, node, "dense", k, out, at);
}

static pta_status add_stack(pta_ctx *ctx, pta_rule4ml *r, pta_h5 *file,
                            const json_t *sizes, bool is_hidden, int64_t *width,
                            int32_t *at)
{
    size_t i;
    const json_t *size;
    json_array_foreach(sizes, i, size)
    {
        int64_t out = json_integer_value(size);
        if (out < 1 || out > WIDTH_MAX) {
            return pta_fail(ctx, PTA_ERR_FORMAT,
                            "%s: a layer of %lld: expected 1 to %d", r->path,
                            (long long)out, WIDTH_MAX);
        }
        PTA_TRY(add_dense(ctx, r, file, out, is_hidden, width, at));
    }
    return PTA_OK;
}

static pta_status add_table(pta_ctx *ctx, pta_rule4ml *r, pta_h5 *file,
                            const json_t *sizes, int32_t k, const char *name,
                            int32_t *at)
{
    char dataset[64];
    json_t *maps, *ids;
    table *t = &r->tables[k];
    PTA_TRY(pta_json_object(ctx, r->config, r->path, "global_categorical_maps",
                            &maps));
    PTA_TRY(pta_json_object(ctx, maps, r->path, name, &ids));
    *t = (table){.name = name,
                 .ids = ids,
                 .rows = (int64_t)json_object_size(ids) + 1,
                 .width = json_integer_value(json_array_get(sizes, (size_t)k))};
    if (t->width < 1 || t->width > WIDTH_MAX) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "%s: embedding of %s: no size",
                        r->path, name);
    }
    dataset_name(dataset, "embedding", k, 0);
    PTA_TRY(read_array(ctx, file, dataset, 2, t->rows, t->width, &t->values));
    return add_node(ctx, r->graph, pta_node_make(PTA_OP_INPUT), name, k,
                    t->width, at);
}

static pta_status build_graph(pta_ctx *ctx, pta_rule4ml *r, pta_h5 *file)
{
    json_t *model, *settings, *labels, *embeddings, *chain, *stack;
    int32_t in[3];
    PTA_TRY(pta_json_object(ctx, r->config, r->path, "model_config", &model));
    PTA_TRY(pta_json_object(ctx, model, r->path, "settings", &settings));
    PTA_TRY(pta_json_array(ctx, r->config, r->path, "global_numerical_labels",
                           &labels));
    PTA_TRY(pta_json_array(ctx, settings, r->path, "embedding_layers",
                           &embeddings));
    PTA_TRY(pta_json_array(ctx, settings, r->path, "numerical_dense_layers",
                           &chain));
    PTA_TRY(pta_json_array(ctx, settings, r->path, "dense_layers", &stack));
    int64_t width = (int64_t)json_array_size(labels);
    r->labels = labels;
    PTA_TRY(add_table(ctx, r, file, embeddings, 0, "strategy", &in[0]));
    PTA_TRY(add_table(ctx, r, file, embeddings, 1, "board", &in[1]));
    PTA_TRY(add_node(ctx, r->graph, pta_node_make(PTA_OP_INPUT), "numeric", 0,
                     width, &in[2]));
    PTA_TRY(add_stack(ctx, r, file, chain, false, &width, &in[2]));
    pta_node join = pta_node_make(PTA_OP_CONCAT);
    int32_t at;
    join.n_in = 3;
    join.in = in;
    join.axis = 2;
    width += r->tables[0].width + r->tables[1].width;
    PTA_TRY(add_node(ctx, r->graph, join, "concatenate", 0, width, &at));
    PTA_TRY(add_stack(ctx, r, file, stack, true, &width, &at));
    PTA_TRY(add_dense(ctx, r, file, 1, true, &width, &at));
    return pta_graph_add_output(ctx, r->graph, at);
}

/* ---- open, close ---- */

static pta_status join_path(pta_ctx *ctx, const char *folder, const char *name,
                            const char *ending, char **out)
{
    size_t size = strlen(folder) + strlen(name) + strlen(ending) + 2;
    char *text = pta_calloc(ctx, size, 1);
    if (text == NULL) {
        return PTA_ERR_NOMEM;
    }
    snprintf(text, size, "%s/%s%s", folder, name, ending);
    *out = text;
    return PTA_OK;
}

static bool readable(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file != NULL) {
        fclose(file);
    }
    return file != NULL;
}

pta_status pta_rule4ml_folder(pta_ctx *ctx, const char *dir, char **out)
{
    static const char *const places[] = {"", "models/weights/v2/mlp",
                                         "rule4ml/models/weights/v2/mlp"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *folder, *probe;
        PTA_TRY(join_path(ctx, dir, places[i], "", &folder));
        pta_status status =
            join_path(ctx, folder, "LUT", ".config.json", &probe);
        bool found = status == PTA_OK && readable(probe);
        if (status == PTA_OK) {
            pta_free(ctx, probe);
        }
        if (found) {
            *out = folder;
            return PTA_OK;
        }
        pta_free(ctx, folder);
        PTA_TRY(status);
    }
    return pta_fail(ctx, PTA_ERR_NOT_FOUND,
                    "rule4ml=%s: no LUT.config.json there nor in %s: expected "
                    "the folder of the Python package, or of one set of MLPs",
                    dir, places[1]);
}

static pta_status read_config(pta_ctx *ctx, pta_rule4ml *r)
{
    char *text;
    const char *class;
    PTA_TRY(pta_file_read(ctx, r->path, &text, NULL));
    pta_status status = pta_json_parse(ctx, text, r->path, &r->config);
    pta_free(ctx, text);
    PTA_TRY(status);
    PTA_TRY(pta_json_string(ctx, r->config, r->path, "model_class", &class));
    return strcmp(class, "KerasMLP") == 0
               ? PTA_OK
               : pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                          "%s: model_class is \"%s\", expected \"KerasMLP\"",
                          r->path, class);
}

static pta_status fill(pta_ctx *ctx, const char *folder, const char *target,
                       pta_rule4ml *r)
{
    char *path;
    pta_h5 *file;
    r->weights = (pta_weights){read_weights, r};
    PTA_TRY(join_path(ctx, folder, target, ".config.json", &r->path));
    if (!readable(r->path)) {
        return pta_fail(ctx, PTA_ERR_NOT_FOUND, "%s: is not there", r->path);
    }
    PTA_TRY(read_config(ctx, r));
    PTA_TRY(pta_graph_create(ctx, target, &r->graph));
    PTA_TRY(join_path(ctx, folder, target, ".weights.h5", &path));
    pta_status status = pta_h5_open(ctx, path, &file);
    pta_free(ctx, path);
    PTA_TRY(status);
    status = build_graph(ctx, r, file);
    pta_h5_close(ctx, &file);
    return status;
}

pta_status pta_rule4ml_open(pta_ctx *ctx, const char *folder,
                            const char *target, pta_rule4ml **out)
{
    pta_rule4ml *r;
    PTA_TRY_ALLOC(ctx, r, 1);
    pta_status status = fill(ctx, folder, target, r);
    if (status != PTA_OK) {
        pta_rule4ml_close(ctx, &r);
        return status;
    }
    *out = r;
    return PTA_OK;
}

void pta_rule4ml_close(pta_ctx *ctx, pta_rule4ml **estimator)
{
    pta_rule4ml *r = *estimator;
    if (r == NULL) {
        return;
    }
    for (int32_t i = 0; i < r->n_matrices; i++) {
        pta_free(ctx, r->matrices[i].kernel);
        pta_free(ctx, r->matrices[i].bias);
    }
    pta_free(ctx, r->tables[0].values);
    pta_free(ctx, r->tables[1].values);
    pta_graph_destroy(ctx, &r->graph);
    json_decref(r->config);
    pta_free(ctx, r->path);
    pta_free(ctx, r);
    *estimator = NULL;
}

const pta_graph *pta_rule4ml_graph(const pta_rule4ml *estimator)
{
    return estimator->graph;
}

pta_weights *pta_rule4ml_weights(pta_rule4ml *estimator)
{
    return &estimator->weights;
}

/* ---- a query ---- */

static pta_status embed(pta_ctx *ctx, const pta_rule4ml *r, const table *t,
                        const char *category, float *out)
{
    int64_t id = json_integer_value(json_object_get(t->ids, category));
    if (id < 1 || id >= t->rows) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED, "%s: %s \"%s\" is not known",
                        r->path, t->name, category);
    }
    memcpy(out, t->values + id * t->width, (size_t)t->width * sizeof *out);
    return PTA_OK;
}

/* What 1 % of the board is, where the estimator gives per cent. */
static double factor_of(const pta_rule4ml *r, const char *board)
{
    const char *scaler =
        json_string_value(json_object_get(r->config, "scaler_class"));
    const char *output = json_string_value(
        json_array_get(json_object_get(r->config, "output_labels"), 0));
    const json_t *boards = json_object_get(
        json_object_get(r->config, "scaler_config"), "available_resources");
    const json_t *has = json_object_get(json_object_get(boards, board),
                                        output != NULL ? output : "");
    bool percent = scaler != NULL && strcmp(scaler, "BoardPercentScaler") == 0;
    return percent && json_is_number(has) ? 0.01 * json_number_value(has) : 1.0;
}

pta_status pta_rule4ml_encode(const pta_rule4ml *estimator, pta_ctx *ctx,
                              const pta_rule4ml_query *query,
                              float *const inputs[3], double *factor)
{
    size_t i;
    const json_t *label;
    PTA_TRY(embed(ctx, estimator, &estimator->tables[0], query->strategy,
                  inputs[0]));
    PTA_TRY(
        embed(ctx, estimator, &estimator->tables[1], query->board, inputs[1]));
    json_array_foreach(estimator->labels, i, label)
    {
        double value;
        const char *text = json_string_value(label);
        PTA_TRY(
            pta_rule4ml_feature(ctx, text != NULL ? text : "", query, &value));
        inputs[2][i] = (float)value;
    }
    *factor = factor_of(estimator, query->board);
    return PTA_OK;
}
