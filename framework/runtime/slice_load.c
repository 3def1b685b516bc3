/*
 * Fills a slice with raw weights in chunks of bounded size; digest, memory
 * to send, and the join of partial sums.
 */
#include "runtime/slice_load.h"

#include <string.h>

#include "ir/raw.h"
#include "kernels/hls4ml.h"

/* Doubles of one chunk: 2 MiB. */
#define CHUNK_VALUES (256 * 1024)

typedef struct loader {
    const pta_graph *graph;
    const pta_plan *plan;
    pta_weights *weights;
    bool is_float;
} loader;

/* ---- kernels ---- */

static void put(pta_step *step, pta_format format, int64_t row, int64_t col,
                double value)
{
    pta_step_weights *w = &step->weights;
    char *line = (char *)w->data + (size_t)row * w->row_bytes;
    if (w->dtype == PTA_F32) {
        ((float *)(void *)line)[col] = (float)value;
    } else {
        pta_store(line, w->dtype, col,
                  step->hls4ml.used ? pta_hls4ml_weight(value, format)
                                    : pta_format_quantise(format, value));
    }
}

/* Stores inputs [first, first + n_in) of the slice's own; values are
 * [cells][n_in][n_out], of which outputs begin at row `row`. */
static void put_chunk(pta_step *step, pta_format format, int64_t cells,
                      int32_t first, int32_t n_in, int32_t row, int32_t n_out,
                      const double *values)
{
    pta_step_weights *w = &step->weights;
    bool is_depthwise = step->op == PTA_STEP_DWCONV;
    int64_t all_in = (int64_t)w->kernel.in_block * w->kernel.in_count;
    for (int64_t cell = 0; cell < cells; cell++) {
        for (int64_t i = first; i < first + n_in; i++) {
            int64_t col = is_depthwise ? cell : cell * all_in + i;
            int64_t first_row = is_depthwise ? i * n_out : row;
            for (int32_t o = 0; o < n_out; o++) {
                put(step, format, first_row + o, col, *values++);
            }
        }
    }
}

static int32_t smaller(int64_t a, int64_t b)
{
    int64_t least = a < b ? a : b;
    return (int32_t)(least < 1 ? 1 : least);
}

/* The part of `whole` that begins at its own input `first`: whole blocks where
 * possible, at most `most` inputs. */
static pta_weight_part inputs_from(pta_weight_part whole, int32_t first,
                                   int32_t most)
{
    pta_weight_part part = whole;
    int32_t block = first / whole.in_block, within = first % whole.in_block;
    part.in_start = whole.in_start + block * whole.in_stride + within;
    part.in_count = 1;
    if (within == 0 && most >= whole.in_block) {
        part.in_count = smaller(most / whole.in_block, whole.in_count - block);
        return part;
    }
    part.in_block = smaller(most, whole.in_block - within);
    part.in_stride = part.in_block;
    return part;
}

static pta_status load_kernel(pta_ctx *ctx, const loader *l, pta_step *step)
{
    pta_weight_part whole = step->weights.kernel;
    pta_format format = l->plan->formats[step->node].weight;
    int32_t all_in = whole.in_block * whole.in_count;
    pta_weight_part one = {whole.in_start, 1, 1, 1, 0, 1};
    int64_t cells =
        pta_weight_count(l->graph, step->node, PTA_WEIGHT_KERNEL, one);
    bool is_depthwise = step->op == PTA_STEP_DWCONV;
    int32_t n_out = is_depthwise
                        ? whole.out_count
                        : smaller(CHUNK_VALUES / cells, whole.out_count);
    int32_t n_in = smaller(CHUNK_VALUES / cells / n_out, all_in);
    double *values =
        pta_calloc(ctx, (size_t)(cells * n_in * n_out), sizeof *values);
    pta_status status = values == NULL ? PTA_ERR_NOMEM : PTA_OK;
    for (int32_t o = 0; o < whole.out_count && status == PTA_OK; o += n_out) {
        for (int32_t i = 0; i < all_in && status == PTA_OK;) {
            pta_weight_part part = inputs_from(whole, i, n_in);
            int32_t got = part.in_block * part.in_count;
            part.out_start = whole.out_start + o;
            part.out_count = smaller(n_out, whole.out_count - o);
            status = l->weights->read(l->weights, ctx, step->node,
                                      PTA_WEIGHT_KERNEL, part, values);
            if (status == PTA_OK) {
                put_chunk(step, format, cells, i, got, o, part.out_count,
                          values);
            }
            i += got;
        }
    }
    pta_free(ctx, values);
    return status;
}

/* ---- vectors: biases, scales, shifts ---- */

static pta_status read_vector(pta_ctx *ctx, const loader *l, int32_t node,
                              pta_weight_role role, int32_t start, int32_t n,
                              double **values)
{
    double *v;
    PTA_TRY_ALLOC(ctx, v, n);
    pta_weight_part part = {0, 0, 0, 0, start, n};
    pta_status status = l->weights->read(l->weights, ctx, node, role, part, v);
    if (status != PTA_OK) {
        pta_free(ctx, v);
        return status;
    }
    *values = v;
    return PTA_OK;
}

/* A bias is quantised like a weight, then brought into the accumulator. */
static void hls4ml_bias(const pta_node *node, const pta_hls4ml_types *types,
                        const double *values, int32_t n, int64_t *bias)
{
    int32_t shift = pta_frac(types->bias) - pta_frac(types->accum);
    for (int32_t i = 0; i < n; i++) {
        bias[i] = pta_hls4ml_weight(values[i], types->bias);
        if (node->op != PTA_OP_SCALE_SHIFT) {
            bias[i] = pta_convert_ref(bias[i], shift, types->accum);
        }
    }
}

static pta_status raw_bias(pta_ctx *ctx, const pta_node *node, int32_t acc_frac,
                           const double *values, int32_t n, int64_t *bias)
{
    for (int32_t i = 0; i < n; i++) {
        if (!pta_raw_round(values[i], acc_frac, &bias[i])) {
            return pta_fail(ctx, PTA_ERR_RANGE,
                            "layer %s: bias %g does not fit 64 bits at %d "
                            "fraction bits",
                            node->name, values[i], acc_frac);
        }
    }
    return PTA_OK;
}

/* Allocates and fills the bias of a step or join. */
static pta_status load_bias(pta_ctx *ctx, const loader *l, int32_t node,
                            int32_t start, int32_t n, int32_t acc_frac,
                            int64_t **raw, float **f32)
{
    const pta_node *owner = &l->graph->nodes[node];
    pta_weight_role role =
        owner->op == PTA_OP_SCALE_SHIFT ? PTA_WEIGHT_SHIFT : PTA_WEIGHT_BIAS;
    if (role == PTA_WEIGHT_BIAS && !owner->has_bias) {
        return PTA_OK;
    }
    double *values = NULL;
    PTA_TRY(read_vector(ctx, l, node, role, start, n, &values));
    pta_status status = PTA_OK;
    if (l->is_float) {
        *f32 = pta_calloc(ctx, (size_t)n, sizeof **f32);
        for (int32_t i = 0; *f32 != NULL && i < n; i++) {
            (*f32)[i] = (float)values[i];
        }
    } else {
        *raw = pta_calloc(ctx, (size_t)n, sizeof **raw);
        const pta_hls4ml_types *types = &l->plan->formats[node].hls4ml;
        if (*raw != NULL && types->used) {
            hls4ml_bias(owner, types, values, n, *raw);
        } else if (*raw != NULL) {
            status = raw_bias(ctx, owner, acc_frac, values, n, *raw);
        }
    }
    pta_free(ctx, values);
    return *f32 == NULL && *raw == NULL ? PTA_ERR_NOMEM : status;
}

static pta_status load_scale(pta_ctx *ctx, const loader *l, pta_step *step)
{
    pta_step_weights *w = &step->weights;
    pta_format format = l->plan->formats[step->node].weight;
    double *values = NULL;
    PTA_TRY(read_vector(ctx, l, step->node, PTA_WEIGHT_SCALE, w->out_start,
                        w->rows, &values));
    for (int32_t row = 0; row < w->rows; row++) {
        put(step, format, row, 0, values[row]);
    }
    pta_free(ctx, values);
    return PTA_OK;
}

static void load_alpha(const loader *l, pta_step *step)
{
    for (int32_t row = 0; row < step->weights.rows; row++) {
        put(step, l->plan->formats[step->node].weight, row, 0,
            l->graph->nodes[step->node].alpha);
    }
}

/* ---- a slice ---- */

static bool has_weights(const pta_step *step)
{
    return step->weights.rows > 0;
}

static pta_status allocate_rows(pta_ctx *ctx, pta_step_weights *w)
{
    PTA_ASSERT(w->row_bytes >= (size_t)w->cols * pta_dtype_bytes(w->dtype));
    if (w->data == NULL) {
        w->data = pta_calloc(ctx, (size_t)w->rows, w->row_bytes);
    }
    return w->data == NULL ? PTA_ERR_NOMEM : PTA_OK;
}

static pta_status load_step(pta_ctx *ctx, const loader *l, pta_step *step)
{
    pta_step_weights *w = &step->weights;
    PTA_TRY(allocate_rows(ctx, w));
    if (step->op == PTA_STEP_RELU) {
        load_alpha(l, step);
        return PTA_OK;
    }
    PTA_TRY(step->op == PTA_STEP_SCALE_SHIFT ? load_scale(ctx, l, step)
                                             : load_kernel(ctx, l, step));
    return step->partial ? PTA_OK
                         : load_bias(ctx, l, step->node, w->out_start, w->rows,
                                     step->acc_frac, &w->bias, &w->bias_f32);
}

/* ---- digest ---- */

typedef struct digester {
    pta_sha256 hash;
    uint8_t block[4096];
    size_t used;
} digester;

static void flush(digester *d)
{
    pta_sha256_update(&d->hash, d->block, d->used);
    d->used = 0;
}

static void digest_int(digester *d, int64_t value)
{
    for (int byte = 0; byte < 8; byte++) {
        d->block[d->used++] = (uint8_t)((uint64_t)value >> (8 * byte));
    }
    if (d->used == sizeof d->block) {
        flush(d);
    }
}

static void digest_ints(digester *d, const int64_t *values, int32_t n)
{
    for (int32_t i = 0; values != NULL && i < n; i++) {
        digest_int(d, values[i]);
    }
}

/* Nothing in the exact profile. */
static void digest_types(digester *d, const pta_hls4ml_types *types)
{
    const pta_format *formats[] = {&types->bias, &types->accum};
    for (int i = 0; i < 2 && types->used; i++) {
        digest_int(d, formats[i]->width);
        digest_int(d, formats[i]->integer);
        digest_int(d, formats[i]->rounding);
        digest_int(d, formats[i]->overflow);
    }
}

/* With the input's format: the proof of acc_bits hangs on it. */
static void digest_step(digester *d, const pta_slice *slice,
                        const pta_step *step)
{
    const pta_step_weights *w = &step->weights;
    pta_format x = slice->values[step->in[0]].format;
    digest_int(d, x.width);
    digest_int(d, x.integer);
    digest_int(d, x.is_signed);
    digest_int(d, step->acc_frac);
    digest_int(d, step->acc_bits);
    digest_types(d, &step->hls4ml);
    digest_int(d, w->rows);
    digest_int(d, w->cols);
    for (int32_t row = 0; row < w->rows; row++) {
        const char *line = (const char *)w->data + (size_t)row * w->row_bytes;
        for (int32_t col = 0; col < w->cols; col++) {
            digest_int(d, pta_load(line, w->dtype, col));
        }
    }
    digest_ints(d, w->bias, w->rows);
}

void pta_slice_digest(const pta_slice *slice, char text[PTA_SHA256_HEX])
{
    if (slice->is_float) {
        text[0] = '\0';
        return;
    }
    digester d = {.used = 0};
    pta_sha256_init(&d.hash);
    for (int32_t i = 0; i < slice->n_steps; i++) {
        if (has_weights(&slice->steps[i])) {
            digest_step(&d, slice, &slice->steps[i]);
        }
    }
    for (int32_t i = 0; i < slice->n_joins; i++) {
        digest_ints(&d, slice->joins[i].bias, slice->joins[i].n_channels);
    }
    flush(&d);
    uint8_t bytes[PTA_SHA256_BYTES];
    pta_sha256_final(&d.hash, bytes);
    pta_sha256_hex(bytes, text);
}

pta_status pta_slice_load(pta_ctx *ctx, const pta_graph *graph,
                          const pta_plan *plan, pta_weights *weights,
                          pta_slice *slice, char digest[PTA_SHA256_HEX])
{
    loader l = {graph, plan, weights, slice->is_float};
    for (int32_t i = 0; i < slice->n_steps; i++) {
        if (has_weights(&slice->steps[i])) {
            PTA_TRY(load_step(ctx, &l, &slice->steps[i]));
        }
    }
    for (int32_t i = 0; i < slice->n_joins; i++) {
        pta_join *join = &slice->joins[i];
        PTA_TRY(load_bias(ctx, &l, join->node, join->out_start,
                          join->n_channels, join->acc_frac, &join->bias,
                          &join->bias_f32));
    }
    pta_slice_digest(slice, digest);
    return PTA_OK;
}

/* ---- the memory of a slice, to send it ---- */

static bool has_bias(const int64_t *raw, const float *f32)
{
    return raw != NULL || f32 != NULL;
}

void pta_slice_bias_flags(const pta_slice *slice, uint8_t *flags)
{
    for (int32_t i = 0; i < slice->n_steps; i++) {
        const pta_step_weights *w = &slice->steps[i].weights;
        *flags++ = has_bias(w->bias, w->bias_f32);
    }
    for (int32_t i = 0; i < slice->n_joins; i++) {
        const pta_join *join = &slice->joins[i];
        *flags++ = has_bias(join->bias, join->bias_f32);
    }
}

static pta_status allocate_bias(pta_ctx *ctx, const pta_slice *slice, int32_t n,
                                int64_t **raw, float **f32)
{
    if (slice->is_float) {
        PTA_TRY_ALLOC(ctx, *f32, n);
    } else {
        PTA_TRY_ALLOC(ctx, *raw, n);
    }
    return PTA_OK;
}

pta_status pta_slice_allocate(pta_ctx *ctx, pta_slice *slice,
                              const uint8_t *flags)
{
    for (int32_t i = 0; i < slice->n_steps; i++) {
        pta_step_weights *w = &slice->steps[i].weights;
        if (has_weights(&slice->steps[i])) {
            PTA_TRY(allocate_rows(ctx, w));
        }
        if (*flags++ != 0) {
            PTA_TRY(allocate_bias(ctx, slice, w->rows, &w->bias, &w->bias_f32));
        }
    }
    for (int32_t i = 0; i < slice->n_joins; i++) {
        pta_join *join = &slice->joins[i];
        if (*flags++ != 0) {
            PTA_TRY(allocate_bias(ctx, slice, join->n_channels, &join->bias,
                                  &join->bias_f32));
        }
    }
    return PTA_OK;
}

static pta_status visit_bias(int64_t *raw, float *f32, int32_t n,
                             pta_slice_visitor visit, void *state)
{
    if (raw != NULL) {
        return visit(state, raw, (size_t)n * sizeof *raw);
    }
    return f32 == NULL ? PTA_OK : visit(state, f32, (size_t)n * sizeof *f32);
}

pta_status pta_slice_visit(const pta_slice *slice, pta_slice_visitor visit,
                           void *state)
{
    for (int32_t i = 0; i < slice->n_steps; i++) {
        const pta_step_weights *w = &slice->steps[i].weights;
        if (has_weights(&slice->steps[i])) {
            PTA_TRY(visit(state, w->data, (size_t)w->rows * w->row_bytes));
        }
        PTA_TRY(visit_bias(w->bias, w->bias_f32, w->rows, visit, state));
    }
    for (int32_t i = 0; i < slice->n_joins; i++) {
        const pta_join *join = &slice->joins[i];
        PTA_TRY(visit_bias(join->bias, join->bias_f32, join->n_channels, visit,
                           state));
    }
    return PTA_OK;
}

/* ---- the join ---- */

static void join_float(const pta_join *join, const float *sum, int64_t n,
                       float *y)
{
    for (int64_t i = 0; i < n; i++) {
        float v = sum[i];
        v += join->bias_f32 != NULL ? join->bias_f32[i % join->n_channels]
                                    : 0.0F;
        if (join->act != PTA_ACT_NONE) {
            v = v > 0.0F ? v : 0.0F;
        }
        if (join->act == PTA_ACT_RELU_MAX && v > (float)join->act_max) {
            v = (float)join->act_max;
        }
        y[i] = v;
    }
}

void pta_join_apply(const pta_join *join, pta_format format, bool is_float,
                    const void *sum, int64_t n, void *y)
{
    if (is_float) {
        join_float(join, sum, n, y);
        return;
    }
    pta_epilogue e =
        pta_epilogue_make(join->acc_frac, join->act, join->act_max_raw, format);
    pta_dtype type = pta_format_dtype(format);
    for (int64_t i = 0; i < n; i++) {
        int64_t bias =
            join->bias != NULL ? join->bias[i % join->n_channels] : 0;
        int64_t acc = pta_load(sum, join->acc, i);
        pta_store(y, type, i,
                  join->accum.width > 0
                      ? pta_hls4ml_finish(acc, bias, join->accum, format)
                      : pta_epilogue_ref(acc, bias, &e));
    }
}
