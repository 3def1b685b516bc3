/*
 * Regions: boxes, their runs in flat order, and what two of them share.
 */
#include "plan/region.h"

#include <string.h>

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

pta_region pta_region_whole(pta_view view)
{
    return (pta_region){view, 0, view.h, 0, view.c};
}

int64_t pta_region_count(const pta_region *r)
{
    return (int64_t)(r->h1 - r->h0) * r->view.w * (r->c1 - r->c0);
}

bool pta_region_is_whole(const pta_region *r)
{
    return pta_region_count(r) == pta_view_count(r->view);
}

/* Runs are maximal, so that equal sets have equal runs. */
pta_runs pta_region_runs(const pta_region *r)
{
    int64_t row = (int64_t)r->view.w * r->view.c;
    int64_t width = r->c1 - r->c0;
    int64_t lines = (int64_t)(r->h1 - r->h0) * r->view.w;
    pta_runs runs = {r->h0 * row + r->c0, width, r->view.c, lines};
    if (width == r->view.c || lines == 1) {
        runs.length = width * lines;
        runs.stride = runs.length;
        runs.count = 1;
    }
    if (runs.length <= 0 || lines <= 0) {
        runs = (pta_runs){0, 0, 0, 0};
    }
    return runs;
}

bool pta_region_equal(const pta_region *a, const pta_region *b)
{
    pta_runs x = pta_region_runs(a), y = pta_region_runs(b);
    return memcmp(&x, &y, sizeof x) == 0;
}

/* Hull of the channels (flat index modulo c) that the runs touch. */
static void channel_hull(const pta_runs *runs, int32_t c, pta_region *box)
{
    int64_t lo = c, hi = 0;
    int64_t n = runs->stride % c == 0 ? 1 : runs->count;
    for (int64_t i = 0; i < n && (lo > 0 || hi < c); i++) {
        int64_t first = (runs->start + i * runs->stride) % c;
        bool wraps = first + runs->length > c;
        lo = wraps ? 0 : min64(lo, first);
        hi = wraps ? c : max64(hi, first + runs->length);
    }
    box->c0 = (int32_t)lo;
    box->c1 = (int32_t)hi;
}

pta_region pta_region_box(const pta_region *region, pta_view view, bool *exact)
{
    pta_runs runs = pta_region_runs(region);
    pta_region box = {view, 0, 0, 0, 0};
    if (runs.count > 0) {
        int64_t row = (int64_t)view.w * view.c;
        int64_t last =
            runs.start + (runs.count - 1) * runs.stride + runs.length;
        box.h0 = (int32_t)(runs.start / row);
        box.h1 = (int32_t)((last - 1) / row + 1);
        channel_hull(&runs, view.c, &box);
    }
    if (exact != NULL) {
        *exact = pta_region_count(&box) == pta_region_count(region);
    }
    return box;
}

pta_region pta_region_join(const pta_region *a, const pta_region *b)
{
    pta_region box = pta_region_box(b, a->view, NULL);
    if (pta_region_count(a) == 0) {
        return box;
    }
    if (pta_region_count(&box) == 0) {
        return *a;
    }
    box.h0 = (int32_t)min64(a->h0, box.h0);
    box.h1 = (int32_t)max64(a->h1, box.h1);
    box.c0 = (int32_t)min64(a->c0, box.c0);
    box.c1 = (int32_t)max64(a->c1, box.c1);
    return box;
}

/* Index of the first run that ends after flat position `at`. */
static int64_t run_after(const pta_runs *r, int64_t at)
{
    int64_t past = at - r->start - r->length;
    return past < 0 ? 0 : past / r->stride + 1;
}

/* Adds a run, or lengthens the last one; with runs NULL it only counts. */
typedef struct run_list {
    pta_copy_run *runs;
    int32_t n;
    int64_t src_end, dst_end;
} run_list;

static void run_add(run_list *list, int64_t src, int64_t dst, int64_t length)
{
    bool joins = list->n > 0 && src == list->src_end && dst == list->dst_end;
    if (!joins) {
        list->n++;
    }
    if (list->runs != NULL) {
        pta_copy_run *run = &list->runs[list->n - 1];
        if (!joins) {
            *run = (pta_copy_run){(int32_t)src, (int32_t)dst, 0};
        }
        run->length += (int32_t)length;
    }
    list->src_end = src + length;
    list->dst_end = dst + length;
}

/* Merges two ascending run patterns; leaps over what cannot meet. Returns the
 * number of elements shared. */
static int64_t run_merge(const pta_runs *a, const pta_runs *b, run_list *list)
{
    int64_t shared = 0, i = 0, j = 0;
    while (i < a->count && j < b->count) {
        int64_t a0 = a->start + i * a->stride, a1 = a0 + a->length;
        int64_t b0 = b->start + j * b->stride, b1 = b0 + b->length;
        int64_t lo = max64(a0, b0), hi = min64(a1, b1);
        if (lo < hi) {
            run_add(list, i * a->length + lo - a0, j * b->length + lo - b0,
                    hi - lo);
            shared += hi - lo;
        }
        if (a1 <= b1) {
            i = max64(i + 1, run_after(a, b0));
        } else {
            j = max64(j + 1, run_after(b, a0));
        }
    }
    return shared;
}

pta_status pta_region_copy(pta_ctx *ctx, const pta_region *src,
                           const pta_region *dst, pta_copy *out)
{
    if (pta_region_count(src) > INT32_MAX ||
        pta_region_count(dst) > INT32_MAX) {
        return pta_fail(ctx, PTA_ERR_RANGE,
                        "a tensor of more than 2^31 - 1 elements");
    }
    pta_runs a = pta_region_runs(src), b = pta_region_runs(dst);
    run_list list = {0};
    pta_copy copy = {0};
    copy.n_elements = run_merge(&a, &b, &list);
    copy.n_runs = list.n;
    PTA_TRY_ALLOC(ctx, copy.runs, copy.n_runs);
    list = (run_list){.runs = copy.runs};
    run_merge(&a, &b, &list);
    *out = copy;
    return PTA_OK;
}

void pta_copy_free(pta_ctx *ctx, pta_copy *copy)
{
    pta_free(ctx, copy->runs);
    *copy = (pta_copy){0};
}
