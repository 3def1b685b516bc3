/*
 * MNIST: 28x28 images as they are, or their area average on 16x16.
 *
 * Pixels stay bytes in memory and become float32 when rows are read: p/255, or
 * S/(49*255) where S is the integer sum with overlap weights in quarter pixels
 * (an output pixel covers 7 of them per axis). Both are divided in double and
 * rounded once, as datasets/train/data.py does.
 */
#include <string.h>

#include "datasets/dataset_priv.h"
#include "datasets/files.h"
#include "datasets/idx.h"

enum { LARGE = 28, SMALL = 16, PIXELS = LARGE * LARGE, SMALL_PIXELS = 256 };

/* Quarter pixels that output pixel i and input pixel j share on one axis. */
static int32_t overlap(int32_t i, int32_t j)
{
    int32_t from = 7 * i > 4 * j ? 7 * i : 4 * j;
    int32_t to = 7 * i + 7 < 4 * j + 4 ? 7 * i + 7 : 4 * j + 4;
    return to > from ? to - from : 0;
}

/* Rows first, then columns; every number is an exact small integer. */
static void area_average(const uint8_t *image, float *out)
{
    for (int32_t i = 0; i < SMALL; i++) {
        int32_t row[LARGE] = {0};
        for (int32_t j = 7 * i / 4; j < LARGE && overlap(i, j) > 0; j++) {
            for (int32_t k = 0; k < LARGE; k++) {
                row[k] += overlap(i, j) * image[j * LARGE + k];
            }
        }
        for (int32_t c = 0; c < SMALL; c++) {
            int32_t sum = 0;
            for (int32_t k = 7 * c / 4; k < LARGE && overlap(c, k) > 0; k++) {
                sum += overlap(c, k) * row[k];
            }
            out[i * SMALL + c] = (float)(sum / (49.0 * 255.0));
        }
    }
}

static pta_status mnist_read(pta_dataset *data, pta_ctx *ctx, int32_t input,
                             int64_t first, int64_t n, float *values)
{
    (void)ctx;
    (void)input;
    const uint8_t *image = (const uint8_t *)data->kind + first * PIXELS;
    for (int64_t r = 0; r < n; r++, image += PIXELS) {
        if (data->counts[0] == SMALL_PIXELS) {
            area_average(image, values + r * SMALL_PIXELS);
            continue;
        }
        for (int64_t p = 0; p < PIXELS; p++) {
            values[r * PIXELS + p] = (float)(image[p] / 255.0);
        }
    }
    return PTA_OK;
}

/* A parsed file; `bytes` and `path` are owned. */
typedef struct mnist_file {
    char *path;
    uint8_t *bytes;
    pta_idx idx;
} mnist_file;

static void mnist_file_free(pta_ctx *ctx, mnist_file *file)
{
    pta_free(ctx, file->bytes);
    pta_free(ctx, file->path);
}

/* Structure before hash: "truncated" says more than "not the published file". */
static pta_status mnist_file_load(pta_ctx *ctx, const char *name, int32_t rank,
                                  mnist_file *file)
{
    const pta_file *published = pta_files_named("mnist", name);
    size_t n_bytes = 0;
    PTA_TRY(
        pta_files_read(ctx, published, &file->path, &file->bytes, &n_bytes));
    PTA_TRY(
        pta_idx_parse(ctx, file->path, file->bytes, n_bytes, rank, &file->idx));
    if (pta_files_identify("mnist", file->bytes, n_bytes) != published) {
        return pta_files_foreign(ctx, published, file->path);
    }
    return PTA_OK;
}

/* The published files have been recognised by their hash, so that sizes and
 * labels need no further check. */
static pta_status mnist_keep(pta_ctx *ctx, const mnist_file *images,
                             const mnist_file *labels, int64_t limit,
                             pta_dataset *data)
{
    int64_t rows = images->idx.dim[0];
    PTA_ASSERT(images->idx.dim[1] == LARGE && images->idx.dim[2] == LARGE);
    PTA_ASSERT(labels->idx.dim[0] == rows);
    data->rows = rows < limit ? rows : limit;
    PTA_TRY_ALLOC(ctx, data->labels, data->rows);
    for (int64_t r = 0; r < data->rows; r++) {
        data->labels[r] = labels->idx.data[r];
    }
    uint8_t *pixels = NULL;
    PTA_TRY_ALLOC(ctx, pixels, data->rows * PIXELS);
    memcpy(pixels, images->idx.data, (size_t)(data->rows * PIXELS));
    data->kind = pixels;
    data->read = mnist_read;
    return PTA_OK;
}

static pta_status mnist_open(pta_ctx *ctx, int64_t limit, pta_dataset *data)
{
    bool train = strcmp(data->split, "train") == 0;
    mnist_file images = {0}, labels = {0};
    pta_status status = mnist_file_load(
        ctx, train ? "train-images-idx3-ubyte" : "t10k-images-idx3-ubyte", 3,
        &images);
    if (status == PTA_OK) {
        status = mnist_file_load(
            ctx, train ? "train-labels-idx1-ubyte" : "t10k-labels-idx1-ubyte",
            1, &labels);
    }
    if (status == PTA_OK) {
        status = mnist_keep(ctx, &images, &labels, limit, data);
    }
    mnist_file_free(ctx, &labels);
    mnist_file_free(ctx, &images);
    return status;
}

const pta_named_set pta_set_mnist = {
    .name = "mnist",
    .splits = "train test",
    .shapes = "784 28x28 28x28x1 256 16x16 16x16x1",
    .open = mnist_open,
};
