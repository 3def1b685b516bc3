/* Time lines in the Chrome trace format (timeline.h). */
#include "cli/timeline.h"

/* Numbers of processes in the file; modelled hosts follow the ranks. */
enum { MODELLED = 100000 };

pta_status pta_timeline_open(pta_ctx *ctx, int64_t room, pta_timeline *out)
{
    pta_timeline t = {.room = room};
    PTA_TRY_ALLOC(ctx, t.spans, room);
    *out = t;
    return PTA_OK;
}

void pta_timeline_close(pta_ctx *ctx, pta_timeline *timeline)
{
    pta_free(ctx, timeline->spans);
    *timeline = (pta_timeline){0};
}

void pta_timeline_observe(void *state, const pta_vspan *span)
{
    pta_timeline *t = state;
    if (t->n == t->room) {
        t->dropped++;
        return;
    }
    t->spans[t->n++] = *span;
}

/* Threads of a process: boards from 1 on; what is beside them. */
static int thread_of(int32_t board)
{
    return board == PTA_BOARD_SOURCE ? 100001
           : board == PTA_BOARD_SINK ? 100002
                                     : (int)board + 1;
}

static void add_event(json_t *events, const char *name, int process, int thread,
                      int64_t batch, uint64_t begin, uint64_t end)
{
    json_array_append_new(events,
                          json_pack("{s:s,s:s,s:i,s:i,s:f,s:f,s:{s:I}}", "name",
                                    name, "ph", "X", "pid", process, "tid",
                                    thread, "ts", 1e-3 * (double)begin, "dur",
                                    1e-3 * (double)(end - begin), "args",
                                    "batch", (json_int_t)batch));
}

static void name_it(json_t *events, const char *what, int process, int thread,
                    const char *format, const char *clock, int index)
{
    char text[96];
    snprintf(text, sizeof text, "%s", clock);
    size_t used = 0;
    while (text[used] != '\0') {
        used++;
    }
    snprintf(text + used, sizeof text - used, "%s %d", format, index);
    json_array_append_new(
        events, json_pack("{s:s,s:s,s:i,s:i,s:{s:s}}", "name", what, "ph", "M",
                          "pid", process, "tid", thread, "args", "name", text));
}

/* Names of a process and a thread, the first time they are met. */
static void name_thread(json_t *events, json_t *seen, const char *clock,
                        const char *host, int process, int index, int32_t board)
{
    char key[48];
    snprintf(key, sizeof key, "%d", process);
    if (json_object_get(seen, key) == NULL) {
        json_object_set_new(seen, key, json_true());
        name_it(events, "process_name", process, 0, host, clock, index);
    }
    int thread = thread_of(board);
    snprintf(key, sizeof key, "%d:%d", process, thread);
    if (json_object_get(seen, key) == NULL) {
        json_object_set_new(seen, key, json_true());
        const char *what = board == PTA_BOARD_SOURCE ? "source"
                           : board == PTA_BOARD_SINK ? "sink"
                                                     : "board";
        name_it(events, "thread_name", process, thread, "", what,
                board < 0 ? 0 : (int)board);
    }
}

static void add_trace(json_t *events, json_t *seen, const pta_trace *trace,
                      const char *clock)
{
    uint64_t origin = UINT64_MAX;
    for (int64_t i = 0; i < trace->n; i++) {
        uint64_t begin = trace->events[i].begin;
        origin = begin < origin ? begin : origin;
    }
    for (int64_t i = 0; i < trace->n; i++) {
        const pta_trace_event *e = &trace->events[i];
        name_thread(events, seen, clock, ": rank", (int)e->rank, (int)e->rank,
                    e->board);
        add_event(events, pta_trace_name((pta_trace_kind)e->kind), (int)e->rank,
                  thread_of(e->board), e->batch, e->begin - origin,
                  e->end - origin);
    }
}

static void add_modelled(json_t *events, json_t *seen,
                         const pta_timeline *timeline)
{
    for (int64_t i = 0; i < timeline->n; i++) {
        const pta_vspan *v = &timeline->spans[i];
        int process = MODELLED + (int)v->host;
        /* Accelerator and port work beside the CPU: threads of their own. */
        int thread = v->kind == PTA_V_COMPUTE ? 200001
                     : v->kind == PTA_V_PORT  ? 200002
                                              : thread_of(v->board);
        name_thread(events, seen, "modelled time", ": host", process,
                    (int)v->host, v->board);
        add_event(events, pta_vkind_name(v->kind), process, thread, v->batch,
                  v->begin, v->end);
    }
}

json_t *pta_timeline_json(const pta_trace *trace, const char *clock,
                          const pta_timeline *modelled)
{
    json_t *events = json_array(), *seen = json_object();
    add_trace(events, seen, trace, clock);
    add_modelled(events, seen, modelled);
    json_decref(seen);
    return json_pack("{s:o,s:s,s:{s:I,s:I}}", "traceEvents", events,
                     "displayTimeUnit", "ns", "otherData", "dropped_events",
                     (json_int_t)trace->dropped, "dropped_modelled_spans",
                     (json_int_t)modelled->dropped);
}
