/* Block tests of the matrix-vector units against pta_dense_ref. */
#include <stdlib.h>

#include "base/rng.h"
#include "harness.h"
#include "kernels/dense.h"

#define LANES   64 /* PE * SIMD at most, for the time a build takes */
#define SAMPLES 12

typedef struct mvu {
    int32_t m, n, pe, simd, wx, ww, wacc, order, lc;
    bool x_signed, packed, ram;
    int64_t *weights, *biases; /* [m][n], [m] */
} mvu;

static int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static void draw_geometry(hls_case *c, mvu *v)
{
    v->m = (int32_t)hls_param(c, "M", 1, 20);
    v->n = (int32_t)hls_param(c, "N", 1, 40);
    v->pe = (int32_t)hls_param(c, "PE", 1, v->m);
    v->simd = (int32_t)hls_param(c, "SIMD", 1, smaller(v->n, LANES / v->pe));
    v->x_signed = hls_param(c, "X_SIGNED", 0, 1) != 0;
    v->order = (int32_t)hls_param(c, "ORDER", 0, 1);
    hls_param(c, "BLOCK", 0, 1);
    v->ram = hls_param(c, "RAM", 0, 1) != 0;
    v->wx = (int32_t)hls_param(c, "WX", 2, v->packed ? 8 : 17);
    v->ww = (int32_t)hls_param(c, "WW", 2, v->packed ? 8 : 18);
    v->lc = (int32_t)hls_param(c, "LC", 1,
                               !v->packed    ? 12
                               : v->x_signed ? 4
                                             : 2);
}

static void draw_weights(hls_case *c, mvu *v)
{
    v->weights = calloc((size_t)v->m * (size_t)v->n, sizeof *v->weights);
    v->biases = calloc((size_t)v->m, sizeof *v->biases);
    if (v->weights == NULL || v->biases == NULL) {
        exit(1);
    }
    int64_t least = -(INT64_C(1) << (v->ww - 1));
    for (int32_t i = 0; i < v->m * v->n; i++) {
        int64_t w = hls_value(c, v->ww, true);
        v->weights[i] = v->packed && w == least ? w + 1 : w;
    }
    for (int32_t r = 0; r < v->m; r++) {
        v->biases[r] = hls_value(c, v->wx + v->ww - 1, true);
    }
}

/* The least width of accumulators that holds every result. */
static int32_t acc_width(const mvu *v)
{
    int64_t most = 1;
    for (int32_t r = 0; r < v->m; r++) {
        int64_t sum = llabs(v->biases[r]);
        for (int32_t k = 0; k < v->n; k++) {
            sum += llabs(v->weights[r * v->n + k])
                   << (v->x_signed ? v->wx - 1 : v->wx);
        }
        most = sum > most ? sum : most;
    }
    int32_t w = 2;
    for (; most >> (w - 1) != 0; w++) {
    }
    return w;
}

/* Words in the order of steps, zeros beyond M and N. */
static void write_memories(hls_case *c, const mvu *v)
{
    int32_t ng = hls_ceil(v->n, v->simd), mg = hls_ceil(v->m, v->pe);
    int64_t word[LANES];
    FILE *f = hls_file(c, "W_FILE");
    for (int32_t step = 0; step < ng * mg; step++) {
        int32_t rows = v->order == 0 ? step / ng : step % mg;
        int32_t cols = v->order == 0 ? step % ng : step / mg;
        for (int32_t i = 0; i < v->pe * v->simd; i++) {
            int32_t r = rows * v->pe + i % v->pe;
            int32_t s = cols * v->simd + i / v->pe;
            bool real = r < v->m && s < v->n;
            word[i] = real ? v->weights[r * v->n + s] : 0;
        }
        hls_word(f, word, v->pe * v->simd, v->ww);
    }
    f = hls_file(c, "B_FILE");
    for (int32_t g = 0; g < mg; g++) {
        for (int32_t i = 0; i < v->pe; i++) {
            int32_t r = g * v->pe + i;
            word[i] = r < v->m ? v->biases[r] : 0;
        }
        hls_word(f, word, v->pe, v->wacc);
    }
}

static void reference(const mvu *v, const hls_stream *x, hls_stream *y)
{
    size_t cols = (size_t)v->n, count = (size_t)v->m * cols;
    int32_t *w = calloc(count, sizeof *w);
    if (w == NULL) {
        exit(1);
    }
    for (size_t i = 0; i < count; i++) {
        w[i] = (int32_t)v->weights[i];
    }
    pta_dense d = {.x = PTA_S64,
                   .y = PTA_S64,
                   .w = {.data = w,
                         .row_bytes = cols * sizeof *w,
                         .rows = v->m,
                         .cols = v->n,
                         .type = PTA_S32,
                         .bias = v->biases},
                   .epilogue = pta_epilogue_partial()};
    const void *in = x->data;
    size_t stride = cols * sizeof *x->data;
    pta_batch batch = {.n = x->vectors,
                       .x = &in,
                       .x_stride = &stride,
                       .y = y->data,
                       .y_stride = (size_t)v->m * sizeof *y->data};
    pta_dense_ref(&d, &batch);
    free(w);
}

static void set_time(hls_case *c, const mvu *v)
{
    int32_t mg = hls_ceil(v->m, v->pe), ng = hls_ceil(v->n, v->simd);
    int32_t steps = ng * mg;
    int32_t lc = smaller(v->lc, v->simd), chains = hls_ceil(v->simd, lc);
    int32_t tree = 0;
    for (; 1 << tree < chains; tree++) {
    }
    int32_t products = (v->packed ? 4 : 2) + (lc == 1 ? 0 : lc);
    bool in_dsp = !v->packed && v->simd == 1 && (v->order == 0 || mg == 1);
    c->interval = steps;
    c->latency = steps + tree + products + (in_dsp ? 3 : 2);
    /* Vectors whose results have room, then what the buffer holds: two vectors
     * that are read again, or two beats after those that no result waits for. */
    int32_t room = 1;
    for (; room < products + tree + 6; room *= 2) {
    }
    bool again = v->order == 0 && mg > 1;
    c->ahead = ng * (room / mg) + (again ? 2 * ng : ng - 1 + 2);
}

static int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static void draw(hls_case *c, bool packed)
{
    mvu v = {.packed = packed};
    draw_geometry(c, &v);
    mvu second = v;
    draw_weights(c, &v);
    draw_weights(c, &second);
    v.wacc = larger(acc_width(&v), acc_width(&second));
    v.wacc = second.wacc = v.wacc + (int32_t)hls_draw(c, "spare bits", 0, 6);
    hls_set(c, "WACC", v.wacc);
    hls_memory(c, 'w', "W_FILE", v.pe * v.simd * v.ww);
    hls_memory(c, 'b', "B_FILE", v.pe * v.wacc);
    c->samples = SAMPLES;
    hls_stream *x = hls_in(c, "in", v.n, v.simd, v.wx, SAMPLES);
    hls_stream *y = hls_out(c, "out", v.m, v.pe, v.wacc, SAMPLES);
    hls_fill(c, x, v.x_signed);
    write_memories(c, &v);
    reference(&v, x, y);
    if (v.ram) {
        hls_second_set(c);
        write_memories(c, &second);
        reference(&second, x, y);
    }
    set_time(c, &v);
    free(v.weights);
    free(v.biases);
    free(second.weights);
    free(second.biases);
}

static void draw_mvu(hls_case *c)
{
    draw(c, false);
}

static void draw_packed(hls_case *c)
{
    draw(c, true);
}

static const hls_block blocks[] = {{"mvu", draw_mvu},
                                   {"mvu_packed", draw_packed}};

int main(int argc, char **argv)
{
    return hls_main(argc, argv, blocks, sizeof blocks / sizeof blocks[0]);
}
