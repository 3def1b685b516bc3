/*
 * Asks rule4ml's estimators, as this project runs them:
 *
 *     rule4ml_query DIR < queries
 *
 * A query is a line "BITS STRATEGY BOARD LAYER...", a layer
 * KIND:INPUTS:OUTPUTS:PARAMETERS:REUSE; KIND "input" is the input. The answer is
 * a line: BRAM DSP FF LUT CYCLES INTERVAL. For tests/interop/rule4ml_parity.py.
 */
#include <stdio.h>
#include <string.h>

#include "cli/rule4ml_ask.h"

#define LAYERS_MAX 64
#define LINE       8192

typedef struct query {
    pta_rule4ml_query base;
    char strategy[32], board[32], kinds[LAYERS_MAX][32];
    pta_rule4ml_layer layers[LAYERS_MAX];
} query;

static bool parse_layer(const char *text, char kind[32],
                        pta_rule4ml_layer *layer)
{
    long long n[4];
    if (sscanf(text, "%31[a-z0-9]:%lld:%lld:%lld:%lld", kind, &n[0], &n[1],
               &n[2], &n[3]) != 5) {
        return false;
    }
    *layer = (pta_rule4ml_layer){strcmp(kind, "input") == 0 ? "" : kind, n[0],
                                 n[1], n[2], n[3]};
    return true;
}

static bool parse(char *line, query *q)
{
    int used = 0, bits;
    if (sscanf(line, "%d %31s %31s%n", &bits, q->strategy, q->board, &used) !=
        3) {
        return false;
    }
    q->base = (pta_rule4ml_query){.strategy = q->strategy,
                                  .board = q->board,
                                  .bits = bits,
                                  .layers = q->layers};
    for (char *word = strtok(line + used, " \n"); word != NULL;
         word = strtok(NULL, " \n")) {
        int32_t i = q->base.n_layers++;
        if (i == LAYERS_MAX || !parse_layer(word, q->kinds[i], &q->layers[i])) {
            return false;
        }
    }
    return true;
}

static pta_status answer(pta_ctx *ctx, pta_rule4ml_set *set)
{
    static query q;
    static char line[LINE];
    while (fgets(line, sizeof line, stdin) != NULL) {
        double out[PTA_R4_COUNT];
        if (!parse(line, &q)) {
            return pta_fail(ctx, PTA_ERR_FORMAT, "not a query: %s", line);
        }
        PTA_TRY(pta_rule4ml_ask(set, ctx, &q.base, out));
        for (int t = 0; t < PTA_R4_COUNT; t++) {
            printf("%.9g%c", out[t], t + 1 < PTA_R4_COUNT ? ' ' : '\n');
        }
    }
    return PTA_OK;
}

int main(int argc, char **argv)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_rule4ml_set *set = NULL;
    pta_status status =
        argc == 2 ? pta_rule4ml_set_open(ctx, argv[1], &set)
                  : pta_fail(ctx, PTA_ERR_USAGE, "usage: rule4ml_query DIR");
    if (status == PTA_OK) {
        status = answer(ctx, set);
    }
    if (status != PTA_OK) {
        fprintf(stderr, "rule4ml_query: %s\n", pta_ctx_error(ctx));
    }
    pta_rule4ml_set_close(ctx, &set);
    pta_ctx_destroy(&ctx);
    return status == PTA_OK ? 0 : 1;
}
