/*
 * The page of a scaling study: what limits, how it scales, when splitting pays,
 * as charts that need nothing from elsewhere (study.h, html.h).
 */
#include <math.h>
#include <string.h>

#include "cli/chart.h"
#include "cli/html.h"
#include "cli/study.h"

enum { MOST_ROWS = 16 /* boards of a time line */, MOST_LINES = 5 };

/* Colours: of kinds of work and of resources. */
static const int colours[PTA_V_KINDS] = {[PTA_V_COMPUTE] = 0,
                                         [PTA_V_BUS] = 1,
                                         [PTA_V_WIRE] = 3,
                                         [PTA_V_WAIT] = 4,
                                         [PTA_V_PORT] = 2};

/* Point i of the first kind: as many boards, the first rate and micro-batch. */
static const pta_point *first_of(const pta_study *s, int32_t i)
{
    return &s->points[i * s->n_kinds];
}

static int32_t n_numbers(const pta_study *s)
{
    return s->n / s->n_kinds;
}

/* ---- how it scales ---- */

typedef double (*value_of)(const pta_point *point);

static double latency(const pta_point *p)
{
    return p->latency.p50;
}

static double throughput(const pta_point *p)
{
    return p->stream.throughput;
}

static double simulated_latency(const pta_point *p)
{
    return p->simulated.p50;
}

static double simulated_throughput(const pta_point *p)
{
    return p->simulated.throughput;
}

static double host_latency(const pta_point *p)
{
    return p->host.p50;
}

static double host_throughput(const pta_point *p)
{
    return p->host.throughput;
}

static double boards_alone(const pta_point *p)
{
    return p->floor_boards;
}

static double network_alone(const pta_point *p)
{
    return p->floor_network;
}

static double core_ceiling(const pta_point *p)
{
    return p->ceiling_compute;
}

static double arm_ceiling(const pta_point *p)
{
    return p->ceiling_arm;
}

static double port_ceiling(const pta_point *p)
{
    return p->ceiling_port;
}

static void add_curve(pta_chart *chart, const pta_study *s, int32_t kind,
                      int colour, bool dashed, const char *name, value_of value)
{
    pta_curve *curve = pta_chart_add(chart, colour, dashed, name);
    for (int32_t i = kind; i < s->n; i += s->n_kinds) {
        pta_curve_add(curve, s->points[i].boards, value(&s->points[i]));
    }
}

/* A curve for each kind; latency mode knows no micro-batch. */
static void add_kinds(pta_chart *chart, const pta_study *s, value_of value,
                      bool is_latency)
{
    char name[PTA_POINT_TEXT + 16], kind[PTA_POINT_TEXT];
    for (int32_t k = 0; k < s->n_kinds && k < MOST_LINES; k++) {
        const pta_point *p = &s->points[k];
        if (is_latency && k > 0 && p->rate == p[-1].rate) {
            continue;
        }
        pta_point_kind(s, p, kind);
        snprintf(name, sizeof name, "modelled%s%s", kind[0] != '\0' ? ", " : "",
                 kind);
        add_curve(chart, s, k, k % 4, false, name, value);
    }
}

static void print_scaling(FILE *f, const pta_study *s)
{
    pta_chart one = {.title = "Latency of a sample alone in the pipe, p50",
                     .x_name = "boards",
                     .y_name = "us",
                     .is_counted = true};
    pta_chart full = {.title = "Throughput, the pipe kept full",
                      .x_name = "boards",
                      .y_name = "samples/s",
                      .is_counted = true};
    add_kinds(&one, s, latency, true);
    add_kinds(&full, s, throughput, false);
    add_curve(&one, s, 0, 1, true, "simulated", simulated_latency);
    add_curve(&full, s, 0, 1, true, "simulated", simulated_throughput);
    add_curve(&one, s, 0, 4, true, "this machine (host time)", host_latency);
    add_curve(&full, s, 0, 4, true, "this machine (host time)",
              host_throughput);
    fprintf(f, "<h2>How it scales</h2><div class=\"grid wide\">\n");
    pta_chart_print(&one, f);
    pta_chart_print(&full, f);
    fprintf(f, "</div>\n");
}

static void print_limits(FILE *f, const pta_study *s)
{
    pta_chart full = {.title = "Throughput that each resource alone allows",
                      .x_name = "boards",
                      .y_name = "samples/s",
                      .is_counted = true};
    pta_chart one = {.title = "Latency, and its floors",
                     .x_name = "boards",
                     .y_name = "us",
                     .is_counted = true};
    add_curve(&full, s, 0, 0, false, "accelerator", core_ceiling);
    add_curve(&full, s, 0, 3, false, "ARM: messages, DMA", arm_ceiling);
    add_curve(&full, s, 0, 2, false, "Ethernet port", port_ceiling);
    add_curve(&full, s, 0, 4, true, "all together", throughput);
    add_curve(&one, s, 0, 4, true, "modelled p50", latency);
    add_curve(&one, s, 0, 0, false, "were messages free", boards_alone);
    add_curve(&one, s, 0, 3, false, "were boards free", network_alone);
    fprintf(f, "<h2>What limits</h2><div class=\"grid wide\">\n");
    pta_chart_print(&full, f);
    pta_chart_print(&one, f);
    fprintf(f, "</div>\n");
}

/* ---- stages ---- */

static void print_key(FILE *f)
{
    static const struct {
        pta_vkind kind;
        const char *name;
    } keys[] = {{PTA_V_COMPUTE, "accelerator"},
                {PTA_V_BUS, "ARM: DMA and copies"},
                {PTA_V_WIRE, "ARM: messages"}};
    fprintf(f, "<p class=\"key\">");
    for (int k = 0; k < 3; k++) {
        fprintf(f, "<span><i class=\"b%d\"></i>%s</span>",
                colours[keys[k].kind], keys[k].name);
    }
    fprintf(f, "</p>\n");
}

static void print_bar(FILE *f, double share, pta_vkind kind, double *left)
{
    share = fmin(share, *left);
    *left -= share;
    fprintf(f, "<i class=\"b%d\" style=\"width:%.2f%%\"></i>", colours[kind],
            100 * share);
}

/* Accelerator above, ARM below: they work side by side. */
static void print_stage(FILE *f, const pta_point *p, int32_t stage)
{
    const pta_stage_shares *s = &p->shares[stage];
    double left = 1, left_arm = 1;
    fprintf(f, "<div><b>stage %d</b> ", (int)stage);
    pta_html_text(f, s->layers);
    fprintf(
        f,
        " <span class=\"dim\">%d board%s; accelerator %.0f %%, ARM %.0f %%, "
        "port %.0f %%</span><div class=\"bar\" style=\"margin:0\">",
        (int)s->boards, s->boards == 1 ? "" : "s",
        100 * s->share[PTA_V_COMPUTE],
        100 * (s->share[PTA_V_BUS] + s->share[PTA_V_WIRE]),
        100 * s->share[PTA_V_PORT]);
    print_bar(f, s->share[PTA_V_COMPUTE], PTA_V_COMPUTE, &left);
    fprintf(f, "</div><div class=\"bar\">");
    print_bar(f, s->share[PTA_V_BUS], PTA_V_BUS, &left_arm);
    print_bar(f, s->share[PTA_V_WIRE], PTA_V_WIRE, &left_arm);
    fprintf(f, "</div></div>\n");
}

static void print_stages(FILE *f, const pta_study *s)
{
    fprintf(f,
            "<h2>What the busiest board of each stage does</h2><p>Part of the "
            "run, the pipe kept full; grey is waiting.</p>");
    print_key(f);
    fprintf(f, "<div class=\"grid\">\n");
    for (int32_t i = 0; i < n_numbers(s); i++) {
        const pta_point *p = first_of(s, i);
        if (i > 0 && p->stream.n_boards == p[-s->n_kinds].stream.n_boards &&
            p->stages == p[-s->n_kinds].stages) {
            continue; /* more copies of the same */
        }
        fprintf(f, "<div class=\"card\"><b>%d board%s</b>", (int)p->boards,
                p->boards == 1 ? "" : "s");
        for (int32_t k = 0; k < p->stages; k++) {
            print_stage(f, p, k);
        }
        fprintf(f, "</div>\n");
    }
    fprintf(f, "</div>\n");
}

/* ---- the time line ---- */

enum { W = 400, LEFT = 26, RIGHT = 8, ROW = 24 };

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

static void print_span(FILE *f, const pta_vspan *v, uint64_t end)
{
    double scale = (W - LEFT - RIGHT) / (double)end;
    uint64_t until = v->end < end ? v->end : end;
    fprintf(f,
            "<rect class=\"f%d\" x=\"%.2f\" y=\"%d\" width=\"%.2f\" "
            "height=\"9\"><title>board %d: %s, batch %lld, %.1f us</title>"
            "</rect>\n",
            colours[v->kind], LEFT + (double)v->begin * scale,
            ROW * v->host + (v->kind == PTA_V_COMPUTE ? 3 : 13),
            (double)(until - v->begin) * scale, (int)v->host,
            pta_vkind_name(v->kind), (long long)v->batch,
            1e-3 * (double)(v->end - v->begin));
}

static void print_rows(FILE *f, const pta_point *p, int32_t n, uint64_t end)
{
    for (int32_t b = 0; b < n; b++) {
        fprintf(f,
                "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%d</text>"
                "<line class=\"line\" x1=\"%d\" x2=\"%d\" y1=\"%d\" "
                "y2=\"%d\"/>\n",
                LEFT - 6, ROW * b + 17, (int)b, LEFT, W - RIGHT, ROW * (b + 1),
                ROW * (b + 1));
    }
    for (int64_t i = 0; i < p->line.n; i++) {
        const pta_vspan *v = &p->line.spans[i];
        bool shown = v->kind == PTA_V_COMPUTE || v->kind == PTA_V_BUS ||
                     v->kind == PTA_V_WIRE;
        if (shown && v->host < n && v->begin < end) {
            print_span(f, v, end);
        }
    }
}

static void print_line(FILE *f, const pta_study *s)
{
    const pta_point *p = first_of(s, 0);
    for (int32_t i = 1; i < n_numbers(s);
         i++) { /* the largest cut, no copies */
        const pta_point *q = first_of(s, i);
        bool fits = q->used == q->stream.n_boards && q->used <= MOST_ROWS;
        p = fits ? q : p;
    }
    int32_t n = p->stream.n_boards < MOST_ROWS ? p->stream.n_boards : MOST_ROWS;
    uint64_t end = line_end(p);
    fprintf(
        f,
        "<h2>The first four micro-batches</h2><p>Of %d samples each on %d "
        "board%s, in modelled time; of each board the accelerator above, the "
        "ARM below.</p>",
        (int)p->stream.flow.micro_batch, (int)p->boards,
        p->boards == 1 ? "" : "s");
    print_key(f);
    fprintf(f,
            "<figure class=\"card\" style=\"max-width:42rem\"><svg viewBox=\"0 "
            "0 %d %d\" role=\"img\" "
            "aria-label=\"time line\">\n",
            W, ROW * (int)n + 20);
    print_rows(f, p, n, end);
    fprintf(f,
            "<text x=\"%d\" y=\"%d\">0</text><text x=\"%d\" y=\"%d\" "
            "text-anchor=\"end\">%.0f us</text></svg></figure>\n",
            LEFT, ROW * (int)n + 15, W - RIGHT, ROW * (int)n + 15,
            1e-3 * (double)end);
}

/* ---- when splitting pays ---- */

/* Latency over the size of weights: one board that streams them from DDR, and
 * boards that hold them, as far as their block RAM goes. */
static void print_ddr_chart(FILE *f, const pta_study *s)
{
    pta_chart chart = {.title = "Weights from DDR, or spread over boards",
                       .x_name = "bytes of weights",
                       .y_name = "latency, us"};
    double own = (double)first_of(s, 0)->weight_bytes;
    double least = fmin(own, 0.25 * s->chip_bytes), most = 2 * own;
    double low = HUGE_VAL, high = 0;
    int32_t before = 0;
    for (int32_t i = 0; i < n_numbers(s); i++) {
        const pta_point *p = first_of(s, i);
        double room = s->chip_bytes * p->stream.n_boards;
        char name[64];
        most = fmax(most, room);
        if (p->stream.n_boards == before || chart.n == MOST_LINES) {
            continue;
        }
        before = p->stream.n_boards;
        snprintf(name, sizeof name, "%d board%s", (int)p->boards,
                 p->boards == 1 ? "" : "s");
        pta_curve *c = pta_chart_add(&chart, chart.n % 5, false, name);
        pta_curve_add(c, least, p->latency.p50);
        pta_curve_add(c, room, p->latency.p50);
        low = fmin(low, p->latency.p50);
        high = fmax(high, p->latency.p50);
    }
    pta_curve *ddr =
        pta_chart_add(&chart, 1, true, "1 board, weights from DDR");
    pta_curve_add(ddr, least, 1e6 * least / s->ddr_rate);
    pta_curve_add(ddr, most, 1e6 * most / s->ddr_rate);
    pta_curve *mine = pta_chart_add(&chart, 4, true, "this network's weights");
    pta_curve_add(mine, own, low);
    pta_curve_add(mine, own, fmax(high, 1e6 * most / s->ddr_rate));
    pta_chart_print(&chart, f);
}

static const char *verdict(const pta_study *s, const pta_point *p)
{
    if ((double)p->weight_bytes > s->chip_bytes * p->stream.n_boards) {
        return "does not fit their block RAM";
    }
    if (p->stream.n_boards == 1) {
        return "fits one board";
    }
    return (double)p->weight_bytes > p->ddr_latency_bytes
               ? "pays for this network"
               : "not for this network";
}

static void print_ddr(FILE *f, const pta_study *s)
{
    char ram[PTA_SI_TEXT], own[PTA_SI_TEXT];
    fprintf(
        f,
        "<h2>When splitting pays</h2><p>A board whose weights do not fit its "
        "block RAM (%sB) streams them from DDR for every sample, at %.0f "
        "MB/s. From these sizes of weights on, it is slower than the boards; "
        "this network has %sB.</p><div class=\"grid wide\">\n",
        pta_print_si(s->chip_bytes, ram), 1e-6 * s->ddr_rate,
        pta_print_si((double)first_of(s, 0)->weight_bytes, own));
    print_ddr_chart(f, s);
    fprintf(f, "<div class=\"card scroll\"><table><tr><th>boards</th><th>for "
               "latency</th><th>for throughput</th><th>latency</th></tr>\n");
    for (int32_t i = 0; i < n_numbers(s); i++) {
        const pta_point *p = first_of(s, i);
        fprintf(f, "<tr><td>%d</td><td>%sB</td><td>%sB</td><td>%s</td></tr>\n",
                (int)p->boards, pta_print_si(p->ddr_latency_bytes, ram),
                pta_print_si(p->ddr_stream_bytes, own), verdict(s, p));
    }
    fprintf(f, "</table></div></div>\n");
}

/* ---- predicted against measured ---- */

static void print_predicted(FILE *f, const pta_study *s, bool is_latency)
{
    pta_chart chart = {.title = is_latency ? "Latency, p50" : "Throughput",
                       .x_name =
                           is_latency ? "measured, us" : "measured, samples/s",
                       .y_name = "predicted"};
    pta_curve *kinds[2] = {pta_chart_add(&chart, 0, false, "stages compute"),
                           pta_chart_add(&chart, 1, false, "stages wait")};
    double lo = HUGE_VAL, hi = 0;
    for (int32_t i = 0; i < s->n_predictions; i++) {
        const pta_prediction *p = &s->predictions[i];
        if (p->is_latency == is_latency) {
            pta_curve_add(kinds[p->waits], p->measured, p->predicted);
            lo = fmin(lo, p->measured);
            hi = fmax(hi, p->measured);
        }
    }
    kinds[0]->scattered = kinds[1]->scattered = true;
    static const double bounds[] = {0.85, 1.15};
    for (int k = 0; k < 2 && hi > 0; k++) {
        pta_curve *c =
            pta_chart_add(&chart, 4, true, k == 0 ? "15 % less" : "15 % more");
        pta_curve_add(c, 0.9 * lo, bounds[k] * 0.9 * lo);
        pta_curve_add(c, 1.1 * hi, bounds[k] * 1.1 * hi);
    }
    pta_chart_print(&chart, f);
}

static void print_predictions(FILE *f, const pta_study *s)
{
    if (s->n_predictions > 0) {
        fprintf(f, "<h2>Predicted and measured</h2><p>Real runs of several "
                   "networks and cuts on the cluster of that measurement "
                   "(bench/lab/predict.py).</p><div class=\"grid wide\">\n");
        print_predicted(f, s, true);
        print_predicted(f, s, false);
        fprintf(f, "</div>\n");
    }
}

/* ---- the page ---- */

static void print_table(FILE *f, const pta_study *s)
{
    char kind[PTA_POINT_TEXT];
    fprintf(f,
            "<div class=\"scroll\"><table><tr><th>boards</th><th>used</th>"
            "<th>stages</th>%s<th>latency, us</th><th>stream p50</th>"
            "<th>p95</th><th>p99</th><th>samples/s</th><th>efficiency</th>"
            "<th>limit</th></tr>\n",
            s->n_kinds > 1 ? "<th>case</th>" : "");
    for (int32_t i = 0; i < s->n; i++) {
        const pta_point *p = &s->points[i];
        fprintf(f, "<tr><td>%d</td><td>%d</td><td>%d</td>%s", (int)p->boards,
                (int)p->used, (int)p->stages, s->n_kinds > 1 ? "<td>" : "");
        pta_html_text(f, pta_point_kind(s, p, kind));
        fprintf(f,
                "<td>%.1f</td><td>%.0f</td><td>%.0f</td><td>%.0f</td>"
                "<td>%.0f</td><td>%.2f</td><td>%s</td></tr>\n",
                p->latency.p50, p->stream.p50, p->stream.p95, p->stream.p99,
                p->stream.throughput, p->efficiency, pta_point_limit(p));
    }
    fprintf(f, "</table></div>\n");
}

static void print_words(FILE *f, const pta_study *s)
{
    fprintf(f, "<h1>");
    const char *name = strrchr(s->file, '/');
    pta_html_text(f, name != NULL ? name + 1 : s->file);
    fprintf(f, ": scaling study</h1>\n<p>Cluster \"");
    pta_html_text(f, s->cluster);
    fprintf(f, "\". %s",
            s->is_model ? "Planned anew for each number of boards"
                        : "One plan; more boards run more copies of it");
    if (s->is_model && s->most > 0) {
        fprintf(f, " up to %d; more boards run copies", (int)s->most);
    }
    fprintf(
        f,
        ". All figures are modelled, cycles %s, unless they are called "
        "simulated (the runtime itself on SimGrid) or this machine's: those "
        "were measured on the host that wrote this page and say nothing of "
        "boards.</p>\n",
        pta_cycles_source_text(s->points[0].stream.source));
}

static void print_page(FILE *f, const pta_study *s)
{
    pta_html_begin(f, "Scaling study");
    print_words(f, s);
    print_table(f, s);
    print_scaling(f, s);
    print_limits(f, s);
    print_ddr(f, s);
    print_stages(f, s);
    print_line(f, s);
    print_predictions(f, s);
    pta_html_end(f);
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
