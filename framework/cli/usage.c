/* What each rank used of its machine (usage.h). */
#include "cli/usage.h"

#include <sys/resource.h>

static int64_t ns_of(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_usec * 1000;
}

int64_t pta_usage_cpu_ns(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return ns_of(usage.ru_utime) + ns_of(usage.ru_stime);
}

pta_status pta_usage_gather(pta_ctx *ctx, MPI_Comm comm,
                            uint64_t model_bytes_read, int64_t stream_cpu_ns,
                            pta_usage *all)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    int64_t mine[3] = {(int64_t)usage.ru_maxrss * 1024,
                       (int64_t)model_bytes_read, stream_cpu_ns};
    _Static_assert(sizeof mine == sizeof *all, "a usage is three int64");
    return MPI_Gather(mine, 3, MPI_INT64_T, all, 3, MPI_INT64_T, 0, comm) ==
                   MPI_SUCCESS
               ? PTA_OK
               : pta_fail(ctx, PTA_ERR_MPI, "MPI_Gather failed");
}
