/*
 * Formats of the exact profile, from (model, bits, ranges) alone: DESIGN 2.
 * The cut has no part in it.
 *
 * What the accumulator of a node holds, and so what acc_* describe:
 *   DENSE, CONV, DWCONV   the sum of products and the bias, acc_frac = Fw + Fx
 *   SCALE_SHIFT           x * scale + shift, likewise
 *   RELU                  alpha * (x - threshold) and x, acc_frac = Falpha + Fx
 *   HARD_SIGMOID          5 * 2^Fx + 2 x (Keras 2) or 3 * 2^Fx + x (Keras 3),
 *                         the numerator of the result, acc_frac = Fx
 *   ADD, SUB, AVERAGE     the sum of the aligned inputs, acc_frac = greatest F
 *   MAXIMUM, CONCAT       the widest aligned input, likewise
 *   MUL                   the product, acc_frac = sum of F
 *   AVGPOOL               the sum over the window, acc_frac = Fx
 *   other nodes           their input
 */
#ifndef PTA_QUANT_FORMATS_H
#define PTA_QUANT_FORMATS_H

#include "ir/node_format.h"
#include "ir/weights.h"
#include "quant/ranges.h"

/** Widths that a node has of its own; 0: it has none (pta_widths_uniform). A
 * clip is how many integer bits less than its range asks for it gets: what is
 * beyond saturates. */
typedef struct pta_widths {
    int32_t out, weight;
    int32_t out_clip, weight_clip;
} pta_widths;

/** `bits` for every tensor and weight of the integer graph, [n_nodes]. */
void pta_widths_uniform(const pta_graph *graph, int32_t bits,
                        pta_widths *widths);

/**
 * Chooses out and weight formats of every node of the integer graph at width
 * `bits` and proves |accumulator| < 2^63 for every layer and partial sum from
 * the actual weights and the input range: acc_frac, acc_bits, acc. Refuses with
 * PTA_ERR_RANGE, naming the layer and the widest width that fits.
 * Weights are read in bounded chunks.
 */
pta_status PTA_MUST_CHECK pta_formats_choose(
    pta_ctx *ctx, const pta_graph *graph, pta_weights *weights,
    const pta_ranges *ranges, int32_t bits, pta_node_format *formats);

/** The same with a width for each tensor and each layer's weights. */
pta_status PTA_MUST_CHECK pta_formats_choose_widths(pta_ctx *ctx,
                                                    const pta_graph *graph,
                                                    pta_weights *weights,
                                                    const pta_ranges *ranges,
                                                    const pta_widths *widths,
                                                    pta_node_format *formats);

/** The proof alone, for formats that a person wrote: fills acc_*. */
pta_status PTA_MUST_CHECK pta_formats_prove(pta_ctx *ctx,
                                            const pta_graph *graph,
                                            pta_weights *weights,
                                            pta_node_format *formats);

#endif
