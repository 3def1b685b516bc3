/*
 * The structure of a model as one JSON text: Keras version, model_config, and
 * the names, types and shapes of the weights. Made from the file on the ranks
 * that have it, sent to those that have not.
 */
#include <stdio.h>
#include <string.h>

#include "model/model_priv.h"

#define ROOT "model_weights"

/* ---- file to text ---- */

static json_t *shape_json(const pta_h5_info *info)
{
    json_t *shape = json_array();
    for (int32_t i = 0; i < info->rank; i++) {
        json_array_append_new(shape, json_integer(info->dim[i]));
    }
    return shape;
}

static const char *dtype_name(const pta_h5_info *info, char text[32])
{
    const char *kind = info->kind == PTA_H5_FLOAT ? "float"
                       : info->kind == PTA_H5_INT ? "int"
                                                  : "other";
    snprintf(text, 32, "%s%zu", kind, info->elem_bytes * 8);
    return text;
}

static pta_status weight_json(pta_ctx *ctx, const pta_h5 *file,
                              const char *group, const char *layer,
                              const char *name, json_t *weights)
{
    char path[2048], dtype[32];
    pta_h5_info info;
    int n = snprintf(path, sizeof path, "%s/%s", group, name);
    if (n < 0 || (size_t)n >= sizeof path) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: layer \"%s\": a weight's name is too long",
                        pta_h5_path(file), layer);
    }
    if (!pta_h5_exists(file, path)) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: layer \"%s\": dataset %s is missing",
                        pta_h5_path(file), layer, path);
    }
    PTA_TRY(pta_h5_dataset_info(ctx, file, path, &info));
    json_t *weight =
        json_pack("{s:s, s:s, s:s, s:o}", "layer", layer, "name", name, "dtype",
                  dtype_name(&info, dtype), "shape", shape_json(&info));
    if (weight == NULL || json_array_append_new(weights, weight) != 0) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: layer \"%s\": a weight's name is not UTF-8",
                        pta_h5_path(file), layer);
    }
    return PTA_OK;
}

/* Calls `each` for every string of a list attribute. Keras writes a long list
 * in chunks NAME0, NAME1, ... */
typedef pta_status (*each_name)(pta_ctx *ctx, const pta_h5 *file,
                                const char *group, const char *parent,
                                const char *name, json_t *weights);

static pta_status for_list(pta_ctx *ctx, const pta_h5 *file, const char *group,
                           const char *attr, const char *parent, each_name each,
                           json_t *weights)
{
    pta_h5_names names;
    PTA_TRY(pta_h5_attr_strings(ctx, file, group, attr, &names));
    pta_status status = PTA_OK;
    for (int32_t i = 0; i < names.n && status == PTA_OK; i++) {
        status = each(ctx, file, group, parent, names.name[i], weights);
    }
    pta_h5_names_free(ctx, &names);
    return status;
}

static pta_status for_names(pta_ctx *ctx, const pta_h5 *file, const char *group,
                            const char *attr, const char *parent,
                            each_name each, json_t *weights)
{
    char chunk[64];
    snprintf(chunk, sizeof chunk, "%s0", attr);
    if (!pta_h5_has_attr(file, group, chunk)) {
        return for_list(ctx, file, group, attr, parent, each, weights);
    }
    for (int i = 1; pta_h5_has_attr(file, group, chunk); i++) {
        PTA_TRY(for_list(ctx, file, group, chunk, parent, each, weights));
        snprintf(chunk, sizeof chunk, "%s%d", attr, i);
    }
    return PTA_OK;
}

static pta_status layer_json(pta_ctx *ctx, const pta_h5 *file,
                             const char *group, const char *parent,
                             const char *name, json_t *weights)
{
    (void)parent;
    char path[1024];
    int n = snprintf(path, sizeof path, "%s/%s", group, name);
    if (n < 0 || (size_t)n >= sizeof path || !pta_h5_is_group(file, path)) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: layer \"%s\": group %s/%s is missing",
                        pta_h5_path(file), name, group, name);
    }
    return for_names(ctx, file, path, "weight_names", name, weight_json,
                     weights);
}

/* The two attributes that say this is a whole Keras model. */
static pta_status header_json(pta_ctx *ctx, const pta_h5 *file, json_t *root)
{
    static const char *const keys[] = {"keras_version", "model_config"};
    const char *path = pta_h5_path(file);
    if (!pta_h5_has_attr(file, "/", "model_config")) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: no model_config attribute: not saved by Keras' "
                        "model.save (save_weights keeps no structure)",
                        path);
    }
    if (!pta_h5_is_group(file, ROOT)) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "%s: no group " ROOT, path);
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char *value;
        PTA_TRY(pta_h5_attr_string(ctx, file, "/", keys[i], &value));
        int failed = json_object_set_new(root, keys[i], json_string(value));
        pta_free(ctx, value);
        if (failed != 0) {
            return pta_fail(ctx, PTA_ERR_FORMAT,
                            "%s: attribute %s is not UTF-8 text", path,
                            keys[i]);
        }
    }
    return PTA_OK;
}

pta_status pta_structure_read(pta_ctx *ctx, const pta_h5 *file, char **text)
{
    json_t *weights = json_array();
    json_t *root = json_pack("{s:s, s:i, s:o}", "format", "partita-structure",
                             "version", 1, "weights", weights);
    if (root == NULL) {
        return pta_fail(ctx, PTA_ERR_NOMEM, "out of memory");
    }
    pta_status status = header_json(ctx, file, root);
    if (status == PTA_OK) {
        status = for_names(ctx, file, ROOT, "layer_names", NULL, layer_json,
                           weights);
    }
    if (status == PTA_OK) {
        char *dump = json_dumps(root, JSON_COMPACT);
        char *copy = dump == NULL ? NULL : pta_strdup(ctx, dump);
        free(dump);
        status = copy == NULL ? PTA_ERR_NOMEM : PTA_OK;
        *text = copy != NULL ? copy : *text;
    }
    json_decref(root);
    return status;
}

/* ---- text to structure ---- */

static pta_status parse_shape(pta_ctx *ctx, const json_t *weight,
                              pta_stored *out)
{
    json_t *shape;
    PTA_TRY(pta_json_array(ctx, weight, "weight", "shape", &shape));
    if (json_array_size(shape) > PTA_MAX_DIMS) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "dataset %s has too many axes",
                        out->dataset);
    }
    out->shape.rank = (int32_t)json_array_size(shape);
    for (int32_t i = 0; i < out->shape.rank; i++) {
        json_int_t dim = json_integer_value(json_array_get(shape, (size_t)i));
        if (dim < 1 || dim > INT32_MAX) {
            return pta_fail(ctx, PTA_ERR_FORMAT,
                            "dataset %s has a dimension of %lld", out->dataset,
                            (long long)dim);
        }
        out->shape.dim[i] = (int32_t)dim;
    }
    return PTA_OK;
}

static pta_status parse_weight(pta_ctx *ctx, pta_pool *pool,
                               const json_t *weight, pta_stored *out)
{
    PTA_TRY(pta_json_string(ctx, weight, "weight", "layer", &out->group));
    PTA_TRY(pta_json_string(ctx, weight, "weight", "name", &out->name));
    PTA_TRY(pta_json_string(ctx, weight, "weight", "dtype", &out->dtype));
    out->dataset =
        pta_pool_print(ctx, pool, ROOT "/%s/%s", out->group, out->name);
    if (out->dataset == NULL) {
        return PTA_ERR_NOMEM;
    }
    return parse_shape(ctx, weight, out);
}

static pta_status parse_version(pta_ctx *ctx, pta_structure *s)
{
    PTA_TRY(pta_json_string(ctx, s->root, "structure", "keras_version",
                            &s->keras_version));
    long major = strtol(s->keras_version, NULL, 10);
    if (major != 2 && major != 3) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "saved by Keras \"%s\"; versions 2 and 3 are supported",
                        s->keras_version);
    }
    s->keras_major = (int32_t)major;
    return PTA_OK;
}

static pta_status parse_all(pta_ctx *ctx, pta_pool *pool, const char *text,
                            pta_structure *s)
{
    json_t *weights;
    PTA_TRY(pta_json_parse(ctx, text, "structure", &s->root));
    PTA_TRY(parse_version(ctx, s));
    PTA_TRY(pta_json_string(ctx, s->root, "structure", "model_config",
                            &s->config_text));
    PTA_TRY(pta_json_parse(ctx, s->config_text, "model_config", &s->config));
    PTA_TRY(pta_json_array(ctx, s->root, "structure", "weights", &weights));
    PTA_TRY_POOL(ctx, pool, s->stored, json_array_size(weights));
    for (size_t i = 0; i < json_array_size(weights); i++) {
        PTA_TRY(parse_weight(ctx, pool, json_array_get(weights, i),
                             &s->stored[s->n_stored]));
        s->n_stored++;
    }
    return PTA_OK;
}

pta_status pta_structure_parse(pta_ctx *ctx, pta_pool *pool, const char *text,
                               pta_structure *out)
{
    pta_structure s = {0};
    pta_status status = parse_all(ctx, pool, text, &s);
    if (status != PTA_OK) {
        pta_structure_free(&s);
        return status;
    }
    *out = s;
    return PTA_OK;
}

void pta_structure_free(pta_structure *structure)
{
    json_decref(structure->config);
    json_decref(structure->root);
    structure->config = structure->root = NULL;
}

static void digest_line(pta_sha256 *hash, const char *text)
{
    pta_sha256_update(hash, text, strlen(text));
    pta_sha256_update(hash, "\n", 1);
}

void pta_structure_digest(const pta_structure *s, char digest[PTA_SHA256_HEX])
{
    char text[PTA_SHAPE_TEXT];
    uint8_t bytes[PTA_SHA256_BYTES];
    pta_sha256 hash;
    pta_sha256_init(&hash);
    digest_line(&hash, s->keras_major == 2 ? "keras 2" : "keras 3");
    digest_line(&hash, s->config_text);
    for (int32_t i = 0; i < s->n_stored; i++) {
        digest_line(&hash, s->stored[i].dataset);
        pta_shape_print(&s->stored[i].shape, text);
        digest_line(&hash, text);
    }
    pta_sha256_final(&hash, bytes);
    pta_sha256_hex(bytes, digest);
}
