/* cli/flow: micro-batch and depth against all choices, priced here anew. */
#include "cli/flow.h"

#include <string.h>

#include "base/rng.h"
#include "unit.h"

enum { BOARDS = 3, CASES = 12 };

static const uint64_t seed = 77;

typedef struct model {
    pta_vhost hosts[BOARDS];
    int32_t cores[BOARDS];
    pta_vboard boards[BOARDS];
    pta_vwire wires[BOARDS + 1];
    pta_fabric fabric;
    pta_vplan plan;
} model;

/* A chain: source, three boards, sink; cases differ in what is slow. */
static void make(model *m, uint64_t *state)
{
    double message = (double)pta_rng_range(state, 1000, 60000);
    double per_byte = (double)pta_rng_range(state, 1, 80);
    memset(m, 0, sizeof *m);
    for (int32_t i = 0; i < BOARDS; i++) {
        m->hosts[i] = (pta_vhost){.message = message,
                                  .tcp_per_byte = 1.0,
                                  .join_per_value = 1.0,
                                  .port_per_byte = per_byte,
                                  .latency = 15000.0,
                                  .cycle = 10.0,
                                  .machine = i};
        m->cores[i] = 2;
        m->boards[i] = (pta_vboard){
            .bytes_in = i == 0 ? 1568 : 64,
            .bytes_out = 64,
            .cycles = {pta_rng_range(state, 50, 2000), 50, PTA_CYCLES_ASSUMED}};
    }
    for (int32_t w = 0; w <= BOARDS; w++) {
        m->wires[w] =
            (pta_vwire){w == 0 ? PTA_BOARD_SOURCE : w - 1,
                        w == BOARDS ? PTA_BOARD_SINK : w, w == 0 ? 1568 : 64};
    }
    m->fabric.hosts = m->hosts;
    m->fabric.cluster = (pta_vcluster){.n_hosts = BOARDS,
                                       .hosts = m->hosts,
                                       .n_machines = BOARDS,
                                       .cores = m->cores};
    m->plan = (pta_vplan){.n_boards = BOARDS,
                          .n_stages = BOARDS,
                          .boards = m->boards,
                          .n_wires = BOARDS + 1,
                          .wires = m->wires,
                          .macs = 12704};
}

/* Samples a second of a long run; priced without flow.c. */
static double rate_of(pta_ctx *ctx, const model *m, int32_t batch,
                      int32_t depth, double *p95_us)
{
    pta_vflow v = {.copies = 1,
                   .micro_batch = batch,
                   .depth = depth,
                   .overlap = 2,
                   .n_samples = 400 * (int64_t)batch};
    pta_vresult r;
    UNIT_OK(ctx, pta_vtime_run(ctx, &m->fabric.cluster, &m->plan, &v, NULL,
                               NULL, &r));
    double rate = r.throughput;
    *p95_us = 1e-3 * r.p95;
    pta_vresult_free(ctx, &r);
    return rate;
}

static void near_the_best(void)
{
    pta_ctx *ctx = pta_ctx_create();
    uint64_t state = seed;
    for (int c = 0; c < CASES; c++) {
        model m;
        double best = 0.0, p95;
        pta_flow flow;
        pta_flow_wish wish = {.copies = 1};
        make(&m, &state);
        for (int32_t b = 1; b <= 256; b *= 2) {
            for (int32_t k = 2; k <= 32; k *= 2) {
                double rate = rate_of(ctx, &m, b, k, &p95);
                best = rate > best ? rate : best;
            }
        }
        UNIT_OK(ctx, pta_flow_choose(ctx, &m.fabric, &m.plan, &wish, &flow));
        double got = rate_of(ctx, &m, flow.micro_batch, flow.depth, &p95);
        if (got < 0.95 * best) {
            fprintf(stderr, "\ncase %d: %d x %d: %.0f/s, best %.0f/s\n", c,
                    (int)flow.micro_batch, (int)flow.depth, got, best);
            CU_FAIL("not near the best");
        }
    }
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

static void what_is_given_stays(void)
{
    pta_ctx *ctx = pta_ctx_create();
    uint64_t state = seed;
    model m;
    pta_flow flow;
    make(&m, &state);
    pta_flow_wish wish = {.copies = 1, .micro_batch = 5};
    UNIT_OK(ctx, pta_flow_choose(ctx, &m.fabric, &m.plan, &wish, &flow));
    CU_ASSERT(flow.micro_batch == 5 && flow.depth >= 1);
    wish = (pta_flow_wish){.copies = 1, .depth = 7};
    UNIT_OK(ctx, pta_flow_choose(ctx, &m.fabric, &m.plan, &wish, &flow));
    CU_ASSERT(flow.depth == 7 && flow.micro_batch >= 1);
    wish = (pta_flow_wish){.copies = 1, .on_hosts = true};
    UNIT_OK(ctx, pta_flow_choose(ctx, &m.fabric, &m.plan, &wish, &flow));
    CU_ASSERT(flow.throughput > 0);
    CU_ASSERT(m.boards[0].cycles.source == PTA_CYCLES_ASSUMED);
    pta_ctx_destroy(&ctx);
}

static void bounded_latency(void)
{
    pta_ctx *ctx = pta_ctx_create();
    uint64_t state = seed;
    for (int c = 0; c < CASES; c++) {
        model m;
        pta_flow free_choice, bounded;
        pta_flow_wish wish = {.copies = 1};
        make(&m, &state);
        UNIT_OK(ctx,
                pta_flow_choose(ctx, &m.fabric, &m.plan, &wish, &free_choice));
        wish.at_most_us = 0.6 * free_choice.p95_us;
        UNIT_OK(ctx, pta_flow_choose(ctx, &m.fabric, &m.plan, &wish, &bounded));
        CU_ASSERT(bounded.p95_us <= wish.at_most_us);
        CU_ASSERT(bounded.throughput <= 1.03 * free_choice.throughput);
        wish.at_most_us = 1.0;
        CU_ASSERT(pta_flow_choose(ctx, &m.fabric, &m.plan, &wish, &bounded) ==
                  PTA_ERR_RANGE);
        CU_ASSERT(strstr(pta_ctx_error(ctx), "--at-most 1: ") != NULL);
    }
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

static const unit_test tests[] = {
    {"near the best of all", near_the_best},
    {"what is given stays", what_is_given_stays},
    {"bounded latency", bounded_latency},
};

int main(void)
{
    printf("seed %llu\n", (unsigned long long)seed);
    return unit_main("flow", tests, sizeof tests / sizeof *tests);
}
