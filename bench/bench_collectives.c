/*
 * Hand-posted messages against MPI's collectives for a split stage, the reason
 * why the runner posts by hand.
 *
 *     mpi_launch/run -np 5 build/bench/bench_collectives [ROUNDS]
 *
 * out: rank 0 gives every rank the same 1,568 bytes (784 x int16) and gathers 8
 *      bytes from each: MPI_Bcast + MPI_Gather against Isend/Irecv.
 * in:  rank 0 gives every rank its own 392 bytes and adds up 32 int32 from each:
 *      MPI_Scatter + MPI_Reduce against Isend/Irecv and local adds.
 *
 * Timed on rank 0: from before the first byte leaves to the finished result.
 * Sums are checked in every round. Variants alternate in nine blocks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "runtime/clock.h"

enum {
    MAX_RANKS = 64,
    WHOLE = 784,
    PART = 196,
    FEW = 4,
    SUMS = 32,
    BLOCKS = 9
};

typedef struct exchange {
    int rank, size;
    int16_t whole[WHOLE], part[MAX_RANKS * PART];
    int16_t few[MAX_RANKS * FEW];
    int32_t mine[SUMS], sums[MAX_RANKS][SUMS], total[SUMS];
    MPI_Request request[2 * MAX_RANKS];
} exchange;

/** What a board computes: something that depends on what it got. */
static void compute_out(exchange *x, int16_t *few)
{
    for (int i = 0; i < FEW; i++) {
        few[i] = (int16_t)(x->whole[WHOLE - 1] + x->rank + i);
    }
}

static void compute_in(exchange *x, const int16_t *part)
{
    for (int i = 0; i < SUMS; i++) {
        x->mine[i] = part[PART - 1] + i;
    }
}

static void out_collective(exchange *x)
{
    int16_t few[FEW];
    MPI_Bcast(x->whole, WHOLE, MPI_INT16_T, 0, MPI_COMM_WORLD);
    compute_out(x, few);
    MPI_Gather(few, FEW, MPI_INT16_T, x->few, FEW, MPI_INT16_T, 0,
               MPI_COMM_WORLD);
}

static void out_by_hand(exchange *x)
{
    if (x->rank != 0) {
        int16_t few[FEW];
        MPI_Recv(x->whole, WHOLE, MPI_INT16_T, 0, 1, MPI_COMM_WORLD,
                 MPI_STATUS_IGNORE);
        compute_out(x, few);
        MPI_Isend(few, FEW, MPI_INT16_T, 0, 2, MPI_COMM_WORLD, x->request);
        MPI_Wait(x->request, MPI_STATUS_IGNORE);
        return;
    }
    int n = 0;
    for (int r = 1; r < x->size; r++) {
        MPI_Irecv(x->few + (ptrdiff_t)r * FEW, FEW, MPI_INT16_T, r, 2,
                  MPI_COMM_WORLD, &x->request[n++]);
    }
    for (int r = 1; r < x->size; r++) {
        MPI_Isend(x->whole, WHOLE, MPI_INT16_T, r, 1, MPI_COMM_WORLD,
                  &x->request[n++]);
    }
    compute_out(x, x->few);
    MPI_Waitall(n, x->request, MPI_STATUSES_IGNORE);
}

static void in_collective(exchange *x)
{
    int16_t part[PART];
    MPI_Scatter(x->part, PART, MPI_INT16_T, part, PART, MPI_INT16_T, 0,
                MPI_COMM_WORLD);
    compute_in(x, part);
    MPI_Reduce(x->mine, x->total, SUMS, MPI_INT32_T, MPI_SUM, 0,
               MPI_COMM_WORLD);
}

static void in_by_hand(exchange *x)
{
    if (x->rank != 0) {
        int16_t part[PART];
        MPI_Recv(part, PART, MPI_INT16_T, 0, 1, MPI_COMM_WORLD,
                 MPI_STATUS_IGNORE);
        compute_in(x, part);
        MPI_Isend(x->mine, SUMS, MPI_INT32_T, 0, 2, MPI_COMM_WORLD, x->request);
        MPI_Wait(x->request, MPI_STATUS_IGNORE);
        return;
    }
    int n = 0;
    for (int r = 1; r < x->size; r++) {
        MPI_Irecv(x->sums[r], SUMS, MPI_INT32_T, r, 2, MPI_COMM_WORLD,
                  &x->request[n++]);
    }
    for (int r = 1; r < x->size; r++) {
        MPI_Isend(x->part + (ptrdiff_t)r * PART, PART, MPI_INT16_T, r, 1,
                  MPI_COMM_WORLD, &x->request[n++]);
    }
    compute_in(x, x->part);
    MPI_Waitall(n, x->request, MPI_STATUSES_IGNORE);
    memcpy(x->total, x->mine, sizeof x->total);
    for (int r = 1; r < x->size; r++) {
        for (int i = 0; i < SUMS; i++) {
            x->total[i] += x->sums[r][i];
        }
    }
}

static void check(const exchange *x, bool out, int16_t round)
{
    for (int r = 0; r < x->size && out; r++) {
        if (x->few[r * FEW + 1] != round + r + 1) {
            MPI_Abort(MPI_COMM_WORLD, 1);
        }
    }
    if (!out && x->total[3] != x->size * (round + 3)) {
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
}

typedef struct variant {
    const char *name;
    bool out;
    void (*run)(exchange *x);
} variant;

static const variant variants[] = {{"out by hand", true, out_by_hand},
                                   {"out collective", true, out_collective},
                                   {"in by hand", false, in_by_hand},
                                   {"in collective", false, in_collective}};
enum { VARIANTS = sizeof variants / sizeof *variants };

/** Median time of a round on rank 0, in microseconds. */
static double run_block(exchange *x, const variant *v, int rounds, double *us)
{
    MPI_Barrier(MPI_COMM_WORLD);
    for (int i = 0; i < rounds; i++) {
        int16_t mark = (int16_t)(i % 1000);
        if (x->rank == 0) {
            x->whole[WHOLE - 1] = mark;
            for (int r = 0; r < x->size; r++) {
                x->part[r * PART + PART - 1] = mark;
            }
        }
        uint64_t begin = pta_clock_now();
        v->run(x);
        us[i] = (double)(pta_clock_now() - begin) * 1e-3;
        if (x->rank == 0) {
            check(x, v->out, mark);
        }
    }
    return bench_quantile(us, rounds, 0.5);
}

int main(int argc, char **argv)
{
    bench b;
    bench_begin(&b, &argc, &argv);
    int rounds = argc > 1 ? atoi(argv[1]) : 5000;
    if (b.size < 2 || b.size > MAX_RANKS || rounds < 1) {
        fprintf(stderr,
                "bench_collectives: expected 2 to 64 ranks, [ROUNDS]\n");
        bench_end(&b, false);
        return 2;
    }
    exchange *x = calloc(1, sizeof *x);
    double *us = calloc((size_t)rounds, sizeof *us);
    x->rank = b.rank;
    x->size = b.size;
    double median[VARIANTS][BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        for (int v = 0; v < VARIANTS; v++) {
            median[v][i] = run_block(x, &variants[v], rounds, us);
        }
    }
    if (b.rank == 0) {
        printf("case,variant,ranks,median_us,least,greatest\n");
        for (int v = 0; v < VARIANTS; v++) {
            double middle = bench_quantile(median[v], BLOCKS, 0.5);
            printf("split stage,%s,%d,%.2f,%.2f,%.2f\n", variants[v].name,
                   b.size, middle, median[v][0], median[v][BLOCKS - 1]);
        }
    }
    free(us);
    free(x);
    return bench_end(&b, true);
}
