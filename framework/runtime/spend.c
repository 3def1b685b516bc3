/*
 * CPU time of messages under a simulator of MPI, which counts none of its own:
 * it is slept, so that modelled time (vtime.h) and the simulation know the same
 * costs.
 */
#include "runtime/runner_priv.h"

static void spend(double ns)
{
    if (ns > 0) {
        pta_clock_sleep_until(pta_clock_now() + (uint64_t)(ns + 0.5), 0);
    }
}

void pta_spend_message(const pta_runner *runner, int64_t bytes)
{
    const pta_vhost *h = &runner->options.costs[runner->rank];
    spend(h->message + h->tcp_per_byte * (double)bytes);
}

pta_status pta_spend_receive(const pta_runner *runner, pta_ctx *ctx,
                             pta_station *station, MPI_Request *requests,
                             int32_t n)
{
    /* In order, which is that of arrival where senders were served in order;
     * MPI_Waitany would look at all of them each time. */
    for (int32_t i = 0; i < station->n_in; i++) {
        int bytes = 0;
        if (requests[i] == MPI_REQUEST_NULL) {
            continue; /* the sender is on this rank */
        }
        PTA_TRY_MPI(ctx, MPI_Wait(&requests[i], &station->arrived[i]));
        PTA_TRY_MPI(ctx, MPI_Get_count(&station->arrived[i], MPI_BYTE, &bytes));
        pta_spend_message(runner, bytes);
    }
    double join = runner->options.costs[runner->rank].join_per_value;
    spend(join * (double)station->join_values * n);
    return PTA_OK;
}
