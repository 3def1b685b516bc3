/* Building a simulated core: the part of cache.c that runs tools. */
#ifndef PTA_HLS_BUILD_PRIV_H
#define PTA_HLS_BUILD_PRIV_H

#include "hls/driver/files.h"
#include "hls/sim/cache.h"

typedef struct pta_sim_tools {
    char root[PTA_PATH_BYTES]; /* VERILATOR_ROOT */
    char shim[PTA_PATH_BYTES]; /* folder of shim.cpp and pins.h */
    char *identity; /* owned; versions, flags, shim: what a key holds */
} pta_sim_tools;

pta_status PTA_MUST_CHECK pta_sim_tools_find(pta_ctx *ctx,
                                             pta_sim_tools *tools);
void pta_sim_tools_free(pta_ctx *ctx, pta_sim_tools *tools);

bool pta_sim_is_rtl(const pta_sim_file *file);

/** Builds CACHE/KEY (core.so and the memories) beside it and renames it into
 * place. */
pta_status PTA_MUST_CHECK pta_sim_build(pta_ctx *ctx,
                                        const pta_sim_design *design,
                                        const pta_sim_tools *tools,
                                        const char *cache, const char *key);

#endif
