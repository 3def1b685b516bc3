/*
 * What the parts of the generator share: a core under way, with the names of its
 * instances, wires and memories. Used by hls/gen only.
 */
#ifndef PTA_HLS_GEN_PRIV_H
#define PTA_HLS_GEN_PRIV_H

#include "hls/gen/generate.h"
#include "hls/gen/memories.h"
#include "hls/gen/script.h"
#include "kernels/number.h"

#define PTA_GEN_NAME 96

/** A memory of the core, in the order of the manifest. */
typedef struct pta_gen_memory {
    int32_t block, index; /* design->blocks[block].memories[index] */
    char file[PTA_GEN_NAME + 8];
    pta_words words; /* owned */
} pta_gen_memory;

typedef struct pta_gen {
    pta_ctx *ctx;
    const pta_slice *slice;
    const pta_fold *folds;
    const pta_design *design;
    const pta_generate_options *options;
    char (*instances)[PTA_GEN_NAME]; /* owned; of each block, unique */
    char (*wires)[PTA_GEN_NAME + 8]; /* owned; of each stream, unique */
    int32_t n_memories, n_writable;  /* the writable ones come first */
    pta_gen_memory *memories;        /* owned */
    char slice_digest[PTA_SHA256_HEX], weight_digest[PTA_SHA256_HEX];
} pta_gen;

/** Names of everything (names.c). */
pta_status PTA_MUST_CHECK pta_gen_names(pta_gen *gen);

/** Name of the layer behind a slice's value, for the manifest (the RTL is the
 * same without a graph). */
const char *pta_gen_value_name(const pta_gen *gen, int32_t value,
                               char text[PTA_GEN_NAME]);

/** Parameter that names a memory's file: "W_FILE". */
const char *pta_gen_file_param(pta_memory_role role);

/** Number of a block's memory in gen->memories. */
int32_t pta_gen_memory_of(const pta_gen *gen, int32_t block, int32_t index);

/** What the manifest says about a step: shapes, folding, work; texts borrowed
 * (generate.c). */
pta_manifest_layer pta_gen_layer(const pta_gen *gen, int32_t step);

/** Fills a memory of a reused engine (engine.c). */
pta_status PTA_MUST_CHECK pta_engine_fill(pta_ctx *ctx, const pta_slice *slice,
                                          const pta_design *design,
                                          const pta_block *block,
                                          pta_memory_role role,
                                          pta_words *words);

/** The top level (top.c). */
pta_status PTA_MUST_CHECK pta_gen_top(const pta_gen *gen, pta_script *out);

/** Modules of hls/rtl that a text is made of, and theirs, as name and text of
 * each file, sorted by name; owned by the caller (rtl_files.c). */
typedef struct pta_rtl_file {
    char *name, *text; /* owned */
    size_t bytes;
} pta_rtl_file;

pta_status PTA_MUST_CHECK pta_gen_rtl(pta_ctx *ctx, const char *top,
                                      pta_rtl_file **files, int32_t *n_files);
void pta_gen_rtl_free(pta_ctx *ctx, pta_rtl_file *files, int32_t n_files);

#endif
