/* Block test of the reused engine: chains of random dense layers, as slices,
 * lowered by plan/design.h and filled by hls/gen, against the reference kernels.
 * Latency and interval are those of the design's timing. */
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"
#include "base/rng.h"
#include "harness.h"
#include "hls/gen/memories.h"
#include "kernels/dense.h"
#include "plan/design_priv.h"

#define LAYERS_MAX 5
#define WIDTH_MAX  26 /* neurons */
#define SAMPLES    10
#define LANES      72 /* PE * SIMD at most, for the time a build takes */

static const char *const params[] = {
    "LAYERS", "STEPS", "GROUPS", "M",    "N",     "PE",      "SIMD",
    "P_IN",   "P_OUT", "G",      "G_IN", "W_IN",  "WX",      "SIGNED",
    "WY",     "WOUT",  "WW",     "WACC", "LEFT",  "IN_ROWS", "ACT_ROWS",
    "ACCS",   "MB",    "PACKED", "LC",   "BLOCK", "B_BLOCK", "RAM"};

/* A slice by hand: value i goes into step i, value i + 1 comes out. */
typedef struct net {
    pta_slice slice;
    pta_value values[LAYERS_MAX + 1];
    pta_step steps[LAYERS_MAX];
    int32_t order[LAYERS_MAX + 1]; /* 0, 1, 2, ...: who reads what */
    pta_fold folds[LAYERS_MAX];
    int32_t sizes[LAYERS_MAX + 1];
    int64_t *w[LAYERS_MAX], *b[LAYERS_MAX];
    int32_t bus;
} net;

static void check(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "test_engine: %s\n", what);
        exit(1);
    }
}

static void *allocate(size_t bytes)
{
    void *memory = calloc(bytes, 1);
    check(memory != NULL, "out of memory");
    return memory;
}

static int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* ---- drawing ---- */

static pta_format draw_format(hls_case *c, int32_t most)
{
    pta_format f = {0};
    f.width = (int16_t)hls_draw(c, "width", 2, most);
    f.is_signed = hls_draw(c, "signed", 0, 2) != 0;
    f.rounding = hls_draw(c, "rounding", 0, 3) == 0 ? PTA_RND_TRN : PTA_RND_RND;
    f.overflow =
        hls_draw(c, "overflow", 0, 3) == 0 ? PTA_OVF_SAT_SYM : PTA_OVF_SAT;
    return f;
}

static void draw_values(hls_case *c, net *n, int32_t most)
{
    for (int32_t i = 0; i <= n->slice.n_steps; i++) {
        pta_value *v = &n->values[i];
        n->order[i] = i;
        n->sizes[i] = (int32_t)hls_draw(c, "neurons", 1, WIDTH_MAX);
        v->format = draw_format(c, i == n->slice.n_steps ? 24 : most);
        v->view = (pta_view){1, 1, n->sizes[i]};
        v->alias_of = -1;
    }
}

static void draw_weights(hls_case *c, net *n)
{
    for (int32_t i = 0; i < n->slice.n_steps; i++) {
        pta_step_weights *w = &n->steps[i].weights;
        int64_t least = -(INT64_C(1) << (w->format.width - 1));
        for (int32_t k = 0; k < w->rows * w->cols; k++) {
            int64_t v = hls_value(c, w->format.width, true);
            n->w[i][k] =
                v == least && w->format.overflow == PTA_OVF_SAT_SYM ? v + 1 : v;
        }
        for (int32_t k = 0; k < w->rows; k++) {
            n->b[i][k] = hls_value(c, 12, true);
        }
    }
}

/* Accumulators hold the most that these widths can make. */
static int32_t acc_bits(const net *n, int32_t i)
{
    const pta_format *x = &n->values[i].format;
    int64_t most = (int64_t)n->sizes[i]
                   << (x->width + n->steps[i].weights.format.width - 1);
    int32_t bits = 2;
    for (most += 1 << 12; most >> (bits - 1) != 0; bits++) {
    }
    return bits;
}

/* Mostly such that the results fill the output's range and saturate a little. */
static void set_integer(hls_case *c, pta_format *f, const pta_step *s)
{
    int64_t shift = hls_draw(c, "shift", -3, s->acc_bits + 4);
    if (shift != -3 && shift != s->acc_bits + 4) {
        shift = s->acc_bits - f->width - pta_rng_range(&c->rng, 1, 5);
    }
    f->integer = (int16_t)(f->width - (s->acc_frac - shift));
}

static void draw_steps(hls_case *c, net *n, bool packed)
{
    for (int32_t i = 0; i < n->slice.n_steps; i++) {
        pta_step *s = &n->steps[i];
        pta_step_weights *w = &s->weights;
        static char name[] = "fc";
        *s = (pta_step){.op = PTA_STEP_DENSE, .name = name, .n_in = 1};
        s->in = &n->order[i];
        s->out = i + 1;
        s->weighted = true;
        w->rows = n->sizes[i + 1];
        w->cols = n->sizes[i];
        w->format.width =
            (int16_t)hls_draw(c, "weight bits", 2, packed ? 8 : 12);
        w->format.is_signed = true;
        w->format.overflow = packed ? PTA_OVF_SAT_SYM : PTA_OVF_SAT;
        w->format.integer = 1;
        s->acc_frac = w->format.width - 1 + n->values[i].format.width -
                      n->values[i].format.integer;
        s->acc_bits = acc_bits(n, i);
        set_integer(c, &n->values[i + 1].format, s);
        s->act = (pta_activation)hls_draw(c, "activation", 0, 2);
        s->act_max_raw = hls_value(c, s->acc_bits - 4, false);
        w->dtype = PTA_S64;
        w->row_bytes = (size_t)w->cols * sizeof **n->w;
        w->data = n->w[i] = allocate(w->row_bytes * (size_t)w->rows);
        w->bias = n->b[i] = allocate((size_t)w->rows * sizeof **n->b);
    }
}

/* One array for all, at least as wide as the bus. */
static void draw_folds(hls_case *c, net *n, bool ram)
{
    int32_t width = n->values[0].format.width;
    n->bus = width <= 8 ? 8 : width <= 16 ? 4 : 2;
    int32_t simd = (int32_t)hls_draw(c, "SIMD", n->bus, 20);
    int32_t pe = (int32_t)hls_draw(c, "PE", 1, smaller(simd, LANES / simd));
    int64_t block = hls_draw(c, "BLOCK", 0, 1);
    int64_t chain = hls_draw(c, "LC", 0, 4);
    for (int32_t i = 0; i < n->slice.n_steps; i++) {
        n->folds[i] =
            (pta_fold){.pe = pe,
                       .simd = simd,
                       .order = (pta_fold_order)hls_draw(c, "order", 0, 1),
                       .memory = ram     ? PTA_MEMORY_RAM
                                 : block ? PTA_MEMORY_BLOCK
                                         : PTA_MEMORY_LUT,
                       .chain = (int32_t)chain};
    }
}

static void draw_net(hls_case *c, net *n, bool ram)
{
    *n = (net){.bus = 0};
    bool packed = hls_draw(c, "packed", 0, 2) != 0;
    n->slice.n_steps = (int32_t)hls_draw(c, "LAYERS", 1, LAYERS_MAX);
    draw_values(c, n, packed ? 8 : 12);
    draw_steps(c, n, packed);
    draw_folds(c, n, ram);
    pta_slice *s = &n->slice;
    s->engine = PTA_ENGINE_REUSED;
    s->n_values = s->n_steps + 1;
    s->values = n->values;
    s->steps = n->steps;
    s->n_inputs = s->n_outputs = 1;
    s->inputs = &n->order[0];
    s->outputs = &n->order[s->n_steps];
}

static void free_net(net *n)
{
    for (int32_t i = 0; i < n->slice.n_steps; i++) {
        free(n->w[i]);
        free(n->b[i]);
    }
}

/* ---- the block ---- */

static void write_memory(hls_case *c, pta_ctx *ctx, const net *n,
                         const pta_design *d, int32_t index)
{
    static const char *const names[] = {"W_FILE", "B_FILE", "P_FILE"};
    pta_words words;
    char *text;
    size_t bytes;
    if (c->set == 1 && index == 2) {
        return; /* formats stay */
    }
    check(pta_memory_fill(ctx, &n->slice, d, 0, index, &words) == PTA_OK,
          pta_ctx_error(ctx));
    check(pta_words_hex(ctx, &words, &text, &bytes) == PTA_OK, "no memory");
    fwrite(text, 1, bytes, hls_file(c, names[index]));
    pta_free(ctx, text);
    pta_words_close(ctx, &words);
}

static void set_weights(hls_case *c, pta_ctx *ctx, net *n, const pta_design *d)
{
    draw_weights(c, n);
    for (int32_t m = 0; m < 3; m++) {
        write_memory(c, ctx, n, d, m);
    }
}

/* One layer after the other. */
static void reference(const net *n, const hls_stream *x, hls_stream *y)
{
    int64_t *from = x->data, *to = NULL;
    for (int32_t i = 0; i < n->slice.n_steps; i++) {
        const pta_step *s = &n->steps[i];
        bool last = i == n->slice.n_steps - 1;
        size_t rows = (size_t)s->weights.rows, cols = (size_t)s->weights.cols;
        to = last ? y->data : allocate(rows * (size_t)x->vectors * sizeof *to);
        pta_dense d = {.x = PTA_S64,
                       .y = PTA_S64,
                       .w = {.data = n->w[i],
                             .row_bytes = s->weights.row_bytes,
                             .rows = s->weights.rows,
                             .cols = s->weights.cols,
                             .type = PTA_S64,
                             .bias = n->b[i]},
                       .epilogue = pta_epilogue_make(s->acc_frac, s->act,
                                                     s->act_max_raw,
                                                     n->values[i + 1].format)};
        const void *in = from;
        size_t stride = cols * sizeof *from;
        pta_batch batch = {.n = x->vectors,
                           .x = &in,
                           .x_stride = &stride,
                           .y = to,
                           .y_stride = rows * sizeof *to};
        pta_dense_ref(&d, &batch);
        if (i > 0) {
            free(from);
        }
        from = to;
    }
}

/* The engine's own times: a design of nothing else between two shells, which
 * take a cycle each. */
static void set_time(hls_case *c, pta_ctx *ctx, const pta_design *d)
{
    pta_block block = d->blocks[0];
    pta_stream streams[2] = {d->streams[block.in[0]], d->streams[block.out[0]]};
    streams[0].writer = streams[1].reader = -1;
    streams[0].reader = streams[1].writer = 0;
    block.in[0] = 0;
    block.out[0] = 1;
    pta_design_port in = {0, 8 / streams[0].lanes,
                          pta_stream_beats(&streams[0])};
    pta_design_port out = {1, 8, pta_stream_beats(&streams[1])};
    pta_design alone = {.engine = d->engine,
                        .n_layers = d->n_layers,
                        .layers = d->layers,
                        .n_streams = 2,
                        .streams = streams,
                        .n_blocks = 1,
                        .blocks = &block,
                        .n_inputs = 1,
                        .inputs = &in,
                        .n_outputs = 1,
                        .outputs = &out};
    check(pta_design_time(ctx, &alone, 0) == PTA_OK, pta_ctx_error(ctx));
    c->latency = alone.latency - 2;
    c->interval = alone.interval;
}

static void draw_engine(hls_case *c)
{
    net n;
    pta_ctx *ctx = pta_ctx_create();
    pta_design *d;
    check(ctx != NULL, "no context");
    bool ram = hls_draw(c, "RAM", 0, 1) != 0;
    draw_net(c, &n, ram);
    check(pta_design_build(ctx, &n.slice, n.folds, &d) == PTA_OK,
          pta_ctx_error(ctx));
    check(d->blocks[0].kind == PTA_BLOCK_ENGINE, "the engine is not first");
    for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
        hls_set(c, params[i], pta_block_param(&d->blocks[0], params[i]));
    }
    hls_memory(c, 'w', "W_FILE", d->blocks[0].memories[0].word_bits);
    hls_memory(c, 'b', "B_FILE", d->blocks[0].memories[1].word_bits);
    int32_t last = n.slice.n_steps;
    c->samples = SAMPLES;
    hls_stream *x =
        hls_in(c, "in", n.sizes[0], n.bus, n.values[0].format.width, SAMPLES);
    hls_stream *y =
        hls_out(c, "out", n.sizes[last], smaller(n.folds[0].pe, n.sizes[last]),
                larger(n.values[last].format.width, 1), SAMPLES);
    hls_fill(c, x, n.values[0].format.is_signed);
    set_weights(c, ctx, &n, d);
    reference(&n, x, y);
    if (ram) {
        hls_second_set(c);
        set_weights(c, ctx, &n, d);
        reference(&n, x, y);
    }
    set_time(c, ctx, d);
    pta_design_destroy(ctx, &d);
    pta_ctx_destroy(&ctx);
    free_net(&n);
}

static const hls_block blocks[] = {{"engine", draw_engine}};

int main(int argc, char **argv)
{
    return hls_main(argc, argv, blocks, 1);
}
