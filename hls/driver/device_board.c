/* The device `board`: see device_board.h. */
#include "hls/driver/device_board.h"

#include <string.h>

#include "hls/driver/bitstream.h"
#include "hls/driver/vivado_accelerator.h"
#include "hls/gen/generate.h"

#define PATIENCE_MOST_MS   600000
#define PATIENCE_HLS4ML_NS 10000000000u /* its time of a sample is unknown */
#define NS_PER_MS          1000000u

/* ---- options ---- */

/* Ends the option at the next comma outside <>; returns what follows. */
static char *cut(char *text)
{
    int depth = 0;
    for (; *text != '\0'; text++) {
        depth += (*text == '<') - (*text == '>');
        if (*text == ',' && depth == 0) {
            *text = '\0';
            return text + 1;
        }
    }
    return NULL;
}

static pta_status parse_patience(pta_ctx *ctx, const char *value,
                                 pta_board_options *o)
{
    char *end;
    unsigned long ms = strtoul(value, &end, 10);
    if (end == value || *end != '\0' || value[0] == '-' || ms == 0 ||
        ms > PATIENCE_MOST_MS) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "board: patience=%s: expected 1 to %d milliseconds",
                        value, PATIENCE_MOST_MS);
    }
    o->patience_ns = (uint64_t)ms * NS_PER_MS;
    return PTA_OK;
}

static pta_status parse_one(pta_ctx *ctx, char *name, pta_board_options *o)
{
    char *value = strchr(name, '=');
    if (value != NULL) {
        *value++ = '\0';
    }
    if (strcmp(name, "poll") == 0 && value == NULL) {
        o->poll = true;
    } else if (strcmp(name, "hls4ml") == 0) {
        o->hls4ml = true;
        o->bus = value;
    } else if (strcmp(name, "bitstreams") == 0 && value != NULL) {
        o->bitstreams = value;
    } else if (strcmp(name, "root") == 0 && value != NULL) {
        o->root = value;
    } else if (strcmp(name, "patience") == 0 && value != NULL) {
        return parse_patience(ctx, value, o);
    } else {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "board: unknown option \"%s\"; expected "
                        "bitstreams=DIR, poll, patience=MS, hls4ml[=BUS]",
                        name);
    }
    return PTA_OK;
}

pta_status pta_board_options_parse(pta_ctx *ctx, const char *text,
                                   pta_board_options *out)
{
    pta_board_options o = {.root = ""};
    o.text = pta_strdup(ctx, text != NULL ? text : "");
    pta_status status = o.text != NULL ? PTA_OK : PTA_ERR_NOMEM;
    char *next;
    for (char *at = o.text; status == PTA_OK && at != NULL && *at != '\0';
         at = next) {
        next = cut(at);
        status = parse_one(ctx, at, &o);
    }
    if (status != PTA_OK) {
        pta_board_options_free(ctx, &o);
        return status;
    }
    *out = o;
    return PTA_OK;
}

void pta_board_options_free(pta_ctx *ctx, pta_board_options *options)
{
    pta_free(ctx, options->text);
    options->text = NULL;
}

/* ---- what stands behind the device ---- */

typedef struct board {
    pta_hw_config config; /* first: release finds the rest */
    pta_board_options options;
    pta_bus_chip_params chip;
    pta_core_names names;
    pta_bitstream bitstream;
    pta_generated *generated; /* owned; writable weights, or NULL */
    pta_core_info info;
    pta_vivado_accelerator vivado;
} board;

static void release(pta_ctx *ctx, const pta_hw_config *config)
{
    board *b = (board *)(uintptr_t)config;
    pta_generated_destroy(ctx, &b->generated);
    pta_bitstream_free(ctx, &b->bitstream);
    pta_board_options_free(ctx, &b->options);
    pta_free(ctx, b);
}

/* Where the user said, then what rank 0 sent. */
static pta_status find_core(pta_ctx *ctx, board *b)
{
    char cache[PTA_PATH_BYTES];
    if (b->options.bitstreams == NULL) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "--device board: --bitstreams DIR is missing");
    }
    const char *folder = b->options.bitstreams;
    pta_status status =
        pta_bitstream_find(ctx, folder, &b->names, &b->bitstream);
    if (status == PTA_ERR_NOT_FOUND &&
        pta_bitstream_cache(ctx, cache) == PTA_OK &&
        pta_bitstream_find(ctx, cache, &b->names, &b->bitstream) == PTA_OK) {
        return PTA_OK;
    }
    /* Again, to say what is missing where the user looks. */
    return status != PTA_ERR_NOT_FOUND
               ? status
               : pta_bitstream_find(ctx, folder, &b->names, &b->bitstream);
}

/* ---- writable weights ---- */

/* Another version of the generator may lay memories out differently. */
static pta_status check_memories(pta_ctx *ctx, const board *b)
{
    const pta_manifest *m = b->bitstream.manifest;
    const pta_generated *g = b->generated;
    int32_t n = 0;
    for (int32_t i = 0; i < m->n_memories; i++) {
        const pta_manifest_memory *built = &m->memories[i];
        if (!built->writable) {
            continue;
        }
        if (n >= g->n_memories || g->memories[n].n_words != built->words ||
            g->memories[n].word_lanes != built->lanes) {
            return pta_fail(ctx, PTA_ERR_MISMATCH,
                            "%s: memory %s has %u words of %u bits, which this "
                            "version (%s built it) lays out differently",
                            b->bitstream.manifest_path, built->file,
                            (unsigned)built->words, (unsigned)built->word_bits,
                            m->generator);
        }
        n++;
    }
    return n == g->n_memories
               ? PTA_OK
               : pta_fail(ctx, PTA_ERR_MISMATCH,
                          "%s: has %d writable memories, expected %d",
                          b->bitstream.manifest_path, (int)n,
                          (int)g->n_memories);
}

static pta_status generate(pta_ctx *ctx, board *b, const pta_slice *slice,
                           pta_fold *folds)
{
    pta_generate_options options = {.clock_hz = b->info.clock_hz};
    pta_design *design;
    pta_slice as_built = *slice;
    as_built.engine = b->bitstream.manifest->engine;
    PTA_TRY(pta_manifest_folds(ctx, b->bitstream.manifest, &as_built, folds));
    PTA_TRY(pta_design_build(ctx, &as_built, folds, &design));
    pta_status status =
        pta_generate(ctx, &as_built, folds, design, &options, &b->generated);
    pta_design_destroy(ctx, &design);
    return status == PTA_OK ? check_memories(ctx, b) : status;
}

/* The slice's weights in the layout of the core's memories. */
static pta_status make_weights(pta_ctx *ctx, board *b, const pta_slice *slice)
{
    pta_fold *folds;
    PTA_TRY_ALLOC(ctx, folds, slice->n_steps);
    pta_status status = generate(ctx, b, slice, folds);
    pta_free(ctx, folds);
    if (status == PTA_OK) {
        b->info.n_memories = b->generated->n_memories;
        b->info.memories = b->generated->memories;
    }
    return status;
}

static pta_status open_ours(pta_ctx *ctx, board *b, const pta_slice *slice)
{
    PTA_TRY(find_core(ctx, b));
    const pta_manifest *m = b->bitstream.manifest;
    pta_manifest_info(m, &b->info);
    b->chip.slice_digest = m->slice_digest;
    return m->ram ? make_weights(ctx, b, slice) : PTA_OK;
}

static pta_status open_vivado(pta_ctx *ctx, board *b, const pta_slice *slice)
{
    PTA_TRY(
        pta_vivado_accelerator_make(ctx, slice, b->options.bus, &b->vivado));
    b->info = b->vivado.info;
    b->config.codec = &b->vivado.codec;
    b->chip.slice_digest = b->names.rom;
    b->chip.no_core = b->chip.poll = true; /* no registers, no interrupt */
    if (b->chip.patience_ns == 0) {
        b->chip.patience_ns = PATIENCE_HLS4ML_NS;
    }
    return PTA_OK;
}

static pta_status prepare(pta_ctx *ctx, board *b, const pta_slice *slice,
                          const char *options, const pta_bus_ops *bus)
{
    PTA_TRY(pta_board_options_parse(ctx, options, &b->options));
    b->chip = (pta_bus_chip_params){.root = b->options.root,
                                    .poll = b->options.poll,
                                    .patience_ns = b->options.patience_ns};
    b->config = (pta_hw_config){.info = &b->info,
                                .bus = bus,
                                .bus_params = &b->chip,
                                .release = release};
    pta_core_names_of(slice, &b->names);
    return b->options.hls4ml ? open_vivado(ctx, b, slice)
                             : open_ours(ctx, b, slice);
}

pta_status pta_board_open(pta_ctx *ctx, const pta_slice *slice,
                          const pta_device_params *params,
                          const pta_device_ops *ops, const pta_bus_ops *bus,
                          pta_device **out)
{
    board *b;
    PTA_TRY_ALLOC(ctx, b, 1);
    pta_status status = prepare(ctx, b, slice, params->options, bus);
    if (status != PTA_OK) {
        release(ctx, &b->config);
        return status;
    }
    return pta_hw_open(ctx, slice, params, ops, &b->config, out);
}

static pta_status open_board(pta_ctx *ctx, const pta_slice *slice,
                             const pta_device_params *params, pta_device **out)
{
    return pta_board_open(ctx, slice, params, &pta_device_board, &pta_bus_chip,
                          out);
}

const pta_device_ops pta_device_board = {
    .name = "board", .open = open_board, PTA_HW_OPS, .overlap = 2};
