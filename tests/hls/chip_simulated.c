/*
 * Takes the place of the chip's bus in a partita under test: the core that the
 * board's record names, out of the builds in $PARTITA_TEST_CORES, simulated from
 * its generated files. So `run --device board` goes all its way, from the
 * bitstream's name to the answers of the hardware, without a board.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hls/driver/bitstream.h"
#include "hls/driver/bus_chip.h"
#include "hls/sim/bus_sim.h"
#include "hls/sim/cache.h"

#define CLOCK_HZ   100000000
#define FILES_MOST 128

typedef struct chip {
    pta_bus base;
    pta_bus *sim; /* owned */
    pta_sim_model model;
    pta_bus_sim_params params;
} chip;

static pta_bus *sim_of(pta_bus *bus)
{
    return ((chip *)bus)->sim;
}

static pta_status check_record(pta_ctx *ctx, const pta_bus_chip_params *p)
{
    char path[PTA_PATH_BYTES], line[80];
    PTA_TRY(pta_path(ctx, path, "%s" PTA_RECORD_PATH, p->root));
    PTA_TRY(pta_line_read(ctx, path, line, sizeof line));
    return strncmp(line, p->slice_digest, PTA_RECORD_DIGITS) == 0
               ? PTA_OK
               : pta_fail(ctx, PTA_ERR_MISMATCH, "another slice is loaded");
}

static pta_status open_model(pta_ctx *ctx, const pta_bitstream *b,
                             pta_sim_model *model)
{
    pta_sim_file files[FILES_MOST];
    char path[PTA_PATH_BYTES], *texts[FILES_MOST] = {NULL};
    const pta_manifest *m = b->manifest;
    int folder = (int)(strrchr(b->manifest_path, '/') - b->manifest_path);
    pta_status status = m->n_files <= FILES_MOST ? PTA_OK : PTA_ERR_RANGE;
    for (int32_t i = 0; i < m->n_files && status == PTA_OK; i++) {
        size_t n = 0;
        status = pta_path(ctx, path, "%.*s/%s", folder, b->manifest_path,
                          m->files[i].name);
        if (status == PTA_OK) {
            status = pta_bytes_read(ctx, path, &texts[i], &n);
        }
        files[i] = (pta_sim_file){m->files[i].name, texts[i], n};
    }
    if (status == PTA_OK) {
        pta_sim_design design = {m->top, m->n_files, files};
        status = pta_sim_model_open(ctx, &design, model);
    }
    for (int32_t i = 0; i < FILES_MOST; i++) {
        pta_free(ctx, texts[i]);
    }
    return status;
}

static pta_status find_model(pta_ctx *ctx, const char *digest,
                             pta_sim_model *model)
{
    const char *cores = getenv("PARTITA_TEST_CORES");
    pta_core_names names;
    pta_bitstream found;
    snprintf(names.rom, sizeof names.rom, "%s", digest);
    snprintf(names.ram, sizeof names.ram, "%s", digest);
    PTA_TRY(
        pta_bitstream_find(ctx, cores != NULL ? cores : "", &names, &found));
    pta_status status = open_model(ctx, &found, model);
    pta_bitstream_free(ctx, &found);
    return status;
}

static void chip_close(pta_ctx *ctx, pta_bus **bus)
{
    chip *c = (chip *)*bus;
    if (c != NULL) {
        if (c->sim != NULL) {
            pta_bus_sim.close(ctx, &c->sim);
        }
        pta_sim_model_close(&c->model);
        pta_free(ctx, c);
        *bus = NULL;
    }
}

static pta_status open_all(pta_ctx *ctx, chip *c, const pta_bus_chip_params *p,
                           size_t bytes)
{
    PTA_TRY(check_record(ctx, p));
    PTA_TRY(find_model(ctx, p->slice_digest, &c->model));
    c->params = (pta_bus_sim_params){.core = c->model.ops,
                                     .clock_hz = CLOCK_HZ,
                                     .stall_percent = 20,
                                     .seed = 0xb0a2d};
    return pta_bus_sim.open(ctx, &c->params, bytes, &c->sim);
}

static pta_status chip_open(pta_ctx *ctx, const void *params, size_t bytes,
                            pta_bus **out)
{
    chip *c;
    PTA_TRY_ALLOC(ctx, c, 1);
    pta_bus *bus = &c->base;
    pta_status status = open_all(ctx, c, params, bytes);
    if (status != PTA_OK) {
        chip_close(ctx, &bus);
        return status;
    }
    c->base = *c->sim;
    c->base.ops = &pta_bus_chip;
    *out = bus;
    return PTA_OK;
}

static pta_status chip_read(pta_bus *bus, pta_ctx *ctx, pta_bus_window window,
                            uint32_t offset, uint32_t *value)
{
    return pta_bus_sim.read(sim_of(bus), ctx, window, offset, value);
}

static pta_status chip_write(pta_bus *bus, pta_ctx *ctx, pta_bus_window window,
                             uint32_t offset, uint32_t value)
{
    return pta_bus_sim.write(sim_of(bus), ctx, window, offset, value);
}

static pta_status chip_sync(pta_bus *bus, pta_ctx *ctx, pta_sync direction,
                            size_t offset, size_t bytes)
{
    return pta_bus_sim.sync(sim_of(bus), ctx, direction, offset, bytes);
}

static pta_status chip_wait(pta_bus *bus, pta_ctx *ctx, uint64_t max_ns,
                            uint64_t *now)
{
    return pta_bus_sim.wait(sim_of(bus), ctx, max_ns, now);
}

const pta_bus_ops pta_bus_chip = {.name = "simulated chip",
                                  .open = chip_open,
                                  .close = chip_close,
                                  .read = chip_read,
                                  .write = chip_write,
                                  .sync = chip_sync,
                                  .wait = chip_wait};
