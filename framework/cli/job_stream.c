/*
 * Phase 3 of a run: the samples, segment by segment, and what rank 0 keeps of
 * them. See job_priv.h.
 */
#include <mpi.h>

#include "cli/job_priv.h"
#include "runtime/mpi_check.h"

static void collect_values(const pta_job *j, const char *samples, int32_t n)
{
    for (int32_t i = 0; i < j->outputs.n; i++) {
        int64_t count = j->outputs.tensor[i].count;
        for (int32_t s = 0; s < n; s++) {
            const char *sample = samples + (size_t)s * j->outputs.sample_bytes;
            for (int64_t e = 0; e < count; e++) {
                int64_t at = s * count + e;
                if (j->is_float) {
                    ((float *)(void *)j->values[i])[at] =
                        (float)pta_packing_value(&j->outputs, sample, i, e);
                } else {
                    j->values[i][at] =
                        pta_packing_raw(&j->outputs, sample, i, e);
                }
            }
        }
    }
}

static pta_status write_results(pta_ctx *ctx, pta_job *j, int64_t n)
{
    for (int64_t done = 0; done < n; done += PTA_FEED_ROWS) {
        int32_t rows =
            n - done < PTA_FEED_ROWS ? (int32_t)(n - done) : PTA_FEED_ROWS;
        collect_values(j, j->out + (size_t)done * j->outputs.sample_bytes,
                       rows);
        PTA_TRY(pta_results_add(j->results, ctx, rows, j->classes + done,
                                (const void *const *)j->values));
    }
    return PTA_OK;
}

static pta_status take_results(pta_ctx *ctx, pta_job *j, int64_t first,
                               int64_t n)
{
    for (int64_t s = 0; s < n; s++) {
        const char *sample = j->out + (size_t)s * j->outputs.sample_bytes;
        j->classes[s] = pta_class_of(j->graph, &j->outputs, sample);
        j->report.right +=
            j->labels != NULL && j->labels[first + s] == j->classes[s];
    }
    if (!j->is_float) {
        pta_digest_outputs(&j->hash, &j->outputs, j->out, n);
    }
    if (j->verifier != NULL) {
        PTA_TRY(
            pta_verifier_add(j->verifier, ctx, first, n, j->out, j->labels));
    }
    return j->results == NULL ? PTA_OK : write_results(ctx, j, n);
}

/* The runner's clocks are of its last run, one segment; the median stays that
 * of the last. Collective. */
static pta_status add_clocks(pta_ctx *ctx, pta_job *j)
{
    PTA_TRY(pta_runner_clocks(j->runner, ctx, j->clocks));
    for (int32_t b = 0; j->rank == 0 && b < j->loaded.plan->n_boards; b++) {
        const pta_stage_clock *before = &j->report.clocks[b];
        pta_stage_clock *c = &j->clocks[b];
        c->n_samples += before->n_samples;
        c->wait_ns += before->wait_ns;
        c->compute_ns += before->compute_ns;
        c->send_ns += before->send_ns;
        c->bytes_in += before->bytes_in;
        c->bytes_out += before->bytes_out;
        if (c->cycles != PTA_COST_ABSENT && before->n_samples > 0) {
            c->cycles += before->cycles;
        }
        if (before->n_samples > 0) {
            c->latency = pta_cost_least(c->latency, before->latency);
            c->interval = pta_cost_least(c->interval, before->interval);
        }
        j->report.clocks[b] = *c;
    }
    return PTA_OK;
}

static pta_status run_segment(pta_ctx *ctx, pta_job *j, int64_t first,
                              int64_t n)
{
    uint64_t elapsed = 0;
    bool is_root = j->rank == 0;
    pta_status local =
        is_root ? pta_feed_encode(j->feed, ctx, first, n, j->in) : PTA_OK;
    PTA_TRY(pta_agree(ctx, j->comm, local));
    int64_t cpu_before = pta_usage_cpu_ns();
    PTA_TRY(pta_runner_run(j->runner, ctx, is_root ? j->in : NULL, n,
                           is_root ? j->out : NULL,
                           is_root ? j->latency_ns + first : NULL, &elapsed));
    j->cpu_ns += pta_usage_cpu_ns() - cpu_before;
    j->elapsed_ns += elapsed;
    PTA_TRY(add_clocks(ctx, j));
    local = is_root ? take_results(ctx, j, first, n) : PTA_OK;
    return pta_agree(ctx, j->comm, local);
}

pta_status pta_job_stream(pta_ctx *ctx, pta_job *j)
{
    int64_t shape[2] = {j->rows, j->segment};
    if (MPI_Bcast(shape, 2, MPI_INT64_T, 0, j->comm) != MPI_SUCCESS) {
        return pta_fail(ctx, PTA_ERR_MPI, "MPI_Bcast failed");
    }
    j->rows = shape[0];
    j->segment = shape[1];
    pta_progress progress;
    pta_progress_begin(&progress, j->verb->name, "samples", j->rows);
    progress.active = progress.active && j->rank == 0;
    pta_status status = PTA_OK;
    for (int64_t at = 0; at < j->rows && status == PTA_OK; at += j->segment) {
        int64_t left = j->rows - at;
        status = run_segment(ctx, j, at, left < j->segment ? left : j->segment);
        pta_progress_step(&progress, at + j->segment);
    }
    pta_progress_end(&progress);
    return status;
}
