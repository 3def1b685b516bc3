/*
 * What a slice is called in hardware: SHA-256 over a canonical text of its
 * program (steps, shapes, formats, bus layout) and, for a core whose weights
 * are ROM, its raw weights and biases. Names, plan and folding are not part of
 * it: two cores with one digest give the same answers.
 *
 * A core with writable weights is known by its program alone (slopes of ReLU,
 * which stay ROM, included), so that new weights find the same bitstream.
 */
#ifndef PTA_HLS_IDENTITY_H
#define PTA_HLS_IDENTITY_H

#include "base/hash.h"
#include "plan/slice.h"

/** Digest of a slice's core; weights must be loaded unless `ram`. */
void pta_slice_identity(const pta_slice *slice, bool ram,
                        char hex[PTA_SHA256_HEX]);

/** What a step's results hang on beside its weights and shape, for people:
 * "fixed<8,3>, weights fixed<8,0>, sums of 19 bits". Two cores with writable
 * weights that differ here differ in name. */
#define PTA_STEP_FORMATS 160
void pta_step_formats(const pta_slice *slice, const pta_step *step,
                      char text[PTA_STEP_FORMATS]);

#endif
