/* A core in C: see fake_core.h. */
#include "fake_core.h"

#include <stdlib.h>
#include <string.h>

#define FIFO 4

typedef struct fake {
    const fake_params *p;
    uint64_t fifo[FIFO];
    uint32_t n_fifo;
    bool busy, done;
    uint32_t samples, errors, n_batches;
    uint64_t beats_in, beats_out;
    uint64_t cycles, stalls_in, stalls_out, first, span;
    uint32_t free, latched;
    uint32_t weights[2], address; /* a, b */
    uint32_t crc;
    /* AXI4-Lite, one access at a time */
    bool got_aw, got_w, b_valid, r_valid;
    uint32_t aw, w, r_data;
} fake;

static bool broken(const fake *f, bool flag)
{
    return flag && (f->p->once == 0 || f->n_batches <= f->p->once);
}

static uint64_t total(const fake *f)
{
    return (uint64_t)f->p->beats * f->samples;
}

/* ---- registers ---- */

static uint32_t digest_word(const uint8_t *digest, uint32_t i)
{
    return (uint32_t)digest[4 * i] << 24 | (uint32_t)digest[4 * i + 1] << 16 |
           (uint32_t)digest[4 * i + 2] << 8 | digest[4 * i + 3];
}

static uint32_t status_of(const fake *f)
{
    return (f->busy ? PTA_STATUS_BUSY : PTA_STATUS_IDLE) |
           (f->done ? PTA_STATUS_DONE : 0) |
           (f->errors != 0 ? PTA_STATUS_ERROR : 0) |
           (f->p->crc_hangs ? PTA_STATUS_CRC : 0);
}

static uint32_t latch(fake *f, uint64_t value)
{
    f->latched = (uint32_t)(value >> 32);
    return (uint32_t)value;
}

uint32_t fake_core_read(void *core, uint32_t offset)
{
    fake *f = core;
    const fake_params *p = f->p;
    if (offset >= PTA_REG_SLICE_DIGEST && offset < PTA_REG_WEIGHT_DIGEST) {
        return digest_word(p->slice_digest, offset / 4 % 4);
    }
    if (offset >= PTA_REG_WEIGHT_DIGEST && offset < 0x30) {
        return digest_word(p->weight_digest, offset / 4 % 4);
    }
    switch (offset) {
    case PTA_REG_MAGIC:
        return p->magic != 0 ? p->magic : PTA_CORE_MAGIC;
    case PTA_REG_VERSION:
        return p->version != 0 ? p->version : PTA_CORE_MAJOR << 16;
    case PTA_REG_CAPABILITIES:
        return p->ram ? PTA_CAP_RAM | PTA_CAP_CRC : 0;
    case PTA_REG_CLOCK:
        return p->clock_hz;
    case PTA_REG_STATUS:
        return status_of(f);
    case PTA_REG_ERRORS:
        return f->errors;
    case PTA_REG_CYCLES:
        return latch(f, f->cycles);
    case PTA_REG_STALLS_IN:
        return latch(f, f->stalls_in);
    case PTA_REG_STALLS_OUT:
        return latch(f, f->stalls_out);
    case PTA_REG_FIRST:
        return latch(f, f->first);
    case PTA_REG_SPAN:
        return latch(f, f->span);
    case PTA_REG_FREE:
        return f->free;
    case PTA_REG_MEM_CRC:
        return f->crc;
    default:
        return f->latched;
    }
}

static void soft_reset(fake *f)
{
    f->n_fifo = 0;
    f->beats_in = f->beats_out = f->samples = 0;
    f->busy = broken(f, f->p->stuck_busy);
    f->done = false;
    f->errors = 0;
}

static void start(fake *f)
{
    if (f->busy) {
        f->errors |= PTA_ERRORS_START;
        return;
    }
    f->n_batches++;
    f->busy = true;
    f->done = false;
    f->beats_in = f->beats_out = 0;
    f->cycles = f->stalls_in = f->stalls_out = f->first = f->span = 0;
}

static void compute_crc(fake *f)
{
    pta_core_memory m = {"", 2, 1, f->weights};
    f->crc = pta_core_memory_crc(&m);
}

void fake_core_write(void *core, uint32_t offset, uint32_t value)
{
    fake *f = core;
    switch (offset) {
    case PTA_REG_CONTROL:
        if ((value & PTA_CONTROL_RESET) != 0) {
            soft_reset(f);
        }
        if ((value & PTA_CONTROL_START) != 0) {
            start(f);
        }
        break;
    case PTA_REG_SAMPLES:
        f->samples = value;
        break;
    case PTA_REG_ERRORS:
        f->errors &= ~value;
        break;
    case PTA_REG_MEM_ADDRESS:
        f->address = value;
        break;
    case PTA_REG_MEM_DATA:
        f->weights[f->address++ & 1] = value ^ (f->p->flip_weight ? 64 : 0);
        break;
    case PTA_REG_MEM_COMMAND:
        compute_crc(f);
        break;
    default:
        break;
    }
}

static void step_lite(fake *f, pta_pins *p)
{
    bool deaf = f->p->silent_registers;
    p->aw_ready = !deaf && !f->got_aw;
    p->w_ready = !deaf && !f->got_w;
    p->ar_ready = !deaf && !f->r_valid;
    p->b_valid = f->b_valid;
    p->r_valid = f->r_valid;
    p->r_data = f->r_data;
    if (f->b_valid && p->b_ready) {
        f->b_valid = f->got_aw = f->got_w = false;
    } else if (f->got_aw && f->got_w && !f->b_valid) {
        fake_core_write(f, f->aw, f->w);
        f->b_valid = true;
    }
    if (p->aw_valid && p->aw_ready) {
        f->got_aw = true;
        f->aw = p->aw_addr;
    }
    if (p->w_valid && p->w_ready) {
        f->got_w = true;
        f->w = p->w_data;
    }
    if (f->r_valid && p->r_ready) {
        f->r_valid = false;
    } else if (p->ar_valid && p->ar_ready) {
        f->r_data = fake_core_read(f, p->ar_addr);
        f->r_valid = true;
    }
}

/* ---- streams ---- */

static uint64_t affine(const fake *f, uint64_t beat)
{
    uint8_t byte[8];
    memcpy(byte, &beat, sizeof byte);
    for (int i = 0; i < 8; i++) {
        byte[i] = (uint8_t)(f->weights[0] * byte[i] + f->weights[1]);
    }
    memcpy(&beat, byte, sizeof byte);
    return beat ^ (broken(f, f->p->wrong_answer) ? 0x10 : 0);
}

static void take(fake *f, const pta_pins *p)
{
    bool last = f->beats_in + 1 == total(f);
    if (p->in_last && !last) {
        f->errors |= PTA_ERRORS_EARLY;
    }
    if (!p->in_last && last) {
        f->errors |= PTA_ERRORS_MISSING;
    }
    f->beats_in++;
    if (!broken(f, f->p->never_done)) {
        f->fifo[f->n_fifo++] = affine(f, p->in_data);
    }
}

static void give(fake *f, bool last)
{
    memmove(f->fifo, f->fifo + 1, sizeof f->fifo - sizeof *f->fifo);
    f->n_fifo--;
    f->beats_out++;
    if (f->beats_out == f->p->beats) {
        f->first = f->cycles;
    }
    if (last) {
        f->busy = false;
        f->done = true;
        f->span = f->cycles - f->first;
    }
}

static void fake_step(void *core, pta_pins *p)
{
    fake *f = core;
    uint64_t n = total(f);
    if (broken(f, f->p->short_output) && f->samples > 1) {
        n -= f->p->beats;
    }
    p->in_ready = f->busy && f->beats_in < total(f) && f->n_fifo < FIFO;
    p->out_valid = f->n_fifo > 0 && f->beats_out < n;
    p->out_data = f->fifo[0];
    p->out_last = f->beats_out + 1 == n;
    f->free += f->p->free_step != 0 ? f->p->free_step : 1;
    f->cycles += f->busy;
    f->stalls_in += p->in_ready && !p->in_valid;
    f->stalls_out += p->out_valid && !p->out_ready;
    if (p->out_valid && p->out_ready) {
        give(f, p->out_last != 0);
    }
    if (p->in_valid && p->in_ready) {
        take(f, p);
    }
    step_lite(f, p);
}

static void *fake_open(const void *params)
{
    fake *f = calloc(1, sizeof *f);
    if (f != NULL) {
        f->p = params;
        f->weights[0] = 1;
    }
    return f;
}

const pta_sim_core_ops fake_core = {fake_open, fake_step, free};
