/* A VivadoAccelerator core in C: see fake_vivado.h. */
#include "fake_vivado.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/number.h"
#include "runtime/device.h"

typedef struct fake {
    const fake_vivado_params *p;
    pta_device *fixed;
    int64_t n_in, n_out; /* values of a sample */
    int64_t taken, given;
    bool giving, is_last;
    uint32_t samples;
} fake;

static const pta_value *in_value(const fake *f)
{
    return &f->p->slice->values[f->p->slice->inputs[0]];
}

static const pta_value *out_value(const fake *f)
{
    return &f->p->slice->values[f->p->slice->outputs[0]];
}

static bool broken(const fake *f, bool flag)
{
    return flag && f->samples > f->p->after;
}

static int64_t decode(const fake_wire *w, uint64_t beat)
{
    float single;
    double value;
    if (w->kind == 'i') {
        int up = 64 - 8 * (int)w->bytes;
        return ((int64_t)(beat << up) >> up) >> w->shift;
    }
    if (w->kind == 'f') {
        memcpy(&single, &beat, sizeof single);
        value = (double)single;
    } else {
        memcpy(&value, &beat, sizeof value);
    }
    return (int64_t)floor(ldexp(value, w->frac)); /* as ap_fixed converts */
}

static uint64_t encode(const fake_wire *w, double raw)
{
    uint64_t beat = 0;
    double value = ldexp(raw, -w->frac);
    float single = (float)value;
    if (w->kind == 'i') {
        beat = (uint64_t)(int64_t)ldexp(raw, w->shift);
    } else if (w->kind == 'f') {
        memcpy(&beat, &single, sizeof single);
    } else {
        memcpy(&beat, &value, sizeof value);
    }
    return beat;
}

static void compute(fake *f)
{
    pta_cost cost;
    f->giving = true;
    f->given = 0;
    f->samples++;
    if (f->fixed->ops->submit(f->fixed, f->p->ctx, 0, 1) != PTA_OK ||
        f->fixed->ops->collect(f->fixed, f->p->ctx, 0, &cost) != PTA_OK) {
        abort();
    }
}

static void take(fake *f, const pta_pins *p)
{
    void *in = f->fixed->ops->in_buffer(f->fixed, 0);
    pta_store(in, in_value(f)->dtype, f->taken, decode(&f->p->in, p->in_data));
    f->is_last = f->is_last || p->in_last != 0;
    if (++f->taken == f->n_in) {
        compute(f);
    }
}

static void give(fake *f)
{
    if (++f->given == f->n_out) {
        f->giving = f->is_last = false;
        f->taken = 0;
    }
}

static uint64_t value_of(const fake *f)
{
    const void *out = f->fixed->ops->out_buffer(f->fixed, 0);
    double raw = (double)pta_load(out, out_value(f)->dtype, f->given);
    if (f->given == 0) {
        raw += broken(f, f->p->half) ? 0.5 : broken(f, f->p->wrong) ? 1 : 0;
    }
    return encode(&f->p->out, raw);
}

static void step(void *core, pta_pins *p)
{
    fake *f = core;
    int64_t last =
        f->n_out - (broken(f, f->p->early_last) && f->n_out > 1 ? 2 : 1);
    p->aw_ready = p->w_ready = p->b_valid = p->ar_ready = p->r_valid = 0;
    p->in_ready = !f->giving;
    p->out_valid = f->giving && !broken(f, f->p->silent);
    p->out_data = f->giving ? value_of(f) : 0;
    p->out_last = f->is_last && f->given == last && !broken(f, f->p->no_last);
    if (p->out_valid && p->out_ready) {
        give(f);
    } else if (p->in_valid && p->in_ready) {
        take(f, p);
    }
}

static void *open_core(const void *params)
{
    pta_device_params one = {.max_samples = 1, .n_slots = 1};
    fake *f = calloc(1, sizeof *f);
    if (f == NULL) {
        return NULL;
    }
    f->p = params;
    f->n_in = pta_region_count(&in_value(f)->region);
    f->n_out = pta_region_count(&out_value(f)->region);
    f->taken = f->p->held;
    if (pta_device_fixed.open(f->p->ctx, f->p->slice, &one, &f->fixed) !=
        PTA_OK) {
        free(f);
        return NULL;
    }
    return f;
}

static void close_core(void *core)
{
    fake *f = core;
    pta_device_fixed.close(f->p->ctx, &f->fixed);
    free(f);
}

const pta_sim_core_ops fake_vivado = {open_core, step, close_core};
