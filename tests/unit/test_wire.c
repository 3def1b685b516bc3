/*
 * Wires: bytes of a message, the promises of the direct flags, coverage; and
 * that what can go wrong between boards changes the result (mutants).
 */
#include <stdio.h>
#include <string.h>

#include "unit/cut_graph.h"
#include "unit/slice_interpreter.h"
#include "unit/unit.h"

#define SEED 11u

/* conv 3x3 same -> conv 3x3 same -> flatten -> dense 6 -> dense 4. */
static pta_graph *small_net(pta_ctx *ctx)
{
    uint64_t rng = 4;
    graph_maker m = {ctx, &rng, NULL, 0};
    UNIT_OK(ctx, pta_graph_create(ctx, "small", &m.graph));
    pta_window w = pta_node_make(PTA_OP_CONV).window;
    w.kh = w.kw = 3;
    pta_window_same(&w, 9, 4);
    int32_t at = add_input(&m, (pta_view){9, 4, 2});
    at = add_window(&m, PTA_OP_CONV, at, w, 4);
    at = add_window(&m, PTA_OP_CONV, at, w, 6);
    at = add_dense(&m, at, 6);
    at = add_dense(&m, at, 4);
    UNIT_OK(ctx, pta_graph_add_output(ctx, m.graph, at));
    return m.graph;
}

typedef struct net {
    pta_ctx *ctx;
    pta_graph *graph;
    pta_plan *plan;
    cluster cluster;
    int64_t *expected; /* of the uncut graph */
    int64_t n;
} net;

static net net_open(const char *cut)
{
    net t = {.ctx = pta_ctx_create()};
    t.graph = small_net(t.ctx);
    t.plan = sim_plan(t.ctx, t.graph);
    t.expected = sim_run(t.ctx, t.graph, t.plan, SEED, &t.n);
    UNIT_OK(t.ctx, pta_cut_apply(t.ctx, cut, t.graph, t.plan));
    UNIT_OK(t.ctx, cluster_open(t.ctx, t.graph, t.plan, &t.cluster));
    return t;
}

static void net_close(net *t)
{
    cluster_close(t->ctx, &t->cluster);
    pta_plan_destroy(t->ctx, &t->plan);
    pta_graph_destroy(t->ctx, &t->graph);
    free(t->expected);
    CU_ASSERT_EQUAL(pta_ctx_memory(t->ctx).live_blocks, 0);
    pta_ctx_destroy(&t->ctx);
}

static bool net_equal(const net *t)
{
    int64_t n;
    int64_t *out = cluster_run(&t->cluster, SEED, &n);
    bool same = n == t->n && memcmp(out, t->expected, (size_t)n * 8) == 0;
    free(out);
    return same;
}

/* First wire between two boards. */
static pta_wire *wire_of(const net *t, int32_t src, int32_t dst)
{
    for (int32_t w = 0; w < t->cluster.wires.n_wires; w++) {
        pta_wire *wire = &t->cluster.wires.wires[w];
        if (wire->src == src && wire->dst == dst) {
            return wire;
        }
    }
    return NULL;
}

/* ---- mutants ---- */

static void test_halo_short(void)
{
    net t = net_open("conv_1=rows:3/3/3,conv_2=rows:2/4/3,dense_4");
    CU_ASSERT_TRUE(net_equal(&t));
    pta_wire *halo = wire_of(&t, 0, 4); /* one row of part 0 */
    CU_ASSERT_PTR_NOT_NULL_FATAL(halo);
    CU_ASSERT_EQUAL(halo->pieces[0].copy.n_elements, 2 * 4 * 4);
    halo->pieces[0].copy.runs[0].dst += 4 * 4; /* first row lost */
    halo->pieces[0].copy.runs[0].src += 4 * 4;
    halo->pieces[0].copy.runs[0].length -= 4 * 4;
    CU_ASSERT_FALSE(net_equal(&t));
    net_close(&t);
}

static void test_parts_swapped(void)
{
    net t = net_open("conv_1=channel:2,conv_2,dense_5");
    CU_ASSERT_TRUE(net_equal(&t));
    pta_piece *a = wire_of(&t, 0, 2)->pieces, *b = wire_of(&t, 1, 2)->pieces;
    pta_copy copy = a->copy;
    a->copy = b->copy;
    b->copy = copy;
    CU_ASSERT_FALSE(net_equal(&t));
    net_close(&t);
}

static void test_partial_stored(void)
{
    net t = net_open("conv_1,dense_4=input:3,dense_5");
    CU_ASSERT_TRUE(net_equal(&t));
    wire_of(&t, 3, 4)->pieces[0].partial = false;
    CU_ASSERT_FALSE(net_equal(&t));
    net_close(&t);
}

static void test_bias_twice(void)
{
    net t = net_open("conv_1,dense_4=input:3,dense_5");
    pta_slice *part = t.cluster.slices[1];
    part->steps[part->n_steps - 1].partial = false;
    CU_ASSERT_FALSE(net_equal(&t));
    net_close(&t);
}

static void test_weights_of_another_part(void)
{
    net t = net_open("conv_1,dense_4=input:3,dense_5");
    pta_slice *part = t.cluster.slices[2];
    part->steps[part->n_steps - 1].weights.kernel.in_start -= 1;
    CU_ASSERT_FALSE(net_equal(&t));
    net_close(&t);
}

static void test_padding_inside(void)
{
    net t = net_open("conv_1=rows:3,conv_2,dense_4");
    pta_step *step = &t.cluster.slices[1]->steps[0];
    CU_ASSERT_EQUAL(step->window.pad_t, 0); /* a middle band meets no border */
    CU_ASSERT_EQUAL(step->window.pad_b, 0);
    step->window.pad_t = 1;
    CU_ASSERT_FALSE(net_equal(&t));
    net_close(&t);
}

/* ---- coverage is checked ---- */

static void test_uncovered(void)
{
    net t = net_open("conv_1=channel:2,conv_2,dense_4=input:2,dense_5");
    pta_slice *first = t.cluster.slices[0], *sum = t.cluster.slices[4];
    pta_wires wires = {0};
    first->values[first->outputs[0]].region.c1--;
    CU_ASSERT_EQUAL(pta_wires_build(t.ctx, t.graph, t.plan, t.cluster.slices,
                                    t.cluster.sink, &wires),
                    PTA_ERR_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(t.ctx), "conv_1"));
    first->values[first->outputs[0]].region.c1 += 2; /* now one twice */
    CU_ASSERT_EQUAL(pta_wires_build(t.ctx, t.graph, t.plan, t.cluster.slices,
                                    t.cluster.sink, &wires),
                    PTA_ERR_MISMATCH);
    first->values[first->outputs[0]].region.c1--;
    sum->n_outputs = 0; /* one partial sum of two */
    CU_ASSERT_EQUAL(pta_wires_build(t.ctx, t.graph, t.plan, t.cluster.slices,
                                    t.cluster.sink, &wires),
                    PTA_ERR_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(t.ctx), "dense_4"));
    net_close(&t);
}

/* ---- messages, byte by byte ---- */

static size_t sample_bytes(const net *t, int32_t board, bool out)
{
    size_t bytes = 0;
    if (board != PTA_BOARD_SOURCE) {
        const pta_slice *slice = board == PTA_BOARD_SINK
                                     ? t->cluster.sink
                                     : t->cluster.slices[board];
        return out ? pta_slice_out_bytes(slice) : pta_slice_in_bytes(slice);
    }
    for (int32_t i = 0; i < t->graph->n_inputs; i++) {
        pta_view view = t->graph->nodes[t->graph->inputs[i]].view;
        bytes += pta_align8((size_t)pta_view_count(view) * 2);
    }
    return bytes;
}

static size_t offset_of(const net *t, int32_t board, bool out, int32_t i)
{
    const pta_slice *slice =
        board == PTA_BOARD_SINK ? t->cluster.sink : t->cluster.slices[board];
    return out ? pta_slice_out_offset(slice, i) : pta_slice_in_offset(slice, i);
}

static int64_t count_of(const net *t, int32_t board, bool out, int32_t i)
{
    if (board == PTA_BOARD_SOURCE) {
        return pta_view_count(t->graph->nodes[t->graph->inputs[i]].view);
    }
    const pta_slice *slice =
        board == PTA_BOARD_SINK ? t->cluster.sink : t->cluster.slices[board];
    return sim_count(
        &slice->values[out ? slice->outputs[i] : slice->inputs[i]]);
}

/* True if a sample of the message is the sender's (or receiver's) sample: each
 * element, run by run, at the same place. */
static bool lies_alike(const net *t, const pta_wire *wire, bool sender)
{
    int32_t board = sender ? wire->src : wire->dst;
    for (int32_t i = 0; i < wire->n_pieces; i++) {
        const pta_piece *p = &wire->pieces[i];
        int32_t index = sender ? p->src_output : p->dst_input;
        int64_t at = 0;
        for (int32_t r = 0; r < p->copy.n_runs; r++) {
            const pta_copy_run *run = &p->copy.runs[r];
            if ((sender ? run->src : run->dst) != at) {
                return false;
            }
            at += run->length;
        }
        if (at != count_of(t, board, sender, index) ||
            (board != PTA_BOARD_SOURCE &&
             p->offset != offset_of(t, board, sender, index))) {
            return false;
        }
    }
    return wire->sample_bytes == sample_bytes(t, board, sender);
}

static void check_wire(const net *t, const pta_wire *wire)
{
    size_t at = 0;
    bool partial = false;
    for (int32_t i = 0; i < wire->n_pieces; i++) {
        const pta_piece *p = &wire->pieces[i];
        CU_ASSERT_EQUAL(p->offset, at);
        CU_ASSERT_EQUAL(p->dtype, p->partial ? PTA_S64 : PTA_S16);
        CU_ASSERT_TRUE(i == 0 || p->dst_input > p[-1].dst_input);
        at +=
            pta_align8((size_t)p->copy.n_elements * pta_dtype_bytes(p->dtype));
        partial = partial || p->partial;
    }
    CU_ASSERT_EQUAL(wire->sample_bytes, at);
    CU_ASSERT_EQUAL(wire->src_direct, lies_alike(t, wire, true));
    CU_ASSERT_EQUAL(wire->dst_direct, !partial && lies_alike(t, wire, false));
}

static void test_messages(void)
{
    static const char *const cuts[] = {
        "conv_1",
        "conv_1,conv_2,dense_4",
        "conv_1=channel:3,conv_2=inchannel:2,dense_4=neuron:4,dense_5",
        "conv_1=rows:4,conv_2=rows:3,dense_4=input:5,dense_5=neuron:2",
        "conv_1=paired:2,dense_4=paired:5",
        "conv_1,conv_2=channel:6,dense_4=input:2/100/114,dense_5",
    };
    int32_t n_direct = 0;
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        net t = net_open(cuts[i]);
        CU_ASSERT_TRUE(net_equal(&t));
        for (int32_t w = 0; w < t.cluster.wires.n_wires; w++) {
            const pta_wire *wire = &t.cluster.wires.wires[w];
            check_wire(&t, wire);
            n_direct += wire->src_direct && wire->dst_direct;
        }
        net_close(&t);
    }
    CU_ASSERT_TRUE(n_direct > 5);
}

/* Formats of `width` bits on every piece, then packed: offsets byte by byte, and
 * only where a wire gets an eighth shorter. */
static void pack_to(net *t, int16_t width, int32_t *n_packed)
{
    pta_wires *wires = &t->cluster.wires;
    for (int32_t w = 0; w < wires->n_wires; w++) {
        for (int32_t i = 0; i < wires->wires[w].n_pieces; i++) {
            wires->wires[w].pieces[i].format.width = width;
        }
    }
    pta_wires_pack(wires);
    for (int32_t w = 0; w < wires->n_wires; w++) {
        const pta_wire *wire = &wires->wires[w];
        size_t at = 0;
        for (int32_t i = 0; wire->packed && i < wire->n_pieces; i++) {
            const pta_piece *p = &wire->pieces[i];
            size_t n = (size_t)p->copy.n_elements;
            CU_ASSERT_EQUAL(p->offset, at);
            CU_ASSERT_EQUAL(p->packed, !p->partial);
            at += p->partial ? 8 * n : (n * (size_t)width + 7) / 8;
        }
        CU_ASSERT(!wire->packed || (wire->sample_bytes == at &&
                                    !wire->src_direct && !wire->dst_direct));
        CU_ASSERT(!wire->packed || wire->n_pieces > 0);
        *n_packed += wire->packed;
    }
}

static void test_packed(void)
{
    static const char cut[] =
        "conv_1=channel:3,conv_2=inchannel:2,dense_4=neuron:4,dense_5";
    static const int16_t widths[] = {3, 10, 13, 15, 16};
    int32_t before = 0;
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        net t = net_open(cut);
        int32_t n_packed = 0, n_whole = 0;
        for (int32_t w = 0; w < t.cluster.wires.n_wires; w++) {
            const pta_wire *wire = &t.cluster.wires.wires[w];
            CU_ASSERT_EQUAL(wire->src_whole, wire->src_direct);
            n_whole += wire->src_whole;
        }
        pack_to(&t, widths[i], &n_packed);
        for (int32_t w = 0; w < t.cluster.wires.n_wires; w++) {
            n_whole -= t.cluster.wires.wires[w].src_whole;
        }
        CU_ASSERT_EQUAL(n_whole, 0); /* packing does not change it */
        CU_ASSERT(widths[i] > 13 || n_packed > 0);
        CU_ASSERT(widths[i] < 16 || n_packed == 0);
        CU_ASSERT(i == 0 || n_packed <= before); /* fewer, the wider */
        before = n_packed;
        net_close(&t);
    }
}

/* ---- memory ---- */

static void test_faults(void)
{
    net t =
        net_open("conv_1=rows:3,conv_2=inchannel:2,dense_4=input:3,dense_5");
    int32_t n_failed = 0;
    for (uint32_t seed = 0; seed < 150; seed++) {
        cluster c;
        size_t before = pta_ctx_memory(t.ctx).live_blocks;
        pta_ctx_set_faults(t.ctx, 150, seed);
        pta_status status = cluster_open(t.ctx, t.graph, t.plan, &c);
        pta_ctx_set_faults(t.ctx, 0, 0);
        n_failed += status != PTA_OK;
        CU_ASSERT_TRUE(status == PTA_OK || status == PTA_ERR_NOMEM);
        cluster_close(t.ctx, &c);
        CU_ASSERT_EQUAL(pta_ctx_memory(t.ctx).live_blocks, before);
    }
    CU_ASSERT_TRUE(n_failed > 50);
    net_close(&t);
}

static const unit_test tests[] = {
    {"a halo one row short is noticed", test_halo_short},
    {"two parts swapped are noticed", test_parts_swapped},
    {"a partial sum stored instead of added is noticed", test_partial_stored},
    {"a bias added twice is noticed", test_bias_twice},
    {"weights of another part are noticed", test_weights_of_another_part},
    {"padding inside the image is noticed", test_padding_inside},
    {"inputs not covered once are refused", test_uncovered},
    {"messages lie as their flags say", test_messages},
    {"packed messages", test_packed},
    {"no memory: one status, nothing leaks", test_faults},
};

UNIT_MAIN("wire", tests)
