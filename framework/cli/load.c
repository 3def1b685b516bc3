/*
 * Opens plan and model together; paths; what every verb does around its body.
 */
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "quant/formats.h"

int pta_exit_code(pta_status status)
{
    return status == PTA_OK          ? PTA_EXIT_OK
           : status == PTA_ERR_USAGE ? PTA_EXIT_USAGE
                                     : PTA_EXIT_FAILED;
}

void pta_report_failure(const pta_ctx *ctx, pta_status status)
{
    const char *detail = pta_ctx_error(ctx);
    if (status != PTA_OK) {
        fprintf(stderr, "partita: %s\n",
                detail[0] != '\0' ? detail : pta_status_text(status));
    }
}

int pta_verb_main(pta_ctx *ctx, const pta_verb *verb, int argc, char **argv,
                  pta_status (*body)(pta_ctx *ctx, const pta_options *options))
{
    pta_options *options = NULL;
    pta_options_action action = PTA_OPTIONS_RUN;
    pta_status status =
        pta_options_parse(ctx, verb, argc, argv, &options, &action);
    if (status == PTA_OK && action == PTA_OPTIONS_RUN) {
        status = body(ctx, options);
    }
    pta_options_destroy(ctx, &options);
    if (status == PTA_OK && (fflush(stdout) != 0 || ferror(stdout))) {
        status = pta_fail(ctx, PTA_ERR_IO, "standard output cannot be written");
    }
    pta_report_failure(ctx, status);
    return pta_exit_code(status);
}

/* ---- paths ---- */

const char *pta_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static const char *const model_endings[] = {".h5", ".hdf5", ".keras"};

bool pta_is_model_path(const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(model_endings[i]);
        if (length > n && strcmp(path + length - n, model_endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

pta_status pta_replace_ending(pta_ctx *ctx, const char *path,
                              const char *ending, bool here, char **out)
{
    const char *from = here ? pta_base_name(path) : path;
    size_t length = strlen(from);
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(model_endings[i]);
        if (length > n && strcmp(from + length - n, model_endings[i]) == 0) {
            length -= n;
            break;
        }
    }
    char *text;
    PTA_TRY_ALLOC(ctx, text, length + strlen(ending) + 1);
    memcpy(text, from, length);
    memcpy(text + length, ending, strlen(ending) + 1);
    *out = text;
    return PTA_OK;
}

pta_status pta_file_sha256(pta_ctx *ctx, const char *path,
                           char hex[PTA_SHA256_HEX])
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: cannot be opened", path);
    }
    pta_sha256 hash;
    pta_sha256_init(&hash);
    char block[65536];
    size_t n;
    while ((n = fread(block, 1, sizeof block, file)) > 0) {
        pta_sha256_update(&hash, block, n);
    }
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: cannot be read", path);
    }
    uint8_t digest[PTA_SHA256_BYTES];
    pta_sha256_final(&hash, digest);
    pta_sha256_hex(digest, hex);
    return PTA_OK;
}

/* ---- plan and model ---- */

pta_status pta_check_model(pta_ctx *ctx, const char *plan_text,
                           const char *plan_path, const pta_model *model)
{
    json_t *root = NULL;
    const char *digest = pta_model_digest(model);
    PTA_TRY(pta_json_parse(ctx, plan_text, plan_path, &root));
    const char *expected =
        json_string_value(json_object_get(root, "model_digest"));
    pta_status status = PTA_OK;
    if (expected == NULL) {
        status = pta_fail(ctx, PTA_ERR_FORMAT,
                          "%s: key \"model_digest\" is missing; partita plan "
                          "--like %s fills it in",
                          plan_path, plan_path);
    } else if (strcmp(expected, digest) != 0) {
        status = pta_fail(ctx, PTA_ERR_MISMATCH,
                          "%s: not the model that %s was made for (structure "
                          "%.12s, expected %.12s); plan again",
                          pta_model_path(model), plan_path, digest, expected);
    }
    json_decref(root);
    return status;
}

static pta_status compare_proof(pta_ctx *ctx, const char *plan_path,
                                pta_loaded *l, pta_node_format *proved)
{
    const pta_graph *graph = pta_model_graph(l->model);
    memcpy(proved, l->plan->formats, (size_t)graph->n_nodes * sizeof *proved);
    PTA_TRY(pta_formats_prove(ctx, graph, pta_model_weights(l->model), proved));
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        int32_t stated = l->plan->formats[i].acc_bits;
        bool is_stated = stated > 0 || pta_node_weighted(&graph->nodes[i]);
        if (is_stated && proved[i].acc_bits > stated) {
            return pta_fail(ctx, PTA_ERR_MISMATCH,
                            "%s: layers.%s: acc_bits is %d, the accumulator "
                            "needs %d; partita plan --like makes it right",
                            plan_path, graph->nodes[i].name, stated,
                            proved[i].acc_bits);
        }
    }
    return PTA_OK;
}

pta_status pta_check_proof(pta_ctx *ctx, const char *plan_path,
                           pta_loaded *loaded)
{
    bool is_sealed = true;
    for (int32_t b = 0; b < loaded->plan->n_boards; b++) {
        is_sealed = is_sealed && loaded->plan->slice_digests[b][0] != '\0';
    }
    if (is_sealed || pta_plan_is_hls4ml(loaded->plan)) {
        return PTA_OK;
    }
    pta_node_format *proved;
    PTA_TRY_ALLOC(ctx, proved, loaded->plan->n_nodes);
    pta_status status = compare_proof(ctx, plan_path, loaded, proved);
    pta_free(ctx, proved);
    return status;
}

/* The model where the plan says, seen from here or from the plan's folder. */
static pta_status find_model(pta_ctx *ctx, const char *plan_path,
                             const char *model, char **out)
{
    const char *base = pta_base_name(plan_path);
    size_t folder = (size_t)(base - plan_path);
    char *beside;
    if (model[0] == '/' || access(model, F_OK) == 0 || folder == 0) {
        *out = pta_strdup(ctx, model);
        return *out == NULL ? PTA_ERR_NOMEM : PTA_OK;
    }
    PTA_TRY_ALLOC(ctx, beside, folder + strlen(model) + 1);
    memcpy(beside, plan_path, folder);
    strcpy(beside + folder, model);
    if (access(beside, F_OK) != 0) {
        strcpy(beside, model); /* so that the message has the plan's name */
    }
    *out = beside;
    return PTA_OK;
}

pta_status pta_plan_form(pta_ctx *ctx, const char *plan_text,
                         const char *plan_path, pta_form *form)
{
    bool is_hls4ml;
    PTA_TRY(pta_plan_parse_is_hls4ml(ctx, plan_text, plan_path, &is_hls4ml));
    *form = is_hls4ml ? PTA_FORM_PLAIN : PTA_FORM_CANONICAL;
    return PTA_OK;
}

static pta_status load(pta_ctx *ctx, const char *plan_path, pta_loaded *l)
{
    char *model = NULL;
    PTA_TRY(pta_file_read(ctx, plan_path, &l->plan_text, NULL));
    PTA_TRY(pta_plan_parse_model(ctx, l->plan_text, plan_path, &model));
    pta_status status = find_model(ctx, plan_path, model, &l->model_path);
    pta_free(ctx, model);
    PTA_TRY(status);
    pta_form form;
    PTA_TRY(pta_plan_form(ctx, l->plan_text, plan_path, &form));
    PTA_TRY(pta_model_open_as(ctx, l->model_path, form, &l->model));
    PTA_TRY(pta_check_model(ctx, l->plan_text, plan_path, l->model));
    return pta_plan_parse(ctx, l->plan_text, plan_path,
                          pta_model_graph(l->model), &l->plan);
}

pta_status pta_load(pta_ctx *ctx, const char *plan_path, pta_loaded *out)
{
    pta_loaded l = {0};
    pta_status status = load(ctx, plan_path, &l);
    if (status != PTA_OK) {
        pta_loaded_free(ctx, &l);
        return status;
    }
    *out = l;
    return PTA_OK;
}

void pta_loaded_free(pta_ctx *ctx, pta_loaded *loaded)
{
    pta_plan_destroy(ctx, &loaded->plan);
    pta_model_close(ctx, &loaded->model);
    pta_free(ctx, loaded->model_path);
    pta_free(ctx, loaded->plan_text);
    *loaded = (pta_loaded){0};
}
