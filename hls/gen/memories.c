/* What stands in the memories of a core: see memories.h. */
#include "hls/gen/memories.h"

#include "gen_priv.h"
#include "kernels/act.h"

/* ---- words ---- */

pta_status pta_words_open(pta_ctx *ctx, int64_t n_words, int32_t word_bits,
                          pta_words *out)
{
    pta_words w = {.n_words = (uint32_t)n_words,
                   .word_bits = (uint32_t)word_bits,
                   .lanes = ((uint32_t)word_bits + 31) / 32};
    PTA_ASSERT(n_words > 0 && n_words <= INT32_MAX && word_bits > 0);
    PTA_TRY_ALLOC(ctx, w.data, (size_t)w.n_words * w.lanes);
    *out = w;
    return PTA_OK;
}

void pta_words_close(pta_ctx *ctx, pta_words *words)
{
    pta_free(ctx, words->data);
    *words = (pta_words){.data = NULL};
}

void pta_words_put(pta_words *words, int64_t word, int64_t bit, int32_t width,
                   int64_t raw)
{
    uint32_t *lanes = words->data + (size_t)word * words->lanes;
    PTA_ASSERT(word >= 0 && word < words->n_words && bit >= 0 &&
               bit + width <= words->word_bits);
    for (int32_t i = 0; i < width; i++) {
        uint32_t one = (uint32_t)((uint64_t)raw >> i & 1);
        lanes[(bit + i) / 32] |= one << ((bit + i) % 32);
    }
}

pta_status pta_words_hex(pta_ctx *ctx, const pta_words *words, char **text,
                         size_t *bytes)
{
    static const char digits[] = "0123456789abcdef";
    size_t per_word = (words->word_bits + 3) / 4;
    char *out;
    *bytes = words->n_words * (per_word + 1);
    PTA_TRY_ALLOC(ctx, out, *bytes + 1);
    *text = out;
    for (uint32_t w = 0; w < words->n_words; w++) {
        const uint32_t *lanes = words->data + (size_t)w * words->lanes;
        for (size_t d = per_word; d-- > 0;) {
            *out++ = digits[lanes[d / 8] >> (4 * (d % 8)) & 15];
        }
        *out++ = '\n';
    }
    return PTA_OK;
}

/* ---- a block's weights ---- */

typedef struct filler {
    pta_ctx *ctx;
    const pta_slice *slice;
    const pta_step *step;
    const pta_block *block;
    pta_words *words;
} filler;

static int64_t param(const filler *f, const char *name)
{
    return pta_block_param(f->block, name);
}

static int64_t weight(const filler *f, int64_t row, int64_t col)
{
    const pta_step_weights *w = &f->step->weights;
    return pta_load((const char *)w->data + (size_t)row * w->row_bytes,
                    w->dtype, col);
}

static int64_t bias(const filler *f, int64_t row)
{
    const int64_t *bias = f->step->weights.bias;
    return bias == NULL || f->step->partial ? 0 : bias[row];
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static pta_status fill_matrix(const filler *f)
{
    int64_t m = param(f, "M"), n = param(f, "N"), pe = param(f, "PE");
    int64_t simd = param(f, "SIMD"), order = param(f, "ORDER");
    int64_t groups_n = ceil_div(n, simd), groups_m = ceil_div(m, pe);
    int32_t ww = (int32_t)param(f, "WW");
    bool packed = f->block->kind == PTA_BLOCK_MVU_PACKED;
    for (int64_t row = 0; row < m; row++) {
        for (int64_t col = 0; col < n; col++) {
            int64_t step = order == PTA_FOLD_ROWS
                               ? row / pe * groups_n + col / simd
                               : col / simd * groups_m + row / pe;
            int64_t raw = weight(f, row, col);
            if (packed && raw == -((int64_t)1 << (ww - 1))) {
                return pta_fail(f->ctx, PTA_ERR_UNSUPPORTED,
                                "weight [%lld][%lld] is %lld, which two "
                                "products in one DSP cannot take",
                                (long long)row, (long long)col, (long long)raw);
            }
            pta_words_put(f->words, step, (col % simd * pe + row % pe) * ww, ww,
                          raw);
        }
    }
    return PTA_OK;
}

/* Vectors of `n` values, `lanes` of them a word. */
static void fill_vector(const filler *f, int64_t n, int64_t lanes,
                        int32_t width,
                        int64_t (*value)(const filler *, int64_t))
{
    for (int64_t i = 0; i < n; i++) {
        pta_words_put(f->words, i / lanes, i % lanes * width, width,
                      value(f, i));
    }
}

/* Output p MULT + m of beat b is channel b P + p, multiple m: the order of rows,
 * so the words of a cell are those of a vector. */
static void fill_depthwise(const filler *f)
{
    int64_t mult = param(f, "MULT"), lanes = param(f, "P") * mult;
    int64_t outputs = param(f, "C") * mult;
    int64_t beats = ceil_div(outputs, lanes);
    int64_t cells = param(f, "KH") * param(f, "KW");
    int32_t ww = (int32_t)param(f, "WW");
    for (int64_t cell = 0; cell < cells; cell++) {
        for (int64_t i = 0; i < outputs; i++) {
            pta_words_put(f->words, cell * beats + i / lanes, i % lanes * ww,
                          ww, weight(f, i, cell));
        }
    }
}

/* A channel's scale or shift; channels repeat along a flattened vector. */
static int64_t scale_at(const filler *f, int64_t i)
{
    return weight(f, i % f->step->weights.rows, 0);
}

static int64_t shift_at(const filler *f, int64_t i)
{
    return bias(f, i % f->step->weights.rows);
}

static int64_t alpha_at(const filler *f, int64_t i)
{
    const pta_step_weights *w = &f->step->weights;
    return w->data == NULL ? 0 : weight(f, i % w->rows, 0);
}

static pta_curve curve_of(const pta_step *step)
{
    if (step->op == PTA_STEP_SIGMOID) {
        return PTA_CURVE_SIGMOID;
    }
    if (step->op == PTA_STEP_TANH) {
        return PTA_CURVE_TANH;
    }
    return step->keras_major >= 3 ? PTA_CURVE_HARD_SIGMOID_3
                                  : PTA_CURVE_HARD_SIGMOID_2;
}

static pta_status fill_table(const filler *f)
{
    pta_format from = f->slice->values[f->step->in[0]].format;
    pta_format to = f->slice->values[f->step->out].format;
    pta_curve curve = curve_of(f->step);
    int64_t first = param(f, "FIRST");
    if (!pta_curve_supported(curve, from, to)) {
        return pta_fail(f->ctx, PTA_ERR_UNSUPPORTED,
                        "the activation cannot be tabulated in these formats");
    }
    for (int64_t i = 0; i < f->words->n_words; i++) {
        pta_words_put(f->words, i, 0, (int32_t)f->words->word_bits,
                      pta_curve_at(curve, first + i, from, to));
    }
    return PTA_OK;
}

static void fill_bias(const filler *f)
{
    int32_t wacc = (int32_t)param(f, "WACC");
    switch ((int)f->block->kind) {
    case PTA_BLOCK_DEPTHWISE: {
        int64_t mult = param(f, "MULT");
        fill_vector(f, param(f, "C") * mult, param(f, "P") * mult, wacc, bias);
        break;
    }
    case PTA_BLOCK_SCALE_SHIFT:
        fill_vector(f, param(f, "C"), param(f, "P"), wacc, shift_at);
        break;
    default:
        fill_vector(f, param(f, "M"), param(f, "PE"), wacc, bias);
        break;
    }
}

static pta_status fill(const filler *f, pta_memory_role role)
{
    switch (role) {
    case PTA_ROLE_WEIGHTS:
        if (f->block->kind != PTA_BLOCK_DEPTHWISE) {
            return fill_matrix(f);
        }
        fill_depthwise(f);
        break;
    case PTA_ROLE_BIAS:
        fill_bias(f);
        break;
    case PTA_ROLE_SCALE:
        fill_vector(f, param(f, "C"), param(f, "P"), (int32_t)param(f, "WW"),
                    scale_at);
        break;
    case PTA_ROLE_ALPHA:
        fill_vector(f, param(f, "BEATS") * param(f, "P"), param(f, "P"),
                    (int32_t)param(f, "WA"), alpha_at);
        break;
    case PTA_ROLE_TABLE:
        return fill_table(f);
    case PTA_ROLE_PROGRAM:
        break; /* of engines only */
    }
    return PTA_OK;
}

pta_status pta_memory_fill(pta_ctx *ctx, const pta_slice *slice,
                           const pta_design *design, int32_t block,
                           int32_t memory, pta_words *out)
{
    const pta_block *b = &design->blocks[block];
    const pta_block_memory *m = &b->memories[memory];
    pta_words words;
    PTA_TRY(pta_words_open(ctx, m->words, m->word_bits, &words));
    filler f = {ctx, slice, &slice->steps[b->step], b, &words};
    pta_status status =
        b->kind == PTA_BLOCK_ENGINE
            ? pta_engine_fill(ctx, slice, design, b, m->role, &words)
            : fill(&f, m->role);
    if (status != PTA_OK) {
        pta_words_close(ctx, &words);
        return status;
    }
    *out = words;
    return PTA_OK;
}
