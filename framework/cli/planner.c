/*
 * The planner's part of `partita plan`. Every figure it prints is modelled:
 * cycles by formula, the network by the cluster file.
 */
#include "cli/planner.h"

#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/estimators.h"
#include "cli/synthesis.h"
#include "partition/auto.h"

#define COUNT_ROUNDS 4

typedef struct planner {
    pta_ctx *ctx;
    const pta_options *options;
    const pta_graph *graph;
    pta_plan *plan;
    pta_weights *weights;
    pta_cluster *cluster;     /* owned */
    pta_chosen chosen;        /* owned */
    pta_estimator *estimator; /* the chosen one */
    pta_budget *budgets;      /* owned; [n_kinds], as asked for */
    pta_ask ask;
} planner;

bool pta_planner_wanted(const pta_options *options)
{
    return pta_options_text(options, "objective") != NULL ||
           pta_options_flag(options, "score");
}

/* ---- what was asked ---- */

static pta_status read_number(pta_ctx *ctx, const pta_options *options,
                              const char *name, double *out)
{
    const char *text = pta_options_text(options, name);
    char *end;
    if (text == NULL) {
        return PTA_OK;
    }
    *out = strtod(text, &end);
    if (end == text || *end != '\0' || !(*out > 0) || !isfinite(*out)) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "--%s %s: expected a number greater than 0", name,
                        text);
    }
    return PTA_OK;
}

static pta_status open_cluster(planner *p)
{
    const char *path = pta_options_text(p->options, "cluster");
    const char *budget = pta_options_text(p->options, "budget");
    int32_t boards = (int32_t)pta_options_int(p->options, "boards");
    if (path == NULL) {
        int32_t n = p->plan->n_boards > boards ? p->plan->n_boards : boards;
        PTA_TRY(pta_cluster_create(p->ctx, n > 0 ? n : 1, &p->cluster));
    } else {
        char *text;
        PTA_TRY(pta_file_read(p->ctx, path, &text, NULL));
        pta_status status = pta_cluster_parse(p->ctx, text, path, &p->cluster);
        pta_free(p->ctx, text);
        PTA_TRY(status);
    }
    p->ask.boards = boards > 0 ? boards : p->cluster->n_hosts;
    if (p->ask.boards > p->cluster->n_hosts) {
        return pta_fail(
            p->ctx, PTA_ERR_USAGE, "--boards %d: the cluster \"%s\" has %d",
            (int)p->ask.boards, p->cluster->name, (int)p->cluster->n_hosts);
    }
    return budget == NULL ? PTA_OK
                          : pta_cluster_set_shares(p->ctx, p->cluster, budget);
}

static pta_status read_goal(planner *p)
{
    const char *goal = pta_options_text(p->options, "objective");
    p->ask.goal = goal == NULL || strcmp(goal, "throughput") == 0
                      ? PTA_GOAL_THROUGHPUT
                  : strcmp(goal, "latency") == 0 ? PTA_GOAL_LATENCY
                                                 : PTA_GOAL_BOARDS;
    PTA_TRY(
        read_number(p->ctx, p->options, "at-least", &p->ask.at_least_per_s));
    PTA_TRY(read_number(p->ctx, p->options, "at-most", &p->ask.at_most_us));
    PTA_TRY(read_number(p->ctx, p->options, "time-limit", &p->ask.seconds));
    if (p->ask.goal != PTA_GOAL_BOARDS &&
        (p->ask.at_least_per_s > 0 || p->ask.at_most_us > 0)) {
        return pta_fail(p->ctx, PTA_ERR_USAGE,
                        "--at-least and --at-most go with --objective boards");
    }
    p->ask.batch = (int32_t)pta_options_int(p->options, "plan-batch");
    return PTA_OK;
}

static pta_status open_planner(planner *p)
{
    const char *name = pta_options_text(p->options, "estimator");
    PTA_TRY(read_goal(p));
    PTA_TRY(open_cluster(p));
    PTA_TRY(pta_chosen_open(p->ctx, name, &p->chosen));
    p->estimator = p->chosen.estimator;
    p->ask.cluster = p->cluster;
    p->ask.estimator = p->estimator;
    PTA_TRY_ALLOC(p->ctx, p->budgets, p->cluster->n_kinds);
    for (int32_t k = 0; k < p->cluster->n_kinds; k++) {
        p->budgets[k] = pta_board_budget(&p->cluster->kinds[k]);
    }
    return PTA_OK;
}

static void close_planner(planner *p)
{
    pta_free(p->ctx, p->budgets);
    pta_chosen_close(p->ctx, &p->chosen);
    pta_cluster_destroy(p->ctx, &p->cluster);
}

/* ---- the designs of a plan ---- */

/* The core that `build` will make of a board's slice: folded by the generator's
 * own routine, timed as a whole. */
static pta_status built_core(planner *p, const pta_slice *slice, int32_t host,
                             pta_core *out)
{
    int32_t kind = p->cluster->hosts[host].kind;
    pta_budget budget = pta_board_budget(&p->cluster->kinds[kind]);
    pta_core core = {.n_steps = slice->n_steps};
    pta_design *design;
    PTA_TRY_ALLOC(p->ctx, core.folds, slice->n_steps);
    pta_status status = pta_fold_choose(p->ctx, slice, &budget, core.folds);
    if (status == PTA_OK) {
        status = pta_design_build(p->ctx, slice, core.folds, &design);
    }
    if (status != PTA_OK) {
        pta_core_free(p->ctx, &core);
        return status;
    }
    core.fits = core.proven = true;
    core.interval = design->interval;
    core.latency = design->latency;
    core.resources = design->resources;
    pta_design_destroy(p->ctx, &design);
    *out = core;
    return PTA_OK;
}

/* Cores of all boards of the plan: by the estimator, or as built. */
static pta_status plan_cores(planner *p, const int32_t *hosts, bool built,
                             pta_core *cores)
{
    for (int32_t b = 0; b < p->plan->n_boards; b++) {
        pta_slice *slice;
        int32_t kind = p->cluster->hosts[hosts[b]].kind;
        pta_budget budget = pta_board_budget(&p->cluster->kinds[kind]);
        PTA_TRY(pta_slice_build(p->ctx, p->graph, p->plan, b, false, &slice));
        pta_aim aim = p->ask.goal == PTA_GOAL_LATENCY ? PTA_AIM_LATENCY
                                                      : PTA_AIM_INTERVAL;
        pta_status status =
            built ? built_core(p, slice, hosts[b], &cores[b])
                  : pta_core_choose(p->ctx, p->estimator, p->graph, slice,
                                    &budget, aim, &cores[b]);
        pta_slice_destroy(p->ctx, &slice);
        PTA_TRY(status);
        if (!cores[b].fits) {
            return pta_fail(p->ctx, PTA_ERR_RANGE, "board %d: %s", (int)b,
                            cores[b].lacking);
        }
    }
    return PTA_OK;
}

void pta_priced_free(pta_ctx *ctx, pta_priced *x)
{
    for (int32_t b = 0; x->cores != NULL && b < x->n; b++) {
        pta_core_free(ctx, &x->cores[b]);
    }
    pta_free(ctx, x->cores);
    pta_free(ctx, x->loads);
    *x = (pta_priced){0};
}

static pta_status price_plan(planner *p, const int32_t *hosts, int32_t copies,
                             bool built, pta_priced *out)
{
    out->n = p->plan->n_boards;
    PTA_TRY_ALLOC(p->ctx, out->cores, out->n);
    PTA_TRY_ALLOC(p->ctx, out->loads, out->n);
    PTA_TRY(plan_cores(p, hosts, built, out->cores));
    return pta_price_plan(p->ctx, p->graph, p->plan, out->cores, hosts, copies,
                          p->cluster, p->ask.batch, &out->price, out->loads);
}

pta_status pta_priced_built(pta_ctx *ctx, const pta_graph *graph,
                            pta_plan *plan, pta_cluster *cluster, int32_t batch,
                            pta_priced *out)
{
    planner p = {.ctx = ctx,
                 .graph = graph,
                 .plan = plan,
                 .cluster = cluster,
                 .ask = {.batch = batch, .cluster = cluster}};
    int32_t *hosts;
    pta_priced priced = {0};
    if (plan->n_boards > cluster->n_hosts) {
        return pta_fail(
            ctx, PTA_ERR_RANGE, "the plan has %d boards, the cluster \"%s\" %d",
            (int)plan->n_boards, cluster->name, (int)cluster->n_hosts);
    }
    PTA_TRY_ALLOC(ctx, hosts, plan->n_boards);
    for (int32_t b = 0; b < plan->n_boards; b++) {
        hosts[b] = b;
    }
    pta_status status = price_plan(&p, hosts, 1, true, &priced);
    pta_free(ctx, hosts);
    if (status != PTA_OK) {
        pta_priced_free(ctx, &priced);
        return status;
    }
    *out = priced;
    return PTA_OK;
}

/* ---- what is said ---- */

static double per_cent(int64_t used, int64_t has)
{
    return has > 0 ? 100.0 * (double)used / (double)has : 0;
}

static pta_status print_boards(const planner *p, const int32_t *hosts,
                               const pta_priced *x)
{
    pta_table_text table;
    pta_table_begin(&table, p->ctx,
                    ">board|host|first layer|split|>DSP %|>BRAM %|>LUT "
                    "%|>core us|>port us|>ARM us|>net us|limit");
    for (int32_t b = 0; b < x->n; b++) {
        int32_t part, s = pta_plan_stage_of(p->plan, b, &part);
        const pta_stage *stage = &p->plan->stages[s];
        const pta_host *host = &p->cluster->hosts[hosts[b]];
        const pta_board_kind *kind = &p->cluster->kinds[host->kind];
        const pta_resources *r = &x->cores[b].resources;
        const double *us = x->loads[b].us;
        pta_limit limit = PTA_LIMIT_CORE;
        int32_t first = stage->first;
        while (first < stage->last &&
               p->graph->nodes[first].op == PTA_OP_INPUT) {
            first++;
        }
        pta_busy_worst(&x->loads[b], &limit);
        pta_table_cell(&table, "%d", (int)b);
        pta_table_cell(&table, "%s", host->name);
        pta_table_cell(&table, "%s", p->graph->nodes[first].name);
        pta_table_cell(&table, "%s %d of %d", pta_split_name(stage->split),
                       (int)part + 1, (int)stage->n_parts);
        pta_table_cell(&table, "%.0f", per_cent(r->dsp, kind->has.dsp));
        pta_table_cell(&table, "%.0f", per_cent(r->bram18, kind->has.bram18));
        pta_table_cell(&table, "%.0f", per_cent(r->lut, kind->has.lut));
        pta_table_cell(&table, "%.2f", us[PTA_LIMIT_CORE]);
        pta_table_cell(&table, "%.2f", us[PTA_LIMIT_PORT]);
        pta_table_cell(&table, "%.2f", us[PTA_LIMIT_ARM]);
        pta_table_cell(&table, "%.2f",
                       fmax(us[PTA_LIMIT_IN], us[PTA_LIMIT_OUT]));
        pta_table_cell(&table, "%s", pta_limit_name(limit));
    }
    return pta_table_end(&table, stdout);
}

static void print_price(const char *what, const pta_price *price,
                        int32_t copies, int32_t batch)
{
    printf("%s: latency %.1f us; throughput %.0f/s in %d cop%s, %d samples a "
           "message, limited by the %s of board %d\n",
           what, price->latency_us, 1e6 / price->interval_us, (int)copies,
           copies == 1 ? "y" : "ies", (int)batch, pta_limit_name(price->limit),
           (int)price->board);
}

static void print_proof(const pta_answer *a)
{
    if (a->optimal) {
        printf("optimal under the model");
    } else {
        printf("not proven: bound %.3f us, gap %.2f %%", a->bound,
               100 * (a->value - a->bound) / a->value);
    }
    printf(" (%lld nodes, %d stages looked at, %.2f s)\n", (long long)a->nodes,
           (int)a->n_cuts, a->seconds);
}

static pta_status advise_one(planner *p, const pta_answer *best)
{
    pta_ask ask = p->ask;
    pta_answer one = {0};
    if (best->n_boards * best->copies == 1) {
        if (p->ask.boards > 1) {
            printf("one board is better than more: what they would gain is "
                   "less than what the network adds\n");
        }
        return PTA_OK;
    }
    ask.boards = 1;
    ask.at_least_per_s = ask.at_most_us = 0;
    PTA_TRY(pta_solve(p->ctx, p->graph, p->plan, &ask, &one));
    if (!one.found) {
        printf("%s\n", one.why);
    } else {
        printf("one board alone: latency %.1f us, throughput %.0f/s; this plan "
               "has %.2f times its latency, %.2f times its throughput\n",
               one.price.latency_us, 1e6 / one.price.interval_us,
               best->price.latency_us / one.price.latency_us,
               one.price.interval_us / best->price.interval_us);
    }
    pta_answer_free(p->ctx, &one);
    return PTA_OK;
}

static void advise_limit(const planner *p, const pta_answer *best)
{
    if (p->ask.goal != PTA_GOAL_LATENCY && best->price.board == 0 &&
        best->price.limit != PTA_LIMIT_CORE &&
        best->price.limit != PTA_LIMIT_PORT) {
        printf("the %s of board 0, which feeds all others, is the limit: more "
               "boards will not help\n",
               pta_limit_name(best->price.limit));
    }
}

static void print_hosts(const planner *p, const pta_answer *a)
{
    bool in_order = true;
    for (int32_t i = 0; i < a->copies * a->n_boards; i++) {
        in_order = in_order && a->hosts[i] == i;
    }
    if (in_order) {
        return;
    }
    printf("ranks in the order of hosts:");
    for (int32_t i = 0; i < a->copies * a->n_boards; i++) {
        printf(" %s", p->cluster->hosts[a->hosts[i]].name);
    }
    printf("\n");
}

/* By the objective, then by what else counts. */
static bool is_better(const planner *p, const pta_price *a, const pta_price *b)
{
    bool latency = p->ask.goal == PTA_GOAL_LATENCY;
    double x[2] = {a->interval_us, a->latency_us};
    double y[2] = {b->interval_us, b->latency_us};
    double first = x[latency] - y[latency], then = x[!latency] - y[!latency];
    return fabs(first) > 1e-9 * y[latency] ? first < 0 : then < 0;
}

/* Prices the plan as built with the foldings of these cores written into it;
 * false if a whole design takes more than its layers' sum says. */
static bool try_folds(planner *p, const pta_answer *a, pta_core *cores,
                      pta_priced *out)
{
    pta_answer with = *a;
    with.cores = cores;
    return pta_answer_folds(p->ctx, &with, p->graph, p->plan) == PTA_OK &&
           price_plan(p, a->hosts, a->copies, true, out) == PTA_OK;
}

/* The plan gets the foldings that were priced, or those of `build` if the whole
 * designs are better with them. */
static void keep_folds(planner *p, const pta_answer *a)
{
    pta_priced own = {0}, theirs = {0}, again = {0};
    bool without = price_plan(p, a->hosts, a->copies, true, &theirs) == PTA_OK;
    bool with = try_folds(p, a, a->cores, &own);
    if (without && (!with || is_better(p, &theirs.price, &own.price))) {
        with = try_folds(p, a, theirs.cores, &again);
    }
    if (!with) {
        pta_plan_clear_folds(p->ctx, p->plan);
    }
    pta_ctx_clear_error(p->ctx);
    pta_priced_free(p->ctx, &own);
    pta_priced_free(p->ctx, &theirs);
    pta_priced_free(p->ctx, &again);
}

static pta_status say_built(planner *p, const int32_t *hosts, int32_t copies)
{
    pta_priced built = {0};
    pta_status status = price_plan(p, hosts, copies, true, &built);
    if (status == PTA_OK) {
        print_price("as `partita build` folds it", &built.price, copies,
                    p->ask.batch);
    } else if (status == PTA_ERR_UNSUPPORTED || status == PTA_ERR_RANGE) {
        printf("`partita build` would refuse it: %s\n", pta_ctx_error(p->ctx));
        pta_ctx_clear_error(p->ctx);
        status = PTA_OK;
    }
    pta_priced_free(p->ctx, &built);
    return status;
}

static pta_status say(planner *p, const int32_t *hosts, int32_t copies,
                      const pta_priced *x)
{
    printf("estimator %s: %s\nits error: %s\n", p->estimator->name,
           p->estimator->describes, p->estimator->error);
    PTA_TRY(print_boards(p, hosts, x));
    print_price("modelled", &x->price, copies, p->ask.batch);
    return p->chosen.own_blocks ? say_built(p, hosts, copies) : PTA_OK;
}

/* ---- the two ways ---- */

static pta_status solve(planner *p, pta_answer *a)
{
    PTA_TRY(pta_solve(p->ctx, p->graph, p->plan, &p->ask, a));
    if (!a->found) {
        return pta_fail(p->ctx, PTA_ERR_RANGE, "%s", a->why);
    }
    pta_status status = pta_answer_apply(p->ctx, a, p->graph, p->plan);
    if (status == PTA_OK && p->chosen.own_blocks) {
        keep_folds(p, a);
    }
    return status;
}

/* The cores of the plan as it stands, as Yosys counts them. */
static pta_status count_cores(planner *p, const int32_t *hosts, pta_core *cores,
                              bool *fit)
{
    int32_t n = p->plan->n_boards;
    pta_resources *counted;
    PTA_TRY_ALLOC(p->ctx, counted, n);
    pta_status status =
        pta_count_plan(p->ctx, p->graph, p->plan, p->weights, p->cluster, hosts,
                       p->budgets, counted, fit);
    for (int32_t b = 0; b < n && status == PTA_OK; b++) {
        cores[b].resources = counted[b];
    }
    pta_free(p->ctx, counted);
    return status;
}

/* Searched by formula until all boards fit as Yosys counts them. */
static pta_status solve_counted(planner *p, pta_answer *a)
{
    bool fit = false;
    for (int round = 0; round < COUNT_ROUNDS && !fit; round++) {
        pta_answer_free(p->ctx, a);
        *a = (pta_answer){0};
        PTA_TRY(solve(p, a));
        PTA_TRY(count_cores(p, a->hosts, a->cores, &fit));
    }
    return fit ? PTA_OK
               : pta_fail(p->ctx, PTA_ERR_RANGE,
                          "estimator synthesis: no plan of %d searches fits as "
                          "Yosys counts it",
                          COUNT_ROUNDS);
}

static pta_status say_best(planner *p, const pta_answer *a)
{
    pta_priced x = {a->n_boards, a->cores, a->loads, a->price};
    PTA_TRY(say(p, a->hosts, a->copies, &x));
    print_proof(a);
    print_hosts(p, a);
    PTA_TRY(advise_one(p, a));
    advise_limit(p, a);
    return PTA_OK;
}

static pta_status plan_best(planner *p)
{
    pta_answer a = {0};
    pta_status status = p->chosen.counts ? solve_counted(p, &a) : solve(p, &a);
    if (status == PTA_OK) {
        status = say_best(p, &a);
    }
    pta_answer_free(p->ctx, &a);
    return status;
}

static pta_status compare(planner *p, const pta_priced *x)
{
    pta_answer a;
    PTA_TRY(pta_solve(p->ctx, p->graph, p->plan, &p->ask, &a));
    double own = p->ask.goal == PTA_GOAL_LATENCY ? x->price.latency_us
                                                 : x->price.interval_us;
    if (a.found) {
        printf("the best plan has %.3f us, this one %.3f us: %.1f %% more\n",
               a.value, own, 100 * (own / a.value - 1));
        print_proof(&a);
    }
    pta_answer_free(p->ctx, &a);
    return PTA_OK;
}

/* A plan by hand: boards on the hosts in order. */
static pta_status score(planner *p)
{
    int32_t *hosts, n = p->plan->n_boards;
    pta_priced x = {0};
    if (n > p->cluster->n_hosts) {
        return pta_fail(p->ctx, PTA_ERR_RANGE,
                        "the plan has %d boards, the cluster \"%s\" %d", (int)n,
                        p->cluster->name, (int)p->cluster->n_hosts);
    }
    PTA_TRY_ALLOC(p->ctx, hosts, n);
    for (int32_t b = 0; b < n; b++) {
        hosts[b] = b;
    }
    pta_status status = price_plan(p, hosts, 1, false, &x);
    if (status == PTA_OK && p->chosen.counts) {
        bool fit; /* said in the table */
        status = count_cores(p, hosts, x.cores, &fit);
    }
    if (status == PTA_OK) {
        status = say(p, hosts, 1, &x);
    }
    if (status == PTA_OK && pta_options_text(p->options, "objective") != NULL) {
        status = compare(p, &x);
    }
    pta_priced_free(p->ctx, &x);
    pta_free(p->ctx, hosts);
    return status;
}

pta_status pta_planner_run(pta_ctx *ctx, const pta_options *options,
                           const pta_graph *graph, pta_weights *weights,
                           pta_plan *plan)
{
    planner p = {.ctx = ctx,
                 .options = options,
                 .graph = graph,
                 .weights = weights,
                 .plan = plan};
    bool by_hand = pta_options_text(options, "cut") != NULL ||
                   pta_options_text(options, "objective") == NULL;
    pta_status status = open_planner(&p);
    if (status == PTA_OK) {
        status = by_hand ? score(&p) : plan_best(&p);
    }
    close_planner(&p);
    return status;
}
