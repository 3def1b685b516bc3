/*
 * Bitstreams by what they hold: a folder of `partita build` outputs is searched
 * for the manifest of a slice's core; TOP.bit lies beside it.
 */
#ifndef PTA_HLS_BITSTREAM_H
#define PTA_HLS_BITSTREAM_H

#include "hls/driver/files.h"
#include "hls/gen/manifest.h"

/** Names of a slice's core (identity.h): with its weights in ROM, and with
 * weights that can be written. Either serves. `formats` says of each step
 * "NAME: FORMATS\n", as many as fit, to tell why a core is not the slice's. */
#define PTA_CORE_FORMATS 4096
typedef struct pta_core_names {
    char rom[PTA_SHA256_HEX], ram[PTA_SHA256_HEX];
    char formats[PTA_CORE_FORMATS];
} pta_core_names;

typedef struct pta_bitstream {
    pta_manifest *manifest; /* owned */
    char manifest_path[PTA_PATH_BYTES];
    char bit_path[PTA_PATH_BYTES]; /* may not exist: not built yet */
} pta_bitstream;

/** Of a slice with its weights loaded. */
void pta_core_names_of(const pta_slice *slice, pta_core_names *names);

/**
 * Looks for a manifest of either name in `folder`, its folders and theirs; ROM
 * first. PTA_ERR_NOT_FOUND if there is none, or no folder; if there is a core with
 * writable weights of the same layers, the message has the first whose formats
 * differ. A damaged manifest is an error that names it.
 */
pta_status PTA_MUST_CHECK pta_bitstream_find(pta_ctx *ctx, const char *folder,
                                             const pta_core_names *names,
                                             pta_bitstream *out);
void pta_bitstream_free(pta_ctx *ctx, pta_bitstream *bitstream);

/** Where bitstreams sent by rank 0 are kept: $XDG_CACHE_HOME/partita/bitstreams
 * or ~/.cache/partita/bitstreams. PTA_ERR_NOT_FOUND without a home. */
pta_status PTA_MUST_CHECK pta_bitstream_cache(pta_ctx *ctx,
                                              char path[PTA_PATH_BYTES]);

/** Keeps a sent manifest and bitstream there, under the core's name. */
pta_status PTA_MUST_CHECK pta_bitstream_keep(pta_ctx *ctx, const char *manifest,
                                             const void *bit, size_t bit_bytes);

#endif
