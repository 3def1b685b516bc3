/* runtime/vplan: what modelled time knows of a plan, against its slices and
 * wires: cycles (copied between like parts), bytes plain and packed. */
#include "runtime/vtime.h"
#include "unit/design_net.h"

static const pta_budget budget = {
    .lut = 31240, .lutram = 12180, .ff = 45200, .dsp = 198, .bram18 = 216};

/* Conv 3x3 of 12 channels, dense 30, 20, 20 and 10, layers named by index. */
static void open_net(design_net *net, pta_ctx *ctx, const char *cut)
{
    net_begin(net, ctx, 10);
    int32_t at = net_input(net, 12, 4, 2);
    at = net_conv(net, at, 12, 3, 1, true);
    at = net_dense(net, at, 30, true);
    at = net_dense(net, at, 20, true);
    at = net_dense(net, at, 20, true);
    net_finish(net, net_dense(net, at, 10, false));
    UNIT_OK(ctx, pta_cut_apply(ctx, cut, net->maker.graph, net->plan));
}

static pta_vplan *build(const design_net *net, bool packed)
{
    pta_vplan *v = NULL;
    UNIT_OK(net->maker.ctx, pta_vplan_build(net->maker.ctx, net->maker.graph,
                                            net->plan, &budget, packed, &v));
    return v;
}

static void check_boards(const design_net *net, const pta_vplan *v)
{
    pta_ctx *ctx = net->maker.ctx;
    int64_t macs = 0, weights = 0;
    for (int32_t b = 0; b < v->n_boards; b++) {
        pta_slice *slice = net_slice(net, b);
        pta_cycles cycles;
        UNIT_OK(ctx, pta_slice_cycles(ctx, slice, &budget, &cycles));
        const pta_vboard *board = &v->boards[b];
        CU_ASSERT_EQUAL(board->cycles.latency, cycles.latency);
        CU_ASSERT_EQUAL(board->cycles.interval, cycles.interval);
        CU_ASSERT_EQUAL(board->cycles.source, cycles.source);
        CU_ASSERT_EQUAL(board->stage, slice->stage);
        CU_ASSERT_EQUAL(board->bytes_in, (int64_t)pta_slice_in_bytes(slice));
        macs += pta_slice_macs(slice);
        for (int32_t i = 0; i < slice->n_steps; i++) {
            const pta_step_weights *w = &slice->steps[i].weights;
            weights +=
                slice->steps[i].weighted ? (int64_t)w->rows * w->cols : 0;
        }
        pta_slice_destroy(ctx, &slice);
    }
    CU_ASSERT_EQUAL(v->macs, macs);
    /* 10 bits each, every board rounded up to a byte */
    CU_ASSERT(8 * v->weight_bytes >= 10 * weights);
    CU_ASSERT(8 * v->weight_bytes < 10 * weights + 8 * v->n_boards);
}

/* Bands differ at the edges; parts of a split in how many outputs they have. */
static void test_boards(void)
{
    static const char *const cuts[] = {
        "conv_1=rows:4,dense_3", "conv_1=channel:5,dense_3=neuron:7,dense_4",
        "conv_1=channel:2/6/4,dense_3=input:5,dense_4",
        "conv_1=inchannel:2,dense_3=paired:4,dense_5"};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        pta_ctx *ctx = pta_ctx_create();
        design_net net;
        open_net(&net, ctx, cuts[i]);
        pta_vplan *v = build(&net, false);
        check_boards(&net, v);
        pta_vplan_destroy(ctx, &v);
        net_end(&net);
        CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
        pta_ctx_destroy(&ctx);
    }
}

/* 10 bits in 16: 20 values of a sample in 40 bytes and in 25. */
static void test_packed(void)
{
    pta_ctx *ctx = pta_ctx_create();
    design_net net;
    open_net(&net, ctx, "dense_4,dense_5=input:2,dense_6");
    pta_vplan *plain = build(&net, false), *packed = build(&net, true);
    CU_ASSERT_EQUAL_FATAL(plain->n_wires, packed->n_wires);
    for (int32_t w = 0; w < plain->n_wires; w++) {
        const pta_vwire *a = &plain->wires[w], *b = &packed->wires[w];
        if (a->src == 0) { /* half of dense_4's 20 outputs, 8-byte aligned */
            CU_ASSERT_EQUAL(a->bytes, 24);
            CU_ASSERT_EQUAL(b->bytes, 13);
        } else if (a->src == 1 || a->src == 2) { /* partial sums stay */
            CU_ASSERT_EQUAL(a->bytes, b->bytes);
        } else {
            CU_ASSERT(b->bytes < a->bytes);
        }
    }
    pta_vplan_destroy(ctx, &plain);
    pta_vplan_destroy(ctx, &packed);
    net_end(&net);
    pta_ctx_destroy(&ctx);
}

int main(void)
{
    static const unit_test tests[] = {{"boards", test_boards},
                                      {"packed wires", test_packed}};
    return unit_main("vplan", tests, sizeof tests / sizeof *tests);
}
