/* cli/cluster_fill: measurements of known truth become the cluster's numbers. */
#include "cli/cluster_fill.h"

#include <math.h>
#include <string.h>

#include "unit.h"

enum { N = 3, N_PAIRS = N * (N - 1) };

static const pta_net_host hosts[N] = {
    {"b0", "boot-a", 2}, {"b1", "boot-a", 2}, {"b2", "boot-b", 4}};

/* 12 us to send, 8 to receive, scaled to a stream of 6 us: 6 and 4. */
static void make_pairs(pta_net_pair *pairs)
{
    int n = 0;
    for (int32_t from = 0; from < N; from++) {
        for (int32_t to = 0; to < N; to++) {
            if (from != to) {
                pairs[n++] = (pta_net_pair){
                    .from = from,
                    .to = to,
                    .message = {.base = 40.0 + from + to, .residual = 0.01},
                    .stream = {.message = 6.0, .per_byte = 0.08},
                    .burst = 1000.0 * from,
                    .send = {.base = 12.0, .slope = 0.002},
                    .receive = {.base = 8.0, .slope = 0.004}};
            }
        }
    }
}

static void near(double got, double expected)
{
    if (fabs(got - expected) > 1e-9 * fabs(expected)) {
        fprintf(stderr, "\ngot %.9g, expected %.9g\n", got, expected);
        CU_FAIL("not near");
    }
}

static void known_truth(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_cluster *c = NULL;
    pta_net_pair pairs[N_PAIRS];
    make_pairs(pairs);
    pairs[0].stream.per_byte = 0.1; /* from 0 to 1: 80 Mbit/s */
    pairs[1].message.residual = 0.2;
    UNIT_OK(ctx, pta_cluster_create(ctx, N, &c));
    UNIT_OK(ctx, pta_cluster_fill(ctx, c, N, hosts, pairs, N_PAIRS));
    UNIT_OK(ctx, pta_cluster_validate(ctx, c, "test"));
    CU_ASSERT_STRING_EQUAL(c->hosts[1].name, "b1");
    CU_ASSERT(c->hosts[0].machine == c->hosts[1].machine);
    CU_ASSERT(c->hosts[0].machine != c->hosts[2].machine);
    CU_ASSERT(c->machines[c->hosts[2].machine].cores == 4);
    CU_ASSERT(c->n_pairs == N_PAIRS);
    near(pta_cluster_pair(c, 0, 1).rate_mbit, 80.0);
    near(pta_cluster_pair(c, 1, 0).rate_mbit, 100.0);
    near(pta_cluster_pair(c, 1, 2).latency_us, 43.0 - 6.0 - 4.0);
    for (int32_t i = 0; i < N; i++) {
        const pta_host_costs *costs = &c->hosts[i].costs;
        near(costs->message_us, 5.0);
        near(costs->tcp_ns_per_byte, 1e3 * 0.5 * (0.001 + 0.002));
        near(costs->rate_mbit, 100.0);
        near(costs->burst_bytes, 1000.0 * i);
        near(costs->transfer_us, pta_host_costs_default().transfer_us);
    }
    /* Pairs with host 0: base 41 and 42, less 10; half of the median. */
    near(c->hosts[0].costs.latency_us, 0.5 * 31.5);
    near(c->origin.residual_percent, 20.0);
    pta_cluster_destroy(ctx, &c);
    CU_ASSERT(pta_ctx_memory(ctx).live_blocks == 0);
    pta_ctx_destroy(&ctx);
}

static void nothing_negative(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_cluster *c = NULL;
    pta_net_pair pairs[N_PAIRS];
    make_pairs(pairs);
    for (int i = 0; i < N_PAIRS; i++) {
        pairs[i].message.base = 3.0;    /* less than both ends cost */
        pairs[i].stream.per_byte = 0.0; /* too fast to tell */
    }
    UNIT_OK(ctx, pta_cluster_create(ctx, N, &c));
    UNIT_OK(ctx, pta_cluster_fill(ctx, c, N, hosts, pairs, N_PAIRS));
    UNIT_OK(ctx, pta_cluster_validate(ctx, c, "test"));
    CU_ASSERT(pta_cluster_pair(c, 0, 1).latency_us == 0.0);
    CU_ASSERT(pta_cluster_pair(c, 0, 1).rate_mbit == 1e6);
    pta_cluster_destroy(ctx, &c);
    pta_ctx_destroy(&ctx);
}

static void ranks_on_one_host(void)
{
    static const pta_net_host same[N] = {
        {"pc", "", 2}, {"pc", "", 2}, {"other", "", 2}};
    pta_ctx *ctx = pta_ctx_create();
    pta_cluster *c = NULL;
    pta_net_pair pairs[N_PAIRS];
    make_pairs(pairs);
    UNIT_OK(ctx, pta_cluster_create(ctx, N, &c));
    UNIT_OK(ctx, pta_cluster_fill(ctx, c, N, same, pairs, N_PAIRS));
    UNIT_OK(ctx, pta_cluster_validate(ctx, c, "test"));
    CU_ASSERT_STRING_EQUAL(c->hosts[0].name, "pc#0");
    CU_ASSERT_STRING_EQUAL(c->hosts[1].name, "pc#1");
    CU_ASSERT_STRING_EQUAL(c->hosts[2].name, "other");
    /* Unknown boots are never the same. */
    CU_ASSERT(c->hosts[0].machine != c->hosts[1].machine);
    pta_cluster_destroy(ctx, &c);
    pta_ctx_destroy(&ctx);
}

static void another_size(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_cluster *c = NULL;
    pta_net_pair pairs[N_PAIRS];
    make_pairs(pairs);
    UNIT_OK(ctx, pta_cluster_create(ctx, N + 1, &c));
    CU_ASSERT(pta_cluster_fill(ctx, c, N, hosts, pairs, N_PAIRS) ==
              PTA_ERR_MISMATCH);
    CU_ASSERT(strstr(pta_ctx_error(ctx), "4 hosts, 3 ranks") != NULL);
    pta_cluster_destroy(ctx, &c);
    pta_ctx_destroy(&ctx);
}

static const unit_test tests[] = {
    {"known truth", known_truth},
    {"nothing is negative", nothing_negative},
    {"ranks on one host", ranks_on_one_host},
    {"another number of hosts", another_size},
};

UNIT_MAIN("cluster_fill", tests)
