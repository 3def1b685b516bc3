/* What the tests of blocks over images share: geometries, time, batches. */
#ifndef HLS_IMAGE_H
#define HLS_IMAGE_H

#include "harness.h"
#include "kernels/kernel.h"

/** An image under a window, P elements a beat. */
typedef struct hls_window {
    pta_image in, out; /* out.c is in.c */
    pta_cells cells;
    int32_t p, w, depth;
} hls_window;

/** Draws and passes ROWS, COLS, C, P and W (from 2 to max_w bits). */
void hls_draw_image(hls_case *c, hls_window *g, int32_t max_w);
/** Draws and passes all parameters of pta_cells; now and then the window is
 * the whole image. In a pool each window has a real cell. */
void hls_draw_window(hls_case *c, hls_window *g, int32_t max_w, bool pool);
/** Passes a window of no dilation, padded at the bottom and on the left only. */
void hls_set_window(hls_case *c, const hls_window *g);

/** Expects the times of pta_cells, plus `after` cycles. */
void hls_expect_cells(hls_case *c, const hls_window *g, int32_t after);
/** The same for blocks that use no ring if the window is the whole image. */
void hls_expect_pool(hls_case *c, const hls_window *g, int32_t after);

/** A batch of all samples: x0 and x1 (or NULL) in, y out, all 64 bits. */
typedef struct hls_tensors {
    pta_batch batch;
    const void *x[2];
    size_t stride[2];
} hls_tensors;
void hls_batch(hls_tensors *t, const hls_case *c, const hls_stream *x0,
               const hls_stream *x1, hls_stream *y);

/** A format of w bits, drawn but for w. */
pta_format hls_format(hls_case *c, int32_t w);

int32_t hls_min(int32_t a, int32_t b);
int32_t hls_max(int32_t a, int32_t b);

#endif
