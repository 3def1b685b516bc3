/*
 * Vitis HLS output: steps with one input. Each becomes a struct of constants
 * in slice.cpp, its arrays in weights.h, and a call of a template of pta_hls.h.
 */
#include <inttypes.h>

#include "ir/format.h"
#include "kernels/act.h"
#include "kernels/kernel.h"
#include "vitis_priv.h"

typedef struct layer {
    pta_vitis *v;
    const pta_step *step;
    const pta_value *x, *y;
    char name[PTA_VITIS_NAME];
} layer;

static pta_script *out_of(const layer *l)
{
    return &l->v->layers;
}

static void add_const(const layer *l, const char *name, int64_t value)
{
    if (value >= INT32_MIN && value <= INT32_MAX) {
        pta_script_add(out_of(l), "    static const int %s = %d;\n", name,
                       (int)value);
    } else {
        pta_script_add(out_of(l),
                       "    static const int64_t %s = INT64_C(%" PRId64 ");\n",
                       name, value);
    }
}

static void begin(const layer *l, const char *what)
{
    const char *node = l->v->params->graph->nodes[l->step->node].name;
    pta_script_add(out_of(l),
                   "// %s: %s, [%d, %d, %d] -> [%d, %d, %d]\nstruct %s {\n"
                   "    typedef %s x;\n    typedef %s y;\n",
                   node, what, (int)l->x->view.h, (int)l->x->view.w,
                   (int)l->x->view.c, (int)l->y->view.h, (int)l->y->view.w,
                   (int)l->y->view.c, l->name, pta_vitis_type(l->x->dtype),
                   pta_vitis_type(l->y->dtype));
}

/* Ends the struct and calls the template, with the arrays `a` and `b`. */
static void end(const layer *l, const char *function, const char *a,
                const char *b)
{
    char from[PTA_VITIS_NAME];
    int32_t in = l->step->in[0], out = l->step->out;
    pta_vitis_take(l->v, in, from);
    pta_script_add(out_of(l), "};\n\n");
    pta_script_add(&l->v->calls, "    pta::%s<%s>(%s, v%d", function, l->name,
                   from, (int)out);
    if (a != NULL) {
        pta_script_add(&l->v->calls, ", %s_%s", l->name, a);
    }
    if (b != NULL) {
        pta_script_add(&l->v->calls, ", %s_%s", l->name, b);
    }
    pta_script_add(&l->v->calls, ");\n");
}

static void add_numbers(pta_script *s, const void *data, pta_dtype type,
                        int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t value = pta_load(data, type, i);
        bool is_long = value < -INT32_MAX || value > INT32_MAX;
        pta_script_add(s, is_long ? "%sINT64_C(%" PRId64 ")" : "%s%" PRId64,
                       i == 0        ? ""
                       : i % 16 == 0 ? ",\n     "
                                     : ", ",
                       value);
    }
}

/* ---- weighted sums ---- */

/* Bits of the greatest accumulator: from the weights themselves. */
static int32_t sum_bits(const layer *l)
{
    const pta_step_weights *w = &l->step->weights;
    uint64_t x =
        (uint64_t)pta_raw_max(l->x->format) + (l->x->format.is_signed ? 1 : 0);
    uint64_t most = 0;
    for (int32_t row = 0; row < w->rows; row++) {
        const char *line = (const char *)w->data + (size_t)row * w->row_bytes;
        int64_t bias = w->bias == NULL ? 0 : w->bias[row];
        uint64_t sum = bias < 0 ? 0 - (uint64_t)bias : (uint64_t)bias;
        for (int32_t col = 0; col < w->cols; col++) {
            int64_t weight = pta_load(line, w->dtype, col);
            sum += x * (weight < 0 ? 0 - (uint64_t)weight : (uint64_t)weight);
        }
        most = sum > most ? sum : most;
    }
    return pta_vitis_bits(most);
}

static void add_finish(const layer *l)
{
    static const char *const activations[] = {"NONE", "RELU", "RELU_MAX"};
    const pta_step *step = l->step;
    if (step->partial) {
        pta_script_add(out_of(l), "    typedef pta::partial finish;\n");
        return;
    }
    int32_t shift = step->acc_frac - pta_format_frac(l->y->format);
    pta_script_add(out_of(l), "    typedef pta::finish<");
    pta_vitis_add_format(out_of(l), l->y->format);
    pta_script_add(out_of(l),
                   ", %d, %s, pta::%s, INT64_C(%" PRId64 ")> "
                   "finish;\n",
                   (int)shift, pta_vitis_wide(sum_bits(l), shift),
                   activations[step->act],
                   step->act == PTA_ACT_RELU_MAX ? step->act_max_raw : 0);
}

static void add_arrays(const layer *l)
{
    const pta_step_weights *w = &l->step->weights;
    pta_script *s = &l->v->weights;
    pta_script_add(s, "static const %s %s_weights[%d][%d] = {\n",
                   pta_vitis_type(w->dtype), l->name, (int)w->rows,
                   (int)w->cols);
    for (int32_t row = 0; row < w->rows; row++) {
        pta_script_add(s, "    {");
        add_numbers(s, (const char *)w->data + (size_t)row * w->row_bytes,
                    w->dtype, w->cols);
        pta_script_add(s, "},\n");
    }
    pta_script_add(s, "};\nstatic const int64_t %s_bias[%d] = {\n    ", l->name,
                   (int)w->rows);
    if (w->bias != NULL) {
        add_numbers(s, w->bias, PTA_S64, w->rows);
    } else {
        pta_script_add(s, "0");
    }
    pta_script_add(s, "};\n\n");
    pta_script_add(out_of(l), "    typedef %s w;\n    typedef int64_t b;\n",
                   pta_vitis_type(w->dtype));
}

static void add_pe(const layer *l)
{
    int32_t step = (int32_t)(l->step - l->v->slice->steps);
    const pta_fold *fold = l->v->params->folds != NULL
                               ? &l->v->params->folds[step]
                               : &l->step->fold;
    int32_t pe = fold->pe < 1 ? 1 : fold->pe;
    add_const(l, "PE", pe < l->step->weights.rows ? pe : l->step->weights.rows);
}

static void add_image(const layer *l)
{
    add_const(l, "H", l->x->view.h);
    add_const(l, "W", l->x->view.w);
    add_const(l, "C", l->x->view.c);
    add_const(l, "OH", l->y->view.h);
    add_const(l, "OW", l->y->view.w);
    add_const(l, "PT", l->step->window.pad_t);
    add_const(l, "PL", l->step->window.pad_l);
}

static void add_window(const layer *l)
{
    const pta_window *w = &l->step->window;
    add_image(l);
    add_const(l, "KH", w->kh);
    add_const(l, "KW", w->kw);
    add_const(l, "SH", w->stride_h);
    add_const(l, "SW", w->stride_w);
    add_const(l, "DH", w->dilation_h);
    add_const(l, "DW", w->dilation_w);
}

static void add_weighted(const layer *l, const char *function)
{
    begin(l, function);
    add_arrays(l);
    add_const(l, "M", l->step->weights.rows);
    if (l->step->op == PTA_STEP_DENSE) {
        add_const(l, "N", l->step->weights.cols);
    } else if (l->step->op == PTA_STEP_SCALE_SHIFT) {
        add_const(l, "COUNT", pta_view_count(l->y->view));
    } else {
        add_window(l);
    }
    if (l->step->op == PTA_STEP_DWCONV) {
        add_const(l, "MULT", l->step->weights.rows / l->x->view.c);
    }
    add_pe(l);
    add_finish(l);
    end(l, function, "weights", "bias");
}

/* ---- pooling, curves, ReLU ---- */

static void add_pool(const layer *l)
{
    int32_t cells = l->step->window.kh * l->step->window.kw;
    int32_t shift =
        pta_format_frac(l->x->format) - pta_format_frac(l->y->format);
    int32_t bits = l->x->format.width + pta_vitis_bits((uint64_t)cells);
    begin(l,
          l->step->op == PTA_STEP_MAXPOOL ? "max pooling" : "average pooling");
    add_window(l);
    if (l->step->op == PTA_STEP_MAXPOOL) {
        pta_script_add(out_of(l), "    typedef pta::maximum_of finish;\n");
    } else {
        /* the divisor is count * 2^shift */
        int32_t right = shift > 0 ? shift + pta_vitis_bits((uint64_t)cells) : 0;
        pta_script_add(out_of(l), "    typedef pta::average_of<");
        pta_vitis_add_format(out_of(l), l->y->format);
        pta_script_add(out_of(l), ", %d, %s> finish;\n", (int)shift,
                       shift >= -20 && right <= 60 ? pta_vitis_wide(bits, shift)
                                                   : "pta::wide");
    }
    end(l, "pool", NULL, NULL);
}

static void add_relu(const layer *l)
{
    const pta_step *step = l->step;
    int32_t x_frac = pta_format_frac(l->x->format);
    int32_t alpha_frac = step->acc_frac - x_frac;
    int32_t up = alpha_frac > 0 ? alpha_frac : 0, down = up - alpha_frac;
    bool has_max = step->act_max_raw != INT64_MAX;
    int64_t alpha = step->weights.data == NULL
                        ? 0
                        : pta_load(step->weights.data, step->weights.dtype, 0);
    int32_t shift = x_frac + up - pta_format_frac(l->y->format);
    int64_t threshold = step->threshold_raw;
    int32_t x_bits =
        pta_vitis_bits((uint64_t)(threshold < 0 ? -threshold : threshold));
    x_bits = 1 + (x_bits > l->x->format.width ? x_bits : l->x->format.width);
    int32_t bits = x_bits + down + up + step->weights.format.width;
    int32_t max_bits =
        has_max ? pta_vitis_bits((uint64_t)step->act_max_raw) + down : 0;
    begin(l, "ReLU");
    pta_script_add(out_of(l), "    typedef %s v;\n    typedef ",
                   pta_vitis_wide(bits > max_bits ? bits : max_bits, shift));
    pta_vitis_add_format(out_of(l), l->y->format);
    pta_script_add(out_of(l), " format;\n    static const bool HAS_MAX = %s;\n",
                   has_max ? "true" : "false");
    add_const(l, "COUNT", pta_view_count(l->y->view));
    add_const(l, "THRESHOLD", threshold);
    add_const(l, "ALPHA", alpha);
    add_const(l, "MAX", has_max ? step->act_max_raw : 0);
    add_const(l, "UP", up);
    add_const(l, "DOWN", down);
    add_const(l, "SHIFT", shift);
    end(l, "relu", NULL, NULL);
}

static pta_curve curve_of(const pta_step *step)
{
    if (step->op != PTA_STEP_HARD_SIGMOID) {
        return step->op == PTA_STEP_SIGMOID ? PTA_CURVE_SIGMOID
                                            : PTA_CURVE_TANH;
    }
    return step->keras_major >= 3 ? PTA_CURVE_HARD_SIGMOID_3
                                  : PTA_CURVE_HARD_SIGMOID_2;
}

static void add_table(const layer *l)
{
    pta_format x = l->x->format;
    int64_t n = pta_raw_max(x) - pta_raw_min(x) + 1;
    void *table =
        pta_calloc(l->v->ctx, (size_t)n, pta_dtype_bytes(l->y->dtype));
    if (table == NULL) {
        out_of(l)->status = PTA_ERR_NOMEM;
        return;
    }
    pta_curve_fill(curve_of(l->step), x, l->y->format, l->y->dtype, table);
    pta_script_add(&l->v->weights,
                   "static const %s %s_table[%" PRId64 "] = {\n"
                   "     ",
                   pta_vitis_type(l->y->dtype), l->name, n);
    add_numbers(&l->v->weights, table, l->y->dtype, n);
    pta_script_add(&l->v->weights, "};\n\n");
    pta_free(l->v->ctx, table);
    begin(l, "table");
    add_const(l, "COUNT", pta_view_count(l->y->view));
    add_const(l, "SIZE", n);
    add_const(l, "X_MIN", pta_raw_min(x));
    end(l, "lookup", "table", NULL);
}

static void add_curve(const layer *l)
{
    int32_t frac = pta_format_frac(l->x->format);
    if (l->x->format.width <= PTA_TABLE_WIDTH_MAX) {
        add_table(l);
        return;
    }
    begin(l, "hard sigmoid");
    pta_script_add(out_of(l), "    typedef ");
    pta_vitis_add_format(out_of(l), l->y->format);
    pta_script_add(out_of(l), " format;\n");
    add_const(l, "COUNT", pta_view_count(l->y->view));
    add_const(l, "SLOPE", l->step->keras_major >= 3 ? 6 : 5);
    add_const(l, "UP", frac < 0 ? -frac : 0);
    add_const(l, "DOWN", frac > 0 ? frac : 0);
    add_const(l, "Y_FRAC", pta_format_frac(l->y->format));
    end(l, "hard_sigmoid", NULL, NULL);
}

/* ---- moving elements ---- */

static void add_permute(const layer *l)
{
    begin(l, "permute");
    add_const(l, "H", l->x->view.h);
    add_const(l, "W", l->x->view.w);
    add_const(l, "C", l->x->view.c);
    add_const(l, "COUNT", pta_view_count(l->x->view));
    add_const(l, "PERM0", l->step->perm[0]);
    add_const(l, "PERM1", l->step->perm[1]);
    add_const(l, "PERM2", l->step->perm[2]);
    end(l, "permute", NULL, NULL);
}

static void add_gather(const layer *l)
{
    const pta_copy *copy = &l->step->crop_runs;
    int64_t n = pta_view_count(l->y->view);
    int32_t *from = pta_calloc(l->v->ctx, (size_t)n, sizeof *from);
    if (from == NULL) {
        out_of(l)->status = PTA_ERR_NOMEM;
        return;
    }
    for (int32_t i = 0; i < copy->n_runs; i++) {
        for (int32_t k = 0; k < (int32_t)copy->runs[i].length; k++) {
            from[(int32_t)copy->runs[i].dst + k] =
                (int32_t)copy->runs[i].src + k;
        }
    }
    pta_script_add(&l->v->weights,
                   "static const int %s_from[%" PRId64 "] = {\n     ", l->name,
                   n);
    add_numbers(&l->v->weights, from, PTA_S32, n);
    pta_script_add(&l->v->weights, "};\n\n");
    pta_free(l->v->ctx, from);
    begin(l, "gather");
    add_const(l, "COUNT", pta_view_count(l->x->view));
    add_const(l, "OUT", n);
    end(l, "gather", "from", NULL);
}

static void add_crop(const layer *l)
{
    if (l->step->crop_h < 0 || l->step->crop_c < 0) {
        add_gather(l);
        return;
    }
    begin(l, "crop");
    add_image(l);
    add_const(l, "OC", l->y->view.c);
    add_const(l, "FIRST_H", l->step->crop_h);
    add_const(l, "FIRST_C", l->step->crop_c);
    end(l, "crop", NULL, NULL);
}

void pta_vitis_layer(pta_vitis *v, int32_t index)
{
    const pta_step *step = &v->slice->steps[index];
    layer l = {.v = v,
               .step = step,
               .x = &v->slice->values[step->in[0]],
               .y = &v->slice->values[step->out]};
    pta_vitis_name(v, index, l.name);
    switch (step->op) {
    case PTA_STEP_DENSE:
        add_weighted(&l, "dense");
        break;
    case PTA_STEP_CONV:
        add_weighted(&l, "conv");
        break;
    case PTA_STEP_DWCONV:
        add_weighted(&l, "depthwise");
        break;
    case PTA_STEP_SCALE_SHIFT:
        add_weighted(&l, "scale_shift");
        break;
    case PTA_STEP_MAXPOOL:
    case PTA_STEP_AVGPOOL:
        add_pool(&l);
        break;
    case PTA_STEP_RELU:
        add_relu(&l);
        break;
    case PTA_STEP_SIGMOID:
    case PTA_STEP_TANH:
    case PTA_STEP_HARD_SIGMOID:
        add_curve(&l);
        break;
    case PTA_STEP_PERMUTE:
        add_permute(&l);
        break;
    case PTA_STEP_ZEROPAD:
        begin(&l, "zero padding");
        add_image(&l);
        end(&l, "pad", NULL, NULL);
        break;
    case PTA_STEP_CROP:
        add_crop(&l);
        break;
    case PTA_STEP_SOFTMAX: /* refused before */
    case PTA_STEP_ADD:
    case PTA_STEP_SUB:
    case PTA_STEP_MUL:
    case PTA_STEP_AVERAGE:
    case PTA_STEP_MAXIMUM:
    case PTA_STEP_CONCAT: /* vitis_merge.c */
    default:
        PTA_ASSERT(false);
    }
}
