/*
 * Kernels against OpenBLAS on one thread.
 *
 * Dense cases time one call of a kernel on data in memory (n samples, output
 * conversion included) beside sgemv, row-major and column-major, or sgemm for
 * n > 1. Network cases time submit and collect of a device (quantised inputs
 * ready in its buffer) beside the `float` device on the same layers. Every
 * variant is first compared with the reference, bit for bit. Variants take
 * turns in blocks within one run; a ratio is the median over blocks of
 * BLAS time / variant time. One CSV row per case and variant; bars at the end.
 *
 * bench_kernels [FOLDER]: FOLDER holds nsl_cnn.h5 (default: datasets).
 */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "kernels/table.h"
#include "net.h"
#include "runtime/device.h"
#include "runtime/slice_load.h"

#define BLOCKS   41
#define BLOCK_NS 500000.0
#define MAX_RUNS 6
#define SEED     1

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- timing: one run per variant, interleaved ---- */

typedef struct run {
    const char *variant;
    bool is_blas;
    bool absent; /* this machine lacks it */
    void (*call)(void *data);
    void *data;
    int64_t calls; /* of a block */
    double ns[BLOCKS];
    double ratio[BLOCKS];
} run;

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *values, double q)
{
    double sorted[BLOCKS];
    memcpy(sorted, values, sizeof sorted);
    qsort(sorted, BLOCKS, sizeof *sorted, compare);
    return sorted[(int)(q * (BLOCKS - 1) + 0.5)];
}

static double block(const run *r, int64_t calls)
{
    double start = now();
    for (int64_t i = 0; i < calls; i++) {
        r->call(r->data);
    }
    return (now() - start) / (double)calls;
}

static void measure(run *runs, int n)
{
    for (int i = 0; i < n; i++) {
        if (!runs[i].absent) {
            block(&runs[i], 2);
            runs[i].calls = 1 + (int64_t)(BLOCK_NS / block(&runs[i], 2));
        }
    }
    for (int b = 0; b < BLOCKS; b++) {
        double blas = 0;
        for (int i = 0; i < n; i++) {
            if (runs[i].absent) {
                continue;
            }
            double ns = runs[i].ns[b] = block(&runs[i], runs[i].calls);
            blas = runs[i].is_blas && (blas == 0 || ns < blas) ? ns : blas;
        }
        for (int i = 0; i < n; i++) {
            runs[i].ratio[b] = runs[i].absent ? 0 : blas / runs[i].ns[b];
        }
    }
}

static void print_rows(const char *name, int n_samples, const char *types,
                       const run *runs, int n)
{
    for (int i = 0; i < n; i++) {
        const run *r = &runs[i];
        if (!r->absent) {
            double median = quantile(r->ns, 0.5);
            double spread = quantile(r->ns, 0.9) - quantile(r->ns, 0.1);
            printf("%s,%d,%s,%s,%.0f,%.2f,%.2f\n", name, n_samples, types,
                   r->variant, median, spread / median,
                   quantile(r->ratio, 0.5));
        }
    }
    fflush(stdout);
}

/* ---- dense ---- */

typedef struct dense_run {
    pta_kernel_table table;
    pta_dense dense;
    pta_batch batch;
    const void *x;
    size_t x_stride;
    void *memory, *work;
} dense_run;

typedef struct gemv_run {
    const float *w, *x;
    float *y;
    int rows, cols, n;
    bool transposed;
} gemv_run;

static void call_dense(void *data)
{
    dense_run *d = data;
    d->table.dense(&d->dense, &d->batch);
}

static void call_blas(void *data)
{
    gemv_run *g = data;
    if (g->n > 1) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans,
                    g->transposed ? CblasNoTrans : CblasTrans, g->n, g->rows,
                    g->cols, 1, g->x, g->cols, g->w,
                    g->transposed ? g->rows : g->cols, 0, g->y, g->rows);
    } else if (g->transposed) {
        cblas_sgemv(CblasRowMajor, CblasTrans, g->cols, g->rows, 1, g->w,
                    g->rows, g->x, 1, 0, g->y, 1);
    } else {
        cblas_sgemv(CblasRowMajor, CblasNoTrans, g->rows, g->cols, 1, g->w,
                    g->cols, g->x, 1, 0, g->y, 1);
    }
}

static void *allocate(size_t bytes)
{
    bytes = (bytes + 127) / 64 * 64;
    void *block_of = aligned_alloc(64, bytes);
    if (block_of == NULL) {
        fprintf(stderr, "bench_kernels: out of memory\n");
        exit(1);
    }
    memset(block_of, 0, bytes);
    return block_of;
}

static void fill(uint64_t *rng, void *data, pta_dtype type, int64_t n)
{
    int64_t top = type == PTA_S8 ? 127 : 32767;
    for (int64_t i = 0; i < n; i++) {
        pta_store(data, type, i, pta_rng_range(rng, -top, top));
    }
}

static pta_matrix make_weights(uint64_t *rng, pta_dtype type, int32_t rows,
                               int32_t cols)
{
    size_t row_bytes = ((size_t)cols * pta_type_bytes(type) + 63) / 64 * 64;
    char *data = allocate(row_bytes * (size_t)rows);
    int64_t *bias = allocate(sizeof *bias * (size_t)rows);
    for (int32_t r = 0; r < rows; r++) {
        fill(rng, data + row_bytes * (size_t)r, type, cols);
        bias[r] = pta_rng_range(rng, -1000, 1000);
    }
    return (pta_matrix){.data = data,
                        .row_bytes = row_bytes,
                        .rows = rows,
                        .cols = cols,
                        .type = type,
                        .bias = bias};
}

static dense_run make_dense(const char *variant, const pta_dense *dense,
                            const void *x, size_t x_stride, int32_t n)
{
    dense_run d = {.dense = *dense, .x = x, .x_stride = x_stride};
    if (!pta_kernel_table_fill(&d.table, variant)) {
        d.table.variant = NULL;
        return d;
    }
    d.memory = allocate(pta_dense_prepared_bytes(&d.dense, d.table.ops));
    pta_dense_prepare(&d.dense, d.table.ops, d.memory);
    d.work = allocate(pta_dense_work_bytes(&d.dense, n));
    size_t y_stride = (size_t)d.dense.w.rows * pta_type_bytes(d.dense.y);
    d.batch = (pta_batch){.n = n,
                          .y = allocate(y_stride * (size_t)n),
                          .y_stride = y_stride,
                          .work = d.work};
    return d;
}

static void free_dense(dense_run *d)
{
    free(d->memory);
    free(d->work);
    free(d->batch.y);
}

static void verify(const dense_run *d, const dense_run *ref)
{
    if (d->table.variant != NULL &&
        memcmp(d->batch.y, ref->batch.y,
               d->batch.y_stride * (size_t)d->batch.n) != 0) {
        fprintf(stderr, "bench_kernels: %s differs from the reference\n",
                d->table.variant);
        exit(1);
    }
}

/* Fills best[avx2, vnni] with the ratios to BLAS. */
static void bench_dense(int32_t cols, int32_t rows, int32_t n, pta_dtype x_type,
                        pta_dtype w_type, double best[2])
{
    static const char *const variants[] = {"ref", "avx2", "vnni"};
    static const char *const blas[] = {"blas_rows", "blas_columns"};
    uint64_t rng = SEED;
    int16_t bits = x_type == PTA_S8 ? 8 : 16;
    pta_format out = {bits, 4, true, PTA_RND_RND, PTA_OVF_SAT};
    int32_t shift =
        (x_type == PTA_S8 ? 7 : 15) + (w_type == PTA_S8 ? 7 : 15) + 4 - bits;
    pta_matrix w = make_weights(&rng, w_type, rows, cols);
    pta_dense dense = {.x = x_type, .y = x_type, .w = w};
    dense.epilogue =
        pta_epilogue_make(pta_frac(out) + shift, PTA_ACT_RELU, 0, out);
    size_t x_stride = (size_t)cols * pta_type_bytes(x_type);
    void *x = allocate(x_stride * (size_t)n);
    fill(&rng, x, x_type, (int64_t)cols * n);
    float *fw = allocate(sizeof *fw * (size_t)rows * (size_t)cols);
    float *fx = allocate(sizeof *fx * (size_t)n * (size_t)cols);
    float *fy = allocate(sizeof *fy * (size_t)n * (size_t)rows);
    for (int64_t i = 0; i < (int64_t)n * cols; i++) {
        fx[i] = (float)pta_load(x, x_type, i);
    }
    for (int64_t i = 0; i < (int64_t)rows * cols; i++) {
        fw[i] = (float)pta_weight_at(&w, (int32_t)(i / cols), i % cols);
    }
    dense_run kernels[3];
    gemv_run gemv[2];
    run runs[5];
    memset(runs, 0, sizeof runs);
    for (int i = 0; i < 3; i++) {
        kernels[i] = make_dense(variants[i], &dense, x, x_stride, n);
        kernels[i].batch.x = &kernels[i].x;
        kernels[i].batch.x_stride = &kernels[i].x_stride;
        runs[i].variant = variants[i];
        runs[i].absent = kernels[i].table.variant == NULL;
        runs[i].call = call_dense;
        runs[i].data = &kernels[i];
        if (!runs[i].absent) {
            call_dense(&kernels[i]);
            verify(&kernels[i], &kernels[0]);
        }
    }
    for (int i = 0; i < 2; i++) {
        gemv[i] = (gemv_run){fw, fx, fy, rows, cols, n, i == 1};
        runs[3 + i].variant = blas[i];
        runs[3 + i].is_blas = true;
        runs[3 + i].call = call_blas;
        runs[3 + i].data = &gemv[i];
    }
    measure(runs, 5);
    char name[32], types[16];
    snprintf(name, sizeof name, "dense_%dx%d", (int)cols, (int)rows);
    snprintf(types, sizeof types, "s%dxs%d", x_type == PTA_S8 ? 8 : 16,
             w_type == PTA_S8 ? 8 : 16);
    print_rows(name, n, types, runs, 5);
    best[0] = quantile(runs[1].ratio, 0.5);
    best[1] = quantile(runs[2].ratio, 0.5);
    for (int i = 0; i < 3; i++) {
        free_dense(&kernels[i]);
    }
    free((void *)(uintptr_t)w.data);
    free((void *)(uintptr_t)w.bias);
    free(x);
    free(fw);
    free(fx);
    free(fy);
}

/* ---- a network on devices ---- */

typedef struct device_run {
    pta_ctx *ctx;
    pta_slice *slice;
    pta_device *device;
    int32_t n;
} device_run;

static void require(pta_ctx *ctx, pta_status status)
{
    if (status != PTA_OK) {
        fprintf(stderr, "bench_kernels: %s: %s\n", pta_status_text(status),
                pta_ctx_error(ctx));
        exit(1);
    }
}

static void call_device(void *data)
{
    device_run *d = data;
    pta_cost cost;
    require(d->ctx, d->device->ops->submit(d->device, d->ctx, 0, d->n));
    require(d->ctx, d->device->ops->collect(d->device, d->ctx, 0, &cost));
}

/* False if the machine lacks the variant. */
static bool open_device(pta_ctx *ctx, network *model, const char *options,
                        int32_t n, device_run *d)
{
    const pta_device_ops *ops =
        options == NULL ? &pta_device_float : &pta_device_fixed;
    pta_device_params params = {
        .max_samples = n, .n_slots = 1, .options = options};
    char digest[PTA_SHA256_HEX];
    *d = (device_run){.ctx = ctx, .n = n};
    require(ctx, pta_slice_build(ctx, model->graph, model->plan, 0,
                                 ops->is_float, &d->slice));
    require(ctx, pta_slice_load(ctx, model->graph, model->plan, &model->weights,
                                d->slice, digest));
    if (ops->open(ctx, d->slice, &params, &d->device) == PTA_ERR_USAGE) {
        pta_slice_destroy(ctx, &d->slice);
        return false;
    }
    if (d->device == NULL) {
        fprintf(stderr, "bench_kernels: %s\n", pta_ctx_error(ctx));
        exit(1);
    }
    return true;
}

/* The same samples to every device; floats get the raw integers. */
static void fill_input(const network *model, device_run *d, int32_t n)
{
    void *in = d->device->ops->in_buffer(d->device, 0);
    if (!d->slice->is_float) {
        net_samples(model, SEED, n, in);
        return;
    }
    uint64_t rng = SEED;
    for (size_t i = 0; i < pta_slice_in_bytes(d->slice) / 4 * (size_t)n; i++) {
        ((float *)in)[i] = (float)pta_rng_range(&rng, 0, 1000) / 1000.0f;
    }
}

static void bench_network(pta_ctx *ctx, const char *folder, int32_t bits,
                          int32_t n, double best[2])
{
    static const char *const variants[] = {"ref", "avx2", "vnni", "float"};
    static const char *const options[] = {"variant=ref", "variant=avx2",
                                          "variant=vnni", NULL};
    network model;
    require(ctx, net_file(ctx, folder, "nsl_cnn", bits, &model));
    device_run devices[4];
    run runs[4];
    memset(runs, 0, sizeof runs);
    for (int i = 0; i < 4; i++) {
        runs[i].variant = variants[i];
        runs[i].absent = !open_device(ctx, &model, options[i], n, &devices[i]);
        runs[i].is_blas = options[i] == NULL;
        runs[i].call = call_device;
        runs[i].data = &devices[i];
        if (runs[i].absent) {
            continue;
        }
        fill_input(&model, &devices[i], n);
        call_device(&devices[i]);
        size_t bytes = pta_slice_out_bytes(devices[0].slice) * (size_t)n;
        const pta_device_ops *ops = devices[i].device->ops;
        if (!ops->is_float &&
            memcmp(ops->out_buffer(devices[i].device, 0),
                   ops->out_buffer(devices[0].device, 0), bytes) != 0) {
            fprintf(stderr, "bench_kernels: %s differs from the reference\n",
                    variants[i]);
            exit(1);
        }
    }
    /* The reference takes a second a call: it was for the comparison. */
    runs[0].absent = true;
    measure(runs, 4);
    print_rows("nsl_cnn", n, bits == 8 ? "s8xs8" : "s16xs16", runs, 4);
    best[0] = quantile(runs[1].ratio, 0.5);
    best[1] = quantile(runs[2].ratio, 0.5);
    for (int i = 0; i < 4; i++) {
        if (devices[i].device != NULL) {
            devices[i].device->ops->close(ctx, &devices[i].device);
        }
        pta_slice_destroy(ctx, &devices[i].slice);
    }
    net_destroy(ctx, &model);
}

static void print_bar(const char *what, const double best[2], double bar)
{
    printf("# %s: vnni %.2f (bar %.1f: %s), avx2 %.2f\n", what, best[1], bar,
           best[1] >= bar ? "met"
           : best[1] > 0  ? "MISSED"
                          : "no VNNI here",
           best[0]);
}

int main(int argc, char **argv)
{
    openblas_set_num_threads(1);
    double one8[2], one16[2], cnn8[2], cnn16[2], rest[2];
    pta_ctx *ctx = pta_ctx_create();
    if (ctx == NULL) {
        return 1;
    }
    printf("case,samples,types,variant,median_ns,spread,ratio_to_blas\n");
    bench_dense(784, 16, 1, PTA_S8, PTA_S8, one8);
    bench_dense(784, 16, 1, PTA_S16, PTA_S16, one16);
    bench_dense(784, 16, 1, PTA_S8, PTA_S16, rest);
    bench_dense(784, 16, 1, PTA_S16, PTA_S8, rest);
    bench_dense(256, 46, 1, PTA_S8, PTA_S8, rest);
    bench_dense(256, 46, 1, PTA_S16, PTA_S16, rest);
    bench_dense(16, 10, 1, PTA_S8, PTA_S8, rest);
    bench_dense(16, 10, 1, PTA_S16, PTA_S16, rest);
    bench_dense(1024, 1024, 1, PTA_S8, PTA_S8, rest);
    bench_dense(1024, 1024, 1, PTA_S16, PTA_S16, rest);
    bench_dense(784, 16, 64, PTA_S8, PTA_S8, rest);
    bench_dense(784, 16, 64, PTA_S16, PTA_S16, rest);
    bench_dense(1024, 1024, 64, PTA_S8, PTA_S8, rest);
    bench_dense(1024, 1024, 64, PTA_S16, PTA_S16, rest);
    const char *folder = argc > 1 ? argv[1] : "datasets";
    bench_network(ctx, folder, 8, 64, cnn8);
    bench_network(ctx, folder, 16, 64, cnn16);
    print_bar("784x16, one sample, 8 bits, x sgemv", one8, 4.0);
    print_bar("784x16, one sample, 16 bits, x sgemv", one16, 1.3);
    print_bar("nsl_cnn, 64 samples, 8 bits, x float", cnn8, 1.0);
    print_bar("nsl_cnn, 64 samples, 16 bits, x float", cnn16, 0.0);
    pta_ctx_destroy(&ctx);
    return 0;
}
