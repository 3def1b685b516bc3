/*
 * Regions against sets of flat indices, element by element.
 */
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "plan/region.h"
#include "unit/unit.h"

#define SEED    7u
#define N_CASES 20000
#define MOST    400 /* elements of a tensor */

static int32_t pick(uint64_t *rng, int32_t lo, int32_t hi)
{
    return (int32_t)pta_rng_range(rng, lo, hi);
}

/* Some view of n elements. */
static pta_view random_view(uint64_t *rng, int32_t n)
{
    int32_t c, w;
    do {
        c = pick(rng, 1, n);
    } while (n % c != 0);
    do {
        w = pick(rng, 1, n / c);
    } while (n / c % w != 0);
    return (pta_view){n / c / w, w, c};
}

static pta_region random_region(uint64_t *rng, int32_t n)
{
    pta_region r = {.view = random_view(rng, n)};
    r.h0 = pick(rng, 0, r.view.h);
    r.h1 = pick(rng, r.h0, r.view.h);
    r.c0 = pick(rng, 0, r.view.c - 1);
    r.c1 = pick(rng, r.c0 + 1, r.view.c);
    return r;
}

/* Local position of each flat element, or -1. Returns how many there are. */
static int32_t members(const pta_region *r, int32_t *position)
{
    int32_t n = 0, flat = 0;
    for (int32_t h = 0; h < r->view.h; h++) {
        for (int32_t w = 0; w < r->view.w; w++) {
            for (int32_t c = 0; c < r->view.c; c++) {
                bool in = h >= r->h0 && h < r->h1 && c >= r->c0 && c < r->c1;
                position[flat++] = in ? n++ : -1;
            }
        }
    }
    return n;
}

static bool same_set(const int32_t *a, const int32_t *b, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        if ((a[i] >= 0) != (b[i] >= 0)) {
            return false;
        }
    }
    return true;
}

static void check_runs(const pta_region *r, const int32_t *position, int32_t n)
{
    int32_t found[MOST];
    pta_runs runs = pta_region_runs(r);
    memset(found, -1, sizeof found);
    int32_t at = 0;
    for (int64_t i = 0; i < runs.count; i++) {
        for (int64_t e = 0; e < runs.length; e++) {
            found[runs.start + i * runs.stride + e] = at++;
        }
    }
    CU_ASSERT_EQUAL(memcmp(found, position, (size_t)n * sizeof *found), 0);
    CU_ASSERT_EQUAL(pta_region_count(r), at);
    CU_ASSERT_EQUAL(pta_region_is_whole(r), at == n);
    CU_ASSERT_TRUE(runs.count <= 1 || runs.length < runs.stride);
}

/* The box contains the region and each face of it touches it. */
static void check_box(const pta_region *r, const int32_t *position,
                      pta_view view, int32_t n)
{
    int32_t in_box[MOST];
    bool exact, top = false, bottom = false, left = false, right = false;
    pta_region box = pta_region_box(r, view, &exact);
    members(&box, in_box);
    for (int32_t i = 0; i < n; i++) {
        if (position[i] >= 0) {
            CU_ASSERT_TRUE_FATAL(in_box[i] >= 0);
            top = top || i / (view.w * view.c) == box.h0;
            bottom = bottom || i / (view.w * view.c) == box.h1 - 1;
            left = left || i % view.c == box.c0;
            right = right || i % view.c == box.c1 - 1;
        }
    }
    CU_ASSERT_EQUAL(exact, same_set(position, in_box, n));
    CU_ASSERT_TRUE(pta_region_count(r) == 0 ||
                   (top && bottom && left && right));
}

/* Every shared element once, in order, in runs that cannot be longer. */
static void check_copy(pta_ctx *ctx, const pta_region *a, const int32_t *pa,
                       const pta_region *b, const int32_t *pb, int32_t n)
{
    pta_copy copy;
    pta_copy_run runs[MOST + 1] = {{-1, -1, 0}}, *last = runs;
    int32_t shared = 0;
    for (int32_t i = 0; i < n; i++) {
        if (pa[i] < 0 || pb[i] < 0) {
            continue;
        }
        if (pa[i] != last->src + last->length ||
            pb[i] != last->dst + last->length || shared == 0) {
            *++last = (pta_copy_run){pa[i], pb[i], 0};
        }
        last->length++;
        shared++;
    }
    UNIT_OK(ctx, pta_region_copy(ctx, a, b, &copy));
    CU_ASSERT_EQUAL(shared, copy.n_elements);
    CU_ASSERT_EQUAL_FATAL(last - runs, copy.n_runs);
    CU_ASSERT_EQUAL(
        memcmp(runs + 1, copy.runs, (size_t)copy.n_runs * sizeof *runs), 0);
    pta_copy_free(ctx, &copy);
}

static void test_random_regions(void)
{
    pta_ctx *ctx = pta_ctx_create();
    uint64_t rng = SEED;
    int32_t pa[MOST], pb[MOST], pj[MOST];
    for (int32_t i = 0; i < N_CASES; i++) {
        int32_t n = pick(&rng, 1, MOST);
        pta_region a = random_region(&rng, n), b = random_region(&rng, n);
        members(&a, pa);
        members(&b, pb);
        check_runs(&a, pa, n);
        check_box(&a, pa, b.view, n);
        check_copy(ctx, &a, pa, &b, pb, n);
        CU_ASSERT_EQUAL(pta_region_equal(&a, &b), same_set(pa, pb, n));
        pta_region join = pta_region_join(&a, &b);
        members(&join, pj);
        for (int32_t e = 0; e < n; e++) {
            CU_ASSERT_TRUE((pa[e] < 0 && pb[e] < 0) || pj[e] >= 0);
        }
    }
    printf("\n    seed %u, %d pairs ", SEED, N_CASES);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

/* The case the region was made for: flattened channels of an image. */
static void test_flattened_channels(void)
{
    pta_region channels = {{5, 5, 64}, 0, 5, 16, 32};
    pta_runs runs = pta_region_runs(&channels);
    CU_ASSERT_EQUAL(runs.start, 16);
    CU_ASSERT_EQUAL(runs.length, 16);
    CU_ASSERT_EQUAL(runs.stride, 64);
    CU_ASSERT_EQUAL(runs.count, 25);
    bool exact = true;
    pta_region flat = pta_region_box(&channels, (pta_view){1, 1, 1600}, &exact);
    CU_ASSERT_FALSE(exact);
    CU_ASSERT_EQUAL(flat.c0, 16);
    CU_ASSERT_EQUAL(flat.c1, 24 * 64 + 32);
}

static void test_too_large(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_copy copy;
    pta_region big = pta_region_whole((pta_view){65536, 65536, 1});
    CU_ASSERT_EQUAL(pta_region_copy(ctx, &big, &big, &copy), PTA_ERR_RANGE);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

static const unit_test tests[] = {
    {"random regions are the sets they say", test_random_regions},
    {"flattened channels are a strided pattern", test_flattened_channels},
    {"tensors beyond 2^31 are refused", test_too_large},
};

UNIT_MAIN("region", tests)
