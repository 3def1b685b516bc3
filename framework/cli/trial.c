/* Rows answered right by one-board plans on the `fixed` device. */
#include "cli/trial.h"

#include <math.h>
#include <string.h>

#include "cli/feed.h"
#include "cli/float_rows.h"
#include "cli/score.h"
#include "runtime/device.h"
#include "runtime/slice_load.h"

#define BATCH 256

/* A row and how sure the float network is of its answer. */
typedef struct sureness {
    int64_t row;
    double margin;
} sureness;

struct pta_trial {
    const pta_graph *graph; /* borrowed */
    pta_weights *weights;   /* borrowed */
    pta_dataset *data;      /* owned; least sure first */
    int64_t rows, float_right;
    int64_t count;    /* elements of output 0 */
    float *outputs;   /* owned; [rows][count] float's output 0 */
    double power;     /* of these, about their row's mean */
    int32_t *answers; /* owned; [rows] right ones */
    int32_t *classes; /* owned; [rows] float's answers */
    pta_plan *plan;   /* owned; one board */
    pta_feed *feed;   /* owned; at the input formats of `samples` */
    char *samples;    /* owned; all rows encoded, or NULL */
};

/* ---- the float network ---- */

/* Best output less the second; of one output, its distance from the limit. */
static double margin_of(const pta_graph *graph, const float *values,
                        int64_t count)
{
    double best = -HUGE_VAL, second = -HUGE_VAL;
    if (count == 1) {
        pta_op op = graph->nodes[pta_graph_integer_output(graph, 0)].op;
        return fabs((double)values[0] - (op == PTA_OP_SIGMOID ? 0.5 : 0.0));
    }
    for (int64_t e = 0; e < count; e++) {
        double v = (double)values[e];
        second = v > best ? best : v > second ? v : second;
        best = v > best ? v : best;
    }
    return best - second;
}

/* Outputs of the float network, in the set's order. */
typedef struct float_answers {
    const pta_graph *graph;
    float *outputs;  /* owned; [rows][count] */
    sureness *order; /* owned; [rows] */
} float_answers;

static void take_answers(void *user, int64_t first, int64_t n,
                         const float *values, int64_t count)
{
    const float_answers *a = user;
    memcpy(a->outputs + first * count, values,
           (size_t)(n * count) * sizeof *values);
    for (int64_t s = 0; s < n; s++) {
        a->order[first + s] = (sureness){
            first + s, margin_of(a->graph, values + s * count, count)};
    }
}

static int less_sure(const void *a, const void *b)
{
    const sureness *x = a, *y = b;
    if (x->margin != y->margin) {
        return x->margin < y->margin ? -1 : 1;
    }
    return (x->row > y->row) - (x->row < y->row);
}

/* Squares of what the outputs differ from their mean by. */
static double power(const float *values, int64_t count)
{
    double sum = 0, squares = 0;
    for (int64_t e = 0; e < count; e++) {
        sum += (double)values[e];
        squares += (double)values[e] * (double)values[e];
    }
    return count > 1 ? squares - sum * sum / (double)count : squares;
}

/* Keeps the rows, and what is right, in the new order. */
static pta_status keep(pta_ctx *ctx, pta_trial *t, pta_dataset *data,
                       const float_answers *a)
{
    const int32_t *labels = pta_dataset_labels(data);
    int64_t *rows;
    PTA_TRY_ALLOC(ctx, t->answers, t->rows);
    PTA_TRY_ALLOC(ctx, t->classes, t->rows);
    PTA_TRY_ALLOC(ctx, t->outputs, t->rows * t->count);
    PTA_TRY_ALLOC(ctx, rows, t->rows);
    for (int64_t i = 0; i < t->rows; i++) {
        int64_t row = rows[i] = a->order[i].row;
        const float *outputs = a->outputs + row * t->count;
        int32_t class = pta_class_of_float(t->graph, outputs, t->count);
        memcpy(t->outputs + i * t->count, outputs,
               (size_t)t->count * sizeof *outputs);
        t->power += power(outputs, t->count);
        t->classes[i] = class;
        t->answers[i] = labels != NULL ? labels[row] : class;
        t->float_right += class == t->answers[i];
    }
    pta_status status = pta_dataset_subset(ctx, data, rows, t->rows, &t->data);
    pta_free(ctx, rows);
    return status;
}

static pta_status ask_float(pta_ctx *ctx, pta_trial *t, pta_model *model,
                            pta_dataset *data)
{
    float_answers a = {.graph = t->graph};
    pta_float_visit visit = {.answers = take_answers, .user = &a};
    PTA_TRY_ALLOC(ctx, a.outputs, t->rows * t->count);
    a.order = pta_calloc(ctx, (size_t)t->rows, sizeof *a.order);
    pta_status status = a.order == NULL
                            ? PTA_ERR_NOMEM
                            : pta_float_rows(ctx, model, data, "float", &visit);
    if (status == PTA_OK) {
        qsort(a.order, (size_t)t->rows, sizeof *a.order, less_sure);
        status = keep(ctx, t, data, &a);
    }
    pta_free(ctx, a.order);
    pta_free(ctx, a.outputs);
    return status;
}

/* ---- open, close ---- */

pta_status pta_trial_open(pta_ctx *ctx, pta_model *model, pta_dataset *data,
                          pta_trial **out)
{
    pta_trial *t;
    PTA_TRY_ALLOC(ctx, t, 1);
    t->graph = pta_model_graph(model);
    t->weights = pta_model_weights(model);
    t->rows = pta_dataset_rows(data);
    t->count = pta_view_count(
        t->graph->nodes[pta_graph_integer_output(t->graph, 0)].view);
    pta_status status = pta_plan_create(ctx, t->graph, &t->plan);
    if (status == PTA_OK) {
        status = ask_float(ctx, t, model, data);
    }
    if (status != PTA_OK) {
        pta_trial_close(ctx, &t);
        return status;
    }
    *out = t;
    return PTA_OK;
}

void pta_trial_close(pta_ctx *ctx, pta_trial **trial)
{
    pta_trial *t = *trial;
    if (t != NULL) {
        pta_free(ctx, t->samples);
        pta_feed_close(ctx, &t->feed);
        pta_plan_destroy(ctx, &t->plan);
        pta_free(ctx, t->answers);
        pta_free(ctx, t->classes);
        pta_free(ctx, t->outputs);
        pta_dataset_close(ctx, &t->data);
        pta_free(ctx, t);
        *trial = NULL;
    }
}

int64_t pta_trial_rows(const pta_trial *trial)
{
    return trial->rows;
}

int64_t pta_trial_float_right(const pta_trial *trial)
{
    return trial->float_right;
}

/* ---- a trial ---- */

static bool same_inputs(const pta_trial *t)
{
    for (int32_t i = 0; i < t->graph->n_inputs; i++) {
        pta_format a = t->feed->layout.tensor[i].format;
        pta_format b = t->plan->formats[t->graph->inputs[i]].out;
        if (a.width != b.width || a.integer != b.integer) {
            return false;
        }
    }
    return true;
}

/* Few trials change the format of an input, so encoded rows are kept. */
static pta_status encode(pta_trial *t, pta_ctx *ctx)
{
    if (t->samples != NULL && same_inputs(t)) {
        return PTA_OK;
    }
    pta_free(ctx, t->samples);
    t->samples = NULL;
    pta_feed_close(ctx, &t->feed);
    PTA_TRY(pta_feed_open_rows(ctx, t->graph, t->plan, t->data, &t->feed));
    size_t bytes = t->feed->layout.sample_bytes;
    PTA_TRY_ALLOC(ctx, t->samples, (size_t)t->rows * bytes);
    return pta_feed_encode(t->feed, ctx, 0, t->rows, t->samples);
}

/* Squares of what the fixed outputs differ from float's by. */
static double noise_of(const pta_trial *t, const pta_packing *outputs,
                       const char *sample, const float *expected)
{
    double noise = 0;
    for (int64_t e = 0; e < t->count; e++) {
        double d =
            pta_packing_value(outputs, sample, 0, e) - (double)expected[e];
        noise += d * d;
    }
    return noise;
}

static void count(const pta_trial *t, const pta_packing *outputs,
                  const char *samples, int64_t n, pta_score *score)
{
    for (int64_t s = 0; s < n; s++) {
        const char *sample = samples + (size_t)s * outputs->sample_bytes;
        int64_t row = score->rows++;
        int32_t class = pta_class_of(t->graph, outputs, sample);
        bool was_right = t->classes[row] == t->answers[row];
        bool right = class == t->answers[row];
        score->right += right;
        score->lost += was_right && !right;
        score->gained += !was_right && right;
        score->changed += class != t->classes[row];
        score->noise +=
            noise_of(t, outputs, sample, t->outputs + row * t->count) /
            t->power;
    }
}

bool pta_score_within(const pta_score *score, const pta_trial_limits *limits)
{
    return limits == NULL || (score->rows - score->right <= limits->wrong &&
                              score->noise <= limits->noise);
}

static pta_status run_device(const pta_trial *t, pta_ctx *ctx,
                             pta_device *device, const pta_packing *outputs,
                             const pta_trial_limits *limits, pta_score *score)
{
    size_t bytes = t->feed->layout.sample_bytes;
    const pta_device_ops *ops = device->ops;
    while (score->rows < t->rows && pta_score_within(score, limits)) {
        int64_t left = t->rows - score->rows, n = left < BATCH ? left : BATCH;
        pta_cost cost;
        memcpy(ops->in_buffer(device, 0),
               t->samples + (size_t)score->rows * bytes, (size_t)n * bytes);
        PTA_TRY(ops->submit(device, ctx, 0, (int32_t)n));
        PTA_TRY(ops->collect(device, ctx, 0, &cost));
        count(t, outputs, ops->out_buffer(device, 0), n, score);
    }
    return PTA_OK;
}

/* The slice of a one-board plan takes and gives samples as source and sink
 * have them. */
static pta_status run_slice(const pta_trial *t, pta_ctx *ctx,
                            const pta_trial_limits *limits, pta_slice *slice,
                            pta_score *score)
{
    pta_device_params params = {.max_samples = BATCH, .n_slots = 1};
    char digest[PTA_SHA256_HEX];
    pta_device *device;
    pta_packing outputs;
    PTA_TRY(pta_slice_load(ctx, t->graph, t->plan, t->weights, slice, digest));
    PTA_TRY(pta_packing_outputs(ctx, t->graph, t->plan, false, &outputs));
    PTA_ASSERT(pta_slice_in_bytes(slice) == t->feed->layout.sample_bytes &&
               pta_slice_out_bytes(slice) == outputs.sample_bytes);
    pta_status status = pta_device_fixed.open(ctx, slice, &params, &device);
    if (status == PTA_OK) {
        status = run_device(t, ctx, device, &outputs, limits, score);
        pta_device_fixed.close(ctx, &device);
    }
    pta_packing_free(ctx, &outputs);
    return status;
}

pta_status pta_trial_run(pta_trial *trial, pta_ctx *ctx,
                         const pta_node_format *formats,
                         const pta_trial_limits *limits, pta_score *out)
{
    pta_score score = {0};
    pta_slice *slice;
    memcpy(trial->plan->formats, formats,
           (size_t)trial->graph->n_nodes * sizeof *formats);
    PTA_TRY(encode(trial, ctx));
    PTA_TRY(pta_slice_build(ctx, trial->graph, trial->plan, 0, false, &slice));
    pta_status status = run_slice(trial, ctx, limits, slice, &score);
    pta_slice_destroy(ctx, &slice);
    if (status == PTA_OK) {
        *out = score;
    }
    return status;
}
