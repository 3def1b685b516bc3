/*
 * What a run computes on: the device of all ranks, the boards' bitstreams,
 * micro-batch and depth from --cluster. See job_priv.h.
 */
#include <mpi.h>
#include <string.h>
#include <unistd.h>

#include "cli/bitstreams.h"
#include "cli/flow.h"
#include "cli/job_priv.h"
#include "runtime/device_wait.h"
#include "runtime/mpi_check.h"

/* The device of all ranks, as rank 0 says. */
pta_status pta_job_choose_device(pta_ctx *ctx, pta_job *j)
{
    char text[PTA_WAIT_TEXT];
    const char *device = pta_options_text(j->options, "device");
    pta_status local = PTA_OK;
    if (j->rank == 0 && j->waits) {
        pta_wait_params params = {.host = j->fabric.hosts,
                                  .budget = &j->fabric.budget};
        local = pta_wait_print(ctx, &params, text);
        device = text;
    }
    if (j->rank == 0 && local == PTA_OK) {
        j->device = pta_strdup(ctx, device);
        local = j->device == NULL ? PTA_ERR_NOMEM : PTA_OK;
    }
    PTA_TRY(pta_agree(ctx, j->comm, local));
    return pta_broadcast_text(ctx, j->comm, &j->device);
}

/* --device board: each rank's FPGA holds its slice from here on. Collective. */
pta_status pta_job_prepare_boards(pta_ctx *ctx, pta_job *j)
{
    char *text = NULL;
    if (j->waits || !pta_is_board(j->device)) {
        return PTA_OK;
    }
    pta_status status = pta_board_device(
        ctx, j->device, pta_options_text(j->options, "bitstreams"), &text);
    status = pta_agree(ctx, j->comm, status);
    if (status != PTA_OK) {
        pta_free(ctx, text);
        return status;
    }
    pta_free(ctx, j->device);
    j->device = text;
    return pta_bitstreams_prepare(ctx, j->comm, j->graph, j->loaded.plan,
                                  j->weights, j->device);
}

bool pta_job_is_packed(const pta_job *j)
{
    return strcmp(pta_options_text(j->options, "wire"), "packed") == 0;
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && strcmp(value, "0") != 0 && value[0] != '\0';
}

/* Without yielding, ranks that wait hold the cores of those that work. */
pta_status pta_job_warn_of_busy_waiting(pta_ctx *ctx, const pta_job *j)
{
    MPI_Comm host;
    int local = 1;
    if (MPI_Comm_split_type(j->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL,
                            &host) != MPI_SUCCESS ||
        MPI_Comm_size(host, &local) != MPI_SUCCESS ||
        MPI_Comm_free(&host) != MPI_SUCCESS) {
        return pta_fail(ctx, PTA_ERR_MPI, "MPI_Comm_split_type failed");
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const char *yield = getenv("OMPI_MCA_mpi_yield_when_idle");
    bool yields = yield != NULL ? is_set("OMPI_MCA_mpi_yield_when_idle")
                                : is_set("OMPI_MCA_mpi_oversubscribe");
    if (j->rank == 0 && local > cores && !yields) {
        fprintf(stderr,
                "partita: warning: %d ranks on %ld cores without --mca "
                "mpi_yield_when_idle 1: every message may take milliseconds\n",
                local, cores);
    }
    return PTA_OK;
}

static bool computes_on_hosts(const pta_job *j)
{
    return !j->waits && strncmp(j->device, "rtl", 3) != 0 &&
           !pta_is_board(j->device);
}

/* What the user left open, from --cluster. */
static pta_status choose_flow(pta_ctx *ctx, const pta_job *j,
                              pta_run_options *run)
{
    const pta_plan *plan = j->loaded.plan;
    pta_placement place = pta_place(plan->n_boards, j->size, 0);
    pta_flow_wish wish = {.copies = place.copies,
                          .micro_batch = run->micro_batch,
                          .depth = run->depth,
                          .at_most_us =
                              (double)pta_options_int(j->options, "at-most"),
                          .on_hosts = computes_on_hosts(j)};
    bool known = j->fabric.hosts != NULL;
    if (wish.at_most_us > 0 && (!known || run->mode == PTA_MODE_LATENCY)) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "--at-most needs --cluster and --mode throughput");
    }
    bool open = run->micro_batch == 0 || run->depth == 0;
    if (!known || !open || run->mode == PTA_MODE_LATENCY ||
        j->size - place.idle_ranks == 1) {
        return PTA_OK;
    }
    pta_vplan *vplan;
    pta_flow flow;
    PTA_TRY(pta_vplan_build(ctx, j->graph, plan, &j->fabric.budget, run->packed,
                            &vplan));
    pta_status status = pta_flow_choose(ctx, &j->fabric, vplan, &wish, &flow);
    pta_vplan_destroy(ctx, &vplan);
    PTA_TRY(status);
    run->micro_batch = flow.micro_batch;
    run->depth = flow.depth;
    return PTA_OK;
}

/* Collective: rank 0 chooses for all. */
pta_status pta_job_share_flow(pta_ctx *ctx, const pta_job *j,
                              pta_run_options *run)
{
    pta_status local = j->rank == 0 ? choose_flow(ctx, j, run) : PTA_OK;
    PTA_TRY(pta_agree(ctx, j->comm, local));
    int32_t flow[2] = {run->micro_batch, run->depth};
    if (MPI_Bcast(flow, 2, MPI_INT32_T, 0, j->comm) != MPI_SUCCESS) {
        return pta_fail(ctx, PTA_ERR_MPI, "MPI_Bcast failed");
    }
    run->micro_batch = flow[0];
    run->depth = flow[1];
    return PTA_OK;
}
