/*
 * The cost model against sums done by hand, with the default cluster: 15 us a
 * transfer, 4 ns a byte copied, 40 us a message, 12 ns a byte of TCP, 15 ns a
 * partial sum, 941 Mbit/s, 15 us to the switch, headers of 48 bytes, two cores.
 */
#include <math.h>
#include <stdio.h>

#include "partition/estimate_hls4ml.h"
#include "partition/price.h"
#include "unit/unit.h"

#define CLOSE(a, b) CU_ASSERT_DOUBLE_EQUAL(a, b, 1e-6)

typedef struct fixture {
    pta_ctx *ctx;
    pta_cluster *cluster;
    pta_price_room room;
} fixture;

static fixture begin(int32_t hosts)
{
    fixture f = {.ctx = pta_ctx_create()};
    UNIT_OK(f.ctx, pta_cluster_create(f.ctx, hosts, &f.cluster));
    UNIT_OK(f.ctx, pta_price_room_create(f.ctx, f.cluster, 8, 16, &f.room));
    return f;
}

static void end(fixture *f)
{
    pta_price_room_free(f->ctx, &f->room);
    pta_cluster_destroy(f->ctx, &f->cluster);
    CU_ASSERT_EQUAL(pta_ctx_memory(f->ctx).live_blocks, 0);
    pta_ctx_destroy(&f->ctx);
}

/* Source and sink beside the board: copies only. */
static void test_one_board(void)
{
    fixture f = begin(1);
    int32_t host = 0;
    pta_traffic_board board = {98, 140, 784, 16, &host};
    pta_traffic_wire wires[] = {{PTA_BOARD_SOURCE, 0, 784, 0},
                                {0, PTA_BOARD_SINK, 16, 0}};
    pta_traffic t = {1, 2, 1, &board, wires};
    pta_price p = pta_price_traffic(&t, f.cluster, 1, &f.room);
    /* 2 transfers, 800 bytes by DMA, 800 from source and to sink; 2 cores */
    CLOSE(f.room.loads[0].us[PTA_LIMIT_ARM], (30 + 3.2 + 3.2) / 2);
    CLOSE(f.room.loads[0].us[PTA_LIMIT_CORE], 0.98);
    CLOSE(f.room.loads[0].us[PTA_LIMIT_PORT], 0.98);
    CLOSE(f.room.loads[0].us[PTA_LIMIT_OUT], 0);
    CLOSE(p.interval_us, 18.2);
    CU_ASSERT_EQUAL(p.limit, PTA_LIMIT_ARM);
    CLOSE(p.latency_us, 3.136 + 30 + 3.2 + 1.40 + 0.064);
    p = pta_price_traffic(&t, f.cluster, 100, &f.room);
    CLOSE(p.interval_us, (0.3 + 3.2 + 3.2) / 2);
    end(&f);
}

static void test_two_boards(void)
{
    fixture f = begin(2);
    int32_t hosts[] = {0, 1};
    pta_traffic_board boards[] = {{98, 140, 784, 16, &hosts[0]},
                                  {20, 50, 16, 8, &hosts[1]}};
    pta_traffic_wire wires[] = {{PTA_BOARD_SOURCE, 0, 784, 0},
                                {0, 1, 16, 0},
                                {1, PTA_BOARD_SINK, 8, 0}};
    pta_traffic t = {2, 3, 1, boards, wires};
    pta_price p = pta_price_traffic(&t, f.cluster, 1, &f.room);
    double sent = 3.136 + 30 + 3.2 + 1.40 + 40.768; /* 64 bytes by TCP */
    double come = sent + 64 * 8 / 941.0 + 30 + 40.768;
    double back = come + 30 + 0.096 + 0.50 + 40.672; /* 56 bytes */
    CLOSE(p.latency_us, back + 56 * 8 / 941.0 + 30 + 40.672);
    CLOSE(f.room.loads[0].us[PTA_LIMIT_ARM],
          (30 + 3.2 + 3.136 + 40.768 + 40.672) / 2);
    CLOSE(f.room.loads[1].us[PTA_LIMIT_ARM],
          (30 + 0.096 + 40.768 + 40.672) / 2);
    CLOSE(f.room.loads[0].us[PTA_LIMIT_OUT], 64 * 8 / 941.0);
    CLOSE(f.room.loads[0].us[PTA_LIMIT_IN], 56 * 8 / 941.0);
    CLOSE(p.interval_us, 58.888);
    CU_ASSERT_EQUAL(p.board, 0);
    end(&f);
}

/* Both halves arrive together: the port takes them one after the other. */
static void test_join(void)
{
    fixture f = begin(3);
    int32_t hosts[] = {0, 1, 2};
    pta_host_costs free = {.rate_mbit = 8, .join_ns_per_value = 1000};
    for (int32_t h = 0; h < 3; h++) {
        f.cluster->hosts[h].costs = free; /* 1 us a byte */
    }
    pta_traffic_board boards[] = {{1, 100, 8, 8, &hosts[0]},
                                  {1, 100, 8, 8, &hosts[1]},
                                  {1, 100, 8, 8, &hosts[2]}};
    pta_traffic_wire wires[] = {{PTA_BOARD_SOURCE, 0, 8, 0},
                                {PTA_BOARD_SOURCE, 1, 8, 0},
                                {0, 2, 8, 2},
                                {1, 2, 8, 2},
                                {2, PTA_BOARD_SINK, 8, 0}};
    pta_traffic t = {3, 5, 1, boards, wires};
    pta_price p = pta_price_traffic(&t, f.cluster, 1, &f.room);
    /* board 0 done at 1, its wire of 56 us there at 57; board 1 has its input
     * at 56, done at 57, there at 113 anyway; 4 sums, 1 us, 56 us */
    CLOSE(p.latency_us, 113 + 4 + 1 + 56);
    CLOSE(f.room.loads[2].us[PTA_LIMIT_IN], 112);
    CLOSE(f.room.loads[2].us[PTA_LIMIT_ARM], 2);
    end(&f);
}

/* The source feeds both copies through one port. */
static void test_copies(void)
{
    fixture f = begin(2);
    int32_t hosts[] = {0, 1};
    pta_traffic_board board = {10000, 10000, 784, 16, hosts};
    pta_traffic_wire wires[] = {{PTA_BOARD_SOURCE, 0, 784, 0},
                                {0, PTA_BOARD_SINK, 16, 0}};
    pta_traffic t = {1, 2, 2, &board, wires};
    pta_price p = pta_price_traffic(&t, f.cluster, 1, &f.room);
    CLOSE(p.interval_us, 100.0 / 2);
    CLOSE(f.room.loads[0].us[PTA_LIMIT_OUT], 832 * 8 / 941.0);
    /* host 0: own 36.4, the other's 784 + 48 out and 16 + 48 in */
    CLOSE(f.room.loads[0].us[PTA_LIMIT_ARM],
          (36.4 + 40 + 9.984 + 40 + 0.768) / 2);
    end(&f);
}

/* Cores of one machine are shared. */
static void test_machine(void)
{
    fixture f = begin(2);
    f.cluster->hosts[1].machine = 0;
    f.cluster->n_machines = 1;
    int32_t hosts[] = {0, 1};
    pta_traffic_board board = {1, 1, 784, 16, hosts};
    pta_traffic t = {1, 0, 2, &board, NULL};
    pta_price_traffic(&t, f.cluster, 1, &f.room);
    CLOSE(f.room.loads[0].us[PTA_LIMIT_ARM], 2 * 33.2 / 2);
    f.cluster->n_machines = 2;
    end(&f);
}

/* The table of the reference's page on reuse factors. */
static void test_reuse(void)
{
    static const int64_t first[] = {1, 2, 4, 7, 8, 14, 16, 28};
    int n = 0;
    for (int64_t r = 1; r <= 28; r++) {
        if (pta_hls4ml_reuse_valid(784, 16, r)) {
            CU_ASSERT_TRUE(n < 8 && first[n] == r);
            n++;
        }
    }
    CU_ASSERT_EQUAL(n, 8);
    CU_ASSERT_TRUE(pta_hls4ml_reuse_valid(32, 10, 160));
    CU_ASSERT_FALSE(pta_hls4ml_reuse_valid(32, 10, 5));
    CU_ASSERT_TRUE(pta_hls4ml_reuse_valid(46, 10, 460));
    CU_ASSERT_FALSE(pta_hls4ml_reuse_valid(46, 10, 0));
}

static const unit_test tests[] = {
    {"one board", test_one_board},      {"two boards", test_two_boards},
    {"partial sums", test_join},        {"copies", test_copies},
    {"a shared machine", test_machine}, {"reuse factors", test_reuse},
};

UNIT_MAIN("price", tests)
