/* Chooses kernels at run time (see table.h). */
#include "kernels/table.h"

#include <string.h>

static const pta_kernel_table references = {
    .variant = "ref",
    .ops = NULL,
    .dense = pta_dense_ref,
    .conv = pta_conv_ref,
    .dwconv = pta_dwconv_ref,
    .scale = pta_scale_ref,
    .relu = pta_relu_ref,
    .lookup = pta_lookup_ref,
    .maxpool = pta_maxpool_ref,
    .avgpool = pta_avgpool_ref,
    .merge = pta_merge_ref,
    .concat = pta_concat_ref,
    .permute = pta_permute_ref,
    .pad = pta_pad_ref,
    .crop = pta_crop_ref,
    .gather = pta_gather_ref,
    .convert = pta_convert_tensor_ref,
};

static void use_fast(pta_kernel_table *table, const pta_product_ops *ops)
{
    table->variant = ops->name;
    table->ops = ops;
    table->dense = pta_dense_fast;
    table->conv = pta_conv_fast;
    table->dwconv = pta_dwconv_fast;
    table->maxpool = pta_maxpool_fast;
}

bool pta_kernel_table_fill(pta_kernel_table *table, const char *variant)
{
    const pta_product_ops *ops[] = {pta_product_vnni(), pta_product_avx2()};
    bool is_ref = variant != NULL && strcmp(variant, references.variant) == 0;
    for (size_t i = 0; !is_ref && i < sizeof ops / sizeof *ops; i++) {
        if (ops[i] != NULL &&
            (variant == NULL || strcmp(variant, ops[i]->name) == 0)) {
            *table = references;
            use_fast(table, ops[i]);
            return true;
        }
    }
    if (variant == NULL || is_ref) {
        *table = references;
        return true;
    }
    return false;
}
