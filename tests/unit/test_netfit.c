/* runtime/netfit: known truths recovered exactly, and through outliers. */
#include "runtime/netfit.h"

#include <math.h>

#include "base/rng.h"
#include "unit.h"

enum { N_SIZES = 8, ROUNDS = 21, CASES = 500 };

static const double sizes[N_SIZES] = {48,   256,   1024,  4096,
                                      8192, 16384, 32768, 65536};
static const uint64_t seed = 20261122;

static double uniform(uint64_t *state, double lo, double hi)
{
    return lo + (hi - lo) * 0x1p-53 * (double)(pta_rng_next(state) >> 11);
}

static void near(double got, double expected, double relative)
{
    if (fabs(got - expected) > relative * fabs(expected) + 1e-12) {
        fprintf(stderr, "\ngot %.9g, expected %.9g within %g\n", got, expected,
                relative);
        CU_FAIL("not near");
    }
}

static void medians(void)
{
    double odd[] = {9, 1, 5}, even[] = {4, 1, 3, 100}, one[] = {7};
    CU_ASSERT_EQUAL(pta_fit_median(3, odd), 5);
    CU_ASSERT_EQUAL(pta_fit_median(4, even), 3.5);
    CU_ASSERT_EQUAL(pta_fit_median(1, one), 7);
}

static void exact_lines(void)
{
    uint64_t state = seed;
    for (int c = 0; c < CASES; c++) {
        double base = uniform(&state, 1, 200), slope = uniform(&state, 0, 0.1);
        double y[N_SIZES];
        for (int i = 0; i < N_SIZES; i++) {
            y[i] = base + slope * sizes[i];
        }
        pta_line line = pta_fit_line(N_SIZES, sizes, y);
        near(line.base, base, 1e-9);
        near(line.slope, slope, 1e-9);
        CU_ASSERT(line.worst < 1e-9);
    }
}

/* One size in eight is ten times too slow: neither number moves. */
static void a_line_with_an_outlier(void)
{
    uint64_t state = seed + 1;
    for (int c = 0; c < CASES; c++) {
        double base = uniform(&state, 1, 200), slope = uniform(&state, 0, 0.1);
        int bad = c % (N_SIZES - 1); /* the longest has too much weight */
        double y[N_SIZES];
        for (int i = 0; i < N_SIZES; i++) {
            y[i] = (base + slope * sizes[i]) * (i == bad ? 10 : 1);
        }
        pta_line line = pta_fit_line(N_SIZES, sizes, y);
        near(line.base, base, 1e-9);
        near(line.slope, slope, 1e-9);
        near(line.worst, 0.9, 1e-6);
        CU_ASSERT(line.residual < 1e-9);
    }
}

/* Rounds with 2 % noise, a quarter of them 2 to 50 times too slow. */
static void noisy_rounds(void)
{
    uint64_t state = seed + 2;
    for (int c = 0; c < CASES; c++) {
        double base = uniform(&state, 20, 200);
        double slope = uniform(&state, 0.005, 0.1);
        double y[N_SIZES], rounds[ROUNDS];
        for (int i = 0; i < N_SIZES; i++) {
            for (int r = 0; r < ROUNDS; r++) {
                rounds[r] = (base + slope * sizes[i]) *
                            uniform(&state, 0.99, 1.01) *
                            (r % 4 == 0 ? uniform(&state, 2, 50) : 1);
            }
            y[i] = pta_fit_median(ROUNDS, rounds);
        }
        pta_line line = pta_fit_line(N_SIZES, sizes, y);
        near(line.base, base, 0.1);
        near(line.slope, slope, 0.05);
        CU_ASSERT(line.residual < 0.02);
    }
}

static void degenerate_lines(void)
{
    double x[] = {48, 48, 48}, y[] = {5, 7, 6}, falling[] = {7, 6, 5};
    pta_line line = pta_fit_line(1, x, y);
    CU_ASSERT(line.base == 5 && line.slope == 0 && line.worst == 0);
    line = pta_fit_line(3, x, y);
    CU_ASSERT(line.slope == 0 && isfinite(line.base));
    line = pta_fit_line(3, sizes, falling);
    CU_ASSERT(line.slope == 0 && line.base > 0);
}

static void streams(void)
{
    uint64_t state = seed + 3;
    for (int c = 0; c < CASES; c++) {
        double message = uniform(&state, 1, 15);
        double per_byte = uniform(&state, 0.004, 0.1);
        double y[N_SIZES];
        for (int i = 0; i < N_SIZES; i++) {
            y[i] = fmax(message, per_byte * sizes[i]);
        }
        pta_gap gap = pta_fit_gap(N_SIZES, sizes, y);
        near(gap.per_byte, per_byte, 1e-9);
        near(gap.message, fmax(message, per_byte * sizes[0]), 1e-9);
        CU_ASSERT(gap.worst < 1e-9);
        y[N_SIZES - 2] *= 10; /* one of the four that tell the rate */
        y[0] *= 1.3;
        gap = pta_fit_gap(N_SIZES, sizes, y);
        near(gap.per_byte, per_byte, 1e-9);
    }
}

/* No size is bound by the wire, or all are. */
static void one_sided_streams(void)
{
    double y[N_SIZES];
    for (int i = 0; i < N_SIZES; i++) {
        y[i] = 0.08 * sizes[i];
    }
    pta_gap gap = pta_fit_gap(N_SIZES, sizes, y);
    near(gap.per_byte, 0.08, 1e-9);
    near(gap.message, 0.08 * 48, 1e-9);
}

static const unit_test tests[] = {
    {"medians", medians},
    {"exact lines", exact_lines},
    {"a line with an outlier", a_line_with_an_outlier},
    {"noisy rounds", noisy_rounds},
    {"degenerate lines", degenerate_lines},
    {"streams", streams},
    {"streams bound by the wire alone", one_sided_streams},
};

int main(void)
{
    printf("seed %llu\n", (unsigned long long)seed);
    return unit_main("netfit", tests, sizeof tests / sizeof *tests);
}
