/* Robust fits (netfit.h): medians of medians, after Theil and Sen. */
#include "runtime/netfit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ctx.h"

/* A candidate and how much it counts. */
typedef struct vote {
    double value, weight;
} vote;

static int compare_values(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static int compare_votes(const void *a, const void *b)
{
    return compare_values(&((const vote *)a)->value, &((const vote *)b)->value);
}

double pta_fit_median(int n, double *values)
{
    PTA_ASSERT(n > 0);
    qsort(values, (size_t)n, sizeof *values, compare_values);
    return 0.5 * (values[(n - 1) / 2] + values[n / 2]);
}

/** The value below and above which half of the weight lies. */
static double weighted_median(int n, vote *votes)
{
    double half = 0.0, sum = 0.0;
    qsort(votes, (size_t)n, sizeof *votes, compare_votes);
    for (int i = 0; i < n; i++) {
        half += 0.5 * votes[i].weight;
    }
    for (int i = 0; i < n; i++) {
        sum += votes[i].weight;
        if (sum >= half) {
            return votes[i].value;
        }
    }
    return 0.0;
}

double pta_fit_slope(int n, const double *x, const double *y)
{
    vote votes[PTA_FIT_MAX * (PTA_FIT_MAX - 1) / 2];
    int n_votes = 0;
    PTA_ASSERT(n > 0 && n <= PTA_FIT_MAX);
    for (int i = 0; i < n; i++) {
        for (int k = i + 1; k < n; k++) {
            double dx = x[k] - x[i];
            if (dx > 0.0) {
                votes[n_votes++] = (vote){(y[k] - y[i]) / dx, dx};
            }
        }
    }
    return fmax(0.0, weighted_median(n_votes, votes));
}

/** |y - fit| / y of all points: median and greatest. */
static void judge(int n, const double *y, const double *fit, double *median,
                  double *worst)
{
    double off[PTA_FIT_MAX];
    for (int i = 0; i < n; i++) {
        off[i] = fabs(y[i] - fit[i]) / y[i];
    }
    *median = pta_fit_median(n, off);
    *worst = off[n - 1];
}

pta_line pta_fit_line(int n, const double *x, const double *y)
{
    pta_line line = {.slope = pta_fit_slope(n, x, y)};
    double values[PTA_FIT_MAX];
    int lower = (n + 1) / 2;
    for (int i = 0; i < lower; i++) {
        values[i] = y[i] - line.slope * x[i];
    }
    line.base = fmax(0.0, pta_fit_median(lower, values));
    for (int i = 0; i < n; i++) {
        values[i] = line.base + line.slope * x[i];
    }
    judge(n, y, values, &line.residual, &line.worst);
    return line;
}

pta_gap pta_fit_gap(int n, const double *x, const double *y)
{
    PTA_ASSERT(n > 0 && n <= PTA_FIT_MAX);
    pta_gap gap = {0};
    double values[PTA_FIT_MAX];
    int n_upper = 0, n_above = 0;
    for (int i = n / 2; i < n; i++) {
        values[n_upper++] = y[i] / x[i];
    }
    gap.per_byte = pta_fit_median(n_upper, values);
    gap.message = y[0];
    for (int i = 0; i < n; i++) {
        gap.message = fmin(gap.message, y[i]);
        if (y[i] > 1.5 * gap.per_byte * x[i]) {
            values[n_above++] = y[i];
        }
    }
    if (n_above > 0) {
        gap.message = pta_fit_median(n_above, values);
    }
    for (int i = 0; i < n; i++) {
        values[i] = fmax(gap.message, gap.per_byte * x[i]);
    }
    judge(n, y, values, &gap.residual, &gap.worst);
    return gap;
}
