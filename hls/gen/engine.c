/* Memories of the reused engine, in the layouts of pta_engine.sv. */
#include "gen_priv.h"

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

typedef struct filler {
    pta_ctx *ctx;
    const pta_slice *slice;
    const pta_design *design;
    int64_t pe, simd;
    int32_t ww, wacc;
    bool packed;
    pta_words *words;
} filler;

/* The layer's weights, from word `at` on. */
static pta_status fill_weights(const filler *f, const pta_engine_layer *l,
                               int64_t at)
{
    const pta_step_weights *w = &f->slice->steps[l->step].weights;
    int64_t ng = ceil_div(l->n, f->simd), mg = ceil_div(l->m, f->pe);
    for (int64_t r = 0; r < l->m; r++) {
        const char *row = (const char *)w->data + (size_t)r * w->row_bytes;
        for (int64_t c = 0; c < l->n; c++) {
            int64_t raw = pta_load(row, w->dtype, c);
            if (f->packed && raw == -((int64_t)1 << (f->ww - 1))) {
                return pta_fail(f->ctx, PTA_ERR_UNSUPPORTED,
                                "layer '%s': weight [%lld][%lld] is %lld, "
                                "which two products in one DSP cannot take",
                                f->slice->steps[l->step].name, (long long)r,
                                (long long)c, (long long)raw);
            }
            int64_t step = l->columns ? c / f->simd * mg + r / f->pe
                                      : r / f->pe * ng + c / f->simd;
            pta_words_put(f->words, at + step,
                          (c % f->simd * f->pe + r % f->pe) * f->ww, f->ww,
                          raw);
        }
    }
    return PTA_OK;
}

static void fill_biases(const filler *f, const pta_engine_layer *l, int64_t at)
{
    const pta_step *step = &f->slice->steps[l->step];
    const int64_t *bias = step->partial ? NULL : step->weights.bias;
    for (int64_t r = 0; r < l->m; r++) {
        pta_words_put(f->words, at + r / f->pe, r % f->pe * f->wacc, f->wacc,
                      (bias == NULL ? 0 : bias[r]) + l->round);
    }
}

static void fill_program(const filler *f, const pta_engine_layer *l, int64_t at)
{
    pta_words_put(f->words, at, 0, 16, ceil_div(l->n, f->simd) - 1);
    pta_words_put(f->words, at, 16, 16, ceil_div(l->m, f->pe) - 1);
    pta_words_put(f->words, at, 32, 1, l->columns);
    pta_words_put(f->words, at, 33, 1, l->in_signed);
    pta_words_put(f->words, at, 40, 6, l->shift);
    pta_words_put(f->words, at, 48, 48, l->lo);
    pta_words_put(f->words, at, 96, 48, l->hi);
}

pta_status pta_engine_fill(pta_ctx *ctx, const pta_slice *slice,
                           const pta_design *design, const pta_block *block,
                           pta_memory_role role, pta_words *words)
{
    filler f = {.ctx = ctx,
                .slice = slice,
                .design = design,
                .pe = pta_block_param(block, "PE"),
                .simd = pta_block_param(block, "SIMD"),
                .ww = (int32_t)pta_block_param(block, "WW"),
                .wacc = (int32_t)pta_block_param(block, "WACC"),
                .packed = pta_block_param(block, "PACKED") != 0,
                .words = words};
    int64_t step = 0, group = 0;
    for (int32_t i = 0; i < design->n_layers; i++) {
        const pta_engine_layer *l = &design->layers[i];
        int64_t mg = ceil_div(l->m, f.pe);
        if (role == PTA_ROLE_WEIGHTS) {
            PTA_TRY(fill_weights(&f, l, step));
        } else if (role == PTA_ROLE_BIAS) {
            fill_biases(&f, l, group);
        } else {
            fill_program(&f, l, i);
        }
        step += mg * ceil_div(l->n, f.simd);
        group += mg;
    }
    return PTA_OK;
}
