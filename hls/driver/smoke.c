/* The smoke test of a board: see smoke.h. */
#include "hls/driver/smoke.h"

#include <stdlib.h>
#include <string.h>

#define ALIGN   64
#define REPEATS 21
#define READS   200

typedef struct smoke {
    const pta_smoke_params *p;
    pta_bus *bus; /* owned */
    pta_core core;
    size_t out_offset;
    uint32_t most; /* samples of the longest row */
    char *answer;  /* owned; expected, if params have none: the first */
    bool has_answer;
    double *sync, *cpu; /* owned; [repeats] */
    pta_smoke_result *r;
} smoke;

double pta_smoke_overhead_us(const pta_smoke_row *row)
{
    double rest = row->total_us - row->sync_us - row->core_us;
    return rest > 0 ? rest : 0;
}

static int32_t repeats_of(const smoke *s)
{
    return s->p->repeats != 0 ? s->p->repeats : REPEATS;
}

static size_t aligned(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static size_t bytes_of(const smoke *s, uint32_t n)
{
    return aligned(s->p->info->in_bytes * n) +
           aligned(s->p->info->out_bytes * n);
}

static pta_status now(pta_ctx *ctx, const smoke *s, uint64_t *ns)
{
    return s->bus->ops->wait(s->bus, ctx, 0, ns);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int32_t n)
{
    qsort(values, (size_t)n, sizeof *values, compare);
    return values[n / 2];
}

/* ---- registers ---- */

/* The S2MM address register: reading and writing it means nothing. */
static pta_status time_registers(pta_ctx *ctx, smoke *s)
{
    const uint32_t at = PTA_DMA_S2MM + PTA_DMA_ADDR;
    uint64_t start, middle, end;
    uint32_t value;
    PTA_TRY(now(ctx, s, &start));
    for (int i = 0; i < READS; i++) {
        PTA_TRY(s->bus->ops->read(s->bus, ctx, PTA_BUS_DMA, at, &value));
    }
    PTA_TRY(now(ctx, s, &middle));
    for (int i = 0; i < READS; i++) {
        PTA_TRY(s->bus->ops->write(s->bus, ctx, PTA_BUS_DMA, at, 0));
    }
    PTA_TRY(now(ctx, s, &end));
    s->r->read_us = (double)(middle - start) * 1e-3 / READS;
    s->r->write_us = (double)(end - middle) * 1e-3 / READS;
    return PTA_OK;
}

/* ---- batches ---- */

static pta_status check_answers(pta_ctx *ctx, smoke *s, uint32_t n)
{
    size_t bytes = s->p->info->out_bytes;
    const char *got = (const char *)s->bus->memory + s->out_offset;
    if (!s->has_answer) {
        memcpy(s->answer, got, bytes);
        s->has_answer = true;
    }
    for (size_t i = 0; i < bytes * n; i++) {
        if (got[i] != s->answer[i % bytes]) {
            return pta_fail(ctx, PTA_ERR_DEVICE,
                            "sample %zu of %u, byte %zu of %zu: the core gave "
                            "0x%02x, %s 0x%02x",
                            i / bytes, (unsigned)n, i % bytes, bytes,
                            (unsigned)(unsigned char)got[i],
                            s->p->answer != NULL ? "expected"
                                                 : "an earlier time",
                            (unsigned)(unsigned char)s->answer[i % bytes]);
        }
    }
    return PTA_OK;
}

static pta_status time_sync(pta_ctx *ctx, const smoke *s, uint32_t n,
                            double *us)
{
    pta_bus *bus = s->bus;
    uint64_t start, end;
    PTA_TRY(now(ctx, s, &start));
    PTA_TRY(bus->ops->sync(bus, ctx, PTA_SYNC_TO_DEVICE, 0,
                           s->p->info->in_bytes * n));
    PTA_TRY(bus->ops->sync(bus, ctx, PTA_SYNC_FOR_DEVICE, s->out_offset,
                           s->p->info->out_bytes * n));
    PTA_TRY(bus->ops->sync(bus, ctx, PTA_SYNC_FROM_DEVICE, s->out_offset,
                           s->p->info->out_bytes * n));
    PTA_TRY(now(ctx, s, &end));
    *us = (double)(end - start) * 1e-3;
    return PTA_OK;
}

static void take_counters(smoke *s, pta_smoke_row *row,
                          const pta_core_counters *c)
{
    row->core_us = (double)c->cycles * 1e6 / (double)s->p->info->clock_hz;
    s->r->latency = c->first;
    if (row->n_samples > 1) {
        s->r->interval =
            (c->span + (row->n_samples - 1) / 2) / (row->n_samples - 1);
    }
}

static pta_status run_row(pta_ctx *ctx, smoke *s, pta_smoke_row *row)
{
    pta_core_counters counters;
    uint64_t start, end;
    uint32_t n = row->n_samples;
    int32_t repeats = repeats_of(s);
    for (int32_t i = 0; i < repeats; i++) {
        PTA_TRY(time_sync(ctx, s, n, &s->sync[i]));
        PTA_TRY(now(ctx, s, &start));
        PTA_TRY(pta_core_start(ctx, &s->core, 0, s->out_offset, n));
        PTA_TRY(pta_core_finish(ctx, &s->core, &counters));
        PTA_TRY(now(ctx, s, &end));
        s->cpu[i] = (double)(end - start) * 1e-3;
        PTA_TRY(check_answers(ctx, s, n));
    }
    row->sync_us = median(s->sync, repeats);
    row->total_us = median(s->cpu, repeats);
    take_counters(s, row, &counters);
    return PTA_OK;
}

/* ---- the whole ---- */

static pta_status plan_rows(pta_ctx *ctx, smoke *s)
{
    uint32_t n = 1, limit = pta_core_max_samples(s->p->info);
    pta_smoke_result *r = s->r;
    while (r->n_rows < PTA_SMOKE_ROWS && n <= limit &&
           bytes_of(s, n) <= s->p->memory_bytes) {
        r->rows[r->n_rows++].n_samples = s->most = n;
        n *= 8;
    }
    s->out_offset = aligned(s->p->info->in_bytes * s->most);
    return r->n_rows > 0
               ? PTA_OK
               : pta_fail(ctx, PTA_ERR_RANGE,
                          "a sample takes %zu bytes in and out, u-dma-buf has "
                          "%zu",
                          bytes_of(s, 1), s->p->memory_bytes);
}

static pta_status allocate(pta_ctx *ctx, smoke *s)
{
    PTA_TRY_ALLOC(ctx, s->answer, s->p->info->out_bytes);
    PTA_TRY_ALLOC(ctx, s->sync, repeats_of(s));
    PTA_TRY_ALLOC(ctx, s->cpu, repeats_of(s));
    if (s->p->answer != NULL) {
        memcpy(s->answer, s->p->answer, s->p->info->out_bytes);
        s->has_answer = true;
    }
    return PTA_OK;
}

static pta_status run_all(pta_ctx *ctx, smoke *s)
{
    const pta_smoke_params *p = s->p;
    PTA_TRY(plan_rows(ctx, s));
    PTA_TRY(allocate(ctx, s));
    PTA_TRY(p->bus->open(ctx, p->bus_params, bytes_of(s, s->most), &s->bus));
    PTA_TRY(pta_core_open(ctx, s->bus, p->info, &s->core));
    PTA_TRY(pta_core_load(ctx, &s->core));
    if (!p->info->no_registers) {
        PTA_TRY(pta_core_clock(ctx, &s->core, &s->r->clock_hz));
    }
    PTA_TRY(time_registers(ctx, s));
    for (uint32_t i = 0; i < s->most; i++) {
        memcpy((char *)s->bus->memory + p->info->in_bytes * i, p->sample,
               p->info->in_bytes);
    }
    for (int32_t i = 0; i < s->r->n_rows; i++) {
        PTA_TRY(run_row(ctx, s, &s->r->rows[i]));
    }
    if (p->got != NULL) {
        memcpy(p->got, s->answer, p->info->out_bytes);
    }
    return PTA_OK;
}

pta_status pta_smoke_run(pta_ctx *ctx, const pta_smoke_params *params,
                         pta_smoke_result *result)
{
    pta_smoke_result found = {.n_rows = 0};
    smoke s = {.p = params, .r = &found};
    pta_status status = run_all(ctx, &s);
    if (s.bus != NULL) {
        s.bus->ops->close(ctx, &s.bus);
    }
    pta_free(ctx, s.answer);
    pta_free(ctx, s.sync);
    pta_free(ctx, s.cpu);
    if (status == PTA_OK) {
        *result = found;
    }
    return status;
}
