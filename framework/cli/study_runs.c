/* Runs of a study on this machine and on simulated boards (study_runs.h). */
#include "cli/study_runs.h"

#include <string.h>

#include "cli/child.h"

enum { MAX_ARGS = 24 };

/* Runs `argv`, which writes `json`, and reads what it says of one mode. */
static pta_status run_child(const pta_study_runs *r, const char *const *argv,
                            const char *json, bool latency, pta_figures *f)
{
    char *text;
    json_t *j;
    PTA_TRY(pta_run_child(r->ctx, argv, r->log));
    PTA_TRY(pta_file_read(r->ctx, json, &text, NULL));
    pta_status status = pta_json_parse(r->ctx, text, json, &j);
    pta_free(r->ctx, text);
    PTA_TRY(status);
    const json_t *l = json_object_get(j, "latency_us");
    if (latency) {
        f->p50 = json_number_value(json_object_get(l, "p50"));
        f->p95 = json_number_value(json_object_get(l, "p95"));
        f->p99 = json_number_value(json_object_get(l, "p99"));
    } else {
        f->throughput =
            json_number_value(json_object_get(j, "throughput_per_s"));
    }
    json_decref(j);
    return PTA_OK;
}

static pta_status host_mode(const pta_study_runs *r, const char *launch,
                            const char *own, const char *json, bool latency,
                            pta_point *p)
{
    char np[16], data[40], batch[16];
    snprintf(np, sizeof np, "%d", p->boards);
    snprintf(data, sizeof data, "random:%lld:1", (long long)r->limit);
    snprintf(batch, sizeof batch, "%d",
             latency ? 1 : p->stream.flow.micro_batch);
    const char *argv[MAX_ARGS] = {launch,
                                  "-np",
                                  np,
                                  own,
                                  "run",
                                  r->plan,
                                  "--data",
                                  data,
                                  "--micro-batch",
                                  batch,
                                  "--wire",
                                  r->wire,
                                  "--mode",
                                  latency ? "latency" : "throughput",
                                  "--json",
                                  json,
                                  NULL};
    return run_child(r, argv, json, latency, &p->host);
}

static pta_status simulate_mode(const pta_study_runs *r, const char *own,
                                const char *json, bool latency, pta_point *p)
{
    char boards[16], batch[16], depth[16];
    snprintf(boards, sizeof boards, "%d", p->boards);
    snprintf(batch, sizeof batch, "%d",
             latency ? 1 : p->stream.flow.micro_batch);
    snprintf(depth, sizeof depth, "%d", p->stream.flow.depth);
    const char *argv[MAX_ARGS] = {own,
                                  "simulate",
                                  r->plan,
                                  "--boards",
                                  boards,
                                  "--cluster",
                                  r->cluster,
                                  "--micro-batch",
                                  batch,
                                  "--wire",
                                  r->wire,
                                  "--mode",
                                  latency ? "latency" : "throughput",
                                  "--json",
                                  json,
                                  NULL};
    if (!latency && p->boards == p->stream.n_boards) {
        /* many copies: simulate itself says how much may be in flight */
        argv[15] = "--depth";
        argv[16] = depth;
    }
    return run_child(r, argv, json, latency, &p->simulated);
}

static pta_status both_modes(const pta_study_runs *r, bool host, pta_point *p)
{
    char *own = NULL, *json = NULL, *launch = NULL;
    pta_status status = pta_own_path(r->ctx, &own);
    if (status == PTA_OK) {
        status = pta_path_in(r->ctx, r->folder, "run.json", &json);
    }
    if (status == PTA_OK && host) {
        status = pta_find_beside(r->ctx, "partita-run", &launch);
    }
    for (int latency = 1; latency >= 0 && status == PTA_OK; latency--) {
        status = host ? host_mode(r, launch, own, json, latency != 0, p)
                      : simulate_mode(r, own, json, latency != 0, p);
    }
    pta_free(r->ctx, launch);
    pta_free(r->ctx, json);
    pta_free(r->ctx, own);
    return status;
}

/* ---- predictions ---- */

/* Of a CSV row, whose third field is quoted. */
static bool read_row(const char *line, pta_prediction *p)
{
    const char *after = strrchr(line, '"');
    char mode[16], figure[32], verdict[16];
    *p = (pta_prediction){.waits = strncmp(line, "wait,", 5) == 0};
    if (after == NULL ||
        sscanf(after, "\",%15[^,],%*d,%31[^,],%lf,%lf,%*f,%*f,%15s", mode,
               figure, &p->measured, &p->predicted, verdict) != 5) {
        return false;
    }
    p->is_latency = strcmp(figure, "latency_us") == 0;
    return strcmp(verdict, "unsteady") != 0 && p->measured > 0 &&
           p->predicted > 0;
}

pta_status pta_study_predictions(pta_ctx *ctx, const char *path,
                                 pta_study *study)
{
    char line[512];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return pta_fail(ctx, PTA_ERR_NOT_FOUND, "%s: cannot be read", path);
    }
    while (study->n_predictions < PTA_PREDICTIONS &&
           fgets(line, (int)sizeof line, file) != NULL) {
        study->n_predictions +=
            read_row(line, &study->predictions[study->n_predictions]);
    }
    fclose(file);
    return study->n_predictions > 0
               ? PTA_OK
               : pta_fail(ctx, PTA_ERR_FORMAT,
                          "%s: no steady row as bench/lab/predict.py prints "
                          "them",
                          path);
}

/* ---- both kinds of runs ---- */

pta_status pta_study_host(const pta_study_runs *runs, pta_point *point)
{
    return both_modes(runs, true, point);
}

pta_status pta_study_simulate(const pta_study_runs *runs, pta_point *point)
{
    return both_modes(runs, false, point);
}
