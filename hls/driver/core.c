/* The driver of a core: see core.h. */
#include "hls/driver/core.h"

#include "hls/driver/dma.h"

#define CLOCK_TRIES  20 /* of one reading */
#define SLACK_FACTOR 20 /* of the predicted time: stalls, a busy memory */

static pta_status read_reg(pta_ctx *ctx, pta_core *core, uint32_t offset,
                           uint32_t *value)
{
    return core->bus->ops->read(core->bus, ctx, PTA_BUS_CORE, offset, value);
}

static pta_status write_reg(pta_ctx *ctx, pta_core *core, uint32_t offset,
                            uint32_t value)
{
    return core->bus->ops->write(core->bus, ctx, PTA_BUS_CORE, offset, value);
}

static pta_status now(pta_ctx *ctx, pta_core *core, uint64_t *ns)
{
    return core->bus->ops->wait(core->bus, ctx, 0, ns);
}

/* ---- identity ---- */

static pta_status check_map(pta_ctx *ctx, pta_core *core)
{
    uint32_t magic, version;
    PTA_TRY(read_reg(ctx, core, PTA_REG_MAGIC, &magic));
    if (magic != PTA_CORE_MAGIC) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "no Partita core: magic is 0x%08x, expected 0x%08x",
                        (unsigned)magic, (unsigned)PTA_CORE_MAGIC);
    }
    PTA_TRY(read_reg(ctx, core, PTA_REG_VERSION, &version));
    if (version >> 16 != PTA_CORE_MAJOR) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "the core has register map %u.%u, this driver knows "
                        "major %u",
                        (unsigned)(version >> 16), (unsigned)(version & 0xFFFF),
                        (unsigned)PTA_CORE_MAJOR);
    }
    return PTA_OK;
}

static void digest_text(const uint8_t *digest, char *text)
{
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < PTA_CORE_DIGEST_BYTES; i++) {
        text[2 * i] = hex[digest[i] >> 4];
        text[2 * i + 1] = hex[digest[i] & 15];
    }
    text[2 * PTA_CORE_DIGEST_BYTES] = '\0';
}

static pta_status check_digest(pta_ctx *ctx, pta_core *core, uint32_t offset,
                               const uint8_t *expected, const char *what)
{
    uint8_t found[PTA_CORE_DIGEST_BYTES];
    char a[2 * PTA_CORE_DIGEST_BYTES + 1], b[2 * PTA_CORE_DIGEST_BYTES + 1];
    bool same = true;
    for (uint32_t i = 0; i < PTA_CORE_DIGEST_BYTES; i++) {
        uint32_t word = 0;
        if (i % 4 == 0) {
            PTA_TRY(read_reg(ctx, core, offset + i, &word));
            for (uint32_t j = 0; j < 4; j++) {
                found[i + j] = (uint8_t)(word >> (24 - 8 * j));
            }
        }
        same = same && found[i] == expected[i];
    }
    if (!same) {
        digest_text(found, a);
        digest_text(expected, b);
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "the core's %s digest is %s, expected %s", what, a, b);
    }
    return PTA_OK;
}

/* The free counter at a time: between two looks at the clock, as close together
 * as a host that may be interrupted gets them in some tries. */
static pta_status read_free(pta_ctx *ctx, pta_core *core, uint64_t *ns,
                            uint32_t *ticks)
{
    uint64_t best = UINT64_MAX, before, after;
    uint64_t close = core->bus->clock_span_ns / 500;
    for (int i = 0; i < CLOCK_TRIES && best > close; i++) {
        uint32_t count;
        PTA_TRY(now(ctx, core, &before));
        PTA_TRY(read_reg(ctx, core, PTA_REG_FREE, &count));
        PTA_TRY(now(ctx, core, &after));
        if (after - before < best) {
            best = after - before;
            *ns = before + best / 2;
            *ticks = count;
        }
    }
    return PTA_OK;
}

pta_status pta_core_clock(pta_ctx *ctx, pta_core *core, double *hz)
{
    uint64_t t0, t1, t;
    uint32_t c0, c1;
    PTA_TRY(read_free(ctx, core, &t0, &c0));
    for (t = t0; t - t0 < core->bus->clock_span_ns;) {
        uint64_t left = core->bus->clock_span_ns - (t - t0);
        PTA_TRY(core->bus->ops->wait(core->bus, ctx, left, &t));
    }
    PTA_TRY(read_free(ctx, core, &t1, &c1));
    *hz = (double)(uint32_t)(c1 - c0) * 1e9 / (double)(t1 - t0);
    return PTA_OK;
}

static pta_status check_clock(pta_ctx *ctx, pta_core *core)
{
    uint32_t claimed;
    double hz;
    PTA_TRY(read_reg(ctx, core, PTA_REG_CLOCK, &claimed));
    if (claimed != core->info->clock_hz) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "the core was built for %u Hz, the manifest says %u Hz",
                        (unsigned)claimed, (unsigned)core->info->clock_hz);
    }
    PTA_TRY(pta_core_clock(ctx, core, &hz));
    if (hz > 0.99 * (double)claimed && hz < 1.01 * (double)claimed) {
        return PTA_OK;
    }
    return pta_fail(ctx, PTA_ERR_DEVICE,
                    "the core's clock runs at %.4g MHz, expected %.4g MHz "
                    "within 1 %%",
                    hz * 1e-6, (double)claimed * 1e-6);
}

pta_status pta_core_open(pta_ctx *ctx, pta_bus *bus, const pta_core_info *info,
                         pta_core *core)
{
    *core = (pta_core){.bus = bus, .info = info};
    if (info->no_registers) {
        return pta_core_recover(ctx, core);
    }
    PTA_TRY(check_map(ctx, core));
    PTA_TRY(check_digest(ctx, core, PTA_REG_SLICE_DIGEST, info->slice_digest,
                         "slice"));
    if (info->n_memories == 0) {
        PTA_TRY(check_digest(ctx, core, PTA_REG_WEIGHT_DIGEST,
                             info->weight_digest, "weight"));
    }
    PTA_TRY(pta_core_recover(ctx, core));
    return check_clock(ctx, core);
}

/* ---- weights ---- */

uint32_t pta_core_memory_crc(const pta_core_memory *memory)
{
    uint32_t crc = 0xFFFFFFFFu;
    size_t n = (size_t)memory->n_words * memory->word_lanes;
    for (size_t i = 0; i < n; i++) {
        crc ^= memory->data[i];
        for (int bit = 0; bit < 32; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0);
        }
    }
    return ~crc;
}

static pta_status load_memory(pta_ctx *ctx, pta_core *core, uint32_t index)
{
    const pta_core_memory *m = &core->info->memories[index];
    PTA_TRY(write_reg(ctx, core, PTA_REG_MEM_SELECT, index));
    PTA_TRY(write_reg(ctx, core, PTA_REG_MEM_ADDRESS, 0));
    const uint32_t *lane = m->data;
    for (uint32_t word = 0; word < m->n_words; word++) {
        for (uint32_t i = 0; i < m->word_lanes; i++) {
            PTA_TRY(write_reg(ctx, core, PTA_REG_MEM_DATA + 4 * i, *lane++));
        }
    }
    return PTA_OK;
}

static pta_status wait_crc(pta_ctx *ctx, pta_core *core, const char *name)
{
    uint64_t start, t;
    uint32_t status;
    PTA_TRY(now(ctx, core, &start));
    do {
        PTA_TRY(read_reg(ctx, core, PTA_REG_STATUS, &status));
        PTA_TRY(now(ctx, core, &t));
        if (t - start > core->bus->patience_ns) {
            return pta_fail(ctx, PTA_ERR_DEVICE,
                            "weight memory %s: no CRC within %.3g ms", name,
                            (double)(t - start) * 1e-6);
        }
    } while ((status & PTA_STATUS_CRC) != 0);
    return PTA_OK;
}

pta_status pta_core_check(pta_ctx *ctx, pta_core *core)
{
    for (int32_t i = 0; i < core->info->n_memories; i++) {
        const pta_core_memory *m = &core->info->memories[i];
        uint32_t found, expected = pta_core_memory_crc(m);
        PTA_TRY(write_reg(ctx, core, PTA_REG_MEM_SELECT, (uint32_t)i));
        PTA_TRY(write_reg(ctx, core, PTA_REG_MEM_COMMAND, 1));
        PTA_TRY(wait_crc(ctx, core, m->name));
        PTA_TRY(read_reg(ctx, core, PTA_REG_MEM_CRC, &found));
        if (found != expected) {
            return pta_fail(ctx, PTA_ERR_MISMATCH,
                            "weight memory %s: CRC is 0x%08x, expected 0x%08x",
                            m->name, (unsigned)found, (unsigned)expected);
        }
    }
    return PTA_OK;
}

pta_status pta_core_load(pta_ctx *ctx, pta_core *core)
{
    uint32_t capabilities;
    if (core->info->n_memories == 0) {
        return PTA_OK;
    }
    PTA_TRY(read_reg(ctx, core, PTA_REG_CAPABILITIES, &capabilities));
    if ((~capabilities & (PTA_CAP_RAM | PTA_CAP_CRC)) != 0) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "the core's weights cannot be written: it was built "
                        "with --weights rom");
    }
    for (int32_t i = 0; i < core->info->n_memories; i++) {
        PTA_TRY(load_memory(ctx, core, (uint32_t)i));
    }
    return pta_core_check(ctx, core);
}

/* ---- batches ---- */

uint32_t pta_core_max_samples(const pta_core_info *info)
{
    size_t bytes =
        info->in_bytes > info->out_bytes ? info->in_bytes : info->out_bytes;
    return (uint32_t)(PTA_DMA_LENGTH_MAX / (bytes == 0 ? 1 : bytes));
}

static uint64_t expected_ns(const pta_core *core)
{
    const pta_core_info *info = core->info;
    uint64_t cycles = info->latency + info->interval * core->n_samples;
    return (uint64_t)((double)cycles * 1e9 / (double)info->clock_hz);
}

pta_status pta_core_start(pta_ctx *ctx, pta_core *core, size_t in_offset,
                          size_t out_offset, uint32_t n)
{
    pta_bus *bus = core->bus;
    size_t in_bytes = core->info->in_bytes * n;
    size_t out_bytes = core->info->out_bytes * n;
    PTA_ASSERT(n > 0 && n <= pta_core_max_samples(core->info));
    core->in_offset = in_offset;
    core->out_offset = out_offset;
    core->n_samples = n;
    core->timeout_ns = bus->patience_ns + SLACK_FACTOR * expected_ns(core);
    PTA_TRY(bus->ops->sync(bus, ctx, PTA_SYNC_TO_DEVICE, in_offset, in_bytes));
    PTA_TRY(
        bus->ops->sync(bus, ctx, PTA_SYNC_FOR_DEVICE, out_offset, out_bytes));
    PTA_TRY(now(ctx, core, &core->started_ns));
    /* The receiver first, so that output never waits for a register write. */
    PTA_TRY(pta_dma_start(ctx, bus, PTA_DMA_S2MM, out_offset, out_bytes));
    if (!core->info->no_registers) {
        PTA_TRY(write_reg(ctx, core, PTA_REG_SAMPLES, n));
        PTA_TRY(write_reg(ctx, core, PTA_REG_CONTROL, PTA_CONTROL_START));
    }
    return pta_dma_start(ctx, bus, PTA_DMA_MM2S, in_offset, in_bytes);
}

static pta_status fail_core(pta_ctx *ctx, pta_core *core)
{
    static const char *const names[] = {
        "the input ended early (TLAST before the last beat)",
        "the input did not end (no TLAST with the last beat)",
        "started while busy", "weights written while busy"};
    uint32_t errors;
    PTA_TRY(read_reg(ctx, core, PTA_REG_ERRORS, &errors));
    for (int i = 0; i < 4; i++) {
        if ((errors >> i & 1) != 0) {
            return pta_fail(ctx, PTA_ERR_DEVICE, "core: %s", names[i]);
        }
    }
    return pta_fail(ctx, PTA_ERR_DEVICE, "core: unknown error 0x%08x",
                    (unsigned)errors);
}

static pta_status check_received(pta_ctx *ctx, pta_core *core)
{
    size_t bytes, expected = core->info->out_bytes * core->n_samples;
    PTA_TRY(pta_dma_received(ctx, core->bus, &bytes));
    if (bytes != expected) {
        return pta_fail(ctx, PTA_ERR_DEVICE,
                        "short transfer: %zu bytes of %zu came back from the "
                        "core",
                        bytes, expected);
    }
    return PTA_OK;
}

pta_status pta_core_poll(pta_ctx *ctx, pta_core *core, bool *done)
{
    uint32_t status = PTA_STATUS_DONE;
    bool sent, received;
    PTA_TRY(pta_dma_poll(ctx, core->bus, PTA_DMA_S2MM, &received));
    PTA_TRY(pta_dma_poll(ctx, core->bus, PTA_DMA_MM2S, &sent));
    if (!core->info->no_registers) {
        PTA_TRY(read_reg(ctx, core, PTA_REG_STATUS, &status));
    }
    if ((status & PTA_STATUS_ERROR) != 0) {
        return fail_core(ctx, core);
    }
    if (received) {
        PTA_TRY(check_received(ctx, core));
    }
    *done = received && sent && (status & PTA_STATUS_DONE) != 0;
    return PTA_OK;
}

static pta_status wait_done(pta_ctx *ctx, pta_core *core)
{
    bool done = false;
    for (;;) {
        uint64_t t, spent;
        PTA_TRY(pta_core_poll(ctx, core, &done));
        if (done) {
            return PTA_OK;
        }
        PTA_TRY(now(ctx, core, &t));
        spent = t - core->started_ns;
        if (spent >= core->timeout_ns) {
            return pta_fail(ctx, PTA_ERR_DEVICE,
                            "no answer: %u samples are not done after %.3g ms "
                            "(expected %.3g ms)",
                            (unsigned)core->n_samples, (double)spent * 1e-6,
                            (double)expected_ns(core) * 1e-6);
        }
        PTA_TRY(core->bus->ops->wait(core->bus, ctx, core->bus->poll_ns, &t));
    }
}

static pta_status read_counter(pta_ctx *ctx, pta_core *core, uint32_t offset,
                               uint64_t *value)
{
    uint32_t low, high;
    PTA_TRY(read_reg(ctx, core, offset, &low));
    PTA_TRY(read_reg(ctx, core, offset + 4, &high));
    *value = (uint64_t)high << 32 | low;
    return PTA_OK;
}

pta_status pta_core_finish(pta_ctx *ctx, pta_core *core,
                           pta_core_counters *counters)
{
    pta_bus *bus = core->bus;
    PTA_TRY(wait_done(ctx, core));
    PTA_TRY(bus->ops->sync(bus, ctx, PTA_SYNC_FROM_DEVICE, core->out_offset,
                           core->info->out_bytes * core->n_samples));
    PTA_TRY(pta_dma_acknowledge(ctx, bus));
    if (core->info->no_registers) {
        *counters = (pta_core_counters){0};
        return PTA_OK;
    }
    PTA_TRY(read_counter(ctx, core, PTA_REG_CYCLES, &counters->cycles));
    PTA_TRY(read_counter(ctx, core, PTA_REG_STALLS_IN, &counters->stalls_in));
    PTA_TRY(read_counter(ctx, core, PTA_REG_STALLS_OUT, &counters->stalls_out));
    PTA_TRY(read_counter(ctx, core, PTA_REG_FIRST, &counters->first));
    return read_counter(ctx, core, PTA_REG_SPAN, &counters->span);
}

/* ---- recovery ---- */

pta_status pta_core_recover(pta_ctx *ctx, pta_core *core)
{
    uint32_t status;
    if (core->info->no_registers) {
        return pta_dma_reset(ctx, core->bus);
    }
    /* The core first: from then on it neither takes nor gives beats, and the
     * DMA's reset empties what lies between them. */
    PTA_TRY(write_reg(ctx, core, PTA_REG_CONTROL,
                      PTA_CONTROL_RESET | PTA_CONTROL_CLEAR));
    PTA_TRY(pta_dma_reset(ctx, core->bus));
    PTA_TRY(write_reg(ctx, core, PTA_REG_ERRORS, 0xFFFFFFFFu));
    PTA_TRY(read_reg(ctx, core, PTA_REG_STATUS, &status));
    if ((status & PTA_STATUS_IDLE) == 0 || (status & PTA_STATUS_ERROR) != 0) {
        return pta_fail(ctx, PTA_ERR_DEVICE,
                        "the core is not idle after a reset (status 0x%08x)",
                        (unsigned)status);
    }
    return PTA_OK;
}
