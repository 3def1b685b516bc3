/*
 * The page: HTML with inline SVG and no script, light or dark as the reader's
 * screen is, one column on a phone.
 */
#include "cli/page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/html.h"
#include "partition/analytic.h"
#include "json/json.h"

#define BATCH        64
#define SAMPLES      4   /* in the time line */
#define ALTERNATIVES 8   /* rows of the table */
#define SECONDS      2.0 /* for each of them */

typedef struct page {
    pta_ctx *ctx;
    FILE *file;
    const pta_graph *graph;
    pta_plan *plan;
    pta_cluster *cluster;
    pta_priced priced;
} page;

/* ---- boards ---- */

static void bar(FILE *file, int row, const char *name, double share,
                double limit)
{
    double width = fmin(share, 1) * 150;
    int y = 20 * row;
    fprintf(file,
            "<text x=\"0\" y=\"%d\">%s</text>"
            "<rect class=\"track\" x=\"62\" y=\"%d\" width=\"150\" "
            "height=\"10\"/><rect class=\"%s\" x=\"62\" y=\"%d\" "
            "width=\"%.1f\" height=\"10\"/>"
            "<text x=\"220\" y=\"%d\">%.0f %%</text>",
            y + 14, name, y + 5, share > limit ? "over" : "f0", y + 5, width,
            y + 14, 100 * share);
}

static double share_of(double used, double has)
{
    return has > 0 ? used / has : 0;
}

static void load_bars(const page *p, int32_t b)
{
    static const char *const names[] = {"core", "port", "ARM", "net in",
                                        "net out"};
    const pta_busy *load = &p->priced.loads[b];
    for (int i = 0; i < PTA_LIMIT_COUNT; i++) {
        bar(p->file, 4 + i, names[i], load->us[i] / p->priced.price.interval_us,
            1.001);
    }
}

static void board_card(const page *p, int32_t b)
{
    int32_t part, s = pta_plan_stage_of(p->plan, b, &part);
    const pta_stage *stage = &p->plan->stages[s];
    const pta_host *host = &p->cluster->hosts[b];
    const pta_board_kind *kind = &p->cluster->kinds[host->kind];
    const pta_resources *r = &p->priced.cores[b].resources;
    fprintf(p->file, "<div class=\"card\"><b>board %d</b> (", (int)b);
    pta_html_text(p->file, host->name);
    fprintf(p->file, ")<br>stage %d, %s", (int)s, pta_split_name(stage->split));
    if (stage->n_parts > 1) {
        fprintf(p->file, " %d of %d (%d)", (int)part + 1, (int)stage->n_parts,
                (int)stage->sizes[part]);
    }
    fprintf(p->file, "<br>");
    for (int32_t i = stage->first; i <= stage->last; i++) {
        if (p->graph->nodes[i].op != PTA_OP_INPUT) {
            pta_html_text(p->file, p->graph->nodes[i].name);
            fputc(' ', p->file);
        }
    }
    fprintf(p->file,
            "<svg viewBox=\"0 0 260 182\" role=\"img\" "
            "aria-label=\"load of board %d\">",
            (int)b);
    bar(p->file, 0, "LUT", share_of((double)r->lut, (double)kind->has.lut),
        kind->shares.lut * 0.01);
    bar(p->file, 1, "FF", share_of((double)r->ff, (double)kind->has.ff),
        kind->shares.ff * 0.01);
    bar(p->file, 2, "BRAM",
        share_of((double)r->bram18, (double)kind->has.bram18),
        kind->shares.bram * 0.01);
    bar(p->file, 3, "DSP", share_of((double)r->dsp, (double)kind->has.dsp),
        kind->shares.dsp * 0.01);
    load_bars(p, b);
    fprintf(p->file, "</svg></div>\n");
}

/* ---- the graph with its cuts ---- */

static void layer_box(const page *p, int32_t node, int32_t row)
{
    const pta_node *n = &p->graph->nodes[node];
    int y = 34 * row + 4;
    fprintf(p->file,
            "<rect class=\"track\" x=\"4\" y=\"%d\" width=\"290\" "
            "height=\"24\" rx=\"4\"/><text x=\"16\" y=\"%d\">",
            y, y + 16);
    pta_html_text(p->file, n->name);
    fprintf(p->file,
            "</text><text class=\"dim\" x=\"288\" y=\"%d\" "
            "text-anchor=\"end\">%s %d x %d x %d</text>",
            y + 16, pta_op_name(n->op), (int)n->view.h, (int)n->view.w,
            (int)n->view.c);
}

/* Inputs that are not the layer above are drawn beside the column. */
static void skips(const page *p, int32_t node)
{
    const pta_node *n = &p->graph->nodes[node];
    for (int32_t k = 0; k < n->n_in; k++) {
        if (n->in[k] != node - 1) {
            int from = 34 * n->in[k] + 16, to = 34 * node + 16;
            int reach = 310 + (to - from < 240 ? to - from : 240) / 6;
            fprintf(p->file,
                    "<path d=\"M294 %d C%d %d %d %d 294 %d\" fill=\"none\" "
                    "stroke=\"var(--dim)\"/>",
                    from, reach, from, reach, to, to);
        }
    }
}

static void cuts(const page *p)
{
    int32_t n = p->graph->n_nodes;
    fprintf(
        p->file,
        "<div class=\"card\"><h2>Layers and cuts</h2><svg viewBox=\"0 0 400 "
        "%d\" role=\"img\" aria-label=\"layers and cuts\">",
        (int)(34 * n + 4));
    for (int32_t s = 0; s < p->plan->n_stages; s++) {
        const pta_stage *stage = &p->plan->stages[s];
        int y = 34 * stage->first + 1;
        fprintf(p->file,
                "<path class=\"s1\" d=\"M0 %d H400\" stroke-dasharray=\"5 4\"/>"
                "<text x=\"398\" y=\"%d\" text-anchor=\"end\">%s x %d</text>",
                y, y + 17, pta_split_name(stage->split), (int)stage->n_parts);
    }
    for (int32_t i = 0; i < n; i++) {
        layer_box(p, i, i);
        skips(p, i);
    }
    fprintf(p->file, "</svg></div>\n");
}

/* ---- the way of a few samples ---- */

static void time_line(const page *p)
{
    const pta_price *price = &p->priced.price;
    double pace = price->interval_us;
    double end = price->latency_us + (SAMPLES - 1) * pace;
    int bottom = 22 * (int)p->plan->n_boards + 18;
    fprintf(p->file,
            "<div class=\"card\"><h2>%d samples on their way</h2><p>One after "
            "the other every %.2f us; bars are from input received to output "
            "ready.</p><svg viewBox=\"0 0 400 %d\" role=\"img\" "
            "aria-label=\"time line\">",
            SAMPLES, pace, bottom + 6);
    for (int32_t b = 0; b < p->plan->n_boards; b++) {
        const pta_busy *load = &p->priced.loads[b];
        int y = 22 * (int)b;
        fprintf(p->file, "<text x=\"0\" y=\"%d\">board %d</text>", y + 14,
                (int)b);
        for (int k = 0; k < SAMPLES; k++) {
            double x = 62 + 334 * (load->start_us + k * pace) / end;
            double w = 334 * (load->finish_us - load->start_us) / end;
            fprintf(p->file,
                    "<rect class=\"f%d\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" "
                    "height=\"4\"/>",
                    k % 4, x, y + 3 + 4 * k, fmax(w, 1));
        }
    }
    fprintf(p->file,
            "<text class=\"dim\" x=\"62\" y=\"%d\">0</text><text "
            "class=\"dim\" x=\"396\" y=\"%d\" text-anchor=\"end\">%.1f "
            "us</text></svg></div>\n",
            bottom, bottom, end);
}

/* ---- alternatives ---- */

static pta_status alternative(const page *p, pta_estimator *estimator,
                              int32_t boards)
{
    static const pta_goal goals[] = {PTA_GOAL_LATENCY, PTA_GOAL_THROUGHPUT};
    fprintf(p->file, "<tr><td>%d</td>", (int)boards);
    for (int i = 0; i < 2; i++) {
        pta_ask ask = {.goal = goals[i],
                       .cluster = p->cluster,
                       .estimator = estimator,
                       .boards = boards,
                       .batch = BATCH,
                       .seconds = SECONDS};
        pta_answer a;
        PTA_TRY(pta_solve(p->ctx, p->graph, p->plan, &ask, &a));
        if (!a.found) {
            fprintf(p->file, "<td>%s</td>",
                    a.bound == HUGE_VAL ? "does not fit" : "none found");
        } else {
            fprintf(p->file, "<td>%.1f%s</td>",
                    i == 0 ? a.price.latency_us : 1e6 / a.price.interval_us,
                    a.optimal ? "" : " (not proven)");
        }
        pta_answer_free(p->ctx, &a);
    }
    fprintf(p->file, "</tr>\n");
    return PTA_OK;
}

static pta_status alternatives(const page *p)
{
    pta_estimator *estimator;
    int32_t n = p->cluster->n_hosts;
    pta_status status = PTA_OK;
    PTA_TRY(pta_analytic_create(p->ctx, &estimator));
    fprintf(p->file,
            "<h2>Best plans by number of boards</h2><div class=\"scroll\">"
            "<table><tr><th>boards at most</th><th>latency, us</th>"
            "<th>throughput, 1/s</th></tr>\n");
    n = n < ALTERNATIVES ? n : ALTERNATIVES;
    for (int32_t boards = 1; boards <= n && status == PTA_OK; boards++) {
        status = alternative(p, estimator, boards);
    }
    fprintf(p->file, "</table></div>\n");
    pta_analytic_destroy(p->ctx, &estimator);
    return status;
}

/* ---- the whole ---- */

static pta_status write_page(const page *p)
{
    const pta_price *price = &p->priced.price;
    pta_html_begin(p->file, p->plan->model);
    const char *name = strrchr(p->plan->model, '/');
    fprintf(p->file, "<h1>");
    pta_html_text(p->file, name != NULL ? name + 1 : p->plan->model);
    fprintf(p->file,
            " on %d board%s</h1><p>Latency %.1f us, throughput %.0f/s with %d "
            "samples a message, limited by the %s of board %d. All figures are "
            "modelled: cycles by formula, ARM and network by the cluster file "
            "\"",
            (int)p->plan->n_boards, p->plan->n_boards == 1 ? "" : "s",
            price->latency_us, 1e6 / price->interval_us, BATCH,
            pta_limit_name(price->limit), (int)price->board);
    pta_html_text(p->file, p->cluster->name);
    fprintf(p->file, "\".</p><h2>Boards</h2><p>Resources in per cent of the "
                     "chip; then how busy each part is at the greatest "
                     "throughput.</p><div class=\"grid\">\n");
    for (int32_t b = 0; b < p->plan->n_boards; b++) {
        board_card(p, b);
    }
    fprintf(p->file, "</div>\n");
    fprintf(p->file, "<h2></h2><div class=\"grid wide\">");
    time_line(p);
    cuts(p);
    fprintf(p->file, "</div>\n");
    PTA_TRY(alternatives(p));
    pta_html_end(p->file);
    return PTA_OK;
}

pta_status pta_page_write(pta_ctx *ctx, const char *path,
                          const pta_graph *graph, pta_plan *plan,
                          pta_cluster *cluster)
{
    page p = {.ctx = ctx, .graph = graph, .plan = plan, .cluster = cluster};
    char *bytes = NULL;
    size_t n_bytes = 0;
    PTA_TRY(pta_priced_built(ctx, graph, plan, cluster, BATCH, &p.priced));
    p.file = open_memstream(&bytes, &n_bytes);
    pta_status status =
        p.file == NULL ? pta_fail(ctx, PTA_ERR_NOMEM, "%s: no memory", path)
                       : write_page(&p);
    if (p.file != NULL && fclose(p.file) != 0 && status == PTA_OK) {
        status = pta_fail(ctx, PTA_ERR_NOMEM, "%s: no memory", path);
    }
    if (status == PTA_OK) {
        status = pta_file_write(ctx, path, bytes, n_bytes);
    }
    free(bytes);
    pta_priced_free(ctx, &p.priced);
    return status;
}
