/* Classes, digest and latency of a run's outputs. */
#include "cli/score.h"

#include <stdlib.h>

static bool is_probability(const pta_graph *graph)
{
    pta_op op = graph->nodes[pta_graph_integer_output(graph, 0)].op;
    return op == PTA_OP_SIGMOID || op == PTA_OP_HARD_SIGMOID;
}

int32_t pta_class_of(const pta_graph *graph, const pta_packing *outputs,
                     const void *sample)
{
    int64_t count = outputs->tensor[0].count, best = 0;
    double most = pta_packing_value(outputs, sample, 0, 0);
    if (count == 1) {
        return most > (is_probability(graph) ? 0.5 : 0.0);
    }
    for (int64_t e = 1; e < count; e++) {
        double value = pta_packing_value(outputs, sample, 0, e);
        if (value > most) {
            most = value;
            best = e;
        }
    }
    return (int32_t)best;
}

int32_t pta_class_of_float(const pta_graph *graph, const float *values,
                           int64_t count)
{
    if (count == 1) {
        return values[0] > (is_probability(graph) ? 0.5F : 0.0F);
    }
    int64_t best = 0;
    for (int64_t e = 1; e < count; e++) {
        best = values[e] > values[best] ? e : best;
    }
    return (int32_t)best;
}

void pta_digest_outputs(pta_sha256 *hash, const pta_packing *outputs,
                        const void *samples, int64_t n)
{
    for (int64_t s = 0; s < n; s++) {
        const char *sample =
            (const char *)samples + (size_t)s * outputs->sample_bytes;
        for (int32_t i = 0; i < outputs->n; i++) {
            for (int64_t e = 0; e < outputs->tensor[i].count; e++) {
                uint64_t raw = (uint64_t)pta_packing_raw(outputs, sample, i, e);
                uint8_t bytes[8];
                for (int b = 0; b < 8; b++) {
                    bytes[b] = (uint8_t)(raw >> (8 * b));
                }
                pta_sha256_update(hash, bytes, sizeof bytes);
            }
        }
    }
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double nearest_rank(const uint64_t *ns, int64_t n, int64_t percent)
{
    int64_t rank = (n * percent + 99) / 100;
    return 1e-3 * (double)ns[(rank < 1 ? 1 : rank) - 1];
}

pta_percentiles pta_latency_percentiles(uint64_t *ns, int64_t n)
{
    if (n == 0) {
        return (pta_percentiles){0};
    }
    qsort(ns, (size_t)n, sizeof *ns, ascending);
    return (pta_percentiles){nearest_rank(ns, n, 50), nearest_rank(ns, n, 95),
                             nearest_rank(ns, n, 99), nearest_rank(ns, n, 100)};
}
