/*
 * Phases 1 and 2 of a run: rank 0 opens the files, then the other ranks get the
 * plan as text. See job_priv.h.
 */
#include <string.h>
#include <unistd.h>

#include "cli/devices.h"
#include "cli/job_priv.h"
#include "runtime/mpi_check.h"

/* Bytes of one segment of encoded samples on rank 0. */
#define SEGMENT_BYTES ((size_t)64 << 20)

/* ---- rank 0: files ---- */

static pta_status open_device_kind(pta_ctx *ctx, pta_job *j)
{
    const pta_device_ops *ops;
    const char *rest;
    PTA_TRY(pta_device_find_in(
        ctx, pta_devices, pta_options_text(j->options, "device"), &ops, &rest));
    j->is_float = ops->is_float;
    return PTA_OK;
}

static pta_status need_data(pta_ctx *ctx, const pta_job *j)
{
    if (pta_options_text(j->options, "data") == NULL) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "--data is missing; expected mnist, nsl-kdd, "
                        "unsw-nb15, random:N:SEED or FILE.h5");
    }
    return PTA_OK;
}

static const char *cluster_path(const pta_job *j)
{
    const char *path = pta_options_text(j->options, "cluster");
    return path == NULL && j->waits ? "pynq" : path;
}

/* Boards of all copies, a host each. */
static int32_t n_hosts(const pta_job *j)
{
    int32_t n = j->loaded.plan->n_boards;
    return n * pta_place(n, j->size, 0).copies;
}

static pta_status open_fabric(pta_ctx *ctx, pta_job *j)
{
    const char *path = cluster_path(j);
    if (path == NULL) {
        return PTA_OK;
    }
    return pta_fabric_open(ctx, path, n_hosts(j), &j->fabric);
}

static pta_status check_wait(pta_ctx *ctx, const pta_job *j)
{
    if (!j->waits || (!pta_options_flag(j->options, "check") && !j->is_float &&
                      pta_options_text(j->options, "output") == NULL)) {
        return PTA_OK;
    }
    return pta_fail(ctx, PTA_ERR_USAGE,
                    "--compute wait computes nothing: leave out --check, "
                    "--output and --device float");
}

static pta_status open_files(pta_ctx *ctx, pta_job *j)
{
    const pta_options *o = j->options;
    PTA_TRY(need_data(ctx, j));
    PTA_TRY(open_device_kind(ctx, j));
    PTA_TRY(check_wait(ctx, j));
    PTA_TRY(pta_load(ctx, pta_options_operand(o), &j->loaded));
    j->graph = pta_model_graph(j->loaded.model);
    j->weights = pta_model_weights(j->loaded.model);
    PTA_TRY(pta_check_proof(ctx, pta_options_operand(o), &j->loaded));
    PTA_TRY(open_fabric(ctx, j));
    PTA_TRY(pta_feed_open(ctx, j->graph, j->loaded.plan,
                          pta_options_text(o, "data"),
                          pta_options_int(o, "limit"), j->is_float, &j->feed));
    j->rows = j->feed->rows;
    j->labels = pta_dataset_labels(j->feed->data);
    return pta_packing_outputs(ctx, j->graph, j->loaded.plan, j->is_float,
                               &j->outputs);
}

static pta_status allocate(pta_ctx *ctx, pta_job *j)
{
    size_t row = j->feed->layout.sample_bytes + j->outputs.sample_bytes;
    j->segment = (int64_t)(SEGMENT_BYTES / row);
    j->segment = j->segment < 1 ? 1 : j->segment;
    j->segment = j->segment > j->rows ? j->rows : j->segment;
    PTA_TRY_ALLOC(ctx, j->in,
                  (size_t)j->segment * j->feed->layout.sample_bytes);
    PTA_TRY_ALLOC(ctx, j->out, (size_t)j->segment * j->outputs.sample_bytes);
    PTA_TRY_ALLOC(ctx, j->classes, j->segment);
    PTA_TRY_ALLOC(ctx, j->latency_ns, j->rows);
    PTA_TRY_ALLOC(ctx, j->clocks, j->loaded.plan->n_boards);
    PTA_TRY_ALLOC(ctx, j->report.clocks, j->loaded.plan->n_boards);
    PTA_TRY_ALLOC(ctx, j->report.usage, j->size);
    return PTA_OK;
}

static pta_status open_results(pta_ctx *ctx, pta_job *j, const char *path)
{
    int32_t n = j->outputs.n;
    PTA_TRY_ALLOC(ctx, j->values, n);
    PTA_TRY_ALLOC(ctx, j->described, n);
    for (int32_t i = 0; i < n; i++) {
        const pta_tensor_place *t = &j->outputs.tensor[i];
        const pta_node *node = &j->graph->nodes[t->node];
        j->described[i] =
            (pta_results_output){node->name, node->shape.rank, node->shape.dim};
        PTA_TRY_ALLOC(ctx, j->values[i], PTA_FEED_ROWS * t->count);
    }
    return pta_results_open(ctx, path, j->rows, n, j->described,
                            j->is_float ? PTA_RESULTS_FLOAT : PTA_RESULTS_RAW,
                            &j->results);
}

pta_status pta_job_open(pta_ctx *ctx, pta_job *j)
{
    const char *output = pta_options_text(j->options, "output");
    bool is_check = j->verb == &pta_verb_check;
    bool with_blas =
        !j->is_float && (is_check || pta_options_flag(j->options, "check"));
    PTA_TRY(open_files(ctx, j));
    PTA_TRY(allocate(ctx, j));
    with_blas = with_blas && !j->is_float;
    if (with_blas || is_check) {
        PTA_TRY(pta_verifier_open(ctx, j->graph, j->loaded.plan, j->weights,
                                  j->feed, &j->outputs, with_blas, is_check,
                                  &j->verifier));
    }
    return output == NULL ? PTA_OK : open_results(ctx, j, output);
}

/* ---- the other ranks: the plan as text, their own model file ---- */

static pta_status open_copy(pta_ctx *ctx, pta_job *j, const char *structure)
{
    PTA_TRY(open_device_kind(ctx, j));
    const char *plan_path = pta_options_operand(j->options);
    pta_form form;
    PTA_TRY(pta_plan_form(ctx, j->loaded.plan_text, plan_path, &form));
    PTA_TRY(pta_model_graph_parse_as(ctx, structure, form, &j->own_graph));
    j->graph = j->own_graph;
    PTA_TRY(pta_plan_parse(ctx, j->loaded.plan_text, plan_path, j->graph,
                           &j->loaded.plan));
    if (access(j->loaded.model_path, R_OK) != 0) {
        return PTA_OK; /* this rank's slice is sent */
    }
    PTA_TRY(
        pta_model_open_as(ctx, j->loaded.model_path, form, &j->loaded.model));
    j->weights = pta_model_weights(j->loaded.model);
    return pta_check_model(ctx, j->loaded.plan_text, plan_path,
                           j->loaded.model);
}

pta_status pta_job_share(pta_ctx *ctx, pta_job *j)
{
    char *structure = NULL;
    if (j->rank == 0) {
        structure = pta_strdup(ctx, pta_model_structure(j->loaded.model));
    }
    PTA_TRY(
        pta_agree(ctx, j->comm,
                  j->rank == 0 && structure == NULL ? PTA_ERR_NOMEM : PTA_OK));
    pta_status status = pta_broadcast_text(ctx, j->comm, &structure);
    if (status == PTA_OK) {
        status = pta_broadcast_text(ctx, j->comm, &j->loaded.plan_text);
    }
    if (status == PTA_OK) {
        status = pta_broadcast_text(ctx, j->comm, &j->loaded.model_path);
    }
    if (status == PTA_OK) {
        pta_status local = j->rank == 0 ? PTA_OK : open_copy(ctx, j, structure);
        status = pta_agree(ctx, j->comm, local);
    }
    pta_free(ctx, structure);
    return status;
}
