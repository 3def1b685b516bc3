/*
 * The cut language: --cut ITEM[,ITEM...], ITEM = LAYER[=KIND:PARTS]; and what
 * it shares with plan files: where stages begin and how they divide.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plan/layout_priv.h"
#include "plan/plan_priv.h"

bool pta_split_find(const char *name, size_t length, pta_split *out)
{
    for (int s = PTA_SPLIT_WHOLE; s <= PTA_SPLIT_PAIRED; s++) {
        const char *known = pta_split_name((pta_split)s);
        if (strlen(known) == length && memcmp(known, name, length) == 0) {
            *out = (pta_split)s;
            return true;
        }
    }
    return false;
}

/* ---- where a stage begins ---- */

/* As many layer names as fit, for "no such layer". */
static void list_layers(const pta_graph *graph, char *text, size_t size)
{
    size_t used = 0;
    for (int32_t i = 0; i < graph->n_nodes && used + 4 < size; i++) {
        int n = snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "",
                         graph->nodes[i].name);
        used += n > 0 ? (size_t)n : 0;
    }
    if (used + 1 > size) {
        memcpy(text + size - 4, "...", 4);
    }
}

pta_status pta_stage_start(pta_ctx *ctx, const pta_graph *graph,
                           const char *where, const char *name, int32_t *node)
{
    int32_t found = pta_graph_find(graph, name);
    if (found < 0) {
        char layers[400];
        list_layers(graph, layers, sizeof layers);
        return pta_fail(ctx, PTA_ERR_NOT_FOUND,
                        "%s: no layer '%s' in the model; there are %s", where,
                        name, layers);
    }
    const char *own = graph->nodes[found].name;
    if (strcmp(own, name) != 0) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "%s: '%s' is merged into '%s'; cut at '%s'", where,
                        name, own, own);
    }
    *node = found;
    return PTA_OK;
}

/* ---- how it divides ---- */

static pta_status too_many(pta_ctx *ctx, const pta_graph *graph,
                           const pta_plan *plan, int32_t s, int32_t n_parts,
                           const pta_divided *d)
{
    return pta_stage_fail(ctx, graph, plan, s, PTA_ERR_RANGE,
                          "%d parts, expected 1 to %d: '%s' has %d %s",
                          (int)n_parts, (int)(d->total / d->step),
                          graph->nodes[d->node].name, (int)d->total, d->noun);
}

pta_status pta_stage_split(pta_ctx *ctx, const pta_graph *graph, pta_plan *plan,
                           int32_t s, pta_split split, int32_t n_parts,
                           const int32_t *sizes)
{
    pta_stage *stage = &plan->stages[s];
    pta_divided d;
    stage->split = split;
    PTA_TRY(pta_stage_divided(ctx, graph, plan, s, &d));
    int32_t units = d.total / d.step;
    if (n_parts < 1 || n_parts > units) {
        return too_many(ctx, graph, plan, s, n_parts, &d);
    }
    PTA_TRY_ALLOC(ctx, stage->sizes, n_parts);
    stage->n_parts = n_parts;
    for (int32_t p = 0; p < n_parts; p++) {
        int32_t balanced = units / n_parts + (p < units % n_parts);
        stage->sizes[p] = sizes != NULL ? sizes[p] : balanced * d.step;
    }
    return PTA_OK;
}

/* ---- items ---- */

typedef struct item {
    char *text;  /* in the copied cut text, zero-terminated */
    char *parts; /* text after the colon, or NULL: whole */
    pta_split split;
    int32_t node;
} item;

static pta_status item_kind(pta_ctx *ctx, const char *where, char *equals,
                            item *it)
{
    char *colon = strchr(equals, ':');
    size_t length =
        colon == NULL ? strlen(equals + 1) : (size_t)(colon - equals - 1);
    if (!pta_split_find(equals + 1, length, &it->split) ||
        it->split == PTA_SPLIT_WHOLE) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "%s: '%.*s' is no kind of cut; expected neuron, input, "
                        "channel, inchannel, rows or paired",
                        where, (int)length, equals + 1);
    }
    if (colon == NULL) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "%s: expected :PARTS after the kind, a number or sizes "
                        "such as 5/5/6",
                        where);
    }
    it->parts = colon + 1;
    return PTA_OK;
}

static pta_status item_parse(pta_ctx *ctx, const pta_graph *graph, item *it)
{
    char where[160];
    snprintf(where, sizeof where, "--cut: '%s'", it->text);
    char *equals = strrchr(it->text, '=');
    if (equals != NULL && pta_graph_find(graph, it->text) < 0) {
        PTA_TRY(item_kind(ctx, where, equals, it));
        *equals = '\0';
    }
    return pta_stage_start(ctx, graph, "--cut", it->text, &it->node);
}

/* One positive number; NULL and a failure stored when there is none. */
static const char *number(pta_ctx *ctx, const char *text, int32_t *out)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool digits = *text >= '0' && *text <= '9';
    if (!digits || errno != 0 || value < 1 || value > INT32_MAX ||
        (*end != '\0' && *end != '/')) {
        pta_fail(ctx, PTA_ERR_USAGE,
                 "--cut: parts '%s': expected a number of parts or sizes such "
                 "as 5/5/6",
                 text);
        return NULL;
    }
    *out = (int32_t)value;
    return end;
}

static pta_status item_sizes(pta_ctx *ctx, const item *it, int32_t **sizes,
                             int32_t *n_parts)
{
    int32_t n = 0;
    PTA_TRY_ALLOC(ctx, *sizes, strlen(it->parts) + 1);
    const char *at = it->parts;
    for (;;) {
        at = number(ctx, at, &(*sizes)[n++]);
        if (at == NULL) {
            pta_free(ctx, *sizes);
            return PTA_ERR_USAGE;
        }
        if (*at == '\0') {
            break;
        }
        at++;
    }
    *n_parts = n;
    return PTA_OK;
}

static pta_status item_split(pta_ctx *ctx, const pta_graph *graph,
                             pta_plan *draft, int32_t s, const item *it)
{
    int32_t n = 1, *sizes = NULL;
    if (it->parts == NULL) {
        return pta_stage_split(ctx, graph, draft, s, PTA_SPLIT_WHOLE, 1, NULL);
    }
    PTA_TRY(item_sizes(ctx, it, &sizes, &n));
    pta_status status =
        n == 1
            ? pta_stage_split(ctx, graph, draft, s, it->split, sizes[0], NULL)
            : pta_stage_split(ctx, graph, draft, s, it->split, n, sizes);
    pta_free(ctx, sizes);
    return status;
}

/* ---- the whole cut ---- */

/* Splits a copy of the cut at its commas. */
static pta_status items_parse(pta_ctx *ctx, const pta_graph *graph, char *text,
                              item *items, int32_t n_items)
{
    for (int32_t i = 0; i < n_items; i++) {
        items[i].text = text;
        text = strchr(text, ',');
        if (text != NULL) {
            *text++ = '\0';
        }
        PTA_TRY(item_parse(ctx, graph, &items[i]));
        if (i > 0 && items[i].node <= items[i - 1].node) {
            return pta_fail(ctx, PTA_ERR_USAGE,
                            "--cut: '%s' does not come after '%s' in the model",
                            items[i].text, items[i - 1].text);
        }
    }
    return PTA_OK;
}

static pta_status stages_from_items(pta_ctx *ctx, const pta_graph *graph,
                                    const item *items, pta_plan *draft)
{
    for (int32_t s = 0; s < draft->n_stages; s++) {
        pta_stage *stage = &draft->stages[s];
        stage->first = s == 0 ? 0 : items[s].node;
        stage->last = s + 1 < draft->n_stages ? items[s + 1].node - 1
                                              : graph->n_nodes - 1;
    }
    for (int32_t s = 0; s < draft->n_stages; s++) {
        PTA_TRY(item_split(ctx, graph, draft, s, &items[s]));
    }
    return PTA_OK;
}

/* Tries the stages on a copy of the plan before the plan takes them over. */
static pta_status apply_items(pta_ctx *ctx, const pta_graph *graph,
                              const item *items, int32_t n_items,
                              pta_plan *plan)
{
    pta_plan draft = *plan;
    draft.n_stages = n_items;
    PTA_TRY_ALLOC(ctx, draft.stages, n_items);
    pta_status status = stages_from_items(ctx, graph, items, &draft);
    draft.n_boards = 0;
    for (int32_t s = 0; s < n_items && status == PTA_OK; s++) {
        draft.stages[s].first_board = draft.n_boards;
        draft.n_boards += draft.stages[s].n_parts;
    }
    if (status == PTA_OK) {
        status = pta_plan_validate(ctx, &draft, graph);
    }
    if (status == PTA_OK) {
        status = pta_plan_set_stages(ctx, plan, draft.stages, n_items);
    }
    if (status != PTA_OK) {
        pta_stages_free(ctx, draft.stages, n_items);
    }
    return status;
}

pta_status pta_cut_apply(pta_ctx *ctx, const char *cut, const pta_graph *graph,
                         pta_plan *plan)
{
    int32_t n_items = 1;
    for (const char *c = cut; *c != '\0'; c++) {
        n_items += *c == ',';
    }
    item *items;
    PTA_TRY_ALLOC(ctx, items, n_items);
    char *text = pta_strdup(ctx, cut);
    pta_status status = text == NULL ? PTA_ERR_NOMEM : PTA_OK;
    if (status == PTA_OK) {
        status = items_parse(ctx, graph, text, items, n_items);
    }
    if (status == PTA_OK) {
        status = apply_items(ctx, graph, items, n_items, plan);
    }
    pta_free(ctx, text);
    pta_free(ctx, items);
    return status;
}
