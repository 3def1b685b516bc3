/*
 * Modelled time against schedules worked out by hand, in microseconds in the
 * comments. Every bound is exact: the model counts whole nanoseconds.
 */
#include "runtime/vtime.h"
#include "unit.h"

#include <string.h>

enum { MAX_HOSTS = 12 };

/* A cluster of equal hosts on machines of their own, everything free but what
 * the test sets, and a plan without wires. */
typedef struct bed {
    pta_ctx *ctx;
    pta_vhost hosts[MAX_HOSTS];
    int32_t cores[MAX_HOSTS];
    pta_vcluster cluster;
    pta_vboard boards[MAX_HOSTS];
    pta_vwire wires[32];
    pta_vplan plan;
    pta_vflow flow;
    pta_vresult result;
} bed;

static void bed_open(bed *b, int32_t n_boards, pta_vhost costs)
{
    memset(b, 0, sizeof *b);
    b->ctx = pta_ctx_create();
    for (int32_t h = 0; h < MAX_HOSTS; h++) {
        b->hosts[h] = costs;
        b->hosts[h].machine = h;
        b->cores[h] = 2;
    }
    b->cluster =
        (pta_vcluster){MAX_HOSTS, b->hosts, MAX_HOSTS, b->cores, 0, NULL};
    b->plan = (pta_vplan){.n_boards = n_boards,
                          .n_stages = n_boards,
                          .boards = b->boards,
                          .wires = b->wires};
    b->flow = (pta_vflow){.copies = 1,
                          .micro_batch = 1,
                          .depth = 2,
                          .latency = true,
                          .overlap = 1,
                          .n_samples = 1};
}

static void compute(bed *b, int32_t board, int64_t cycles)
{
    b->boards[board].cycles = (pta_cycles){cycles, cycles, PTA_CYCLES_ASSUMED};
}

static void wire(bed *b, int32_t src, int32_t dst, int64_t bytes)
{
    b->wires[b->plan.n_wires++] = (pta_vwire){src, dst, bytes};
}

/* source -> 0 -> 1 -> ... -> sink */
static void chain(bed *b, int64_t bytes)
{
    for (int32_t i = 0; i <= b->plan.n_boards; i++) {
        wire(b, i == 0 ? PTA_BOARD_SOURCE : i - 1,
             i == b->plan.n_boards ? PTA_BOARD_SINK : i, bytes);
    }
}

static void bed_run(bed *b)
{
    pta_vresult_free(b->ctx, &b->result);
    UNIT_OK(b->ctx, pta_vtime_run(b->ctx, &b->cluster, &b->plan, &b->flow, NULL,
                                  NULL, &b->result));
}

static void bed_close(bed *b)
{
    pta_vresult_free(b->ctx, &b->result);
    CU_ASSERT_EQUAL(pta_ctx_memory(b->ctx).live_blocks, 0);
    pta_ctx_destroy(&b->ctx);
}

/* One board: in 10, compute 100 cycles of 10 ns = 1, out 10: 21 a sample. */
static void test_one_board(void)
{
    bed b;
    bed_open(&b, 1, (pta_vhost){.transfer = 10000, .cycle = 10});
    compute(&b, 0, 100);
    chain(&b, 100);
    b.flow.n_samples = 3;
    bed_run(&b);
    CU_ASSERT_EQUAL(b.result.latency[2], 21000);
    CU_ASSERT_EQUAL(b.result.elapsed, 63000);
    CU_ASSERT_EQUAL(b.result.stages[0].ns[PTA_V_COMPUTE], 3000);
    CU_ASSERT_EQUAL(b.result.stages[0].ns[PTA_V_BUS], 60000);
    CU_ASSERT_EQUAL(b.result.stages[0].ns[PTA_V_WIRE], 0);
    CU_ASSERT_DOUBLE_EQUAL(b.result.throughput, 1e9 / 21000, 1e-6);
    bed_close(&b);
}

/* Copies to and from the device: 4 ns a byte, 100 in, 50 out, 8 samples of 2
 * cycles after the first of 10. */
static void test_batch(void)
{
    bed b;
    bed_open(&b, 1, (pta_vhost){.copy_per_byte = 4, .cycle = 10});
    b.boards[0] = (pta_vboard){
        .bytes_in = 100, .bytes_out = 50, .cycles = {10, 2, PTA_CYCLES_DESIGN}};
    chain(&b, 100);
    b.flow.micro_batch = 8;
    b.flow.n_samples = 11; /* 8 and 3 */
    bed_run(&b);
    CU_ASSERT_EQUAL(b.result.n_batches, 2);
    CU_ASSERT_EQUAL(b.result.latency[0], 8 * 150 * 4 + (10 + 7 * 2) * 10);
    CU_ASSERT_EQUAL(b.result.latency[1], 3 * 150 * 4 + (10 + 2 * 2) * 10);
    bed_close(&b);
}

/* Compute 1; send 40, port 148 bytes at 8 ns = 1.184, latency 15 + 15, receive
 * 40; compute 1; the same back: 2 + 2 (80 + 30 + 1.184) = 224.368. */
static void test_two_boards(void)
{
    bed b;
    bed_open(&b, 2,
             (pta_vhost){.message = 40000,
                         .port_per_byte = 8,
                         .latency = 15000,
                         .cycle = 10});
    compute(&b, 0, 100);
    compute(&b, 1, 100);
    chain(&b, 100);
    b.flow.n_samples = 2;
    bed_run(&b);
    CU_ASSERT_EQUAL(b.result.latency[0], 224368);
    CU_ASSERT_EQUAL(b.result.latency[1], 224368);
    CU_ASSERT_EQUAL(b.result.stages[1].ns[PTA_V_WIRE], 2 * 80000);
    CU_ASSERT_EQUAL(b.result.stages[1].ns[PTA_V_PORT], 2 * 1184);
    CU_ASSERT_EQUAL(b.result.stages[0].port_in, 2 * 148);
    /* CPU time of a byte at both ends: 4 messages' ends of 148 bytes */
    b.hosts[0].tcp_per_byte = b.hosts[1].tcp_per_byte = 10;
    bed_run(&b);
    CU_ASSERT_EQUAL(b.result.latency[0], 224368 + 4 * 1480);
    /* a measured pair, one way only */
    pta_vpair pair = {0, 1, 100000, 20};
    b.cluster.n_pairs = 1;
    b.cluster.pairs = &pair;
    bed_run(&b);
    CU_ASSERT_EQUAL(b.result.latency[0], 224368 + 4 * 1480 + 70000 + 148 * 12);
    bed_close(&b);
}

/*
 * Source and sink share the port of host 0. Messages of 1,000 bytes take 10 on
 * a port, 1 of CPU. To board 1: CPU 0..1, port 1..11; to board 2: CPU 1..2, port
 * 11..21. Board 1: in 12, computes 15 until 27, sent 28. Board 2: in 22,
 * computes 5 until 27, sent 28. Both leave at 28; host 0's port takes them one
 * after the other: 38 and 48; in at 39 and 49.
 */
static void test_ports(void)
{
    bed b;
    bed_open(&b, 3,
             (pta_vhost){.message = 1000, .port_per_byte = 10, .cycle = 10});
    compute(&b, 0, 500);
    compute(&b, 1, 1500);
    compute(&b, 2, 500);
    for (int32_t i = 0; i < 3; i++) {
        wire(&b, PTA_BOARD_SOURCE, i, 952);
        wire(&b, i, PTA_BOARD_SINK, 952);
    }
    bed_run(&b);
    CU_ASSERT_EQUAL(b.result.latency[0], 49000);
    b.hosts[0].port_per_byte = b.hosts[1].port_per_byte =
        b.hosts[2].port_per_byte = 5;
    bed_run(&b);
    /* to 1: 1..6, in 7, 22, sent 23; to 2: 6..11, in 12, 17, sent 18, there
     * 23, in 24; from 1: 23..28, in 29 */
    CU_ASSERT_EQUAL(b.result.latency[0], 29000);
    bed_close(&b);
}

/*
 * Ports that let 500 bytes through at once after a rest, then one every 8 ns. 148
 * bytes each way: no time but the latencies. 1,048 bytes: 548 late at the
 * sender's port, 4.384, which the receiver's takes as they come. The second
 * sample leaves 60 later, when a port has caught up with the first (8.384).
 */
static void test_burst(void)
{
    bed b;
    bed_open(&b, 2,
             (pta_vhost){.port_per_byte = 8, .latency = 15000, .burst = 500});
    chain(&b, 100);
    b.flow.n_samples = 2;
    bed_run(&b);
    CU_ASSERT_EQUAL(b.result.latency[0], 60000);
    CU_ASSERT_EQUAL(b.result.latency[1], 60000);
    b.plan.wires[1].bytes = 1000;
    bed_run(&b);
    CU_ASSERT_EQUAL(b.result.latency[0], 60000 + 548 * 8);
    CU_ASSERT_EQUAL(b.result.latency[1], 60000 + 548 * 8);
    /* a stream has the rate: 10 batches of 1,048 bytes less what is at rest */
    b.flow = (pta_vflow){
        .copies = 1, .micro_batch = 1, .depth = 16, .n_samples = 10};
    bed_run(&b);
    CU_ASSERT_EQUAL(b.result.elapsed, 60000 + (10 * 1048 - 500) * 8);
    bed_close(&b);
}

/* Two stages of 10, nothing else: 20, then one every 10. */
static void test_pipeline(void)
{
    bed b;
    bed_open(&b, 2, (pta_vhost){.cycle = 10});
    compute(&b, 0, 1000);
    compute(&b, 1, 1000);
    chain(&b, 10);
    b.flow = (pta_vflow){
        .copies = 1, .micro_batch = 1, .depth = 4, .n_samples = 100};
    bed_run(&b);
    CU_ASSERT_EQUAL(b.result.elapsed, 20000 + 99 * 10000);
    CU_ASSERT(b.result.p50 >= 20000 && b.result.p50 <= 40000);
    b.flow.latency = true;
    bed_run(&b);
    CU_ASSERT_EQUAL(b.result.elapsed, 100 * 20000);
    CU_ASSERT_EQUAL(b.result.p50, 20000);
    CU_ASSERT_EQUAL(b.result.max, 20000);
    /* two copies: half the time, and 10 until rank 0, busy with its own
     * board's first batch, feeds the second */
    b.flow.latency = false;
    b.flow.copies = 2;
    bed_run(&b);
    CU_ASSERT_EQUAL(b.result.elapsed, 30000 + 49 * 10000);
    bed_close(&b);
}

/* A device that takes the next batch while it computes: DMA of 2 + 2 beside a
 * compute of 10 is hidden, one batch every 10 instead of 14. */
static void test_overlap(void)
{
    bed b;
    bed_open(&b, 2, (pta_vhost){.transfer = 2000, .cycle = 10});
    compute(&b, 0, 1000);
    compute(&b, 1, 1000);
    chain(&b, 10);
    b.flow = (pta_vflow){.copies = 1,
                         .micro_batch = 1,
                         .depth = 8,
                         .overlap = 1,
                         .n_samples = 100};
    bed_run(&b);
    CU_ASSERT_EQUAL(b.result.elapsed, 28000 + 99 * 14000);
    b.flow.overlap = 2;
    bed_run(&b);
    CU_ASSERT(b.result.elapsed >= 100 * 10000);
    CU_ASSERT(b.result.elapsed < 100 * 10000 + 40000);
    bed_close(&b);
}

/* Hosts that compute on one core of one machine: 20 a sample; with two cores
 * side by side. */
static void test_cores(void)
{
    bed b;
    bed_open(&b, 2, (pta_vhost){.cycle = 10});
    for (int32_t i = 0; i < 2; i++) {
        b.boards[i].cycles.source = PTA_CYCLES_HOST;
        b.boards[i].host_ns = 10000;
        b.hosts[i].machine = 0;
    }
    chain(&b, 10);
    b.flow = (pta_vflow){
        .copies = 1, .micro_batch = 1, .depth = 4, .n_samples = 100};
    b.cores[0] = 1;
    bed_run(&b);
    CU_ASSERT_EQUAL(b.result.elapsed, 100 * 20000);
    b.cores[0] = 2;
    bed_run(&b);
    CU_ASSERT_EQUAL(b.result.elapsed, 20000 + 99 * 10000);
    bed_close(&b);
}

/* Joins: 7 values at 15 ns on board 1, 3 at the sink. */
static void test_joins(void)
{
    bed b;
    bed_open(&b, 2, (pta_vhost){.join_per_value = 15, .cycle = 10});
    b.boards[1].join_values = 7;
    b.plan.sink_joins = 3;
    chain(&b, 10);
    bed_run(&b);
    CU_ASSERT_EQUAL(b.result.latency[0], 150);
    bed_close(&b);
}

typedef struct sums {
    uint64_t ns[PTA_V_KINDS], last[MAX_HOSTS];
    int n;
    bool overlaps;
} sums;

static void observe(void *state, const pta_vspan *span)
{
    sums *s = state;
    s->n++;
    s->ns[span->kind] += span->end - span->begin;
    if (span->kind != PTA_V_COMPUTE && span->kind != PTA_V_PORT) {
        s->overlaps = s->overlaps || span->begin < s->last[span->host];
        s->last[span->host] = span->end;
    }
}

/* The spans add up to the sums, a CPU does one thing at a time, and the same
 * input gives the same figures. */
static void test_spans(void)
{
    bed b;
    bed_open(&b, 3,
             (pta_vhost){.transfer = 1500,
                         .copy_per_byte = 4,
                         .message = 4000,
                         .tcp_per_byte = 12,
                         .port_per_byte = 8.5,
                         .latency = 15000,
                         .cycle = 10});
    for (int32_t i = 0; i < 3; i++) {
        compute(&b, i, 300 * (i + 1));
        b.boards[i].bytes_in = b.boards[i].bytes_out = 64;
    }
    chain(&b, 64);
    b.flow = (pta_vflow){.copies = 2,
                         .micro_batch = 4,
                         .depth = 3,
                         .overlap = 2,
                         .n_samples = 333};
    bed_run(&b);
    sums s = {0};
    pta_vresult again;
    UNIT_OK(b.ctx, pta_vtime_run(b.ctx, &b.cluster, &b.plan, &b.flow, observe,
                                 &s, &again));
    CU_ASSERT_FALSE(s.overlaps);
    CU_ASSERT_EQUAL(again.elapsed, b.result.elapsed);
    CU_ASSERT_EQUAL(memcmp(again.latency, b.result.latency,
                           (size_t)again.n_batches * sizeof *again.latency),
                    0);
    for (int k = 0; k < PTA_V_KINDS; k++) {
        uint64_t sum = 0;
        for (int32_t h = 0; h < 6; h++) {
            sum += again.stages[h].ns[k];
        }
        CU_ASSERT_EQUAL(sum, s.ns[k]);
    }
    pta_vresult_free(b.ctx, &again);
    bed_close(&b);
}

static void test_too_few_hosts(void)
{
    bed b;
    bed_open(&b, 3, (pta_vhost){.cycle = 10});
    chain(&b, 8);
    b.flow.copies = 5;
    CU_ASSERT_EQUAL(pta_vtime_run(b.ctx, &b.cluster, &b.plan, &b.flow, NULL,
                                  NULL, &b.result),
                    PTA_ERR_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(b.ctx), "12 hosts, 15 boards"));
    bed_close(&b);
}

int main(void)
{
    static const unit_test tests[] = {{"one board", test_one_board},
                                      {"a micro-batch", test_batch},
                                      {"two boards", test_two_boards},
                                      {"ports", test_ports},
                                      {"a pipeline", test_pipeline},
                                      {"overlap", test_overlap},
                                      {"bursts", test_burst},
                                      {"cores", test_cores},
                                      {"joins", test_joins},
                                      {"spans", test_spans},
                                      {"too few hosts", test_too_few_hosts}};
    return unit_main("vtime", tests, sizeof tests / sizeof *tests);
}
