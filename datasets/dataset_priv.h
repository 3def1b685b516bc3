/*
 * What the kinds of data sets share behind dataset.h: the handle, and the
 * description of a named set. For datasets/ only.
 */
#ifndef PTA_DATASETS_DATASET_PRIV_H
#define PTA_DATASETS_DATASET_PRIV_H

#include "datasets/dataset.h"

struct pta_dataset {
    char *set, *split; /* owned */
    int64_t rows;
    int32_t *labels; /* owned; [rows] or NULL */
    int32_t n_inputs;
    int64_t *counts; /* owned; [n_inputs], elements of a row */

    /** Rows of one input, NULL for random sets; arguments are checked. */
    pta_status (*read)(pta_dataset *data, pta_ctx *ctx, int32_t input,
                       int64_t first, int64_t n, float *values);
    /** Releases `kind`; NULL: a plain block. */
    void (*close)(pta_ctx *ctx, void *kind);
    void *kind; /* owned; of the kind of set */

    bool is_random;
    uint64_t seed;
};

/** A set known by name. It opens into a handle of which set, split, n_inputs
 * and counts are filled in; at most `limit` rows are kept. */
typedef struct pta_named_set {
    const char *name;
    const char *splits; /* "train test" */
    const char *shapes; /* of the model input: "784 28x28 28x28x1" */
    pta_status (*open)(pta_ctx *ctx, int64_t limit, pta_dataset *data);
} pta_named_set;

extern const pta_named_set pta_set_mnist, pta_set_nsl_kdd, pta_set_unsw_nb15;

/** Opens the user's own file (user.c); fills all of the handle but `set`. */
pta_status PTA_MUST_CHECK pta_user_open(pta_ctx *ctx, const char *path,
                                        const pta_dataset_want *inputs,
                                        int64_t limit, pta_dataset *data);

/** "28x28x1"; text of at most `size` bytes. */
void pta_shape_text(int32_t rank, const int32_t *dim, char *text, size_t size);

#endif
