/*
 * Estimators: what a slice costs as hardware, folding by folding.
 *
 * An estimator knows single steps; choosing one folding for each step of a
 * slice within a board's budget (pta_core_choose) is the same for all of them.
 * Estimators that need more than base, ir and plan live elsewhere and are
 * handed over by cli.
 *
 * A core's interval is the greatest of its steps', its latency the sum of what
 * each step adds and the longest span: a dense layer adds its steps (all
 * inputs must have come), a convolution adds the time to fill its window, and
 * the image with most cycles (the span) passes once, through all of them.
 */
#ifndef PTA_PARTITION_ESTIMATE_H
#define PTA_PARTITION_ESTIMATE_H

#include "base/ctx.h"
#include "plan/design.h"

/** One way to fold one step. */
typedef struct pta_folding {
    pta_fold fold;
    int64_t interval; /* cycles from sample to sample */
    int64_t fill;     /* cycles it adds to one sample's way */
    int64_t span;     /* cycles all of a sample takes, passing others */
    pta_resources resources;
} pta_folding;

typedef struct pta_foldings {
    int32_t n;
    pta_folding *at; /* owned */
} pta_foldings;

typedef struct pta_estimator pta_estimator;
struct pta_estimator {
    const char *name;      /* as --estimator takes it */
    const char *describes; /* whose designs, at which stage of a tool flow */
    const char *error;     /* measured, and on what */
    pta_resources shell;   /* of every core: ports, registers */
    int64_t shell_latency; /* cycles */

    /* What no design passes, for bounds; 0: not known. */
    double products_per_dsp;              /* a cycle */
    double bits_per_bram18, bits_per_lut; /* of weights */

    /** Foldings of one step; at least one. The caller frees them. */
    pta_status (*foldings)(pta_estimator *self, pta_ctx *ctx,
                           const pta_slice *slice, int32_t step,
                           pta_foldings *out);
    void *state; /* of the implementation */
};

void pta_foldings_free(pta_ctx *ctx, pta_foldings *list);

/** Appends a folding. */
pta_status PTA_MUST_CHECK pta_foldings_add(pta_ctx *ctx, pta_foldings *list,
                                           const pta_folding *folding);

/** Removes foldings that another one beats or equals in everything. */
void pta_foldings_prune(pta_foldings *list);

typedef enum pta_verdict { PTA_NO, PTA_YES, PTA_MAYBE } pta_verdict;

typedef enum pta_aim {
    PTA_AIM_INTERVAL, /* least interval, then least latency */
    PTA_AIM_PACE,     /* least interval, whatever the latency */
    PTA_AIM_LATENCY,  /* least latency */
    PTA_AIM_ROUGHLY   /* a latency near the least, soon */
} pta_aim;

/** A slice as hardware. */
typedef struct pta_core {
    bool fits;     /* else only `lacking` means something */
    bool proven;   /* the aim is the least there is, not just the least found */
    int64_t bound; /* no choice is below it; the aim itself when proven */
    int64_t interval, latency; /* cycles */
    pta_resources resources;
    int32_t n_steps;
    pta_fold *folds;   /* owned; [n_steps] */
    char lacking[192]; /* which resource of which layer, and by how much */
} pta_core;

/** Chooses the foldings of a slice. A slice that does not fit is no failure. */
pta_status PTA_MUST_CHECK pta_core_choose(pta_ctx *ctx,
                                          pta_estimator *estimator,
                                          const pta_graph *graph,
                                          const pta_slice *slice,
                                          const pta_budget *budget, pta_aim aim,
                                          pta_core *out);
void pta_core_free(pta_ctx *ctx, pta_core *core);

/** A core with foldings of its own; free it. */
pta_status PTA_MUST_CHECK pta_core_copy(pta_ctx *ctx, const pta_core *from,
                                        pta_core *to);

/** Whether some foldings have an interval of at most `cycles`. *found: `out`,
 * which the caller frees, is one such core. Neither *found nor *cut: there is
 * none; *cut: the search was given up before it was sure. */
pta_status PTA_MUST_CHECK pta_core_within(pta_ctx *ctx,
                                          pta_estimator *estimator,
                                          const pta_slice *slice,
                                          const pta_budget *budget,
                                          int64_t cycles, pta_core *out,
                                          bool *found, bool *cut);

#endif
