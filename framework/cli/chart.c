/* Charts (chart.h). */
#include "cli/chart.h"

#include <math.h>
#include <string.h>

enum { W = 400, H = 250, LEFT = 46, RIGHT = 12, TOP = 22, BOTTOM = 38 };

typedef struct axis {
    double lo, hi; /* log10 */
} axis;

pta_curve *pta_chart_add(pta_chart *chart, int colour, bool dashed,
                         const char *name)
{
    if (chart->n == PTA_CHART_CURVES) {
        return NULL;
    }
    pta_curve *curve = &chart->curves[chart->n++];
    curve->colour = colour;
    curve->dashed = dashed;
    curve->scattered = false;
    curve->n = 0;
    snprintf(curve->name, sizeof curve->name, "%s", name);
    return curve;
}

void pta_curve_add(pta_curve *curve, double x, double y)
{
    if (curve != NULL && x > 0 && y > 0 && curve->n < PTA_CHART_POINTS) {
        curve->x[curve->n] = x;
        curve->y[curve->n++] = y;
    }
}

const char *pta_print_si(double value, char text[PTA_SI_TEXT])
{
    static const struct {
        double unit;
        const char *name;
    } units[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {0, ""}};
    int i = 0;
    while (value < units[i].unit * 0.9995) {
        i++;
    }
    double unit = units[i].unit > 0 ? units[i].unit : 1;
    snprintf(text, PTA_SI_TEXT, "%.3g%s", value / unit, units[i].name);
    return text;
}

/* ---- axes ---- */

static double x_at(const axis *x, double value)
{
    double part = x->hi > x->lo ? (log10(value) - x->lo) / (x->hi - x->lo) : .5;
    return LEFT + 10 + part * (W - LEFT - RIGHT - 20);
}

static double y_at(const axis *y, double value)
{
    double part = (log10(value) - y->lo) / (y->hi - y->lo);
    return H - BOTTOM - part * (H - TOP - BOTTOM);
}

static void widen(axis *a, double value)
{
    a->lo = fmin(a->lo, log10(value));
    a->hi = fmax(a->hi, log10(value));
}

static void find_axes(const pta_chart *chart, axis *x, axis *y)
{
    *x = *y = (axis){HUGE_VAL, -HUGE_VAL};
    for (int k = 0; k < chart->n; k++) {
        const pta_curve *c = &chart->curves[k];
        for (int i = 0; i < c->n; i++) {
            widen(x, c->x[i]);
            widen(y, c->y[i]);
        }
    }
    y->lo = floor(y->lo + 1e-9);
    y->hi = ceil(y->hi - 1e-9);
    y->hi = y->hi > y->lo ? y->hi : y->lo + 1;
}

static void text_at(FILE *f, double x, double y, const char *anchor,
                    const char *words)
{
    fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x,
            y, anchor, words);
}

static void y_tick(FILE *f, const axis *y, double value)
{
    char label[PTA_SI_TEXT];
    fprintf(
        f,
        "<line class=\"line\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
        LEFT, W - RIGHT, y_at(y, value), y_at(y, value));
    text_at(f, LEFT - 6, y_at(y, value) + 4, "end", pta_print_si(value, label));
}

static void print_y(FILE *f, const axis *y)
{
    for (double e = y->lo; e <= y->hi; e += 1) {
        y_tick(f, y, pow(10, e));
        if (y->hi - y->lo < 3 && e < y->hi) {
            y_tick(f, y, 2 * pow(10, e));
            y_tick(f, y, 5 * pow(10, e));
        }
    }
}

/* A label unless it would touch the one before. */
static void x_tick(FILE *f, const pta_chart *chart, const axis *x, double value,
                   double *last)
{
    char label[PTA_SI_TEXT];
    if (chart->is_counted) {
        snprintf(label, sizeof label, "%.0f", value);
    } else {
        pta_print_si(value, label);
    }
    int half = 4 * (int)strlen(label) + 1;
    double at = x_at(x, value);
    if (at - half > *last) {
        text_at(f, at, H - BOTTOM + 16, "middle", label);
        *last = at + half;
    }
}

static void print_x(FILE *f, const pta_chart *chart, const axis *x)
{
    double last = -HUGE_VAL;
    if (!chart->is_counted) {
        for (double e = ceil(x->lo - 1e-9); e <= x->hi + 1e-9; e += 1) {
            x_tick(f, chart, x, pow(10, e), &last);
        }
        return;
    }
    double before = 0;
    for (;;) { /* each x of any curve, in order */
        double next = HUGE_VAL;
        for (int k = 0; k < chart->n; k++) {
            for (int i = 0; i < chart->curves[k].n; i++) {
                double v = chart->curves[k].x[i];
                next = v > before && v < next ? v : next;
            }
        }
        if (next == HUGE_VAL) {
            return;
        }
        x_tick(f, chart, x, next, &last);
        before = next;
    }
}

/* ---- curves ---- */

static void print_line(FILE *f, const pta_curve *c, const axis *x,
                       const axis *y)
{
    fprintf(f,
            "<polyline class=\"s%d\" fill=\"none\" stroke-width=\"2\"%s "
            "points=\"",
            c->colour, c->dashed ? " stroke-dasharray=\"5 4\"" : "");
    for (int i = 0; i < c->n; i++) {
        fprintf(f, "%.1f,%.1f ", x_at(x, c->x[i]), y_at(y, c->y[i]));
    }
    fprintf(f, "\"/>\n");
}

static void print_curve(FILE *f, const pta_curve *c, const axis *x,
                        const axis *y)
{
    char label[PTA_SI_TEXT];
    if (!c->scattered) {
        print_line(f, c, x, y);
    }
    for (int i = 0; i < c->n && !c->dashed; i++) {
        fprintf(f,
                "<circle class=\"f%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>"
                "%s: %s</title></circle>\n",
                c->colour, x_at(x, c->x[i]), y_at(y, c->y[i]), c->name,
                pta_print_si(c->y[i], label));
    }
}

static void print_key(FILE *f, const pta_chart *chart)
{
    fprintf(f, "<div class=\"key\">");
    for (int k = 0; k < chart->n; k++) {
        const pta_curve *c = &chart->curves[k];
        if (c->n > 0) {
            fprintf(f,
                    "<span><svg viewBox=\"0 0 26 10\"><path class=\"s%d\" "
                    "stroke-width=\"2\"%s d=\"M0 5H26\"/></svg>%s</span>",
                    c->colour, c->dashed ? " stroke-dasharray=\"5 4\"" : "",
                    c->name);
        }
    }
    fprintf(f, "</div>");
}

void pta_chart_print(const pta_chart *chart, FILE *file)
{
    axis x, y;
    find_axes(chart, &x, &y);
    if (x.hi < x.lo) {
        return;
    }
    fprintf(file,
            "<figure class=\"card\"><figcaption>%s</figcaption><svg "
            "viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n",
            chart->title, W, H, chart->title);
    print_y(file, &y);
    print_x(file, chart, &x);
    text_at(file, 4, TOP - 9, "start", chart->y_name);
    text_at(file, W - RIGHT, H - 5, "end", chart->x_name);
    for (int k = 0; k < chart->n; k++) {
        print_curve(file, &chart->curves[k], &x, &y);
    }
    fprintf(file, "</svg>");
    print_key(file, chart);
    fprintf(file, "</figure>\n");
}
