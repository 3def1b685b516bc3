/*
 * Designs: life, names, and what readers ask of one.
 */
#include "plan/design.h"

#include <string.h>

const char *pta_block_name(pta_block_kind kind)
{
    static const char *const names[PTA_BLOCK_COUNT] = {
        [PTA_BLOCK_FIFO] = "fifo",
        [PTA_BLOCK_GEARBOX] = "gearbox",
        [PTA_BLOCK_MVU] = "mvu",
        [PTA_BLOCK_MVU_PACKED] = "mvu_packed",
        [PTA_BLOCK_REQUANT] = "requant",
        [PTA_BLOCK_SCALE_SHIFT] = "scale_shift",
        [PTA_BLOCK_RELU] = "relu",
        [PTA_BLOCK_TABLE] = "table",
        [PTA_BLOCK_WINDOW] = "window",
        [PTA_BLOCK_POOL_MAX] = "pool_max",
        [PTA_BLOCK_POOL_AVG] = "pool_avg",
        [PTA_BLOCK_DEPTHWISE] = "depthwise",
        [PTA_BLOCK_PAD] = "pad",
        [PTA_BLOCK_CROP] = "crop",
        [PTA_BLOCK_PERMUTE] = "permute",
        [PTA_BLOCK_FORK] = "fork",
        [PTA_BLOCK_JOIN_BINARY] = "join_binary",
        [PTA_BLOCK_CONCAT] = "concat",
        [PTA_BLOCK_ENGINE] = "engine",
    };
    return kind < PTA_BLOCK_COUNT ? names[kind] : "?";
}

static const pta_param *find_param(const pta_block *block, const char *name)
{
    for (int32_t i = 0; i < block->n_params; i++) {
        const char *own = block->params[i].name; /* often tried: first letter */
        if (own[0] == name[0] && strcmp(own, name) == 0) {
            return &block->params[i];
        }
    }
    return NULL;
}

int64_t pta_block_param(const pta_block *block, const char *name)
{
    const pta_param *param = find_param(block, name);
    PTA_ASSERT(param != NULL);
    return param->value;
}

int64_t pta_stream_beats(const pta_stream *stream)
{
    return stream->vectors *
           ((stream->c + (int64_t)stream->lanes - 1) / stream->lanes);
}

pta_budget pta_budget_pynq(void)
{
    return (pta_budget){.lut = 53200 * 7 / 10 - 6000,
                        .lutram = 17400 * 7 / 10,
                        .ff = 106400 / 2 - 8000,
                        .dsp = 220 * 9 / 10,
                        .bram18 = 280 * 8 / 10 - 8};
}

const char *pta_budget_exceeded(const pta_budget *budget,
                                const pta_resources *resources)
{
    const struct {
        const char *name;
        int64_t limit, used;
    } rows[] = {{"DSP", budget->dsp, resources->dsp},
                {"BRAM", budget->bram18, resources->bram18},
                {"LUT", budget->lut, resources->lut},
                {"LUTRAM", budget->lutram, resources->lutram},
                {"FF", budget->ff, resources->ff}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].used > rows[i].limit) {
            return rows[i].name;
        }
    }
    return NULL;
}

void pta_design_destroy(pta_ctx *ctx, pta_design **design)
{
    if (*design != NULL) {
        pta_free(ctx, (*design)->streams);
        pta_free(ctx, (*design)->blocks);
        pta_free(ctx, (*design)->layers);
        pta_free(ctx, (*design)->inputs);
        pta_free(ctx, (*design)->outputs);
        pta_free(ctx, *design);
        *design = NULL;
    }
}
