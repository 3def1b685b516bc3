/*
 * Designs: what every design must hold, over random networks of all layers, cut
 * at random, folded at random; known designs; and what is refused.
 */
#include <stdio.h>
#include <string.h>

#include "quant/formats.h"
#include "unit/design_net.h"
#include "unit/random_graph.h"

#define SEED     20261122u
#define N_GRAPHS 300

static pta_ctx *ctx;

/* ---- what every design must hold ---- */

static int64_t param(const pta_block *b, const char *name)
{
    return pta_block_param(b, name);
}

/* The stream is one of so many lanes and bits. */
static bool is(const pta_stream *s, int64_t lanes, int64_t width)
{
    return s->lanes == lanes && s->width == width;
}

static bool ports_fit(const pta_design *d, const pta_block *b)
{
    const pta_stream *in = &d->streams[b->in[0]], *out = &d->streams[b->out[0]];
    switch (b->kind) {
    case PTA_BLOCK_GEARBOX:
        return is(in, param(b, "P_IN"), param(b, "W")) &&
               is(out, param(b, "P_OUT"), param(b, "W")) &&
               in->vectors * in->c == out->vectors * out->c &&
               out->c == param(b, "C_OUT") &&
               in->vectors * in->c % param(b, "C_IN") == 0;
    case PTA_BLOCK_MVU:
    case PTA_BLOCK_MVU_PACKED:
        return is(in, param(b, "SIMD"), param(b, "WX")) &&
               is(out, param(b, "PE"), param(b, "WACC")) &&
               in->is_signed == (param(b, "X_SIGNED") != 0) &&
               in->vectors * in->c == out->vectors * param(b, "N") &&
               out->c == param(b, "M");
    case PTA_BLOCK_REQUANT:
        return is(in, param(b, "P"), param(b, "WIN")) &&
               is(out, param(b, "P"), param(b, "WOUT")) &&
               in->is_signed == (param(b, "IN_SIGNED") != 0) &&
               out->is_signed == (param(b, "OUT_SIGNED") != 0);
    case PTA_BLOCK_SCALE_SHIFT:
    case PTA_BLOCK_RELU:
    case PTA_BLOCK_TABLE:
        return is(in, param(b, "P"), param(b, "WX")) &&
               is(out, param(b, "P"), param(b, "WOUT")) &&
               in->is_signed == (param(b, "X_SIGNED") != 0);
    case PTA_BLOCK_WINDOW:
        return is(in, param(b, "P"), param(b, "W")) &&
               is(out, param(b, "P_OUT"), param(b, "W")) &&
               out->c == param(b, "KH") * param(b, "KW") * param(b, "C");
    case PTA_BLOCK_DEPTHWISE:
        return is(in, param(b, "P"), param(b, "W")) &&
               is(out, param(b, "P") * param(b, "MULT"), param(b, "WOUT"));
    case PTA_BLOCK_POOL_AVG:
        return is(in, param(b, "P"), param(b, "W")) &&
               is(out, param(b, "P"), param(b, "WOUT"));
    case PTA_BLOCK_POOL_MAX:
    case PTA_BLOCK_PAD:
    case PTA_BLOCK_CROP:
        return is(in, param(b, "P"), param(b, "W")) &&
               is(out, param(b, "P"), param(b, "W"));
    case PTA_BLOCK_PERMUTE:
        return is(in, param(b, "P"), param(b, "W")) &&
               is(out, param(b, "P_OUT"), param(b, "W"));
    case PTA_BLOCK_FIFO:
    case PTA_BLOCK_FORK:
        return param(b, "W") == (int64_t)in->lanes * in->width &&
               pta_stream_beats(in) == pta_stream_beats(out);
    case PTA_BLOCK_JOIN_BINARY:
    case PTA_BLOCK_CONCAT:
        return is(in, param(b, "P"), param(b, "W0")) &&
               is(&d->streams[b->in[1]], param(b, "P"), param(b, "W1")) &&
               is(out, param(b, "P"), param(b, "WOUT"));
    case PTA_BLOCK_ENGINE:
    case PTA_BLOCK_COUNT:
        break;
    }
    return false;
}

/* Beats of an image's pixels, in the order the window block counts them. */
static bool image_fits(const pta_design *d, const pta_block *b)
{
    const pta_stream *in = &d->streams[b->in[0]];
    bool image = b->kind == PTA_BLOCK_WINDOW || b->kind == PTA_BLOCK_PAD ||
                 b->kind == PTA_BLOCK_POOL_MAX ||
                 b->kind == PTA_BLOCK_POOL_AVG || b->kind == PTA_BLOCK_CROP ||
                 b->kind == PTA_BLOCK_DEPTHWISE || b->kind == PTA_BLOCK_PERMUTE;
    int64_t beats =
        image ? param(b, "ROWS") * param(b, "COLS") *
                    ((param(b, "C") + param(b, "P") - 1) / param(b, "P"))
              : 0;
    return !image || beats == pta_stream_beats(in);
}

static bool memories_fit(const pta_block *b)
{
    for (int32_t i = 0; i < b->n_memories; i++) {
        if (b->memories[i].words < 1 || b->memories[i].word_bits < 1) {
            return false;
        }
    }
    return true;
}

/* Each stream is written once and read once, by whom it says. */
static void check_streams(const pta_design *d)
{
    int32_t *writes = calloc((size_t)d->n_streams, sizeof *writes);
    int32_t *reads = calloc((size_t)d->n_streams, sizeof *reads);
    for (int32_t i = 0; i < d->n_blocks; i++) {
        const pta_block *b = &d->blocks[i];
        for (int32_t k = 0; k < b->n_in; k++) {
            CU_ASSERT_EQUAL(d->streams[b->in[k]].reader, i);
            CU_ASSERT_TRUE(d->streams[b->in[k]].writer < i);
            reads[b->in[k]]++;
        }
        for (int32_t k = 0; k < b->n_out; k++) {
            CU_ASSERT_EQUAL(d->streams[b->out[k]].writer, i);
            writes[b->out[k]]++;
        }
    }
    for (int32_t i = 0; i < d->n_inputs; i++) {
        CU_ASSERT_EQUAL(d->streams[d->inputs[i].stream].writer, -1);
        writes[d->inputs[i].stream]++;
    }
    for (int32_t i = 0; i < d->n_outputs; i++) {
        CU_ASSERT_EQUAL(d->streams[d->outputs[i].stream].reader, -1);
        reads[d->outputs[i].stream]++;
    }
    for (int32_t i = 0; i < d->n_streams; i++) {
        CU_ASSERT_EQUAL(writes[i], 1);
        CU_ASSERT_EQUAL(reads[i], 1);
    }
    free(writes);
    free(reads);
}

static void check_ports(const pta_slice *s, const pta_design *d)
{
    int64_t in = 0, out = 0;
    CU_ASSERT_EQUAL(d->n_inputs, s->n_inputs);
    CU_ASSERT_EQUAL(d->n_outputs, s->n_outputs);
    for (int32_t i = 0; i < d->n_inputs; i++) {
        const pta_design_port *port = &d->inputs[i];
        CU_ASSERT_EQUAL(d->streams[port->stream].lanes, 8 / port->bytes);
        CU_ASSERT_EQUAL(pta_stream_beats(&d->streams[port->stream]),
                        port->words);
        in += port->words;
    }
    for (int32_t i = 0; i < d->n_outputs; i++) {
        const pta_design_port *port = &d->outputs[i];
        CU_ASSERT_EQUAL(d->streams[port->stream].lanes, 8 / port->bytes);
        CU_ASSERT_EQUAL(pta_stream_beats(&d->streams[port->stream]),
                        port->words);
        out += port->words;
    }
    CU_ASSERT_TRUE(d->interval >= (in > out ? in : out));
    CU_ASSERT_TRUE(d->latency >= d->interval / 2 && d->latency >= in);
}

/* On average no block does more steps than there are cycles; 2 samples apart,
 * an interval may be a cycle or two less. */
static void check_design(const pta_slice *s, const pta_design *d)
{
    check_streams(d);
    check_ports(s, d);
    for (int32_t i = 0; i < d->n_blocks; i++) {
        const pta_block *b = &d->blocks[i];
        bool good = ports_fit(d, b) && image_fits(d, b) && memories_fit(b) &&
                    b->steps <= d->interval && b->steps > 0;
        if (!good) {
            fprintf(stderr, "\nblock %d, %s: %lld steps, interval %lld\n",
                    (int)i, pta_block_name(b->kind), (long long)b->steps,
                    (long long)d->interval);
        }
        CU_ASSERT_TRUE(good);
    }
}

/* ---- random networks ---- */

static void random_folds(const pta_slice *s, uint64_t *rng, pta_fold *folds)
{
    for (int32_t i = 0; i < s->n_steps; i++) {
        folds[i] = (pta_fold){
            pick(rng, 1, 9), pick(rng, 1, 12), (pta_fold_order)pick(rng, 0, 1),
            (pta_fold_memory)pick(rng, 0, 2), pick(rng, 0, 4)};
    }
}

/* Every board of a plan; what is refused must be so by name. */
static void check_boards(const pta_graph *graph, const pta_plan *plan,
                         uint64_t *rng, int *built, int *refused)
{
    for (int32_t b = 0; b < plan->n_boards; b++) {
        pta_slice *slice;
        pta_design *design = NULL;
        UNIT_OK(ctx, pta_slice_build(ctx, graph, plan, b, false, &slice));
        pta_fold *folds = calloc((size_t)slice->n_steps + 1, sizeof *folds);
        random_folds(slice, rng, folds);
        if (pta_design_build(ctx, slice, folds, &design) == PTA_OK) {
            check_design(slice, design);
            ++*built;
        } else {
            bool named = strstr(pta_ctx_error(ctx), "layer '") != NULL ||
                         strstr(pta_ctx_error(ctx), "nothing to") != NULL;
            if (!named) {
                fprintf(stderr, "\n%s\n", pta_ctx_error(ctx));
            }
            CU_ASSERT_TRUE(named);
            ++*refused;
        }
        pta_design_destroy(ctx, &design);
        free(folds);
        pta_slice_destroy(ctx, &slice);
    }
}

/* A stage at every third layer or so. */
static void random_cut(const pta_graph *graph, pta_plan *plan, uint64_t *rng)
{
    char text[2048] = "";
    for (int32_t i = graph->n_inputs; i < graph->n_nodes; i++) {
        if (graph->nodes[i].op != PTA_OP_INPUT && pick(rng, 0, 2) == 0) {
            sprintf(text + strlen(text), "%s%s", text[0] != '\0' ? "," : "",
                    graph->nodes[i].name);
        }
    }
    if (text[0] != '\0') {
        UNIT_OK(ctx, pta_cut_apply(ctx, text, graph, plan));
    }
}

static void test_random(void)
{
    uint64_t rng = SEED;
    int built = 0, refused = 0;
    printf("seed %u ", SEED);
    for (int i = 0; i < N_GRAPHS; i++) {
        static random_graph g;
        pta_plan *plan;
        memset(&g, 0, sizeof g);
        g.rng = &rng;
        g.bits = i % 2 == 0 ? 8 : 14;
        rg_make(ctx, &g, 2 + i % 9);
        UNIT_OK(ctx, pta_plan_create(ctx, g.graph, &plan));
        memcpy(plan->formats, g.formats,
               (size_t)g.graph->n_nodes * sizeof *plan->formats);
        UNIT_OK(ctx,
                pta_formats_prove(ctx, g.graph, &g.weights, plan->formats));
        check_boards(g.graph, plan, &rng, &built, &refused);
        random_cut(g.graph, plan, &rng);
        check_boards(g.graph, plan, &rng, &built, &refused);
        pta_plan_destroy(ctx, &plan);
        rg_free(ctx, &g);
    }
    printf("%d designs, %d refused ", built, refused);
    CU_ASSERT_TRUE(built > 5 * refused);
}

/* ---- known designs ---- */

static int32_t count_kind(const pta_design *d, pta_block_kind kind)
{
    int32_t n = 0;
    for (int32_t i = 0; i < d->n_blocks; i++) {
        n += d->blocks[i].kind == kind;
    }
    return n;
}

static pta_design *uniform(const pta_slice *slice, int32_t pe, int32_t simd)
{
    pta_design *d = NULL;
    pta_fold *folds = calloc((size_t)slice->n_steps, sizeof *folds);
    for (int32_t i = 0; i < slice->n_steps; i++) {
        folds[i] = (pta_fold){pe, simd, PTA_FOLD_ROWS, PTA_MEMORY_BLOCK, 0};
    }
    UNIT_OK(ctx, pta_design_build(ctx, slice, folds, &d));
    free(folds);
    return d;
}

/* One MVU, PE = M, SIMD = the bus: in 98 beats and out 2, by pta_mvu_packed.sv
 * (98 + T 1 + D 10), shells 1 and 1, requant 2, gearbox 16 to 8 one and a
 * beat. The simulated core takes as many. */
static void test_known(void)
{
    static const int32_t sizes[] = {784, 16};
    design_net net;
    net_mlp(&net, ctx, 8, sizes, 2);
    pta_slice *slice = net_slice(&net, 0);
    pta_design *d = uniform(slice, 16, 8);
    CU_ASSERT_EQUAL(d->n_blocks, 3);
    CU_ASSERT_EQUAL(d->interval, 98);
    CU_ASSERT_EQUAL(d->latency, 98 + 1 + 10 + 1 + 1 + 2 + 1 + 1);
    CU_ASSERT_EQUAL(d->bottleneck, -1); /* no more than the bus */
    CU_ASSERT_EQUAL(d->resources.dsp, 64);
    pta_design_destroy(ctx, &d);
    pta_slice_destroy(ctx, &slice);
    net_end(&net);
}

/* The skip FIFO of a residual block holds what the two convolutions do. */
static void test_residual(void)
{
    design_net net;
    net_begin(&net, ctx, 8);
    int32_t at = net_conv(&net, net_input(&net, 16, 16, 8), 8, 3, 1, true);
    net_finish(&net, net_residual(&net, at, 8, 1));
    pta_slice *slice = net_slice(&net, 0);
    pta_design *d = uniform(slice, 8, 8);
    CU_ASSERT_EQUAL(count_kind(d, PTA_BLOCK_FORK), 1);
    CU_ASSERT_EQUAL(count_kind(d, PTA_BLOCK_WINDOW), 3);
    for (int32_t i = 0; i < d->n_blocks; i++) {
        if (d->blocks[i].kind == PTA_BLOCK_FORK) {
            /* two lines and two positions, and what is under way */
            int64_t depth = param(&d->blocks[i], "DEPTH1");
            CU_ASSERT_EQUAL(param(&d->blocks[i], "DEPTH0"), 2);
            CU_ASSERT_TRUE(depth >= 2 * 17 && depth <= 2 * 17 + 16);
        }
    }
    check_design(slice, d);
    pta_design_destroy(ctx, &d);
    pta_slice_destroy(ctx, &slice);
    net_end(&net);
}

/* An input split leaves sums at accumulator width: no conversion, 4 bytes. */
static void test_partial(void)
{
    static const int32_t sizes[] = {64, 24, 10};
    design_net net;
    net_mlp(&net, ctx, 8, sizes, 3);
    UNIT_OK(ctx, pta_cut_apply(ctx, "dense_1=input:2,dense_2", net.maker.graph,
                               net.plan));
    pta_slice *slice = net_slice(&net, 0);
    pta_design *d = uniform(slice, 4, 8);
    CU_ASSERT_EQUAL(count_kind(d, PTA_BLOCK_REQUANT), 0);
    CU_ASSERT_EQUAL(d->outputs[0].bytes, 4);
    CU_ASSERT_EQUAL(d->outputs[0].words, 12);
    CU_ASSERT_EQUAL(d->streams[d->outputs[0].stream].width,
                    slice->steps[0].acc_bits);
    check_design(slice, d);
    pta_design_destroy(ctx, &d);
    pta_slice_destroy(ctx, &slice);
    net_end(&net);
}

/* More readers than a fork has outputs, and an average of three. */
static void test_many_readers(void)
{
    design_net net;
    net_begin(&net, ctx, 8);
    int32_t x = net_input(&net, 1, 1, 12), all[6];
    for (int k = 0; k < 6; k++) {
        all[k] = net_dense(&net, x, 12, true);
    }
    pta_node mean = pta_node_make(PTA_OP_AVERAGE);
    mean.n_in = 6;
    mean.in = all;
    mean.act = PTA_ACT_RELU;
    net_finish(&net, maker_add(&net.maker, mean, (pta_view){1, 1, 12}));
    pta_slice *slice = net_slice(&net, 0);
    pta_design *d = uniform(slice, 4, 4);
    CU_ASSERT_EQUAL(count_kind(d, PTA_BLOCK_FORK), 2);
    CU_ASSERT_EQUAL(count_kind(d, PTA_BLOCK_CONCAT), 5);
    CU_ASSERT_EQUAL(count_kind(d, PTA_BLOCK_POOL_AVG), 1);
    check_design(slice, d);
    pta_design_destroy(ctx, &d);
    pta_slice_destroy(ctx, &slice);
    net_end(&net);
}

/* ---- refusals ---- */

static void expect(const pta_slice *slice, const pta_fold *folds,
                   const char *says)
{
    pta_design *d = NULL;
    CU_ASSERT_EQUAL(pta_design_build(ctx, slice, folds, &d),
                    PTA_ERR_UNSUPPORTED);
    bool said = strstr(pta_ctx_error(ctx), says) != NULL;
    if (!said) {
        fprintf(stderr, "\n%s, not: %s\n", pta_ctx_error(ctx), says);
    }
    CU_ASSERT_TRUE(said);
    CU_ASSERT_PTR_NULL(d);
}

static void test_refused(void)
{
    static const int32_t sizes[] = {64, 24};
    design_net net;
    pta_fold fold = {4, 8, PTA_FOLD_ROWS, PTA_MEMORY_BLOCK, 0}, none = {0};
    net_mlp(&net, ctx, 8, sizes, 2);
    pta_slice *slice = net_slice(&net, 0);
    pta_step *step = &slice->steps[0];
    expect(slice, &none, "layer 'dense_1': no folding chosen");
    step->acc_bits = 49;
    expect(slice, &fold, "layer 'dense_1': accumulator of 49 bits");
    step->acc_bits = 23;
    step->weights.format.is_signed = false;
    expect(slice, &fold, "'dense_1': unsigned weights");
    step->weights.format.is_signed = true;
    step->weights.format.width = 26;
    expect(slice, &fold, "products of 8 x 26 bits");
    step->weights.format.width = 20;
    slice->values[0].format.width = 20;
    expect(slice, &fold, "products of 20 x 20 bits");
    slice->values[0].format.width = 8;
    step->weights.format.width = 8;
    step->hls4ml.used = true;
    expect(slice, &fold, "layer 'dense_1': accelerators have the exact");
    step->hls4ml.used = false;
    slice->is_float = true;
    expect(slice, &fold, "float32");
    pta_slice_destroy(ctx, &slice);
    net_end(&net);
}

/* Two inputs of 2 MB added: the first waits for the second in a FIFO. */
static void test_too_deep(void)
{
    design_net net;
    net_begin(&net, ctx, 16);
    int32_t a = net_input(&net, 1024, 512, 2);
    int32_t b = net_input(&net, 1024, 512, 2);
    net_finish(&net, net_join(&net, PTA_OP_ADD, a, b));
    pta_slice *slice = net_slice(&net, 0);
    pta_fold none = {0};
    expect(slice, &none, "FIFOs of branches hold 20971");
    expect(slice, &none, "bytes lacking");
    pta_slice_destroy(ctx, &slice);
    net_end(&net);
}

static void test_no_memory(void)
{
    design_net net;
    net_resnet8(&net, ctx, 8);
    pta_slice *slice = net_slice(&net, 0);
    size_t before = pta_ctx_memory(ctx).live_blocks;
    pta_fold folds[32];
    int32_t n_failed = 0;
    for (int i = 0; i < 32; i++) {
        folds[i] = (pta_fold){8, 8, PTA_FOLD_ROWS, PTA_MEMORY_LUT, 0};
    }
    for (uint32_t seed = 0; seed < 20; seed++) {
        pta_design *d = NULL;
        pta_ctx_set_faults(ctx, 200, seed * 10);
        pta_status status = pta_design_build(ctx, slice, folds, &d);
        pta_ctx_set_faults(ctx, 0, 0);
        CU_ASSERT_TRUE(status == PTA_OK || status == PTA_ERR_NOMEM);
        n_failed += status != PTA_OK;
        pta_design_destroy(ctx, &d);
        CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, before);
    }
    CU_ASSERT_TRUE(n_failed > 5);
    pta_slice_destroy(ctx, &slice);
    net_end(&net);
}

static const unit_test tests[] = {
    {"random networks, cut and folded", test_random},
    {"a dense layer, cycle by cycle", test_known},
    {"the FIFO of a residual block", test_residual},
    {"partial sums", test_partial},
    {"many readers, averages of many", test_many_readers},
    {"what cannot be built", test_refused},
    {"FIFOs beyond a board's memory", test_too_deep},
    {"running out of memory", test_no_memory},
};

int main(void)
{
    ctx = pta_ctx_create();
    int failed = unit_main("design", tests, sizeof tests / sizeof *tests);
    pta_ctx_destroy(&ctx);
    return failed;
}
