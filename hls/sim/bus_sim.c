/* The simulated bus: see bus_sim.h. */
#include "hls/sim/bus_sim.h"

#include <string.h>

#include "hls/sim/dma_model.h"

#define ALIGN         64
#define BASE          0x10000000u /* where the CPU's physical memory might be */
#define DMA_CYCLES    10u         /* of one register access through the port */
#define ANSWER_CYCLES 1000u       /* a core's registers answer in a few */
#define POISON        0xA5

typedef struct sim {
    pta_bus base;
    pta_bus_sim_params params;
    pta_sim_faults no_faults;
    const pta_sim_faults *faults;
    void *core; /* owned */
    pta_sim_memory memory;
    pta_dma_model dma;
    pta_pins pins;
    uint64_t cycles;
} sim;

static void cycle(sim *s)
{
    pta_dma_model_drive(&s->dma, &s->pins);
    s->params.core->step(s->core, &s->pins);
    pta_dma_model_clock(&s->dma, &s->pins);
    s->cycles++;
}

static uint64_t now_ns(const sim *s)
{
    double ns = (double)s->cycles * 1e9 / (double)s->params.clock_hz;
    return (uint64_t)(ns * (1.0 + 1e-3 * (double)s->faults->slow_clock));
}

/* ---- open and close ---- */

static void sim_close(pta_ctx *ctx, pta_bus **bus)
{
    sim *s = (sim *)*bus;
    if (s == NULL) {
        return;
    }
    if (s->core != NULL) {
        s->params.core->close(s->core);
    }
    pta_free(ctx, s->memory.cpu);
    pta_free(ctx, s->memory.device);
    pta_free(ctx, s->memory.owner);
    pta_free(ctx, s);
    *bus = NULL;
}

static pta_status open_memory(pta_ctx *ctx, sim *s, size_t bytes)
{
    pta_sim_memory *m = &s->memory;
    m->bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    m->base = BASE;
    PTA_TRY_ALLOC(ctx, m->cpu, m->bytes);
    PTA_TRY_ALLOC(ctx, m->device, m->bytes);
    PTA_TRY_ALLOC(ctx, m->owner, m->bytes / 8);
    s->base.memory = m->cpu;
    s->base.memory_bytes = m->bytes;
    s->base.device_address = m->base;
    return PTA_OK;
}

static void open_dma(sim *s)
{
    s->dma = (pta_dma_model){.memory = &s->memory,
                             .faults = s->faults,
                             .stall_percent = s->params.stall_percent,
                             .random = s->params.seed,
                             .in_beat = s->params.in_beat,
                             .out_beat = s->params.out_beat};
    s->dma.mm2s.status = s->dma.s2mm.status = PTA_DMA_SR_HALTED;
}

static pta_status sim_open(pta_ctx *ctx, const void *params,
                           size_t memory_bytes, pta_bus **out)
{
    sim *s;
    PTA_TRY_ALLOC(ctx, s, 1);
    pta_bus *bus = &s->base;
    s->params = *(const pta_bus_sim_params *)params;
    s->faults = s->params.faults != NULL ? s->params.faults : &s->no_faults;
    s->base = (pta_bus){.ops = &pta_bus_sim,
                        .poll_ns = 50000,
                        .patience_ns = 10000000,
                        .clock_span_ns = 20000};
    pta_status status = open_memory(ctx, s, memory_bytes);
    if (status == PTA_OK) {
        open_dma(s);
        s->core = s->params.core->open(s->params.core_params);
        if (s->core == NULL) {
            status = pta_fail(ctx, PTA_ERR_NOMEM,
                              "simulated bus: the core cannot be opened");
        }
    }
    if (status != PTA_OK) {
        sim_close(ctx, &bus);
        return status;
    }
    *out = bus;
    return PTA_OK;
}

/* ---- registers ---- */

static pta_status check_rules(pta_ctx *ctx, sim *s)
{
    pta_sim_memory *m = &s->memory;
    if (m->broken == NULL) {
        return PTA_OK;
    }
    const char *what = m->broken;
    m->broken = NULL;
    return pta_fail(ctx, PTA_ERR_DEVICE, "simulated bus: %s (offset %zu)", what,
                    m->broken_at);
}

static pta_status no_answer(pta_ctx *ctx, uint32_t offset)
{
    return pta_fail(ctx, PTA_ERR_DEVICE,
                    "the core's register 0x%03x does not answer within %u "
                    "cycles",
                    (unsigned)offset, ANSWER_CYCLES);
}

static pta_status core_read(pta_ctx *ctx, sim *s, uint32_t offset,
                            uint32_t *value)
{
    pta_pins *p = &s->pins;
    p->ar_valid = 1;
    p->ar_addr = offset;
    p->r_ready = 1;
    bool done = false;
    for (uint32_t i = 0; i < ANSWER_CYCLES && !done; i++) {
        cycle(s);
        done = p->r_valid != 0;
        p->ar_valid = p->ar_valid && !p->ar_ready;
    }
    p->ar_valid = p->r_ready = 0;
    if (!done) {
        return no_answer(ctx, offset);
    }
    *value = p->r_data;
    return PTA_OK;
}

static pta_status core_write(pta_ctx *ctx, sim *s, uint32_t offset,
                             uint32_t value)
{
    pta_pins *p = &s->pins;
    p->aw_valid = p->w_valid = p->b_ready = 1;
    p->aw_addr = offset;
    p->w_data = value;
    bool done = false;
    for (uint32_t i = 0; i < ANSWER_CYCLES && !done; i++) {
        cycle(s);
        done = p->b_valid != 0;
        p->aw_valid = p->aw_valid && !p->aw_ready;
        p->w_valid = p->w_valid && !p->w_ready;
    }
    p->aw_valid = p->w_valid = p->b_ready = 0;
    return done ? PTA_OK : no_answer(ctx, offset);
}

static pta_status sim_read(pta_bus *bus, pta_ctx *ctx, pta_bus_window window,
                           uint32_t offset, uint32_t *value)
{
    sim *s = (sim *)bus;
    if (window == PTA_BUS_CORE) {
        PTA_TRY(core_read(ctx, s, offset, value));
    } else {
        for (uint32_t i = 0; i < DMA_CYCLES; i++) {
            cycle(s);
        }
        *value = pta_dma_model_read(&s->dma, offset);
    }
    return check_rules(ctx, s);
}

static pta_status check_synced(pta_ctx *ctx, const sim *s)
{
    if (s->memory.n_stale != 0 && !s->dma.s2mm.active) {
        return pta_fail(ctx, PTA_ERR_DEVICE,
                        "simulated bus: %zu bytes came from the device and "
                        "were not synced",
                        8 * s->memory.n_stale);
    }
    return PTA_OK;
}

/* A reset ends the batch: nobody will read what arrived of it. */
static void forget_stale(sim *s)
{
    for (size_t i = 0; i < s->memory.bytes / 8; i++) {
        s->memory.owner[i] = PTA_OWNER_CPU;
    }
    s->memory.n_stale = 0;
    s->memory.broken = NULL;
}

static bool is_reset(pta_bus_window window, uint32_t offset, uint32_t value)
{
    return window == PTA_BUS_DMA
               ? offset % PTA_DMA_S2MM == PTA_DMA_CR &&
                     (value & PTA_DMA_CR_RESET) != 0
               : offset == PTA_REG_CONTROL && (value & PTA_CONTROL_RESET) != 0;
}

static pta_status sim_write(pta_bus *bus, pta_ctx *ctx, pta_bus_window window,
                            uint32_t offset, uint32_t value)
{
    sim *s = (sim *)bus;
    if (is_reset(window, offset, value)) {
        forget_stale(s);
    }
    PTA_TRY(check_synced(ctx, s));
    if (window == PTA_BUS_CORE) {
        PTA_TRY(core_write(ctx, s, offset, value));
    } else {
        for (uint32_t i = 0; i < DMA_CYCLES; i++) {
            cycle(s);
        }
        pta_dma_model_write(&s->dma, offset, value);
    }
    return check_rules(ctx, s);
}

/* ---- memory and time ---- */

static void hand_over(pta_sim_memory *m, size_t first, size_t last)
{
    /* What the CPU could read now is nothing to rely on. */
    memset(m->cpu + 8 * first, POISON, 8 * (last - first));
    memset(m->owner + first, PTA_OWNER_DEVICE, last - first);
}

static void take_back(pta_sim_memory *m, size_t first, size_t last)
{
    for (size_t i = first; i < last; i++) {
        m->n_stale -= m->owner[i] == PTA_OWNER_STALE;
        m->owner[i] = PTA_OWNER_CPU;
    }
    memcpy(m->cpu + 8 * first, m->device + 8 * first, 8 * (last - first));
}

static pta_status sim_sync(pta_bus *bus, pta_ctx *ctx, pta_sync direction,
                           size_t offset, size_t bytes)
{
    sim *s = (sim *)bus;
    pta_sim_memory *m = &s->memory;
    if (offset % 8 != 0 || bytes > m->bytes || offset > m->bytes - bytes) {
        return pta_fail(ctx, PTA_ERR_DEVICE,
                        "simulated bus: sync of %zu bytes at %zu: the memory "
                        "has %zu",
                        bytes, offset, m->bytes);
    }
    size_t first = offset / 8, last = first + (bytes + 7) / 8;
    if (direction == PTA_SYNC_TO_DEVICE && !s->faults->forget_to) {
        memcpy(m->device + offset, m->cpu + offset, bytes);
    } else if (direction == PTA_SYNC_FOR_DEVICE && !s->faults->forget_for) {
        hand_over(m, first, last);
    } else if (direction == PTA_SYNC_FROM_DEVICE && !s->faults->forget_from) {
        take_back(m, first, last);
    }
    return PTA_OK;
}

static pta_status sim_wait(pta_bus *bus, pta_ctx *ctx, uint64_t max_ns,
                           uint64_t *now)
{
    sim *s = (sim *)bus;
    uint64_t start = now_ns(s);
    while (now_ns(s) - start < max_ns &&
           (s->faults->no_interrupt || !pta_dma_model_interrupt(&s->dma))) {
        cycle(s);
    }
    *now = now_ns(s);
    return check_rules(ctx, s);
}

const pta_bus_ops pta_bus_sim = {.name = "simulation",
                                 .open = sim_open,
                                 .close = sim_close,
                                 .read = sim_read,
                                 .write = sim_write,
                                 .sync = sim_sync,
                                 .wait = sim_wait};
