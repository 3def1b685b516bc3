/*
 * Float32 primitives on OpenBLAS: see float_blas.h.
 */
#include "kernels/float_blas.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

/* Not fminf and fmaxf: these are compiled to one instruction each. */
static inline float least(float a, float b)
{
    return a < b ? a : b;
}

static inline float greatest(float a, float b)
{
    return a > b ? a : b;
}

void pta_float_finish_run(float *y, int64_t n, const pta_float_finish *f)
{
    for (int64_t i = 0; f->bias != NULL && i < n; i += f->channels) {
        for (int32_t c = 0; c < f->channels; c++) {
            y[i + c] += f->bias[c];
        }
    }
    if (f->act == PTA_ACT_NONE) {
        return;
    }
    float top = f->act == PTA_ACT_RELU_MAX ? f->act_max : INFINITY;
    for (int64_t i = 0; i < n; i++) {
        y[i] = least(greatest(y[i], 0.0f), top);
    }
}

void pta_float_dense(float *y, const float *x, int64_t m, const float *w,
                     int64_t w_stride, int32_t rows, int32_t cols)
{
    if (m == 1) {
        cblas_sgemv(CblasRowMajor, CblasNoTrans, rows, cols, 1.0f, w,
                    (int)w_stride, x, 1, 0.0f, y, 1);
    } else {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, rows, cols,
                    1.0f, x, cols, w, (int)w_stride, 0.0f, y, rows);
    }
}

void pta_float_conv(float *y, const float *x, const pta_blas_window *g,
                    int64_t first, int64_t m, const float *w, int64_t w_stride,
                    int32_t rows, float *scratch)
{
    pta_blas_im2col(scratch, x, sizeof *x, g, first, m);
    pta_float_dense(y, scratch, m, w, w_stride, rows, g->kh * g->kw * g->c);
}

static void depthwise_cell(float *y, const float *x, int32_t channels,
                           int32_t mult, const float *w, int64_t w_stride)
{
    for (int32_t c = 0; c < channels; c++) {
        for (int32_t m = 0; m < mult; m++) {
            y[c * mult + m] += x[c] * w[(c * mult + m) * w_stride];
        }
    }
}

void pta_float_depthwise(float *y, const float *x, int32_t n,
                         const pta_blas_window *g, const float *w,
                         int64_t w_stride, int32_t mult)
{
    int64_t pixels = (int64_t)g->oh * g->ow;
    for (int64_t i = 0; i < n * pixels; i++, y += g->c * mult) {
        const float *image = x + i / pixels * g->h * g->w * g->c;
        pta_blas_span sh = pta_blas_span_h(g, (int32_t)(i % pixels) / g->ow);
        pta_blas_span sw = pta_blas_span_w(g, (int32_t)(i % pixels) % g->ow);
        memset(y, 0, (size_t)(g->c * mult) * sizeof *y);
        for (int32_t a = sh.first; a < sh.end; a++) {
            for (int32_t b = sw.first; b < sw.end; b++) {
                int64_t at = (int64_t)(sh.start + a * g->dilation_h) * g->w +
                             sw.start + b * g->dilation_w;
                depthwise_cell(y, image + at * g->c, g->c, mult,
                               w + a * g->kw + b, w_stride);
            }
        }
    }
}

/* Sum of one channel's real cells, in double: in float32 the error of a global
 * average would be the largest of the network. */
static double cell_sum(const float *image, const pta_blas_window *g,
                       pta_blas_span sh, pta_blas_span sw)
{
    double sum = 0;
    for (int32_t a = sh.first; a < sh.end; a++) {
        int64_t row = (int64_t)(sh.start + a * g->dilation_h) * g->w + sw.start;
        for (int32_t b = sw.first; b < sw.end; b++) {
            sum += (double)image[(row + b * g->dilation_w) * g->c];
        }
    }
    return sum;
}

void pta_float_avgpool(float *y, const float *x, int32_t n,
                       const pta_blas_window *g)
{
    int64_t pixels = (int64_t)g->oh * g->ow;
    for (int64_t i = 0; i < n * pixels; i++, y += g->c) {
        const float *image = x + i / pixels * g->h * g->w * g->c;
        pta_blas_span sh = pta_blas_span_h(g, (int32_t)(i % pixels) / g->ow);
        pta_blas_span sw = pta_blas_span_w(g, (int32_t)(i % pixels) % g->ow);
        int32_t cells = (sh.end - sh.first) * (sw.end - sw.first);
        for (int32_t c = 0; c < g->c; c++) {
            y[c] = (float)(cell_sum(image + c, g, sh, sw) / cells);
        }
    }
}

void pta_float_maxpool(float *y, const float *x, int32_t n,
                       const pta_blas_window *g)
{
    int64_t pixels = (int64_t)g->oh * g->ow;
    for (int64_t i = 0; i < n * pixels; i++, y += g->c) {
        const float *image = x + i / pixels * g->h * g->w * g->c;
        pta_blas_span sh = pta_blas_span_h(g, (int32_t)(i % pixels) / g->ow);
        pta_blas_span sw = pta_blas_span_w(g, (int32_t)(i % pixels) % g->ow);
        for (int32_t c = 0; c < g->c; c++) {
            y[c] = -INFINITY;
        }
        for (int32_t a = sh.first; a < sh.end; a++) {
            for (int32_t b = sw.first; b < sw.end; b++) {
                int64_t at = (int64_t)(sh.start + a * g->dilation_h) * g->w +
                             sw.start + b * g->dilation_w;
                pta_float_merge_run(y, image + at * g->c, g->c,
                                    PTA_FLOAT_MAXIMUM);
            }
        }
    }
}

void pta_float_scale(float *y, const float *x, int64_t n, const float *scale,
                     int64_t scale_stride, int32_t channels)
{
    for (int64_t i = 0; i < n; i += channels) {
        for (int32_t c = 0; c < channels; c++) {
            y[i + c] = x[i + c] * scale[c * scale_stride];
        }
    }
}

void pta_float_relu(float *y, const float *x, int64_t n, float alpha,
                    float threshold, float act_max)
{
    for (int64_t i = 0; i < n; i++) {
        y[i] = x[i] >= threshold ? least(x[i], act_max)
                                 : alpha * (x[i] - threshold);
    }
}

void pta_float_sigmoid(float *y, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        y[i] = 1.0f / (1.0f + expf(-x[i]));
    }
}

void pta_float_tanh(float *y, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        y[i] = tanhf(x[i]);
    }
}

void pta_float_hard_sigmoid(float *y, const float *x, int64_t n,
                            int32_t keras_major)
{
    float slope = keras_major == 2 ? 0.2f : 1.0f / 6.0f;
    for (int64_t i = 0; i < n; i++) {
        y[i] = least(greatest(slope * x[i] + 0.5f, 0.0f), 1.0f);
    }
}

void pta_float_softmax(float *y, const float *x, int64_t n, int32_t channels)
{
    for (int64_t i = 0; i < n; i++, x += channels, y += channels) {
        float top = x[0], sum = 0.0f;
        for (int32_t c = 1; c < channels; c++) {
            top = greatest(top, x[c]);
        }
        for (int32_t c = 0; c < channels; c++) {
            y[c] = expf(x[c] - top);
            sum += y[c];
        }
        for (int32_t c = 0; c < channels; c++) {
            y[c] /= sum;
        }
    }
}

void pta_float_merge_run(float *y, const float *x, int64_t n,
                         pta_float_merge kind)
{
    for (int64_t i = 0; i < n; i++) {
        switch (kind) {
        case PTA_FLOAT_ADD:
            y[i] += x[i];
            break;
        case PTA_FLOAT_SUB:
            y[i] -= x[i];
            break;
        case PTA_FLOAT_MUL:
            y[i] *= x[i];
            break;
        case PTA_FLOAT_MAXIMUM:
            y[i] = greatest(y[i], x[i]);
            break;
        }
    }
}

void pta_float_divide(float *y, int64_t n, float divisor)
{
    for (int64_t i = 0; i < n; i++) {
        y[i] /= divisor;
    }
}
