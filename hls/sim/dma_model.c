/* AXI DMA as software and the streams see it: see dma_model.h. */
#include "hls/sim/dma_model.h"

#include <string.h>

#include "base/rng.h"

#define WORD 8 /* bytes of one owner */

/* ---- registers ---- */

static pta_dma_channel *channel_of(pta_dma_model *dma, uint32_t offset)
{
    return offset < PTA_DMA_S2MM ? &dma->mm2s : &dma->s2mm;
}

uint32_t pta_dma_model_read(pta_dma_model *dma, uint32_t offset)
{
    const pta_dma_channel *c = channel_of(dma, offset);
    switch (offset % PTA_DMA_S2MM) {
    case PTA_DMA_CR:
        return c->control;
    case PTA_DMA_SR:
        return c->status;
    case PTA_DMA_LENGTH:
        return c->length;
    default:
        return 0;
    }
}

static void raise_error(pta_dma_channel *c, uint32_t bits)
{
    c->status |= bits | PTA_DMA_SR_ERR | PTA_DMA_SR_HALTED;
    c->control &= ~PTA_DMA_CR_RUN;
    c->active = false;
}

static void reset_engine(pta_dma_model *dma)
{
    dma->mm2s = (pta_dma_channel){.status = PTA_DMA_SR_HALTED};
    dma->s2mm = dma->mm2s;
    if (dma->faults->dead_dma) {
        dma->mm2s.control = dma->s2mm.control = PTA_DMA_CR_RESET;
    }
}

static void start(pta_dma_model *dma, pta_dma_channel *c, uint32_t length)
{
    const pta_sim_memory *m = dma->memory;
    if ((c->control & PTA_DMA_CR_RUN) == 0 || c->active) {
        return; /* PG021: a length is taken by a running, idle channel */
    }
    c->length = length & PTA_DMA_LENGTH_MAX;
    c->done = 0;
    c->offering = false;
    c->status &= ~PTA_DMA_SR_IDLE;
    if (c->length == 0) {
        raise_error(c, PTA_DMA_SR_INTERNAL);
    } else if (c->address < m->base || c->length > m->bytes ||
               c->address - m->base > m->bytes - c->length) {
        raise_error(c, PTA_DMA_SR_DECODE);
    } else {
        c->active = true;
    }
}

void pta_dma_model_write(pta_dma_model *dma, uint32_t offset, uint32_t value)
{
    pta_dma_channel *c = channel_of(dma, offset);
    switch (offset % PTA_DMA_S2MM) {
    case PTA_DMA_CR:
        if ((value & PTA_DMA_CR_RESET) != 0) {
            reset_engine(dma);
        } else {
            c->control = value;
            if ((value & PTA_DMA_CR_RUN) != 0 && !dma->faults->dead_dma) {
                c->status &= ~PTA_DMA_SR_HALTED;
            }
        }
        break;
    case PTA_DMA_SR:
        c->status &= ~(value & (PTA_DMA_SR_IOC | PTA_DMA_SR_ERR));
        break;
    case PTA_DMA_ADDR:
        c->address = value;
        break;
    case PTA_DMA_ADDR_HI:
        c->address |= (uint64_t)value << 32;
        break;
    case PTA_DMA_LENGTH:
        start(dma, c, value);
        break;
    default:
        break;
    }
}

static bool channel_interrupt(const pta_dma_channel *c)
{
    return (c->control & c->status & PTA_DMA_SR_IOC) != 0 ||
           (c->status & PTA_DMA_SR_ERR) != 0;
}

bool pta_dma_model_interrupt(const pta_dma_model *dma)
{
    /* The driver sleeps until output has arrived; input alone is no news. */
    return channel_interrupt(&dma->s2mm) ||
           (dma->mm2s.status & PTA_DMA_SR_ERR) != 0;
}

/* ---- streams ---- */

static void complain(pta_sim_memory *m, const char *what, size_t at)
{
    if (m->broken == NULL) {
        m->broken = what;
        m->broken_at = at;
    }
}

static bool go(pta_dma_model *dma)
{
    return dma->stall_percent == 0 ||
           pta_rng_next(&dma->random) % 100 >= dma->stall_percent;
}

static uint32_t beat_of(uint32_t bytes)
{
    return bytes != 0 ? bytes : WORD;
}

static size_t position(const pta_dma_model *dma, const pta_dma_channel *c)
{
    return (size_t)(c->address - dma->memory->base) + c->done;
}

void pta_dma_model_drive(pta_dma_model *dma, pta_pins *pins)
{
    pta_dma_channel *in = &dma->mm2s;
    /* Valid, once given, stays until the beat is taken. */
    in->offering = in->active && (in->offering || go(dma));
    pins->in_valid = in->offering;
    pins->in_last = 0;
    if (in->offering) {
        uint32_t beat = beat_of(dma->in_beat);
        pins->in_data = 0;
        memcpy(&pins->in_data, dma->memory->device + position(dma, in), beat);
        pins->in_last =
            in->length - in->done <= beat && !dma->faults->drop_last;
    }
    pins->out_ready = dma->s2mm.active && go(dma);
}

static bool fault_due(const pta_dma_model *dma, const pta_dma_channel *c,
                      uint32_t bits)
{
    return bits != 0 && c->done / WORD >= dma->faults->error_after;
}

static void finish(pta_dma_channel *c)
{
    c->length = c->done;
    c->active = false;
    c->status |= PTA_DMA_SR_IDLE | PTA_DMA_SR_IOC;
}

static void sent(pta_dma_model *dma)
{
    pta_dma_channel *c = &dma->mm2s;
    pta_sim_memory *m = dma->memory;
    size_t at = position(dma, c);
    uint32_t beat = beat_of(dma->in_beat);
    if (memcmp(m->cpu + at, m->device + at, beat) != 0) {
        complain(m, "the DMA read bytes that were changed and not synced", at);
    }
    c->offering = false;
    c->done += beat;
    if (fault_due(dma, c, dma->faults->mm2s_error)) {
        raise_error(c, dma->faults->mm2s_error);
    } else if (c->done >= c->length) {
        finish(c);
    }
}

static void received(pta_dma_model *dma, uint64_t data, bool last)
{
    pta_dma_channel *c = &dma->s2mm;
    pta_sim_memory *m = dma->memory;
    size_t at = position(dma, c);
    uint32_t beat = beat_of(dma->out_beat);
    if (m->owner[at / WORD] == PTA_OWNER_CPU) {
        complain(m, "the DMA wrote bytes that were not handed over", at);
    }
    m->n_stale += m->owner[at / WORD] != PTA_OWNER_STALE;
    m->owner[at / WORD] = PTA_OWNER_STALE;
    memcpy(m->device + at, &data, beat);
    c->done += beat;
    if (fault_due(dma, c, dma->faults->s2mm_error)) {
        raise_error(c, dma->faults->s2mm_error);
    } else if (last) {
        finish(c);
    } else if (c->done >= c->length) {
        raise_error(c, PTA_DMA_SR_INTERNAL);
    }
}

void pta_dma_model_clock(pta_dma_model *dma, const pta_pins *pins)
{
    if (pins->in_valid && pins->in_ready) {
        sent(dma);
    }
    if (pins->out_valid && pins->out_ready) {
        received(dma, pins->out_data, pins->out_last != 0);
    }
}
