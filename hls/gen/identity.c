/* What a slice is called in hardware: see identity.h. */
#include "hls/gen/identity.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "ir/format.h"
#include "kernels/number.h"

#define IDENTITY_VERSION 1

/* printf into the hash. */
static void put(pta_sha256 *hash, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(pta_sha256 *hash, const char *format, ...)
{
    char text[256];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    PTA_ASSERT(n >= 0 && (size_t)n < sizeof text);
    pta_sha256_update(hash, text, (size_t)n);
}

static void put_list(pta_sha256 *hash, const char *name, const int32_t *list,
                     int32_t n)
{
    put(hash, " %s", name);
    for (int32_t i = 0; i < n; i++) {
        put(hash, " %" PRId32, list[i]);
    }
}

static void put_value(pta_sha256 *hash, const pta_value *v)
{
    const pta_format *f = &v->format;
    put(hash, "value %d %d %d fixed %d %d %d %d %d %s %d of %d\n", v->view.h,
        v->view.w, v->view.c, f->width, f->integer, f->is_signed, f->rounding,
        f->overflow, v->partial ? "partial" : "whole",
        v->partial ? (int)v->dtype : -1, v->alias_of);
}

static void put_window(pta_sha256 *hash, const pta_window *w)
{
    put(hash, " window %d %d stride %d %d dilation %d %d pad %d %d %d %d",
        w->kh, w->kw, w->stride_h, w->stride_w, w->dilation_h, w->dilation_w,
        w->pad_t, w->pad_b, w->pad_l, w->pad_r);
}

static void put_step(pta_sha256 *hash, const pta_step *s)
{
    put(hash, "step %d", (int)s->op);
    put_list(hash, "in", s->in, s->n_in);
    put(hash, " out %d", s->out);
    put_window(hash, &s->window);
    put(hash, " act %d %" PRId64 " acc %d %d partial %d", (int)s->act,
        s->act_max_raw, s->acc_frac, s->acc_bits, s->partial);
    put(hash, " threshold %" PRId64 " keras %d axis %d", s->threshold_raw,
        s->keras_major, s->axis);
    put_list(hash, "perm", s->perm, 3);
    put(hash, " crop %d %d", s->crop_h, s->crop_c);
    for (int32_t i = 0; i < s->crop_runs.n_runs; i++) {
        const pta_copy_run *run = &s->crop_runs.runs[i];
        put(hash, " %d %d %d", run->src, run->dst, run->length);
    }
    put(hash, " weight %d %d\n", s->weights.format.width,
        s->weights.format.integer);
}

/* Types of the hls4ml profile; nothing for the exact one. */
static void put_hls4ml(pta_sha256 *hash, const pta_hls4ml_types *t)
{
    const pta_format *const types[] = {&t->bias, &t->accum, &t->table,
                                       &t->inv_table, &t->inv_input};
    if (!t->used) {
        return;
    }
    put(hash, "hls4ml table %d softmax %d", t->table_size, (int)t->softmax);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const pta_format *f = types[i];
        put(hash, " fixed %d %d %d %d %d", f->width, f->integer, f->is_signed,
            f->rounding, f->overflow);
    }
    put(hash, "\n");
}

static void put_raw(pta_sha256 *hash, int64_t raw)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)((uint64_t)raw >> (8 * i));
    }
    pta_sha256_update(hash, bytes, sizeof bytes);
}

/* Raw weights row by row, then biases, as little-endian int64. */
static void put_weights(pta_sha256 *hash, const pta_step_weights *w)
{
    if (w->data == NULL) {
        return;
    }
    put(hash, "weights %d %d\n", w->rows, w->cols);
    for (int32_t row = 0; row < w->rows; row++) {
        const char *line = (const char *)w->data + (size_t)row * w->row_bytes;
        for (int32_t col = 0; col < w->cols; col++) {
            put_raw(hash, pta_load(line, w->dtype, col));
        }
    }
    for (int32_t row = 0; row < w->rows; row++) {
        put_raw(hash, w->bias == NULL ? 0 : w->bias[row]);
    }
}

void pta_slice_identity(const pta_slice *slice, bool ram,
                        char hex[PTA_SHA256_HEX])
{
    pta_sha256 hash;
    uint8_t digest[PTA_SHA256_BYTES];
    pta_sha256_init(&hash);
    put(&hash, "partita slice %d %s\n", IDENTITY_VERSION, ram ? "ram" : "rom");
    for (int32_t i = 0; i < slice->n_values; i++) {
        put_value(&hash, &slice->values[i]);
    }
    put_list(&hash, "inputs", slice->inputs, slice->n_inputs);
    put_list(&hash, "outputs", slice->outputs, slice->n_outputs);
    put(&hash, "\n");
    for (int32_t i = 0; i < slice->n_steps; i++) {
        put_step(&hash, &slice->steps[i]);
        put_hls4ml(&hash, &slice->steps[i].hls4ml);
        if (!ram || slice->steps[i].op == PTA_STEP_RELU) {
            put_weights(&hash, &slice->steps[i].weights);
        }
    }
    pta_sha256_final(&hash, digest);
    pta_sha256_hex(digest, hex);
}

void pta_step_formats(const pta_slice *slice, const pta_step *step,
                      char text[PTA_STEP_FORMATS])
{
    char out[PTA_FORMAT_TEXT], weight[PTA_FORMAT_TEXT];
    pta_format_print(slice->values[step->out].format, out);
    if (!step->weighted) {
        snprintf(text, PTA_STEP_FORMATS, "%s", out);
        return;
    }
    pta_format_print(step->weights.format, weight);
    snprintf(text, PTA_STEP_FORMATS, "%s, weights %s, sums of %d bits", out,
             weight, (int)step->acc_bits);
}
