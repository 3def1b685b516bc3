/* The serial loop (serial.h). */
#include "serial.h"

#include <string.h>

#include "ir/raw.h"
#include "runtime/clock.h"
#include "runtime/slice_load.h"

/* Raw samples as float32 values, for the float device. One input. */
static void to_float(const network *net, const uint8_t *raw, int64_t n,
                     serial *s)
{
    int32_t input = net->graph->inputs[0];
    pta_format format = net->plan->formats[input].out;
    pta_dtype dtype = pta_format_dtype(format);
    int64_t count = pta_view_count(net->graph->nodes[input].view);
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *from = raw + (size_t)i * net_sample_bytes(net);
        float *to = (float *)(void *)(s->in + (size_t)i * s->in_bytes);
        for (int64_t e = 0; e < count; e++) {
            int32_t value = dtype == PTA_S8 ? ((const int8_t *)from)[e]
                            : dtype == PTA_S16
                                ? ((const int16_t *)(const void *)from)[e]
                                : ((const int32_t *)(const void *)from)[e];
            to[e] = (float)pta_format_value(format, value);
        }
    }
}

void serial_open(bench *b, network *net, const pta_device_ops *ops,
                 int32_t batch, const uint8_t *in, int64_t n, serial *s)
{
    *s = (serial){.ops = ops, .batch = batch, .n = n / batch * batch};
    bench_must(b,
               pta_slice_build(b->ctx, net->graph, net->plan, 0, ops->is_float,
                               &s->slice),
               "slice");
    char digest[PTA_SHA256_HEX];
    bench_must(b,
               pta_slice_load(b->ctx, net->graph, net->plan, &net->weights,
                              s->slice, digest),
               "weights");
    pta_device_params params = {.max_samples = batch, .n_slots = 2};
    bench_must(b, ops->open(b->ctx, s->slice, &params, &s->device), "device");
    s->in_bytes = pta_slice_in_bytes(s->slice);
    s->out_bytes = pta_slice_out_bytes(s->slice);
    s->in = calloc((size_t)n, s->in_bytes);
    s->out = calloc((size_t)n, s->out_bytes);
    if (ops->is_float) {
        to_float(net, in, n, s);
    } else {
        memcpy(s->in, in, (size_t)n * s->in_bytes);
    }
}

uint64_t serial_run(bench *b, serial *s, double *us)
{
    size_t in_batch = (size_t)s->batch * s->in_bytes;
    size_t out_batch = (size_t)s->batch * s->out_bytes;
    uint64_t begin = pta_clock_now(), before = begin;
    for (int64_t i = 0; i < s->n / s->batch; i++) {
        pta_cost cost;
        memcpy(s->ops->in_buffer(s->device, 0), s->in + (size_t)i * in_batch,
               in_batch);
        bench_must(b, s->ops->submit(s->device, b->ctx, 0, s->batch), "submit");
        bench_must(b, s->ops->collect(s->device, b->ctx, 0, &cost), "collect");
        memcpy(s->out + (size_t)i * out_batch, s->ops->out_buffer(s->device, 0),
               out_batch);
        uint64_t now = pta_clock_now();
        if (us != NULL) {
            us[i] = (double)(now - before) * 1e-3;
        }
        before = now;
    }
    return before - begin;
}

void serial_close(bench *b, serial *s)
{
    s->ops->close(b->ctx, &s->device);
    pta_slice_destroy(b->ctx, &s->slice);
    free(s->in);
    free(s->out);
}
