/*
 * Measuring a pair of ranks (netbench.h).
 *
 * Every measurement is a pair of functions, one for each end. What an end finds
 * it writes into its own copy of `found`; the copies are added up at the end,
 * so that each number must be written by one end only.
 */
#include "runtime/netbench.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/mpi_check.h"
#include "runtime/run.h"

enum {
    WINDOW = 16, /* messages of a stream under way */
    LONGEST = 32768,
    N_PING = 6,
    N_STREAM = 7,
    N_COST = 4,
    PROBE_MESSAGES = 96, /* of PROBE_BYTES each, the first stream */
    PROBE_BYTES = 16384,
    PINGS = 40, /* in a round */
    SOLOS = 20, /* single messages in a round, for their CPU time */
    MOST_MESSAGES = 4000,
    MOST_ROUNDS = 1000
};

/* Up to the size that goes without a handshake. */
static const int ping_bytes[N_PING] = {48, 256, 1024, 4096, 8192, 16384};
static const int stream_bytes[N_STREAM] = {48,   256,   1024,   4096,
                                           8192, 16384, LONGEST};
static const int cost_bytes[N_COST] = {48, 1024, 4096, 8192};

/* What the two ends find out, each its part; the rest is 0. */
typedef struct readings {
    double ping[N_PING], stream[N_STREAM], send[N_COST], receive[N_COST];
    double rate, burst; /* bytes a microsecond; bytes */
} readings;

typedef struct bench {
    pta_ctx *ctx;
    MPI_Comm comm;
    int peer, rounds;
    bool sends;      /* this rank is `from` */
    uint8_t *buffer; /* WINDOW messages */
    double *times;   /* scratch: arrivals, or one value per round */
    readings found;
} bench;

static double now_us(void)
{
    return 1e-3 * (double)pta_clock_now();
}

/** Stays awake, so that caches and clocks are those of a rank at work, and
 * lets others have the core. */
static void stay_awake(double us)
{
    double end = now_us() + us;
    while (now_us() < end) {
        sched_yield();
    }
}

static uint8_t *slot(const bench *b, int i)
{
    return b->buffer + (size_t)(i % WINDOW) * LONGEST;
}

static pta_status give(bench *b, void *bytes, int n)
{
    return pta_mpi_check(
        b->ctx, MPI_Send(bytes, n, MPI_BYTE, b->peer, PTA_TAG_NET, b->comm),
        "MPI_Send");
}

static pta_status take(bench *b, void *bytes, int n)
{
    return pta_mpi_check(b->ctx,
                         MPI_Recv(bytes, n, MPI_BYTE, b->peer, PTA_TAG_NET,
                                  b->comm, MPI_STATUS_IGNORE),
                         "MPI_Recv");
}

/* ---- one message ---- */

/** A shaped link lets a burst pass at any speed: pauses keep the mean rate below
 * half of the link's, so that every message finds it idle. */
static pta_status ping(bench *b, int bytes, double *one_way)
{
    double pause = b->found.rate > 0 ? 2.0 * bytes / b->found.rate : 0.0;
    for (int i = 0; i < PINGS; i++) {
        stay_awake(pause);
        double begin = now_us();
        PTA_TRY(give(b, slot(b, 0), bytes));
        PTA_TRY(take(b, slot(b, 1), bytes));
        b->times[i] = 0.5 * (now_us() - begin);
    }
    *one_way = pta_fit_median(PINGS, b->times);
    return PTA_OK;
}

static pta_status pong(bench *b, int bytes)
{
    for (int i = 0; i < PINGS; i++) {
        PTA_TRY(take(b, slot(b, 0), bytes));
        PTA_TRY(give(b, slot(b, 1), bytes));
    }
    return PTA_OK;
}

static pta_status measure_messages(bench *b)
{
    double medians[MOST_ROUNDS];
    for (int s = 0; s < N_PING; s++) {
        for (int r = 0; r < b->rounds; r++) {
            PTA_TRY(b->sends ? ping(b, ping_bytes[s], &medians[r])
                             : pong(b, ping_bytes[s]));
        }
        if (b->sends) {
            b->found.ping[s] = pta_fit_median(b->rounds, medians);
        }
    }
    return PTA_OK;
}

/* ---- streams ---- */

static pta_status pour(bench *b, int bytes, int n)
{
    MPI_Request requests[WINDOW];
    for (int i = 0; i < n; i++) {
        MPI_Request *r = &requests[i % WINDOW];
        if (i >= WINDOW) {
            PTA_TRY_MPI(b->ctx, MPI_Wait(r, MPI_STATUS_IGNORE));
        }
        PTA_TRY_MPI(b->ctx, MPI_Isend(slot(b, i), bytes, MPI_BYTE, b->peer,
                                      PTA_TAG_NET, b->comm, r));
    }
    PTA_TRY_MPI(b->ctx, MPI_Waitall(n < WINDOW ? n : WINDOW, requests,
                                    MPI_STATUSES_IGNORE));
    return take(b, slot(b, 0), 1); /* all of it has arrived */
}

/** times[i]: arrival of message i. */
static pta_status drink(bench *b, int bytes, int n)
{
    MPI_Request requests[WINDOW];
    for (int i = 0; i < n + WINDOW; i++) {
        MPI_Request *r = &requests[i % WINDOW];
        if (i >= WINDOW) {
            PTA_TRY_MPI(b->ctx, MPI_Wait(r, MPI_STATUS_IGNORE));
            b->times[i - WINDOW] = now_us();
        }
        *r = MPI_REQUEST_NULL;
        if (i < n) {
            PTA_TRY_MPI(b->ctx, MPI_Irecv(slot(b, i), bytes, MPI_BYTE, b->peer,
                                          PTA_TAG_NET, b->comm, r));
        }
    }
    return give(b, slot(b, 0), 1);
}

/** From the later arrivals of a first stream on an idle link: its rate, and how
 * many bytes it let pass before. */
static void judge_probe(bench *b)
{
    double x[PTA_FIT_MAX], y[PTA_FIT_MAX];
    for (int i = 0; i < PTA_FIT_MAX; i++) {
        int at = PROBE_MESSAGES - PTA_FIT_MAX + i;
        x[i] = (double)at * PROBE_BYTES;
        y[i] = b->times[at] - b->times[0];
    }
    double per_byte = pta_fit_slope(PTA_FIT_MAX, x, y);
    if (per_byte <= 0) {
        return;
    }
    for (int i = 0; i < PTA_FIT_MAX; i++) {
        y[i] = x[i] - y[i] / per_byte;
    }
    /* Beyond the first message, which a bucket lets pass like the others. */
    double ahead = pta_fit_median(PTA_FIT_MAX, y);
    b->found.rate = 1.0 / per_byte;
    b->found.burst = ahead > 0.5 * PROBE_BYTES ? ahead + PROBE_BYTES : 0.0;
}

/** Both ends go on with the rate that the receiver has seen; only it reports. */
static pta_status measure_rate(bench *b)
{
    struct timespec idle = {.tv_nsec = 20000000}; /* a bucket fills */
    double rates[MOST_ROUNDS], bursts[MOST_ROUNDS];
    for (int r = 0; r < b->rounds; r++) {
        nanosleep(&idle, NULL);
        PTA_TRY(b->sends ? pour(b, PROBE_BYTES, PROBE_MESSAGES)
                         : drink(b, PROBE_BYTES, PROBE_MESSAGES));
        if (!b->sends) {
            judge_probe(b);
            rates[r] = b->found.rate;
            bursts[r] = b->found.burst;
        }
    }
    if (b->sends) {
        return take(b, &b->found.rate, sizeof b->found.rate);
    }
    b->found.rate = pta_fit_median(b->rounds, rates);
    b->found.burst = pta_fit_median(b->rounds, bursts);
    return give(b, &b->found.rate, sizeof b->found.rate);
}

/** About 30 ms, and four times as long as a burst of 256 KiB. */
static int count_of(const bench *b, int bytes)
{
    double total = b->found.rate * 3e4;
    total = total < 0x1p18 ? 0x1p18 : total > 0x1p23 ? 0x1p23 : total;
    int n = (int)(total / bytes);
    return n < 2 * WINDOW ? 2 * WINDOW : n > MOST_MESSAGES ? MOST_MESSAGES : n;
}

static pta_status measure_streams(bench *b)
{
    double gaps[MOST_ROUNDS];
    for (int s = 0; s < N_STREAM; s++) {
        int n = count_of(b, stream_bytes[s]), from = n / 4, to = n - 1;
        for (int r = 0; r < b->rounds; r++) {
            PTA_TRY(b->sends ? pour(b, stream_bytes[s], n)
                             : drink(b, stream_bytes[s], n));
            if (!b->sends) {
                gaps[r] = (b->times[to] - b->times[from]) / (to - from);
            }
        }
        if (!b->sends) {
            b->found.stream[s] = pta_fit_median(b->rounds, gaps);
        }
    }
    return PTA_OK;
}

/* ---- CPU time ---- */

/** The time in MPI_Isend, which hands the message to the system. */
static pta_status cost_of_send(bench *b, int bytes, double *us)
{
    PTA_TRY(take(b, slot(b, 1), 1)); /* the receive is posted */
    stay_awake(100.0);
    MPI_Request request;
    double begin = now_us();
    PTA_TRY_MPI(b->ctx, MPI_Isend(slot(b, 0), bytes, MPI_BYTE, b->peer,
                                  PTA_TAG_NET, b->comm, &request));
    *us = now_us() - begin;
    PTA_TRY_MPI(b->ctx, MPI_Wait(&request, MPI_STATUS_IGNORE));
    return PTA_OK;
}

/** The time in MPI_Wait for a message that has been there for a while. */
static pta_status cost_of_receive(bench *b, int bytes, double *us)
{
    MPI_Request request;
    PTA_TRY_MPI(b->ctx, MPI_Irecv(slot(b, 0), bytes, MPI_BYTE, b->peer,
                                  PTA_TAG_NET, b->comm, &request));
    PTA_TRY(give(b, slot(b, 1), 1));
    double wire = b->found.rate > 0 ? bytes / b->found.rate : 0.0;
    stay_awake(500.0 + 4.0 * wire);
    double begin = now_us();
    PTA_TRY_MPI(b->ctx, MPI_Wait(&request, MPI_STATUS_IGNORE));
    *us = now_us() - begin;
    return PTA_OK;
}

static pta_status measure_costs(bench *b)
{
    double *mine = b->sends ? b->found.send : b->found.receive;
    int n =
        SOLOS * b->rounds < MOST_MESSAGES ? SOLOS * b->rounds : MOST_MESSAGES;
    for (int s = 0; s < N_COST; s++) {
        for (int i = 0; i < n; i++) {
            PTA_TRY(b->sends ? cost_of_send(b, cost_bytes[s], &b->times[i])
                             : cost_of_receive(b, cost_bytes[s], &b->times[i]));
        }
        mine[s] = pta_fit_median(n, b->times);
    }
    return PTA_OK;
}

/* ---- a pair ---- */

static pta_status measure(bench *b)
{
    PTA_TRY(measure_rate(b));
    PTA_TRY(measure_messages(b));
    PTA_TRY(measure_streams(b));
    PTA_TRY(measure_costs(b));
    b->found.rate = b->sends ? 0.0 : b->found.rate; /* one end reports it */
    return PTA_OK;
}

/** Barrier in which those who wait sleep. */
static pta_status wait_quietly(pta_ctx *ctx, MPI_Comm comm)
{
    MPI_Request request;
    int done = 0;
    PTA_TRY_MPI(ctx, MPI_Ibarrier(comm, &request));
    PTA_TRY_MPI(ctx, MPI_Test(&request, &done, MPI_STATUS_IGNORE));
    while (!done) {
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        PTA_TRY_MPI(ctx, MPI_Test(&request, &done, MPI_STATUS_IGNORE));
    }
    return PTA_OK;
}

static void to_doubles(int n, const int *values, double *out)
{
    for (int i = 0; i < n; i++) {
        out[i] = values[i];
    }
}

static void fit(const readings *found, pta_net_pair *pair)
{
    double x[PTA_FIT_MAX];
    to_doubles(N_PING, ping_bytes, x);
    pair->message = pta_fit_line(N_PING, x, found->ping);
    to_doubles(N_STREAM, stream_bytes, x);
    pair->stream = pta_fit_gap(N_STREAM, x, found->stream);
    to_doubles(N_COST, cost_bytes, x);
    pair->send = pta_fit_line(N_COST, x, found->send);
    pair->receive = pta_fit_line(N_COST, x, found->receive);
    pair->burst = found->burst;
}

/** Collective. Everything after the memory is there. */
static pta_status measure_pair(bench *b, int from, int to, pta_net_pair *pair)
{
    int rank = 0;
    PTA_TRY_MPI(b->ctx, MPI_Comm_rank(b->comm, &rank));
    PTA_TRY(wait_quietly(b->ctx, b->comm));
    if (rank == from || rank == to) {
        b->sends = rank == from;
        b->peer = rank == from ? to : from;
        PTA_TRY(measure(b));
    }
    PTA_TRY(wait_quietly(b->ctx, b->comm));
    readings all;
    PTA_TRY_MPI(b->ctx, MPI_Allreduce(&b->found, &all,
                                      (int)(sizeof all / sizeof(double)),
                                      MPI_DOUBLE, MPI_SUM, b->comm));
    *pair = (pta_net_pair){.from = from, .to = to};
    fit(&all, pair);
    return PTA_OK;
}

pta_status pta_netbench_pair(pta_ctx *ctx, MPI_Comm comm, int from, int to,
                             int rounds, pta_net_pair *pair)
{
    PTA_ASSERT(from != to && rounds >= 1 && rounds <= MOST_ROUNDS);
    bench b = {.ctx = ctx, .comm = comm, .rounds = rounds};
    b.buffer = pta_calloc(ctx, WINDOW, LONGEST);
    b.times = pta_calloc(ctx, MOST_MESSAGES + WINDOW, sizeof *b.times);
    bool good = b.buffer != NULL && b.times != NULL;
    pta_status status = pta_agree(ctx, comm, good ? PTA_OK : PTA_ERR_NOMEM);
    if (status == PTA_OK) {
        status = measure_pair(&b, from, to, pair);
    }
    pta_free(ctx, b.times);
    pta_free(ctx, b.buffer);
    return status;
}

/* ---- hosts ---- */

static void read_boot(char boot[PTA_NET_NAME])
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
    if (file != NULL) {
        if (fgets(boot, PTA_NET_NAME, file) == NULL) {
            boot[0] = '\0';
        }
        fclose(file);
    }
    boot[strcspn(boot, "\n")] = '\0';
}

pta_status pta_netbench_hosts(pta_ctx *ctx, MPI_Comm comm, pta_net_host *hosts)
{
    pta_net_host mine;
    memset(&mine, 0, sizeof mine);
    if (gethostname(mine.name, sizeof mine.name - 1) != 0) {
        strcpy(mine.name, "host");
    }
    read_boot(mine.boot);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    mine.cores = cores < 1 ? 1 : cores > 1024 ? 1024 : (int32_t)cores;
    return pta_mpi_check(ctx,
                         MPI_Allgather(&mine, (int)sizeof mine, MPI_BYTE, hosts,
                                       (int)sizeof mine, MPI_BYTE, comm),
                         "MPI_Allgather");
}
