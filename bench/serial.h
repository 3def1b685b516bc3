/*
 * The serial loop: a whole network as one slice on one device in one process,
 * batch after batch. With `fixed` it is what a pipeline has to beat; with
 * `float` it is OpenBLAS doing the same layers in float32.
 */
#ifndef PTA_BENCH_SERIAL_H
#define PTA_BENCH_SERIAL_H

#include "bench.h"

typedef struct serial {
    const pta_device_ops *ops;
    pta_slice *slice;
    pta_device *device;
    size_t in_bytes, out_bytes;
    int32_t batch;
    int64_t n;
    uint8_t *in, *out; /* owned; n samples, a multiple of the batch */
} serial;

/** `net` must be uncut (one whole stage). `in` holds n raw samples in the
 * source's layout, which the float device gets as their values. */
void serial_open(bench *b, network *net, const pta_device_ops *ops,
                 int32_t batch, const uint8_t *in, int64_t n, serial *s);

/** Runs all samples; us[i] (may be NULL) per batch. Returns elapsed ns. */
uint64_t serial_run(bench *b, serial *s, double *us);
void serial_close(bench *b, serial *s);

#endif
