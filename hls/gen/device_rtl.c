/* The `rtl` device: see device_rtl.h. */
#include "hls/gen/device_rtl.h"

#include <string.h>

#include "hls/driver/device_hw.h"
#include "hls/gen/generate.h"
#include "hls/sim/bus_sim.h"

/* What the device in hardware runs on; it gives this back at close. */
typedef struct rtl {
    pta_hw_config config;
    pta_generated *generated; /* owned */
    pta_generated *blank; /* owned; with writable weights: what is simulated,
                                 so that new weights need no new core */
    pta_sim_model model;
    pta_core_info info;
    pta_bus_sim_params bus;
    pta_weight_kind weights;
} rtl;

/* ---- options ---- */

static bool parse_number(const char *text, size_t length, uint64_t most,
                         uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < length; i++) {
        uint64_t digit = (uint64_t)(unsigned char)text[i] - '0';
        if (digit > 9 || *value > (most - digit) / 10) {
            return false;
        }
        *value = 10 * *value + digit;
    }
    return length > 0;
}

static bool is(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && strncmp(text, word, length) == 0;
}

static bool parse_value(rtl *d, const char *key, size_t key_length,
                        const char *value, size_t length)
{
    uint64_t number;
    if (is(key, key_length, "stall") &&
        parse_number(value, length, 99, &number)) {
        d->bus.stall_percent = (uint32_t)number;
    } else if (is(key, key_length, "seed") &&
               parse_number(value, length, UINT64_MAX, &number)) {
        d->bus.seed = number;
    } else if (is(key, key_length, "weights") && is(value, length, "rom")) {
        d->weights = PTA_WEIGHTS_ROM;
    } else if (is(key, key_length, "weights") && is(value, length, "ram")) {
        d->weights = PTA_WEIGHTS_RAM;
    } else {
        return false;
    }
    return true;
}

static pta_status parse_options(pta_ctx *ctx, const char *options, rtl *d)
{
    while (options != NULL && *options != '\0') {
        size_t length = strcspn(options, ",");
        const char *equals = memchr(options, '=', length);
        size_t key = equals != NULL ? (size_t)(equals - options) : length;
        if (equals == NULL ||
            !parse_value(d, options, key, equals + 1, length - key - 1)) {
            return pta_fail(
                ctx, PTA_ERR_USAGE,
                "device rtl: option \"%.*s\": expected stall=0..99, "
                "seed=N, weights=rom or weights=ram",
                (int)length, options);
        }
        options += length + (options[length] == ',' ? 1 : 0);
    }
    return PTA_OK;
}

/* ---- open and close ---- */

static void release(pta_ctx *ctx, const pta_hw_config *config)
{
    rtl *d = (rtl *)(uintptr_t)config;
    pta_sim_model_close(&d->model);
    pta_generated_destroy(ctx, &d->generated);
    pta_generated_destroy(ctx, &d->blank);
    pta_free(ctx, d);
}

static pta_status generate(pta_ctx *ctx, rtl *d, const pta_slice *slice)
{
    pta_generate_options options = {.graph = NULL};
    pta_budget budget = pta_budget_pynq();
    pta_design *design = NULL;
    pta_fold *folds;
    PTA_TRY_ALLOC(ctx, folds, slice->n_steps);
    pta_status status =
        pta_generate_design(ctx, slice, &budget, d->weights, folds, &design);
    if (status == PTA_OK) {
        status =
            pta_generate(ctx, slice, folds, design, &options, &d->generated);
    }
    if (status == PTA_OK && d->generated->manifest.ram) {
        options.blank = true;
        status = pta_generate(ctx, slice, folds, design, &options, &d->blank);
    }
    pta_design_destroy(ctx, &design);
    pta_free(ctx, folds);
    return status;
}

static pta_status prepare(pta_ctx *ctx, rtl *d, const pta_slice *slice)
{
    PTA_TRY(generate(ctx, d, slice));
    pta_sim_design sim =
        pta_generated_sim(d->blank != NULL ? d->blank : d->generated);
    PTA_TRY(pta_sim_model_open(ctx, &sim, &d->model));
    pta_manifest_info(&d->generated->manifest, &d->info);
    d->info.n_memories = d->generated->n_memories;
    d->info.memories = d->generated->memories;
    d->bus.core = d->model.ops;
    d->bus.clock_hz = d->info.clock_hz;
    d->config = (pta_hw_config){.info = &d->info,
                                .bus = &pta_bus_sim,
                                .bus_params = &d->bus,
                                .release = release};
    return PTA_OK;
}

static pta_status rtl_open(pta_ctx *ctx, const pta_slice *slice,
                           const pta_device_params *params, pta_device **out)
{
    rtl *d;
    PTA_TRY_ALLOC(ctx, d, 1);
    pta_status status = parse_options(ctx, params->options, d);
    if (status == PTA_OK) {
        status = prepare(ctx, d, slice);
    }
    if (status != PTA_OK) {
        release(ctx, &d->config);
        return status == PTA_ERR_USAGE || status == PTA_ERR_NOMEM
                   ? status
                   : pta_fail_in(ctx, status, "device rtl, board %d",
                                 (int)slice->board);
    }
    return pta_hw_open(ctx, slice, params, &pta_device_rtl, &d->config, out);
}

const pta_device_ops pta_device_rtl = {
    .name = "rtl", .open = rtl_open, PTA_HW_OPS};
