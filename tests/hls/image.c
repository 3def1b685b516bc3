/* Geometries and times of blocks over images: see image.h. */
#include "image.h"

#include <stdlib.h>

int32_t hls_min(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

int32_t hls_max(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static int32_t param(hls_case *c, const char *name, int32_t lo, int32_t hi)
{
    return (int32_t)hls_param(c, name, lo, hi);
}

void hls_draw_image(hls_case *c, hls_window *g, int32_t max_w)
{
    g->in.h = param(c, "ROWS", 1, 9);
    g->in.w = param(c, "COLS", 1, 9);
    g->in.c = g->out.c = param(c, "C", 1, 7);
    g->p = param(c, "P", 1, g->in.c);
    g->w = param(c, "W", 2, max_w);
}

/* Size of an axis such that the window fits in it. */
static int32_t axis(hls_case *c, const char *name, int32_t span, int32_t pads,
                    int32_t dilation)
{
    int32_t least = hls_max(dilation, span - pads);
    return param(c, name, least, hls_max(least, 9));
}

static void draw_axes(hls_case *c, hls_window *g, bool pool)
{
    pta_cells *k = &g->cells;
    k->kh = param(c, "KH", 1, 4);
    k->kw = param(c, "KW", 1, 4);
    k->dilation_h = param(c, "DH", 1, 3);
    k->dilation_w = param(c, "DW", 1, 3);
    int32_t span_h = (k->kh - 1) * k->dilation_h + 1;
    int32_t span_w = (k->kw - 1) * k->dilation_w + 1;
    k->stride_h = param(c, "SH", 1, 4);
    k->stride_w = param(c, "SW", 1, 4);
    k->pad_t = param(c, "PT", 0, span_h - 1);
    k->pad_b = param(c, "PB", 0, span_h - 1);
    k->pad_l = param(c, "PL", 0, span_w - 1);
    k->pad_r = param(c, "PR", 0, span_w - 1);
    int32_t pad_h = k->pad_t + k->pad_b, pad_w = k->pad_l + k->pad_r;
    g->in.h = axis(c, "ROWS", span_h, pad_h, pool ? k->dilation_h : 1);
    g->in.w = axis(c, "COLS", span_w, pad_w, pool ? k->dilation_w : 1);
    g->out.h = (g->in.h + pad_h - span_h) / k->stride_h + 1;
    g->out.w = (g->in.w + pad_w - span_w) / k->stride_w + 1;
}

/* All of a small image. */
static void draw_whole(hls_case *c, hls_window *g)
{
    g->in.h = g->cells.kh = (int32_t)hls_draw(c, "all rows", 1, 7);
    g->in.w = g->cells.kw = (int32_t)hls_draw(c, "all columns", 1, 7);
    hls_set(c, "ROWS", g->in.h);
    hls_set(c, "COLS", g->in.w);
    hls_set(c, "KH", g->in.h);
    hls_set(c, "KW", g->in.w);
    hls_set(c, "DH", g->cells.dilation_h = 1);
    hls_set(c, "DW", g->cells.dilation_w = 1);
    g->cells.stride_h = (int32_t)hls_draw(c, "any stride", 1, 4);
    g->cells.stride_w = g->cells.stride_h;
    hls_set(c, "SH", g->cells.stride_h);
    hls_set(c, "SW", g->cells.stride_w);
    g->out.h = g->out.w = 1;
}

/* Images at the ends of what the indices of beats must hold: the next frame is
 * far ahead of what was written; a ring fills that is large for little but
 * padding, and the stride steps over all of it. */
static const struct {
    int32_t index;
    pta_image in, out;
    pta_cells cells;
} far_cases[] = {
    {6, {9, 9, 7}, {1, 1, 7}, {.kh = 1, .kw = 1, .stride_h = 9, .stride_w = 9}},
    {8,
     {3, 1, 1},
     {3, 1, 1},
     {.kh = 8, .kw = 1, .stride_h = 1, .stride_w = 6, .pad_b = 7}},
    {10,
     {9, 9, 1},
     {1, 9, 1},
     {.kh = 1, .kw = 1, .stride_h = 9, .stride_w = 1}}};

void hls_set_window(hls_case *c, const hls_window *g)
{
    hls_set(c, "ROWS", g->in.h);
    hls_set(c, "COLS", g->in.w);
    hls_set(c, "C", g->in.c);
    hls_set(c, "P", g->p);
    hls_set(c, "KH", g->cells.kh);
    hls_set(c, "KW", g->cells.kw);
    hls_set(c, "SH", g->cells.stride_h);
    hls_set(c, "SW", g->cells.stride_w);
    hls_set(c, "PB", g->cells.pad_b);
    hls_set(c, "PL", g->cells.pad_l);
}

static bool draw_far(hls_case *c, hls_window *g)
{
    for (size_t i = 0; i < sizeof far_cases / sizeof *far_cases; i++) {
        if (c->index != far_cases[i].index) {
            continue;
        }
        g->in = far_cases[i].in;
        g->out = far_cases[i].out;
        g->cells = far_cases[i].cells;
        g->cells.dilation_h = g->cells.dilation_w = g->p = 1;
        hls_set_window(c, g);
        return true;
    }
    return false;
}

void hls_draw_window(hls_case *c, hls_window *g, int32_t max_w, bool pool)
{
    *g = (hls_window){.depth = 0};
    g->w = param(c, "W", 2, max_w);
    param(c, "BLOCK", 0, 1);
    if (draw_far(c, g)) {
        return;
    }
    if (c->index % 4 == 3) {
        draw_whole(c, g);
    } else {
        draw_axes(c, g, pool);
    }
    g->in.c = g->out.c = param(c, "C", 1, 7);
    g->p = param(c, "P", 1, g->in.c);
    bool tight = hls_draw(c, "tight", 0, 1) != 0;
    g->depth = (int32_t)hls_draw(c, "DEPTH", 0, 300);
    g->depth = tight ? 0 : g->depth; /* a ring as small as it can be */
    hls_set(c, "DEPTH", g->depth);
}

/* ---- time ---- */

/* A run of pta_cells without stalls: cycles of the beats in and positions. */
typedef struct run {
    const hls_window *g;
    int32_t cb, row, samples;
    int64_t ring;
    int64_t *written; /* [beats in] */
    int64_t n_written;
    int64_t *tl, *since; /* [positions]: index of the corner, visible since */
    int64_t position;    /* in work */
    int64_t freed;       /* position in whose time the next beat comes */
} run;

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Whether the next position is in work then, whose corner may lie before: a
 * frame begins above and left of its image. */
static bool is_past(const run *r, int64_t cycle)
{
    return r->freed < r->position && r->since[r->freed + 1] <= cycle;
}

/* Cycle in which beat j comes in. */
static int64_t written(run *r, int64_t j)
{
    for (; r->n_written <= j; r->n_written++) {
        int64_t n = r->n_written;
        int64_t before = n > 0 ? r->written[n - 1] + 1 : 0;
        while (r->tl[r->freed] <= n - r->ring || is_past(r, before)) {
            r->freed++;
            if (r->freed > r->position) {
                fprintf(stderr, "image: the ring is too small\n");
                exit(1);
            }
        }
        r->written[n] = later(before, r->since[r->freed]);
    }
    return r->written[j];
}

static int64_t corner(const run *r, int32_t s, int32_t oh, int32_t ow)
{
    const pta_cells *k = &r->g->cells;
    int64_t y = (int64_t)s * r->g->in.h + oh * k->stride_h - k->pad_t;
    return y * r->row + (int64_t)(ow * k->stride_w - k->pad_l) * r->cb;
}

/* Reads a position from cycle `t` on; returns the cycle after the last. */
static int64_t read_position(run *r, int32_t oh, int32_t ow, int64_t t)
{
    const pta_cells *k = &r->g->cells;
    for (int32_t i = 0; i < k->kh * k->kw; i++) {
        int32_t dy = i / k->kw * k->dilation_h, dx = i % k->kw * k->dilation_w;
        int32_t y = oh * k->stride_h - k->pad_t + dy;
        int32_t x = ow * k->stride_w - k->pad_l + dx;
        bool real = y >= 0 && y < r->g->in.h && x >= 0 && x < r->g->in.w;
        for (int32_t b = 0; b < r->cb; b++, t++) {
            int64_t j = r->tl[r->position] + (int64_t)dy * r->row +
                        (int64_t)dx * r->cb + b;
            bool first = oh + ow + i + b == 0;
            if (first) { /* even if with padding */
                j = later(j, r->tl[r->position] + k->pad_t * r->row +
                                 k->pad_l * r->cb);
            }
            t = real || first ? later(t, written(r, j) + 1) : t;
        }
    }
    return t;
}

void hls_expect_cells(hls_case *c, const hls_window *g, int32_t after)
{
    run r = {.g = g, .cb = hls_ceil(g->in.c, g->p), .samples = c->samples};
    r.row = g->in.w * r.cb;
    int64_t least = (int64_t)(g->cells.kh - 1) * g->cells.dilation_h * r.row +
                    ((g->cells.kw - 1) * g->cells.dilation_w + 1) * r.cb;
    for (r.ring = 2; r.ring < least || r.ring < g->depth; r.ring *= 2) {
    }
    int64_t per_sample = (int64_t)g->out.h * g->out.w;
    size_t n = (size_t)(per_sample * c->samples);
    r.written =
        calloc((size_t)(c->samples * g->in.h * r.row), sizeof *r.written);
    r.tl = calloc(n, sizeof *r.tl);
    r.since = calloc(n, sizeof *r.since);
    if (r.written == NULL || r.tl == NULL || r.since == NULL) {
        perror("image");
        exit(1);
    }
    int64_t t = 0, first_sample = 0;
    for (r.position = 0; r.position < (int64_t)n; r.position++) {
        int32_t at = (int32_t)(r.position % per_sample);
        int32_t oh = at / g->out.w, ow = at % g->out.w;
        r.tl[r.position] =
            corner(&r, (int32_t)(r.position / per_sample), oh, ow);
        r.since[r.position] = t;
        t = read_position(&r, oh, ow, t);
        first_sample = r.position == per_sample - 1 ? t : first_sample;
    }
    c->latency = first_sample - 1 + 2 + after;
    c->rest = t - first_sample;
    free(r.written);
    free(r.tl);
    free(r.since);
}

void hls_expect_pool(hls_case *c, const hls_window *g, int32_t after)
{
    const pta_cells *k = &g->cells;
    bool padded = k->pad_t + k->pad_b + k->pad_l + k->pad_r > 0;
    bool dilated = k->dilation_h > 1 || k->dilation_w > 1;
    if (k->kh == g->in.h && k->kw == g->in.w && !padded && !dilated) {
        c->interval = (int64_t)g->in.h * g->in.w * hls_ceil(g->in.c, g->p);
        c->latency = c->interval - 1 + after;
    } else {
        hls_expect_cells(c, g, after);
    }
}

/* ---- tensors ---- */

void hls_batch(hls_tensors *t, const hls_case *c, const hls_stream *x0,
               const hls_stream *x1, hls_stream *y)
{
    const hls_stream *x[2] = {x0, x1};
    for (int i = 0; i < 2 && x[i] != NULL; i++) {
        t->x[i] = x[i]->data;
        t->stride[i] = sizeof(int64_t) * (size_t)x[i]->count *
                       (size_t)(x[i]->vectors / c->samples);
    }
    t->batch = (pta_batch){.n = c->samples,
                           .x = t->x,
                           .x_stride = t->stride,
                           .y = y->data,
                           .y_stride = sizeof(int64_t) * (size_t)y->count *
                                       (size_t)(y->vectors / c->samples)};
}

pta_format hls_format(hls_case *c, int32_t w)
{
    return (pta_format){.width = (int16_t)w,
                        .integer = (int16_t)hls_draw(c, "integer", -4, w + 4),
                        .is_signed = hls_draw(c, "signed", 0, 1) != 0,
                        .rounding = (uint8_t)hls_draw(c, "rounding", 0, 6),
                        .overflow = (uint8_t)hls_draw(c, "overflow", 0, 3)};
}
