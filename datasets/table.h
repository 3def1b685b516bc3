/*
 * Shape of the generated tables nsl_kdd_table.h and unsw_nb15_table.h, which the
 * CSV reader compiles in. Column indices count from 0 in a row of the file.
 */
#ifndef PTA_TABLE_H
#define PTA_TABLE_H

#include <stdbool.h>
#include <stdint.h>

/** Numeric column; min and max are of the training rows, after log1p. */
typedef struct pta_table_column {
    const char *name;
    int32_t index;
    bool log1p;
    double min;
    double max;
} pta_table_column;

/** Nominal column, one-hot over `words` in this order. */
typedef struct pta_table_nominal {
    const char *name;
    int32_t index;
    bool has_other; /* the last word stands for every value not listed; */
                    /* without it such a value gives all zeros */
    int32_t n_words;
    const char *const *words;
} pta_table_nominal;

/** Class number of a label as the file spells it; sorted by bytes. */
typedef struct pta_table_label {
    const char *label;
    int32_t index;
} pta_table_label;

#endif
