/*
 * A slice that gives back its two inputs, 21 elements of W bits and 22 of 2 W:
 * what a core that loops its stream back computes.
 */
#ifndef PTA_TESTS_TWO_TENSORS_H
#define PTA_TESTS_TWO_TENSORS_H

#include "plan/slice.h"

typedef struct two_tensors {
    pta_value values[2];
    int32_t which[2];
    pta_slice slice;
} two_tensors;

void two_make(two_tensors *two, int width, bool is_signed);

/** Random samples of the seed into a host buffer; whether it holds them. */
void two_put(const two_tensors *two, void *in, int32_t n, uint64_t seed);
bool two_got(const two_tensors *two, const void *out, int32_t n, uint64_t seed);

#endif
