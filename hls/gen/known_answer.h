/*
 * A sample whose answer is known: what `partita board smoke` asks a core whose
 * weights are ROM. The sample follows from the manifest's inputs alone; its
 * answer, by the device `fixed`, is in the manifest as SHA-256 over the outputs'
 * raw integers in order, each a little-endian int64 (as `digest` of a run).
 */
#ifndef PTA_HLS_KNOWN_ANSWER_H
#define PTA_HLS_KNOWN_ANSWER_H

#include "hls/gen/manifest.h"

/** The sample as it lies on the bus [in_bytes, zeroed]. PTA_ERR_FORMAT naming
 * the input that does not lie in a sample. */
pta_status PTA_MUST_CHECK pta_known_sample(pta_ctx *ctx,
                                           const pta_manifest *manifest,
                                           void *bus);

/** Digest of an answer as it lies on the bus [out_bytes]; PTA_ERR_FORMAT
 * likewise. */
pta_status PTA_MUST_CHECK pta_known_digest(pta_ctx *ctx,
                                           const pta_manifest *manifest,
                                           const void *bus,
                                           char hex[PTA_SHA256_HEX]);

/** Digest of the answer of a loaded slice, by `fixed`; the manifest has its
 * tensors. */
pta_status PTA_MUST_CHECK pta_known_answer(pta_ctx *ctx, const pta_slice *slice,
                                           const pta_manifest *manifest,
                                           char hex[PTA_SHA256_HEX]);

#endif
