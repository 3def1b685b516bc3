/*
 * The kernels to use: references, overridden by what this machine can do.
 *
 * Variants: "ref", "avx2", "vnni" (AVX-512 with VNNI); all give the same bits.
 */
#ifndef PTA_KERNELS_TABLE_H
#define PTA_KERNELS_TABLE_H

#include "kernels/act.h"
#include "kernels/conv.h"
#include "kernels/dense.h"
#include "kernels/merge.h"
#include "kernels/pool.h"
#include "kernels/shape.h"

#define PTA_KERNEL_VARIANTS "ref, avx2, vnni"

typedef struct pta_kernel_table {
    const char *variant;
    const pta_product_ops *ops; /* for pta_dense_prepare and the like */
    void (*dense)(const pta_dense *, const pta_batch *);
    void (*conv)(const pta_conv *, const pta_batch *);
    void (*dwconv)(const pta_conv *, const pta_batch *);
    void (*scale)(const pta_scale *, const pta_batch *);
    void (*relu)(const pta_relu *, const pta_batch *);
    void (*lookup)(const pta_lookup *, const pta_batch *);
    void (*maxpool)(const pta_pool *, const pta_batch *);
    void (*avgpool)(const pta_pool *, const pta_batch *);
    void (*merge)(const pta_merge *, const pta_batch *);
    void (*concat)(const pta_concat *, const pta_batch *);
    void (*permute)(const pta_permute *, const pta_batch *);
    void (*pad)(const pta_pad *, const pta_batch *);
    void (*crop)(const pta_crop *, const pta_batch *);
    void (*gather)(const pta_gather *, const pta_batch *);
    void (*convert)(const pta_convert *, const pta_batch *);
} pta_kernel_table;

/** Fills the table for `variant`, NULL for the best of this machine. False,
 * and nothing stored, if there is no such variant or the machine lacks it. */
bool pta_kernel_table_fill(pta_kernel_table *table, const char *variant);

#endif
