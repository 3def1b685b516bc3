/*
 * Ranges: collected from the float reference's tensors, kept in a JSON file.
 */
#include "quant/ranges.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json/json.h"

#define RANGES_VERSION 1

static pta_status set_text(pta_ctx *ctx, char **field, const char *text)
{
    char *copy = pta_strdup(ctx, text);
    if (copy == NULL) {
        return PTA_ERR_NOMEM;
    }
    pta_free(ctx, *field);
    *field = copy;
    return PTA_OK;
}

static void set_hex(char field[PTA_SHA256_HEX], const char *text)
{
    snprintf(field, PTA_SHA256_HEX, "%s", text);
}

pta_status pta_ranges_set_origin(pta_ctx *ctx, pta_ranges *ranges,
                                 const char *set, const char *split,
                                 int64_t rows, const char *digest)
{
    PTA_TRY(set_text(ctx, &ranges->set, set));
    PTA_TRY(set_text(ctx, &ranges->split, split));
    set_hex(ranges->digest, digest);
    ranges->rows = rows;
    return PTA_OK;
}

pta_status pta_ranges_set_model(pta_ctx *ctx, pta_ranges *ranges,
                                const char *model)
{
    return set_text(ctx, &ranges->model, model);
}

pta_status pta_ranges_create(pta_ctx *ctx, const pta_graph *graph,
                             pta_ranges **out)
{
    pta_ranges *ranges;
    PTA_TRY_ALLOC(ctx, ranges, 1);
    ranges->n_nodes = graph->n_nodes;
    ranges->node = pta_calloc(ctx, (size_t)graph->n_nodes, sizeof(pta_range));
    if (ranges->node == NULL || set_text(ctx, &ranges->model, "") != PTA_OK ||
        pta_ranges_set_origin(ctx, ranges, "", "", 0, "") != PTA_OK) {
        pta_ranges_destroy(ctx, &ranges);
        return PTA_ERR_NOMEM;
    }
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        ranges->node[i] = (pta_range){HUGE_VAL, -HUGE_VAL};
    }
    *out = ranges;
    return PTA_OK;
}

void pta_ranges_destroy(pta_ctx *ctx, pta_ranges **ranges)
{
    if (*ranges == NULL) {
        return;
    }
    pta_free(ctx, (*ranges)->model);
    pta_free(ctx, (*ranges)->set);
    pta_free(ctx, (*ranges)->split);
    pta_free(ctx, (*ranges)->node);
    pta_free(ctx, *ranges);
    *ranges = NULL;
}

void pta_ranges_add(pta_ranges *ranges, int32_t node, const float *values,
                    int64_t n)
{
    float lo = INFINITY, hi = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        lo = values[i] < lo ? values[i] : lo;
        hi = values[i] > hi ? values[i] : hi;
    }
    pta_range *range = &ranges->node[node];
    range->lo = (double)lo < range->lo ? (double)lo : range->lo;
    range->hi = (double)hi > range->hi ? (double)hi : range->hi;
}

/* The tensor of a node is what the last layer merged into it gives. */
static const json_t *find_entry(const json_t *table, const pta_node *node,
                                const char **name)
{
    for (int32_t i = node->n_merged - 1; i >= 0; i--) {
        const json_t *entry = json_object_get(table, node->merged[i]);
        if (entry != NULL) {
            *name = node->merged[i];
            return entry;
        }
    }
    *name = node->name;
    return json_object_get(table, node->name);
}

static pta_status read_entry(pta_ctx *ctx, const char *path,
                             const json_t *table, const pta_node *node,
                             bool needed, pta_range *range)
{
    const char *name;
    const json_t *entry = find_entry(table, node, &name);
    if (entry == NULL) {
        return needed ? pta_fail(ctx, PTA_ERR_FORMAT,
                                 "%s: ranges: layer %s is missing", path,
                                 node->name)
                      : PTA_OK;
    }
    const json_t *lo = json_array_get(entry, 0);
    const json_t *hi = json_array_get(entry, 1);
    if (json_array_size(entry) != 2 || !json_is_number(lo) ||
        !json_is_number(hi) || json_number_value(lo) > json_number_value(hi)) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: ranges: %s: expected [lowest, highest]", path,
                        name);
    }
    *range = (pta_range){json_number_value(lo), json_number_value(hi)};
    return PTA_OK;
}

static pta_status read_header(pta_ctx *ctx, const char *path,
                              const json_t *root, pta_ranges *ranges)
{
    const char *format, *model, *sha, *set, *split, *digest;
    int64_t version, rows;
    PTA_TRY(pta_json_string(ctx, root, path, "format", &format));
    if (strcmp(format, "partita-ranges") != 0) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: format is \"%s\", expected \"partita-ranges\"",
                        path, format);
    }
    PTA_TRY(
        pta_json_int(ctx, root, path, "version", 1, RANGES_VERSION, &version));
    PTA_TRY(pta_json_string(ctx, root, path, "model", &model));
    PTA_TRY(pta_json_string(ctx, root, path, "model_sha256", &sha));
    PTA_TRY(pta_json_string(ctx, root, path, "set", &set));
    PTA_TRY(pta_json_string(ctx, root, path, "split", &split));
    PTA_TRY(pta_json_int(ctx, root, path, "rows", 0, INT64_MAX, &rows));
    PTA_TRY(pta_json_string(ctx, root, path, "digest", &digest));
    PTA_TRY(set_text(ctx, &ranges->model, model));
    set_hex(ranges->model_sha256, sha);
    return pta_ranges_set_origin(ctx, ranges, set, split, rows, digest);
}

static pta_status read_ranges(pta_ctx *ctx, const char *path,
                              const json_t *root, const pta_graph *graph,
                              pta_ranges *ranges)
{
    json_t *table;
    PTA_TRY(read_header(ctx, path, root, ranges));
    PTA_TRY(pta_json_object(ctx, root, path, "ranges", &table));
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const pta_node *node = &graph->nodes[i];
        bool needed =
            pta_graph_in_integer(graph, i) && !pta_node_keeps_format(node);
        PTA_TRY(read_entry(ctx, path, table, node, needed, &ranges->node[i]));
    }
    return PTA_OK;
}

pta_status pta_ranges_read(pta_ctx *ctx, const char *path,
                           const pta_graph *graph, pta_ranges **out)
{
    char *text;
    json_t *root = NULL;
    pta_ranges *ranges = NULL;
    PTA_TRY(pta_file_read(ctx, path, &text, NULL));
    pta_status status = pta_json_parse(ctx, text, path, &root);
    if (status == PTA_OK) {
        status = pta_ranges_create(ctx, graph, &ranges);
    }
    if (status == PTA_OK) {
        status = read_ranges(ctx, path, root, graph, ranges);
    }
    json_decref(root);
    pta_free(ctx, text);
    if (status != PTA_OK) {
        pta_ranges_destroy(ctx, &ranges);
        return status;
    }
    *out = ranges;
    return PTA_OK;
}

static json_t *print_table(const pta_graph *graph, const pta_ranges *ranges)
{
    json_t *table = json_object();
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        pta_range range = ranges->node[i];
        if (range.lo <= range.hi) {
            json_object_set_new(table, graph->nodes[i].name,
                                json_pack("[f,f]", range.lo, range.hi));
        }
    }
    return table;
}

pta_status pta_ranges_write(pta_ctx *ctx, const char *path,
                            const pta_graph *graph, const pta_ranges *ranges)
{
    json_t *root = json_pack(
        "{s:s,s:i,s:s,s:s,s:s,s:s,s:I,s:s,s:o}", "format", "partita-ranges",
        "version", RANGES_VERSION, "model", ranges->model, "model_sha256",
        ranges->model_sha256, "set", ranges->set, "split", ranges->split,
        "rows", (json_int_t)ranges->rows, "digest", ranges->digest, "ranges",
        print_table(graph, ranges));
    char *text = json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    json_decref(root);
    if (text == NULL) {
        return pta_fail(ctx, PTA_ERR_NOMEM, "%s: ranges cannot be written",
                        path);
    }
    pta_status status = pta_file_write(ctx, path, text, strlen(text));
    free(text);
    return status;
}
