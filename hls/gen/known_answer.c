/* A sample whose answer is known: see known_answer.h. */
#include "hls/gen/known_answer.h"

#include <string.h>

#include "base/rng.h"
#include "kernels/number.h"
#include "runtime/device.h"

#define SEED 0x50e /* any fixed sample will do */

/* A value that the tensor can have; of the widest, 32 bits suffice. */
static int64_t draw(uint64_t *random, const pta_manifest_tensor *t)
{
    int64_t span = (int64_t)1 << (t->width < 32 ? t->width : 32);
    return pta_rng_range(random, 0, span - 1) - (t->is_signed ? span / 2 : 0);
}

static pta_status check_place(pta_ctx *ctx, const pta_manifest_tensor *t,
                              size_t sample_bytes)
{
    size_t step = (size_t)t->element_bytes;
    bool fits = t->width >= 1 && step >= 1 && step <= 8 && t->elements >= 0 &&
                t->offset <= sample_bytes &&
                (size_t)t->elements <= (sample_bytes - t->offset) / step;
    return fits ? PTA_OK
                : pta_fail(ctx, PTA_ERR_FORMAT,
                           "manifest: %s: %lld elements of %d bytes from %zu "
                           "do not lie in a sample of %zu bytes",
                           t->name, (long long)t->elements, t->element_bytes,
                           t->offset, sample_bytes);
}

/* Little-endian, as host and bus are. */
static int64_t load(const char *at, const pta_manifest_tensor *t)
{
    uint64_t raw = 0;
    int32_t unused = 64 - 8 * t->element_bytes;
    memcpy(&raw, at, (size_t)t->element_bytes);
    return t->is_signed ? (int64_t)(raw << unused) >> unused : (int64_t)raw;
}

pta_status pta_known_sample(pta_ctx *ctx, const pta_manifest *m, void *bus)
{
    uint64_t random = SEED;
    for (int32_t i = 0; i < m->n_inputs; i++) {
        const pta_manifest_tensor *t = &m->inputs[i];
        PTA_TRY(check_place(ctx, t, m->in_bytes));
        char *at = (char *)bus + t->offset;
        for (int64_t e = 0; e < t->elements; e++) {
            int64_t raw = draw(&random, t);
            memcpy(at, &raw, (size_t)t->element_bytes);
            at += t->element_bytes;
        }
    }
    return PTA_OK;
}

static void put(pta_sha256 *hash, int64_t raw)
{
    pta_sha256_update(hash, &raw, sizeof raw);
}

static void finish(pta_sha256 *hash, char hex[PTA_SHA256_HEX])
{
    uint8_t digest[PTA_SHA256_BYTES];
    pta_sha256_final(hash, digest);
    pta_sha256_hex(digest, hex);
}

pta_status pta_known_digest(pta_ctx *ctx, const pta_manifest *m,
                            const void *bus, char hex[PTA_SHA256_HEX])
{
    pta_sha256 hash;
    pta_sha256_init(&hash);
    for (int32_t i = 0; i < m->n_outputs; i++) {
        const pta_manifest_tensor *t = &m->outputs[i];
        PTA_TRY(check_place(ctx, t, m->out_bytes));
        const char *at = (const char *)bus + t->offset;
        for (int64_t e = 0; e < t->elements; e++) {
            put(&hash, load(at, t));
            at += t->element_bytes;
        }
    }
    finish(&hash, hex);
    return PTA_OK;
}

/* ---- by the device fixed ---- */

static void put_sample(const pta_slice *s, const pta_manifest *m, char *in)
{
    uint64_t random = SEED;
    for (int32_t i = 0; i < s->n_inputs; i++) {
        const pta_value *v = &s->values[s->inputs[i]];
        for (int64_t e = 0; e < m->inputs[i].elements; e++) {
            pta_store(in + pta_slice_in_offset(s, i), v->dtype, e,
                      draw(&random, &m->inputs[i]));
        }
    }
}

static pta_status ask(pta_ctx *ctx, const pta_slice *s, const pta_manifest *m,
                      pta_device *fixed, char hex[PTA_SHA256_HEX])
{
    pta_cost cost;
    pta_sha256 hash;
    put_sample(s, m, fixed->ops->in_buffer(fixed, 0));
    PTA_TRY(fixed->ops->submit(fixed, ctx, 0, 1));
    PTA_TRY(fixed->ops->collect(fixed, ctx, 0, &cost));
    const char *out = fixed->ops->out_buffer(fixed, 0);
    pta_sha256_init(&hash);
    for (int32_t i = 0; i < s->n_outputs; i++) {
        const pta_value *v = &s->values[s->outputs[i]];
        for (int64_t e = 0; e < m->outputs[i].elements; e++) {
            put(&hash, pta_load(out + pta_slice_out_offset(s, i), v->dtype, e));
        }
    }
    finish(&hash, hex);
    return PTA_OK;
}

pta_status pta_known_answer(pta_ctx *ctx, const pta_slice *slice,
                            const pta_manifest *m, char hex[PTA_SHA256_HEX])
{
    pta_device_params params = {.max_samples = 1, .n_slots = 1};
    pta_device *fixed;
    PTA_TRY(pta_device_fixed.open(ctx, slice, &params, &fixed));
    pta_status status = ask(ctx, slice, m, fixed, hex);
    pta_device_fixed.close(ctx, &fixed);
    return status;
}
