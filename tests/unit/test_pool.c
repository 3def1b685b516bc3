/*
 * Pooling: by hand at the borders, random windows against code written here,
 * the fast maximum against the reference.
 */
#include "unit.h"

#include "kernel_cases.h"

#define SEED 20261126u

static void call(void (*kernel)(const pta_pool *, const pta_batch *),
                 const pta_pool *p, const void *x, void *y, int32_t n)
{
    size_t x_stride = (size_t)pta_image_count(p->in) * pta_type_bytes(p->x);
    size_t y_stride = (size_t)pta_image_count(p->out) * pta_type_bytes(p->y);
    pta_batch batch = {
        .n = n, .x = &x, .x_stride = &x_stride, .y = y, .y_stride = y_stride};
    kernel(p, &batch);
}

/* "Same" padding at the corner: only real cells count. */
static void test_corner(void)
{
    static const int8_t x[] = {-5, -6, -7, -9};
    pta_format q = {8, 8, true, PTA_RND_RND, PTA_OVF_SAT};
    pta_pool p = {.in = {2, 2, 1},
                  .out = {1, 1, 1},
                  .window = {3, 3, 2, 2, 1, 1, 1, 1, 1, 1},
                  .x = PTA_S8,
                  .y = PTA_S8,
                  .y_format = q};
    int8_t y = 0;
    call(pta_maxpool_ref, &p, x, &y, 1);
    CU_ASSERT_EQUAL(y, -5);
    call(pta_avgpool_ref, &p, x, &y, 1); /* -27 / 4 = -6.75 */
    CU_ASSERT_EQUAL(y, -7);
    p.window.pad_t = p.window.pad_l = 2; /* sees cell (0, 0) alone */
    call(pta_avgpool_ref, &p, x, &y, 1);
    CU_ASSERT_EQUAL(y, -5);
    p.y_format.integer = 6; /* two more fraction bits: one rounding only */
    p.window.pad_t = p.window.pad_l = 1;
    call(pta_avgpool_ref, &p, x, &y, 1);
    CU_ASSERT_EQUAL(y, -27);
    p.y_format.integer = 9; /* -27 / 8 = -3.375; rounding twice gives -4 + 1 */
    call(pta_avgpool_ref, &p, x, &y, 1);
    CU_ASSERT_EQUAL(y, -3);
}

static int64_t expected(const pta_pool *p, const void *x, int64_t out,
                        bool average)
{
    const pta_cells *k = &p->window;
    int32_t c = (int32_t)(out % p->in.c);
    int32_t ow = (int32_t)(out / p->in.c % p->out.w);
    int32_t oh = (int32_t)(out / p->in.c / p->out.w);
    int64_t sum = 0, max = INT64_MIN;
    int32_t count = 0;
    for (int32_t h = 0; h < p->in.h; h++) {
        for (int32_t w = 0; w < p->in.w; w++) {
            int32_t i = h - (oh * k->stride_h - k->pad_t);
            int32_t j = w - (ow * k->stride_w - k->pad_l);
            if (i < 0 || j < 0 || i % k->dilation_h != 0 ||
                j % k->dilation_w != 0 || i / k->dilation_h >= k->kh ||
                j / k->dilation_w >= k->kw) {
                continue;
            }
            int64_t v =
                pta_load(x, p->x, ((int64_t)h * p->in.w + w) * p->in.c + c);
            sum += v;
            count++;
            max = v > max ? v : max;
        }
    }
    int32_t shift = p->x_frac - pta_frac(p->y_format);
    return average ? pta_convert_scaled_ref(sum, count, shift, p->y_format)
                   : max;
}

/* Pads below the window's size, so that every output sees a real cell. */
static pta_pool random_pool(uint64_t *rng)
{
    static const pta_dtype types[] = {PTA_S8, PTA_S16, PTA_S32};
    pta_pool p = {.in = {(int32_t)case_range(rng, 4, 9),
                         (int32_t)case_range(rng, 4, 9),
                         (int32_t)case_range(rng, 1, 40)}};
    int32_t kh = (int32_t)case_range(rng, 1, 4);
    int32_t kw = (int32_t)case_range(rng, 1, 4);
    p.window = (pta_cells){.kh = kh,
                           .kw = kw,
                           .stride_h = (int32_t)case_range(rng, 1, 3),
                           .stride_w = (int32_t)case_range(rng, 1, 3),
                           .dilation_h = 1,
                           .dilation_w = 1,
                           .pad_t = (int32_t)case_range(rng, 0, kh - 1),
                           .pad_b = (int32_t)case_range(rng, 0, kh - 1),
                           .pad_l = (int32_t)case_range(rng, 0, kw - 1),
                           .pad_r = (int32_t)case_range(rng, 0, kw - 1)};
    const pta_cells *k = &p.window;
    p.out = (pta_image){(p.in.h + k->pad_t + k->pad_b - kh) / k->stride_h + 1,
                        (p.in.w + k->pad_l + k->pad_r - kw) / k->stride_w + 1,
                        p.in.c};
    p.x = types[case_range(rng, 0, 2)];
    return p;
}

static void test_random(void)
{
    uint64_t rng = SEED;
    printf("seed %u ", SEED);
    for (int i = 0; i < 600; i++) {
        pta_pool p = random_pool(&rng);
        bool average = i % 2 == 0;
        p.x_frac = (int32_t)case_range(&rng, -3, 20);
        p.y_format = case_format(&rng, false);
        p.y = average ? case_dtype(p.y_format) : p.x;
        int64_t n_in = pta_image_count(p.in), n_out = pta_image_count(p.out);
        char *x = malloc((size_t)n_in * 2 * pta_type_bytes(p.x));
        char *y = case_alloc((size_t)n_out * 2 * pta_type_bytes(p.y));
        case_fill(&rng, x, p.x, n_in * 2, false);
        call(average ? pta_avgpool_ref : pta_maxpool_ref, &p, x, y, 2);
        for (int64_t o = 0; o < 2 * n_out; o++) {
            const char *sample =
                x + (size_t)(o / n_out * n_in) * pta_type_bytes(p.x);
            CU_ASSERT_EQUAL(pta_load(y, p.y, o),
                            expected(&p, sample, o % n_out, average));
        }
        if (!average) {
            char *fast = case_alloc((size_t)n_out * 2 * pta_type_bytes(p.y));
            call(pta_maxpool_fast, &p, x, fast, 2);
            CU_ASSERT_EQUAL(
                memcmp(fast, y, (size_t)n_out * 2 * pta_type_bytes(p.y)), 0);
            free(fast);
        }
        free(x);
        free(y);
    }
}

static const unit_test tests[] = {{"corner", test_corner},
                                  {"random", test_random}};

UNIT_MAIN("pool", tests)
