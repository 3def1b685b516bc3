/*
 * Straight lines through measured times, robust against outliers. Free of MPI;
 * called by netbench.c, tested on data of known truth.
 */
#ifndef PTA_RUNTIME_NETFIT_H
#define PTA_RUNTIME_NETFIT_H

#define PTA_FIT_MAX 64 /* points of one fit */

/** y = base + slope x. */
typedef struct pta_line {
    double base, slope;
    double residual; /* median of |y - fit| / y */
    double worst;    /* greatest of them */
} pta_line;

/** Median of n > 0 values, which it sorts; of an even number, the mean of the
 * middle two. */
double pta_fit_median(int n, double *values);

/** Median of the slopes of all pairs of points, each counted by its distance in
 * x; 1 <= n <= PTA_FIT_MAX. Never negative; 0 of one point. */
double pta_fit_slope(int n, const double *x, const double *y);

/**
 * Line through 1 <= n <= PTA_FIT_MAX points (x >= 0 ascending, y > 0): the
 * slope as above, the base the median of y - slope x over the lower half of the
 * points. Some points may be far off without moving either. Neither is ever
 * negative.
 */
pta_line pta_fit_line(int n, const double *x, const double *y);

/**
 * Time from one message to the next in a stream: the greater of `message` and
 * `per_byte` x. A sender at work behind a wire.
 */
typedef struct pta_gap {
    double message, per_byte;
    double residual, worst; /* as above */
} pta_gap;

/** Through 1 <= n <= PTA_FIT_MAX points, x > 0 ascending, y > 0: per_byte is the
 * median of y / x over the upper half, message the median of y over the points
 * that lie at least half above per_byte x (none: the least y). */
pta_gap pta_fit_gap(int n, const double *x, const double *y);

#endif
