/*
 * Between the files of the solver: hosts by class, options of a stage, bounds
 * of what is left, the search.
 */
#ifndef PTA_PARTITION_SOLVE_PRIV_H
#define PTA_PARTITION_SOLVE_PRIV_H

#include "partition/candidate_priv.h"
#include "partition/solve.h"

#define PTA_CLASS_MAX 64
#define PTA_DIVISIONS 64
#define PTA_LARGE     1500 /* layers times boards */

/** Hosts that may stand for each other. */
typedef struct pta_host_class {
    int32_t kind, n;
    int32_t *hosts; /* owned; [n] */
} pta_host_class;

/** A stage that may begin at some layer. What it costs is found out when
 * somebody asks: first a guess from below, then the stage is cut, then its
 * cores are searched for. */
typedef struct pta_option pta_option;
struct pta_option {
    int32_t first, last;
    pta_split split;
    int32_t n_parts;
    int32_t units, step; /* what the cut divides, of what multiple */
    bool behind;         /* equal parts: what is over is behind, not in front */
    bool cut, exact;     /* c was made; `low` is what it costs */
    int32_t *sizes;      /* owned; NULL: equal parts */
    pta_candidate *c;
    pta_option *twin; /* the same cut of equal layers, which is looked at
                                instead; itself; NULL: not known yet */
    double low; /* us of the stage alone, whatever its neighbours: no less */
    double all; /* latency: the same until all parts are done */
    bool takes_all; /* each part waits for all parts of the stage before */
    int32_t fan;    /* so many times is what it takes sent, all parts together,
                       rounded down; 0: not known */
    double high;    /* throughput: its cores reach this; HUGE_VAL: not known */
    /* Throughput, us of the busiest part's ARM and port: beside what it gives
     * the next stage; for each board there that takes all of that; and, of
     * partial sums, at such a board. */
    double arm_us, arm_each_us, port_each_us, next_us;
    int32_t need;     /* of the chain: boards from here on, with `next` */
    pta_option *next; /* stage after it */
    double unsure;    /* us at which the search for its cores was given up */
};

typedef struct pta_options_of {
    int32_t n;
    pta_option *at; /* owned; least guess first */
} pta_options_of;

/** Sums over nodes before i, to guess from. */
typedef struct pta_guess {
    double *products, *bits; /* owned; [n_nodes + 1] */
} pta_guess;

/** Options by what their layers are, wherever they stand (twins.c). */
typedef struct pta_twins pta_twins;

/** What whole layers take at least, by several weights of the resources
 * (relax.c). */
typedef struct pta_relax pta_relax;

typedef struct pta_solver {
    pta_ctx *ctx;
    const pta_graph *graph;
    const pta_ask *ask;
    pta_plan *plan; /* owned; formats, and stages of what is priced */
    pta_candidates all;
    pta_budget *budgets; /* owned; [n_kinds] */
    int32_t n_classes;
    pta_host_class classes[PTA_CLASS_MAX];
    bool *taken_whole; /* owned; [n_nodes] all of it is needed by somebody */
    bool *shrinks;     /* owned; [n_nodes] made of fewer bytes than it has */
    pta_guess guess;
    pta_options_of *options; /* owned; [n_nodes + 1], by first layer */
    int64_t n_options;
    /* Below what is left from a layer on, if the stage there takes all of the
     * one before, or not. Owned; [n_nodes + 1][boards + 1]; NULL: too large. */
    double *low_all, *low_some;
    pta_relax *relax;      /* owned; when first needed */
    pta_twins *twins;      /* owned; likewise */
    int32_t boards;        /* limit of one copy */
    int32_t fewest;        /* no copy has fewer boards */
    double best_rate_mbit; /* of all hosts */
    double hop_us;         /* least of a message from host to host */
    double started, deadline;
    bool out_of_time;
} pta_solver;

static inline int64_t pta_low_at(const pta_solver *s, int32_t first,
                                 int32_t left)
{
    return (int64_t)first * (s->boards + 1) + left;
}

static inline double pta_low(const pta_solver *s, int32_t first, int32_t left)
{
    int64_t at = pta_low_at(s, first, left);
    return s->low_all[at] < s->low_some[at] ? s->low_all[at] : s->low_some[at];
}

static inline bool pta_by_latency(const pta_solver *s)
{
    return s->ask->goal == PTA_GOAL_LATENCY || s->ask->at_most_us > 0;
}

/** Too many layers and boards for all part sizes and for branch and bound. */
static inline bool pta_solver_large(const pta_solver *s)
{
    return s->ask->as_large ||
           (int64_t)s->graph->n_nodes * s->ask->boards > PTA_LARGE;
}

/** First layer at or after `first` that computes; n_nodes if there is none. */
int32_t pta_first_computed(const pta_graph *graph, int32_t first);

/** True when time is up; stays so. */
bool pta_solver_late(pta_solver *s);

/** Lists all options, with guesses. */
pta_status PTA_MUST_CHECK pta_solver_options(pta_solver *s);
void pta_solver_options_free(pta_solver *s);

/** Part sizes [n_parts] of an option. */
void pta_option_sizes(const pta_option *o, int32_t *sizes);

/** Makes the option's candidate; `low` is HUGE_VAL if there is none. */
pta_status PTA_MUST_CHECK pta_option_cut(pta_solver *s, pta_option *o);

/** Finds out more, until `low` is `limit` or more, or exact. */
pta_status PTA_MUST_CHECK pta_option_refine(pta_solver *s, pta_option *o,
                                            double limit);

/** Throughput: whether the stage alone can do in `us`. */
pta_status PTA_MUST_CHECK pta_option_within(pta_solver *s, pta_option *o,
                                            double us, pta_verdict *verdict);

/** Us of part p of a stage on a host beside its core's interval; what a core
 * of some interval or latency (in cycles) makes of it. */
double pta_part_interval(const pta_solver *s, const pta_candidate *c, int32_t p,
                         double cycles, const pta_host *host);
double pta_part_taking(const pta_solver *s, const pta_candidate *c, int32_t p,
                       const pta_host *host); /* its ARM, for what it takes */
double pta_part_latency(const pta_solver *s, const pta_candidate *c, int32_t p,
                        double cycles, const pta_host *host);

/** What is left after a layer costs at least, by the options' `low`. */
void pta_solver_bounds(pta_solver *s);

/** From what the stage takes to the end of all that waits for it, with `left`
 * boards for it and what follows. */
double pta_option_after(const pta_solver *s, const pta_option *o, int32_t left);

/** Bytes and partial sums that `to` takes of `from` (NULL: the source). */
pta_status PTA_MUST_CHECK pta_flow_between(const pta_solver *s,
                                           const pta_part *from,
                                           const pta_part *to,
                                           pta_traffic_wire *wire);

/** Searches with `copies` copies; improves on `best`. *open is the least bound
 * of what was not searched to the end (HUGE_VAL: all was). */
pta_status PTA_MUST_CHECK pta_solver_search(pta_solver *s, int32_t copies,
                                            pta_answer *best, double *open);

/** The answer to what is asked, `hosts` and all; not polished. */
pta_status PTA_MUST_CHECK pta_solver_goal(pta_solver *s, pta_answer *best);

/** Whether it reaches what is asked for. */
bool pta_answer_good(const pta_ask *ask, const pta_answer *a);

/** Quicker cores: of those that keep the answer's intervals, or, when latency
 * counts, of all; prices it anew. */
pta_status PTA_MUST_CHECK pta_answer_polish(pta_solver *s, pta_answer *a);

double pta_solver_seconds(void);

pta_status PTA_MUST_CHECK pta_twins_create(pta_solver *s, pta_twins **out);
void pta_twins_free(pta_solver *s, pta_twins *twins);

/** The first option asked for that costs what `o` does: o->twin. */
pta_status PTA_MUST_CHECK pta_twins_find(const pta_solver *s, pta_twins *twins,
                                         pta_option *o);

pta_status PTA_MUST_CHECK pta_relax_create(pta_solver *s, pta_relax **out);
void pta_relax_free(pta_solver *s, pta_relax *relax);

/** For an interval; then whether layers [first, last] may fit one board. */
void pta_relax_set(const pta_solver *s, pta_relax *relax, double us);
bool pta_relax_fits(const pta_solver *s, const pta_relax *relax, int32_t first,
                    int32_t last);

/** Cycles of layers [first, last], each at its best. */
double pta_relax_latency(const pta_solver *s, const pta_relax *relax,
                         int32_t first, int32_t last);

/** The resource of which all layers at their least take most, in boards. */
typedef struct pta_shortage {
    const char *resource;
    double takes, has; /* all layers; a board, at most */
} pta_shortage;

pta_shortage pta_relax_shortage(const pta_solver *s, const pta_relax *relax);

/** The same for the bands of a split by rows. */
pta_status PTA_MUST_CHECK pta_relax_fits_band(const pta_solver *s,
                                              pta_relax *relax,
                                              const pta_option *o, bool *fits);

/** The same, searched for; wires are left out of account. */
pta_verdict pta_relax_search(const pta_solver *s, pta_relax *relax,
                             int32_t first, int32_t last);

/** A chain of options that covers the graph. */
typedef struct pta_chain {
    bool found;
    double us; /* throughput: what every stage does in */
    int32_t n;
    pta_option **at; /* owned; [n_nodes] */
} pta_chain;

/** Throughput: the least interval in us for which a chain of stages takes at
 * most `boards` boards, searched below `limit`. *low: no plan of one copy is
 * below (`limit` if there is nothing below it); `careful`: of no meaning, for
 * wires are then guessed from above. */
pta_status PTA_MUST_CHECK pta_chain_throughput(pta_solver *s, int32_t boards,
                                               bool careful, double limit,
                                               pta_chain *chain, double *low);

/** The chain with the fewest boards that does in `us`, at most as many as there
 * are: no plan has fewer than *n. */
pta_status PTA_MUST_CHECK pta_chain_fewest(pta_solver *s, double us,
                                           pta_chain *chain, int32_t *n,
                                           pta_verdict *verdict);

/** Latency: the least chain by what its stages cost alone. *low: no plan is
 * below. */
pta_status PTA_MUST_CHECK pta_chain_latency(pta_solver *s, pta_chain *chain,
                                            double *low);

/** The chain as an answer, with hosts in order, priced. found is false if the
 * plan's own rules refuse it. */
pta_status PTA_MUST_CHECK pta_chain_answer(pta_solver *s,
                                           const pta_chain *chain,
                                           int32_t copies, pta_answer *out);

#endif
