/*
 * Moving elements for the BLAS references: see move_blas.h.
 */
#include "kernels/move_blas.h"

#include <string.h>

static pta_blas_span span(int32_t out, int32_t stride, int32_t dilation,
                          int32_t pad, int32_t cells, int32_t size)
{
    pta_blas_span s = {0, cells, out * stride - pad};
    while (s.first < cells && s.start + s.first * dilation < 0) {
        s.first++;
    }
    while (s.end > s.first && s.start + (s.end - 1) * dilation >= size) {
        s.end--;
    }
    return s;
}

pta_blas_span pta_blas_span_h(const pta_blas_window *g, int32_t out_row)
{
    return span(out_row, g->stride_h, g->dilation_h, g->pad_t, g->kh, g->h);
}

pta_blas_span pta_blas_span_w(const pta_blas_window *g, int32_t out_col)
{
    return span(out_col, g->stride_w, g->dilation_w, g->pad_l, g->kw, g->w);
}

/* One row of cells: `line` is an image row or NULL when it is padding. */
static void im2col_line(char *cols, const char *line, size_t pixel_bytes,
                        const pta_blas_window *g, pta_blas_span s)
{
    if (line == NULL || s.end == s.first) {
        memset(cols, 0, (size_t)g->kw * pixel_bytes);
        return;
    }
    memset(cols, 0, (size_t)s.first * pixel_bytes);
    memset(cols + (size_t)s.end * pixel_bytes, 0,
           (size_t)(g->kw - s.end) * pixel_bytes);
    if (g->dilation_w == 1) { /* neighbours in the image, too */
        memcpy(cols + (size_t)s.first * pixel_bytes,
               line + (size_t)(s.start + s.first) * pixel_bytes,
               (size_t)(s.end - s.first) * pixel_bytes);
        return;
    }
    for (int32_t k = s.first; k < s.end; k++) {
        memcpy(cols + (size_t)k * pixel_bytes,
               line + (size_t)(s.start + k * g->dilation_w) * pixel_bytes,
               pixel_bytes);
    }
}

void pta_blas_im2col(void *cols, const void *x, size_t element_bytes,
                     const pta_blas_window *g, int64_t first, int64_t n_rows)
{
    size_t pixel_bytes = (size_t)g->c * element_bytes;
    size_t line_bytes = (size_t)g->w * pixel_bytes;
    char *out = cols;
    for (int64_t row = first; row < first + n_rows; row++) {
        int64_t sample = row / ((int64_t)g->oh * g->ow);
        int32_t pixel = (int32_t)(row % ((int64_t)g->oh * g->ow));
        const char *image =
            (const char *)x + (size_t)sample * (size_t)g->h * line_bytes;
        pta_blas_span sh = pta_blas_span_h(g, pixel / g->ow);
        pta_blas_span sw = pta_blas_span_w(g, pixel % g->ow);
        for (int32_t k = 0; k < g->kh; k++) {
            int32_t y = sh.start + k * g->dilation_h;
            const char *line = k >= sh.first && k < sh.end
                                   ? image + (size_t)y * line_bytes
                                   : NULL;
            im2col_line(out, line, pixel_bytes, g, sw);
            out += (size_t)g->kw * pixel_bytes;
        }
    }
}

void pta_blas_box(void *dst, const int64_t dst_stride[3], const void *src,
                  const int64_t src_stride[3], const int32_t dim[3],
                  size_t element_bytes)
{
    int64_t bytes = (int64_t)element_bytes;
    int32_t run = dst_stride[2] == 1 && src_stride[2] == 1 ? dim[2] : 1;
    for (int32_t i = 0; i < dim[0]; i++) {
        for (int32_t j = 0; j < dim[1]; j++) {
            char *to =
                (char *)dst + bytes * (i * dst_stride[0] + j * dst_stride[1]);
            const char *from = (const char *)src +
                               bytes * (i * src_stride[0] + j * src_stride[1]);
            for (int32_t k = 0; k < dim[2]; k += run) {
                memcpy(to + bytes * k * dst_stride[2],
                       from + bytes * k * src_stride[2],
                       element_bytes * (size_t)run);
            }
        }
    }
}
