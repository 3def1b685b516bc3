/*
 * Weighted sums of the exact reference by dgemm and limbs: see exact_blas.h.
 *
 * A limb is a balanced digit: w = low + 2^s * high with -2^(s-1) <= low <
 * 2^(s-1). The low digit gets the largest s whose row sums stay within the
 * bound, the rest is split again until it fits.
 */
#include "kernels/exact_blas.h"

#include <cblas.h>
#include <string.h>

#define EXACT_BOUND (INT64_C(1) << 53)

/* w without its low digit of s bits; the shift of a negative number is a floor
 * with every compiler that has __int128. */
static int64_t high_digits(int64_t w, int s)
{
    return (w + (INT64_C(1) << (s - 1))) >> s;
}

static int64_t low_digit(int64_t w, int s)
{
    return w - high_digits(w, s) * (INT64_C(1) << s);
}

/* True if max over rows of sum |digit(w without its low `skip` digits)| times
 * x_max is within the bound; s 0: the whole of the rest. */
static bool fits(const pta_exact_matrix *m, const double *w, int64_t x_max,
                 int32_t n_done, int s)
{
    for (int64_t row = 0; row < m->rows; row++) {
        pta_exact_wide sum = 0;
        for (int64_t i = row * m->cols; i < (row + 1) * m->cols; i++) {
            int64_t rest = (int64_t)w[i];
            for (int32_t k = 1; k <= n_done; k++) {
                rest = high_digits(rest, m->shift[k] - m->shift[k - 1]);
            }
            int64_t digit = s == 0 ? rest : low_digit(rest, s);
            sum += digit < 0 ? -digit : digit;
        }
        if (sum * x_max > EXACT_BOUND) {
            return false;
        }
    }
    return true;
}

bool pta_exact_limbs_plan(pta_exact_matrix *m, const double *w, int64_t x_max)
{
    m->shift[0] = 0;
    for (int32_t k = 0; k < PTA_EXACT_LIMBS; k++) {
        if (fits(m, w, x_max, k, 0)) {
            m->n_limbs = k + 1;
            return true;
        }
        int s = 31;
        while (s > 0 && !fits(m, w, x_max, k, s)) {
            s--;
        }
        if (s == 0 || k + 1 == PTA_EXACT_LIMBS) {
            return false;
        }
        m->shift[k + 1] = m->shift[k] + s;
    }
    return false;
}

void pta_exact_limbs_split(const pta_exact_matrix *m, const double *w,
                           double *limbs)
{
    int64_t n = (int64_t)m->rows * m->cols;
    for (int64_t i = 0; i < n; i++) {
        int64_t rest = (int64_t)w[i];
        for (int32_t k = 0; k + 1 < m->n_limbs; k++) {
            int s = m->shift[k + 1] - m->shift[k];
            limbs[k * n + i] = (double)low_digit(rest, s);
            rest = high_digits(rest, s);
        }
        limbs[(m->n_limbs - 1) * n + i] = (double)rest;
    }
}

static void multiply(double *y, const double *x, int64_t m, const double *w,
                     int32_t rows, int32_t cols)
{
    if (m == 1) {
        cblas_dgemv(CblasRowMajor, CblasNoTrans, rows, cols, 1.0, w, cols, x, 1,
                    0.0, y, 1);
    } else {
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, rows, cols,
                    1.0, x, cols, w, cols, 0.0, y, rows);
    }
}

void pta_exact_dense(int64_t *acc, const double *x, int64_t m,
                     const pta_exact_matrix *w, double *product)
{
    int64_t n = m * w->rows;
    for (int32_t k = 0; k < w->n_limbs; k++) {
        multiply(product, x, m, w->limbs + (int64_t)k * w->rows * w->cols,
                 w->rows, w->cols);
        /* Modulo 2^64: the whole is proved below 2^63, its parts need not be */
        uint64_t unit = UINT64_C(1) << w->shift[k];
        for (int64_t i = 0; i < n; i++) {
            uint64_t before = k == 0 ? 0 : (uint64_t)acc[i];
            acc[i] = (int64_t)(before + (uint64_t)(int64_t)product[i] * unit);
        }
    }
}

void pta_exact_conv(int64_t *acc, const double *x, const pta_blas_window *g,
                    int64_t first, int64_t m, const pta_exact_matrix *w,
                    double *cols, double *product)
{
    pta_blas_im2col(cols, x, sizeof *x, g, first, m);
    pta_exact_dense(acc, cols, m, w, product);
}

void pta_exact_depthwise(int64_t *acc, const double *x,
                         const pta_blas_window *g, int64_t first, int64_t m,
                         const double *w, int32_t mult)
{
    int32_t channels = g->c * mult, cells = g->kh * g->kw;
    int64_t pixels = (int64_t)g->oh * g->ow;
    for (int64_t i = first; i < first + m; i++, acc += channels) {
        const double *image = x + i / pixels * g->h * g->w * g->c;
        pta_blas_span sh = pta_blas_span_h(g, (int32_t)(i % pixels) / g->ow);
        pta_blas_span sw = pta_blas_span_w(g, (int32_t)(i % pixels) % g->ow);
        memset(acc, 0, (size_t)channels * sizeof *acc);
        for (int32_t a = sh.first; a < sh.end; a++) {
            for (int32_t b = sw.first; b < sw.end; b++) {
                int64_t at = (int64_t)(sh.start + a * g->dilation_h) * g->w +
                             sw.start + b * g->dilation_w;
                const double *pixel = image + at * g->c;
                const double *weight = w + a * g->kw + b;
                for (int32_t c = 0; c < channels; c++) {
                    acc[c] += (int64_t)pixel[c / mult] *
                              (int64_t)weight[(int64_t)c * cells];
                }
            }
        }
    }
}

void pta_exact_scale(int64_t *acc, const double *x, int64_t n,
                     const double *scale, int32_t channels)
{
    for (int64_t i = 0; i < n; i += channels) {
        for (int32_t c = 0; c < channels; c++) {
            acc[i + c] = (int64_t)x[i + c] * (int64_t)scale[c];
        }
    }
}
