/*
 * What stands in the memories of a core: the layouts of docs/blocks.md, filled
 * with a slice's raw weights, biases and tables; zeros beyond M and N.
 */
#ifndef PTA_HLS_MEMORIES_H
#define PTA_HLS_MEMORIES_H

#include "plan/design.h"

/** Words of a memory, each in 32-bit lanes, low lane first, as the register
 * map's data window takes them. */
typedef struct pta_words {
    uint32_t n_words, word_bits, lanes;
    uint32_t *data; /* owned; [n_words][lanes] */
} pta_words;

pta_status PTA_MUST_CHECK pta_words_open(pta_ctx *ctx, int64_t n_words,
                                         int32_t word_bits, pta_words *out);
void pta_words_close(pta_ctx *ctx, pta_words *words);

/** Puts the low `width` bits of `raw` at `bit` of a word that has zeros there;
 * width 1 to 64. */
void pta_words_put(pta_words *words, int64_t word, int64_t bit, int32_t width,
                   int64_t raw);

/** Contents of one memory of a block (filled, then the caller's). The slice's
 * weights are loaded. PTA_ERR_UNSUPPORTED for a weight that the block cannot
 * take: the least of its width in a packed matrix-vector unit. */
pta_status PTA_MUST_CHECK pta_memory_fill(pta_ctx *ctx, const pta_slice *slice,
                                          const pta_design *design,
                                          int32_t block, int32_t memory,
                                          pta_words *out);

/** The words as text for $readmemh, one a line, owned by the caller. */
pta_status PTA_MUST_CHECK pta_words_hex(pta_ctx *ctx, const pta_words *words,
                                        char **text, size_t *bytes);

#endif
