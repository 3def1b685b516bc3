/* The estimator that --estimator names. */
#include "cli/estimators.h"

#include <string.h>

#include "cli/estimate_rule4ml.h"
#include "partition/analytic.h"
#include "partition/estimate_hls4ml.h"

pta_status pta_chosen_open(pta_ctx *ctx, const char *text, pta_chosen *out)
{
    static const char rule4ml[] = "rule4ml=";
    pta_chosen c = {.destroy = pta_analytic_destroy, .own_blocks = true};
    c.counts = strcmp(text, "synthesis") == 0;
    if (c.counts || strcmp(text, "analytic") == 0) {
        PTA_TRY(pta_analytic_create(ctx, &c.estimator));
    } else if (strcmp(text, "hls4ml") == 0) {
        c.own_blocks = false;
        c.destroy = pta_estimate_hls4ml_destroy;
        PTA_TRY(pta_estimate_hls4ml_create(ctx, &c.estimator));
    } else if (strncmp(text, rule4ml, strlen(rule4ml)) == 0) {
        c.own_blocks = false;
        c.destroy = pta_estimate_rule4ml_destroy;
        PTA_TRY(pta_estimate_rule4ml_create(ctx, text + strlen(rule4ml),
                                            &c.estimator));
    } else {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "--estimator: \"%s\" is not one of analytic, "
                        "synthesis, hls4ml, rule4ml=DIR",
                        text);
    }
    if (c.counts) {
        c.estimator->name = "synthesis";
        c.estimator->describes = "our own blocks: searched by formula, the "
                                 "answer's cores counted by Yosys";
        c.estimator->error = "none after synthesis; placing and routing not "
                             "seen";
    }
    *out = c;
    return PTA_OK;
}

void pta_chosen_close(pta_ctx *ctx, pta_chosen *chosen)
{
    if (chosen->estimator != NULL) {
        chosen->destroy(ctx, &chosen->estimator);
    }
}
