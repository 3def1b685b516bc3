/*
 * The page of a scaling study: HTML with plots as SVG and nothing from
 * elsewhere (study.h). Colours: compute, bus, wire, wait, as in the legend.
 */
#include <math.h>

#include "cli/study.h"

enum { W = 640, H = 280, LEFT = 76, RIGHT = 16, TOP = 20, BOTTOM = 40 };

static const char *const colours[PTA_V_KINDS] = {
    "#2a78b5", "#e0a030", "#8a4fa0", "#e4e4e4", "#50a060"};

static void text(FILE *f, double x, double y, const char *anchor,
                 const char *words)
{
    fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x,
            y, anchor, words);
}

static void escape(FILE *f, const char *words)
{
    for (; *words != '\0'; words++) {
        if (*words == '<') {
            fputs("&lt;", f);
        } else if (*words == '&') {
            fputs("&amp;", f);
        } else {
            fputc(*words, f);
        }
    }
}

/* ---- lines over the number of boards ---- */

typedef struct series {
    const char *name, *colour;
    double (*value)(const pta_point *point); /* 0: none */
} series;

static double latency(const pta_point *p)
{
    return p->latency.p50;
}

static double host_latency(const pta_point *p)
{
    return p->host.p50;
}

static double throughput(const pta_point *p)
{
    return p->stream.throughput;
}

static double host_throughput(const pta_point *p)
{
    return p->host.throughput;
}

static double arm(const pta_point *p)
{
    return p->floor_arm;
}

static double port(const pta_point *p)
{
    return p->floor_port;
}

static double compute(const pta_point *p)
{
    return p->floor_compute;
}

static double x_at(const pta_study *s, int32_t boards)
{
    double lo = log2(s->points[0].boards);
    double hi = log2(s->points[s->n - 1].boards);
    double part = hi > lo ? (log2(boards) - lo) / (hi - lo) : 0.5;
    return LEFT + 20 + part * (W - LEFT - RIGHT - 40);
}

static double y_at(double value, double lo, double hi)
{
    double part = (log10(value) - lo) / (hi - lo);
    return H - BOTTOM - part * (H - TOP - BOTTOM);
}

static void range(const pta_study *s, const series *all, int n, double *lo,
                  double *hi)
{
    *lo = 1e300;
    *hi = -1e300;
    for (int k = 0; k < n; k++) {
        for (int32_t i = 0; i < s->n; i++) {
            double v = all[k].value(&s->points[i]);
            if (v > 0) {
                *lo = log10(v) < *lo ? log10(v) : *lo;
                *hi = log10(v) > *hi ? log10(v) : *hi;
            }
        }
    }
    *lo = floor(*lo);
    *hi = ceil(*hi);
    *hi = *hi > *lo ? *hi : *lo + 1;
}

static void axes(FILE *f, const pta_study *s, double lo, double hi,
                 const char *unit)
{
    char label[48];
    for (double e = lo; e <= hi; e += 1) {
        double y = y_at(pow(10, e), lo, hi);
        fprintf(f,
                "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" "
                "class=\"grid\"/>\n",
                LEFT, W - RIGHT, y, y);
        snprintf(label, sizeof label, "%g", pow(10, e));
        text(f, LEFT - 6, y + 4, "end", label);
    }
    text(f, 4, TOP - 6, "start", unit);
    for (int32_t i = 0; i < s->n; i++) {
        if (i > 0 && s->points[i].boards == s->points[i - 1].boards) {
            continue;
        }
        snprintf(label, sizeof label, "%d", s->points[i].boards);
        text(f, x_at(s, s->points[i].boards), H - BOTTOM + 16, "middle", label);
    }
    text(f, W - RIGHT, H - 6, "end", "boards");
}

static void plot(FILE *f, const pta_study *s, const char *title,
                 const char *unit, const series *all, int n)
{
    double lo, hi;
    range(s, all, n, &lo, &hi);
    fprintf(f,
            "<figure><figcaption>%s</figcaption>\n<svg viewBox=\"0 0 %d "
            "%d\" role=\"img\" aria-label=\"%s\">\n",
            title, W, H, title);
    axes(f, s, lo, hi, unit);
    for (int k = 0; k < n; k++) {
        bool any = false;
        fprintf(f,
                "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" "
                "points=\"",
                all[k].colour);
        for (int32_t i = 0; i < s->n; i++) {
            double v = all[k].value(&s->points[i]);
            if (v > 0) {
                any = true;
                fprintf(f, "%.1f,%.1f ", x_at(s, s->points[i].boards),
                        y_at(v, lo, hi));
            }
        }
        fprintf(f, "\"/>\n");
        for (int32_t i = 0; i < s->n; i++) {
            double v = all[k].value(&s->points[i]);
            if (v > 0) {
                fprintf(f,
                        "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" "
                        "fill=\"%s\"><title>%d boards: %.4g</title>"
                        "</circle>\n",
                        x_at(s, s->points[i].boards), y_at(v, lo, hi),
                        all[k].colour, s->points[i].boards, v);
            }
        }
        if (any) {
            fprintf(f, "<text x=\"%d\" y=\"%d\" fill=\"%s\">%s</text>\n",
                    LEFT + 90 + 130 * k, TOP - 6, all[k].colour, all[k].name);
        }
    }
    fprintf(f, "</svg></figure>\n");
}

/* ---- shares of a board's time ---- */

static void shares(FILE *f, const pta_point *p)
{
    int32_t n = p->stream.n_boards < 24 ? p->stream.n_boards : 24;
    int height = 20 * n + 10;
    fprintf(f,
            "<figure><figcaption>%d boards, micro-batch %d: what the CPU "
            "and the accelerator of each board do (share of the run)"
            "</figcaption><svg viewBox=\"0 0 %d %d\">\n",
            p->boards, p->stream.flow.micro_batch, W, height);
    for (int32_t b = 0; b < n; b++) {
        static const pta_vkind order[] = {PTA_V_COMPUTE, PTA_V_BUS, PTA_V_WIRE};
        char label[16];
        double at = LEFT, room = W - LEFT - RIGHT;
        snprintf(label, sizeof label, "board %d", b);
        text(f, LEFT - 6, 20 * b + 17, "end", label);
        fprintf(f,
                "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"15\" "
                "fill=\"%s\"/>\n",
                LEFT, 20 * b + 5, room, colours[PTA_V_WAIT]);
        for (int k = 0; k < 3; k++) {
            double share = (double)p->stream.stages[b].ns[order[k]] /
                           (double)p->stream.elapsed;
            double wide = share * room;
            wide = at + wide > W - RIGHT ? W - RIGHT - at : wide;
            fprintf(f,
                    "<rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"15\" "
                    "fill=\"%s\"><title>%s %.1f %%</title></rect>\n",
                    at, 20 * b + 5, wide, colours[order[k]],
                    pta_vkind_name(order[k]), 100 * share);
            at += wide;
        }
    }
    fprintf(f, "</svg></figure>\n");
}

/* ---- the time line ---- */

static uint64_t line_end(const pta_point *p)
{
    uint64_t end = 1;
    for (int64_t i = 0; i < p->line.n; i++) {
        const pta_vspan *v = &p->line.spans[i];
        if (v->batch < 4 && v->kind != PTA_V_WAIT && v->end > end) {
            end = v->end;
        }
    }
    return end;
}

static void time_line(FILE *f, const pta_point *p)
{
    int32_t n = p->stream.n_boards < 24 ? p->stream.n_boards : 24;
    int row = 26, height = row * n + 34;
    uint64_t end = line_end(p);
    char label[48];
    fprintf(f,
            "<figure><figcaption>%d boards, micro-batch %d: the first four "
            "micro-batches in modelled time (above: CPU; below: "
            "accelerator)</figcaption><svg viewBox=\"0 0 %d %d\">\n",
            p->boards, p->stream.flow.micro_batch, W, height);
    for (int32_t b = 0; b < n; b++) {
        snprintf(label, sizeof label, "board %d", b);
        text(f, LEFT - 6, row * b + 17, "end", label);
    }
    for (int64_t i = 0; i < p->line.n; i++) {
        const pta_vspan *v = &p->line.spans[i];
        bool shown = v->kind == PTA_V_COMPUTE || v->kind == PTA_V_BUS ||
                     v->kind == PTA_V_WIRE;
        if (!shown || v->host >= n || v->begin >= end) {
            continue;
        }
        double scale = (W - LEFT - RIGHT) / (double)end;
        uint64_t until = v->end < end ? v->end : end;
        fprintf(f,
                "<rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"10\" "
                "fill=\"%s\"><title>%s, batch %lld, %.1f us</title>"
                "</rect>\n",
                LEFT + (double)v->begin * scale,
                row * v->host + (v->kind == PTA_V_COMPUTE ? 14 : 4),
                (double)(until - v->begin) * scale, colours[v->kind],
                pta_vkind_name(v->kind), (long long)v->batch,
                1e-3 * (double)(v->end - v->begin));
    }
    snprintf(label, sizeof label, "0 to %.1f us", 1e-3 * (double)end);
    text(f, W - RIGHT, height - 8, "end", label);
    fprintf(f, "</svg></figure>\n");
}

/* ---- the page ---- */

static void head(FILE *f, const pta_study *s)
{
    fprintf(f, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta "
               "charset=\"utf-8\"><title>Scaling study</title><style>\n"
               "body{font:15px sans-serif;max-width:900px;margin:2em auto;"
               "padding:0 1em}svg{width:100%%;font-size:12px}"
               "figure{margin:1.5em 0}figcaption{font-weight:bold}"
               ".grid{stroke:#ddd}table{border-collapse:collapse}"
               "td,th{padding:2px 8px;text-align:right;border-bottom:1px solid "
               "#ddd}</style></head><body>\n<h1>Scaling study of ");
    escape(f, s->file);
    fprintf(f, "</h1>\n<p>Cluster \"");
    escape(f, s->cluster);
    fprintf(f,
            "\"; %s. Modelled time, cycles %s; host figures, where there "
            "are any, were measured on the machine that wrote this page and "
            "say nothing of boards.</p>\n",
            s->is_model ? "planned anew for each number of boards"
                        : "one plan; more boards run more copies of it",
            pta_cycles_source_text(s->points[0].stream.source));
}

static void ddr_table(FILE *f, const pta_study *s)
{
    fprintf(f,
            "<h2>When splitting pays</h2><p>One board that streams its "
            "weights from DDR for every sample, at %.0f MB/s, is slower "
            "than the boards below from this size of network on (block RAM "
            "of a board: %.0f KiB).</p><table><tr><th>boards</th><th>KiB, "
            "latency</th><th>KiB, throughput</th></tr>\n",
            1e-6 * s->ddr_rate, s->chip_bytes / 1024);
    for (int32_t i = 0; i < s->n; i++) {
        const pta_point *p = &s->points[i];
        fprintf(f, "<tr><td>%d</td><td>%.0f</td><td>%.0f</td></tr>\n",
                p->boards, p->ddr_latency_bytes / 1024,
                p->ddr_stream_bytes / 1024);
    }
    fprintf(f, "</table>\n");
}

static void print_page(FILE *f, const pta_study *s)
{
    static const series latencies[] = {
        {"modelled p50", "#2a78b5", latency},
        {"this machine", "#888888", host_latency}};
    static const series rates[] = {
        {"modelled", "#2a78b5", throughput},
        {"accelerator", "#50a060", compute},
        {"ARM", "#8a4fa0", arm},
        {"port", "#e0a030", port},
        {"this machine", "#888888", host_throughput}};
    head(f, s);
    plot(f, s, "Latency, one sample in flight", "us", latencies, 2);
    plot(f, s, "Throughput, and what each resource alone would allow", "1/s",
         rates, 5);
    fprintf(f,
            "<p>Below: <span style=\"color:%s\">accelerator</span>, <span "
            "style=\"color:%s\">DMA and copies</span>, <span "
            "style=\"color:%s\">messages</span>; grey: waiting.</p>\n",
            colours[PTA_V_COMPUTE], colours[PTA_V_BUS], colours[PTA_V_WIRE]);
    for (int32_t i = 0; i < s->n; i++) {
        shares(f, &s->points[i]);
    }
    time_line(f, &s->points[s->n - 1]);
    ddr_table(f, s);
    fprintf(f, "</body></html>\n");
}

pta_status pta_study_page(pta_ctx *ctx, const pta_study *study,
                          const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: cannot be written", path);
    }
    print_page(file, study);
    bool good = ferror(file) == 0;
    good = fclose(file) == 0 && good;
    return good ? PTA_OK
                : pta_fail(ctx, PTA_ERR_IO, "%s: cannot be written", path);
}
