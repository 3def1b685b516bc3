/*
 * Serves weights from the file: one hyperslab per request, checked to be
 * finite, with a folded BatchNormalization applied in double precision.
 *
 *   s = gamma / sqrt(variance + epsilon)
 *   w' = w * s        b' = (b - mean) * s + beta
 *   scale = s         shift = beta - mean * s
 */
#include <math.h>

#include "model/model_priv.h"

static pta_status check_finite(pta_ctx *ctx, const pta_model *m,
                               const char *layer, const pta_stored *stored,
                               const double *values, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(values[i])) {
            return pta_fail(ctx, PTA_ERR_FORMAT,
                            "%s: layer \"%s\": dataset %s contains %s",
                            pta_h5_path(m->file), layer, stored->dataset,
                            isnan(values[i]) ? "NaN" : "infinity");
        }
    }
    return PTA_OK;
}

/* Elements [first, first + n) of a vector; `absent` where there is none. */
static pta_status read_vector(pta_ctx *ctx, pta_model *m, const char *layer,
                              const pta_stored *stored, int32_t first,
                              int32_t n, double absent, double *values)
{
    if (stored == NULL) {
        for (int32_t i = 0; i < n; i++) {
            values[i] = absent;
        }
        return PTA_OK;
    }
    pta_h5_slab slab = {
        .rank = 1, .start = {first}, .stride = {n}, .count = {1}, .block = {n}};
    PTA_TRY(pta_h5_read_f64(ctx, m->file, stored->dataset, &slab, values));
    return check_finite(ctx, m, layer, stored, values, n);
}

/* s over channels [first, first + n); `scratch` [n]. */
static pta_status read_scale(pta_ctx *ctx, pta_model *m, const pta_source *s,
                             int32_t first, int32_t n, double *scratch,
                             double *scale)
{
    PTA_TRY(read_vector(ctx, m, s->norm, s->gamma, first, n, 1, scale));
    PTA_TRY(read_vector(ctx, m, s->norm, s->variance, first, n, 1, scratch));
    for (int32_t i = 0; i < n; i++) {
        double spread = scratch[i] + s->epsilon;
        if (!(spread > 0)) {
            return pta_fail(ctx, PTA_ERR_FORMAT,
                            "%s: layer \"%s\": dataset %s: variance plus "
                            "epsilon is %g, not positive",
                            pta_h5_path(m->file), s->norm, s->variance->dataset,
                            spread);
        }
        scale[i] = scale[i] / sqrt(spread);
    }
    return PTA_OK;
}

/* (x - mean) * s + beta in place, or beta - mean * s where there is no bias
 * (x = 0 gives the same). `scratch` [2 n]. */
static pta_status apply_norm(pta_ctx *ctx, pta_model *m, const pta_source *s,
                             int32_t first, int32_t n, double *scratch,
                             double *x)
{
    double *scale = scratch, *other = scratch + n;
    PTA_TRY(read_scale(ctx, m, s, first, n, other, scale));
    PTA_TRY(read_vector(ctx, m, s->norm, s->mean, first, n, 0, other));
    for (int32_t i = 0; i < n; i++) {
        x[i] = (x[i] - other[i]) * scale[i];
    }
    PTA_TRY(read_vector(ctx, m, s->norm, s->beta, first, n, 0, other));
    for (int32_t i = 0; i < n; i++) {
        x[i] += other[i];
    }
    return PTA_OK;
}

/* Scale or shift as hls4ml computes them, in float32:
 * scale = gamma / sqrt(var + eps), shift = beta - scale * mean. */
static pta_status read_float(pta_ctx *ctx, pta_model *m, const pta_source *s,
                             pta_weight_role role, int32_t first, int32_t n,
                             double *scratch, double *values)
{
    double *variance = scratch, *mean = scratch + n;
    PTA_TRY(read_scale(ctx, m, s, first, n, variance, values)); /* checks */
    PTA_TRY(read_vector(ctx, m, s->norm, s->gamma, first, n, 1, values));
    PTA_TRY(read_vector(ctx, m, s->norm, s->mean, first, n, 0, mean));
    for (int32_t i = 0; i < n; i++) {
        float spread = (float)variance[i] + (float)s->epsilon;
        variance[i] = (double)((float)values[i] / sqrtf(spread));
        mean[i] = (double)((float)variance[i] * (float)mean[i]);
        values[i] = variance[i];
    }
    if (role == PTA_WEIGHT_SCALE) {
        return PTA_OK;
    }
    PTA_TRY(read_vector(ctx, m, s->norm, s->beta, first, n, 0, values));
    for (int32_t i = 0; i < n; i++) {
        values[i] = (double)((float)values[i] - (float)mean[i]);
    }
    return PTA_OK;
}

/* ---- vectors ---- */

static pta_status read_channels(pta_ctx *ctx, pta_model *m, const pta_source *s,
                                pta_weight_role role, int32_t first, int32_t n,
                                double *values)
{
    double *scratch;
    if (role != PTA_WEIGHT_SCALE) {
        PTA_TRY(read_vector(ctx, m, s->layer, s->bias, first, n, 0, values));
        if (s->norm == NULL) {
            return PTA_OK;
        }
    }
    PTA_TRY_ALLOC(ctx, scratch, 2 * (size_t)n);
    bool is_plain = m->reader.form == PTA_FORM_PLAIN;
    pta_status status =
        is_plain ? read_float(ctx, m, s, role, first, n, scratch, values)
        : role == PTA_WEIGHT_SCALE
            ? read_scale(ctx, m, s, first, n, scratch, values)
            : apply_norm(ctx, m, s, first, n, scratch, values);
    pta_free(ctx, scratch);
    return status;
}

/* ---- kernels ---- */

/* The last two axes are inputs and outputs, the others window cells. */
static pta_h5_slab kernel_slab(const pta_stored *kernel, pta_weight_part part)
{
    int32_t rank = kernel->shape.rank, in = rank - 2, out = rank - 1;
    pta_h5_slab slab = {.rank = rank};
    for (int32_t i = 0; i < in; i++) {
        slab.count[i] = 1;
        slab.stride[i] = slab.block[i] = kernel->shape.dim[i];
    }
    slab.start[in] = part.in_start;
    slab.count[in] = part.in_count;
    slab.stride[in] = part.in_stride;
    slab.block[in] = part.in_block;
    if (part.in_count > 1 && part.in_stride == part.in_block) {
        slab.count[in] = 1; /* one run: HDF5 is quicker with it */
        slab.block[in] = (int64_t)part.in_block * part.in_count;
    }
    slab.start[out] = part.out_start;
    slab.count[out] = 1;
    slab.stride[out] = slab.block[out] = part.out_count;
    return slab;
}

/* Channel, relative to the first one read, of input row `row` of the part and
 * output 0: only a depthwise kernel's inputs are channels. */
static int64_t row_channel(bool depthwise, pta_weight_part part, int32_t mult,
                           int64_t row)
{
    int64_t input = row / part.in_block * part.in_stride + row % part.in_block;
    return depthwise ? input * mult : 0;
}

static pta_status scale_kernel(pta_ctx *ctx, pta_model *m, const pta_source *s,
                               bool depthwise, pta_weight_part part,
                               int64_t n_values, double *values)
{
    int64_t rows = (int64_t)part.in_count * part.in_block;
    int32_t mult = s->kernel->shape.dim[s->kernel->shape.rank - 1];
    int64_t first =
        part.out_start + (depthwise ? (int64_t)part.in_start * mult : 0);
    int64_t n = row_channel(depthwise, part, mult, rows - 1) + part.out_count;
    double *scale;
    PTA_TRY_ALLOC(ctx, scale, 2 * n);
    pta_status status =
        read_scale(ctx, m, s, (int32_t)first, (int32_t)n, scale + n, scale);
    for (int64_t i = 0; status == PTA_OK && i < n_values / part.out_count;
         i++) {
        const double *row_scale =
            scale + row_channel(depthwise, part, mult, i % rows);
        for (int32_t k = 0; k < part.out_count; k++) {
            values[i * part.out_count + k] *= row_scale[k];
        }
    }
    pta_free(ctx, scale);
    return status;
}

static pta_status read_kernel(pta_ctx *ctx, pta_model *m, const pta_node *node,
                              const pta_source *s, pta_weight_part part,
                              double *values)
{
    pta_h5_slab slab = kernel_slab(s->kernel, part);
    int64_t n = pta_h5_slab_count(&slab);
    PTA_TRY(pta_h5_read_f64(ctx, m->file, s->kernel->dataset, &slab, values));
    PTA_TRY(check_finite(ctx, m, s->layer, s->kernel, values, n));
    if (s->norm == NULL || n == 0) {
        return PTA_OK;
    }
    return scale_kernel(ctx, m, s, node->op == PTA_OP_DWCONV, part, n, values);
}

pta_status pta_model_read_weights(pta_weights *self, pta_ctx *ctx,
                                  int32_t index, pta_weight_role role,
                                  pta_weight_part part, double *values)
{
    pta_model *m = self->state;
    const pta_node *node = &m->reader.graph->nodes[index];
    bool has = role <= PTA_WEIGHT_BIAS ? pta_node_splittable(node)
                                       : node->op == PTA_OP_SCALE_SHIFT;
    PTA_ASSERT(has);
    const pta_source *s = &m->reader.sources[node->weights];
    if (role == PTA_WEIGHT_KERNEL) {
        return read_kernel(ctx, m, node, s, part, values);
    }
    return read_channels(ctx, m, s, role, part.out_start, part.out_count,
                         values);
}
