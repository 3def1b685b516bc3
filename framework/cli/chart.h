/*
 * Curves over two logarithmic axes as SVG, with a key below (study_page.c). Drawn
 * 400 units wide, so that its text is legible on a phone.
 */
#ifndef PTA_CLI_CHART_H
#define PTA_CLI_CHART_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PTA_CHART_POINTS 64
#define PTA_CHART_CURVES 10

typedef struct pta_curve {
    char name[64];
    int colour;     /* 0 .. 4, of html.h */
    bool dashed;    /* and without points */
    bool scattered; /* points without a line */
    int n;
    double x[PTA_CHART_POINTS], y[PTA_CHART_POINTS]; /* above 0 */
} pta_curve;

typedef struct pta_chart {
    const char *title, *x_name, *y_name;
    bool is_counted; /* x are few numbers, each labelled; else powers of ten */
    int n;
    pta_curve curves[PTA_CHART_CURVES];
} pta_chart;

/** A new, empty curve; NULL if there are too many. */
pta_curve *pta_chart_add(pta_chart *chart, int colour, bool dashed,
                         const char *name);

/** Ignored where y is not above 0: a point without that figure. */
void pta_curve_add(pta_curve *curve, double x, double y);

/** A <figure>. Curves without points are left out; nothing if all are. */
void pta_chart_print(const pta_chart *chart, FILE *file);

/** "12", "3.4k", "1M": at most three digits. */
#define PTA_SI_TEXT 16
const char *pta_print_si(double value, char text[PTA_SI_TEXT]);

#endif
