/*
 * Layers with several inputs, element by element: align exactly, operate
 * exactly, activate, convert once. And concatenation, which only converts.
 */
#ifndef PTA_KERNELS_MERGE_H
#define PTA_KERNELS_MERGE_H

#include "kernels/kernel.h"

typedef enum pta_merge_op {
    PTA_MERGE_ADD,
    PTA_MERGE_SUB, /* input 0 minus input 1 */
    PTA_MERGE_MUL,
    PTA_MERGE_AVERAGE,
    PTA_MERGE_MAXIMUM
} pta_merge_op;

typedef struct pta_operand {
    pta_dtype type;
    int32_t frac;
    int32_t width;
} pta_operand;

typedef struct pta_merge {
    pta_merge_op op;
    int64_t count;
    int32_t n_in;
    const pta_operand *in; /* borrowed; [n_in] */
    pta_dtype y;
    pta_format y_format;
    pta_activation act;
    int64_t act_max; /* at act_frac */
    int32_t act_frac;
    /* from pta_merge_init */
    int32_t frac; /* of the exact result, all operands aligned to it */
} pta_merge;

/** Works out the common scale. False if exact operation would pass 120 bits:
 * fraction bits too far apart, or too many wide factors. */
bool pta_merge_init(pta_merge *m);

void pta_merge_ref(const pta_merge *m, const pta_batch *batch);

/** Joins images along an axis of the view: 0 h, 1 w, 2 c. */
typedef struct pta_concat {
    int32_t axis;
    int32_t n_in;
    const pta_operand *in;    /* borrowed; [n_in] */
    const pta_image *in_view; /* borrowed; [n_in] */
    pta_image out;
    pta_dtype y;
    pta_format y_format;
} pta_concat;

void pta_concat_ref(const pta_concat *c, const pta_batch *batch);

#endif
