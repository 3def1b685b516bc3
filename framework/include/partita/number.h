/*
 * Numbers: what the raw integers of a tensor mean and how they lie in memory.
 *
 * A tensor is an array of raw integers with one format. fixed<W,I> has W bits
 * with sign, I integer bits with sign (I may be negative or exceed W), and
 * F = W - I fraction bits: value = raw * 2^-F. ufixed<W,I> is the same without
 * sign. These are ap_fixed and ap_ufixed of the Vitis HLS libraries.
 *
 * Plain C99 without functions: kernels, accelerator generators and the users
 * of the library share it.
 */
#ifndef PARTITA_NUMBER_H
#define PARTITA_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Rule for dropped fraction bits; x is the exact value in destination LSBs. */
typedef enum pta_rounding {
    PTA_RND_TRN,         /* floor(x) */
    PTA_RND_TRN_ZERO,    /* towards zero */
    PTA_RND_RND,         /* floor(x + 1/2): the exact profile */
    PTA_RND_RND_ZERO,    /* nearest, ties towards zero */
    PTA_RND_RND_INF,     /* nearest, ties away from zero */
    PTA_RND_RND_MIN_INF, /* nearest, ties towards -infinity */
    PTA_RND_RND_CONV     /* nearest, ties to even */
} pta_rounding;

/* Rule for values outside the range. */
typedef enum pta_overflow {
    PTA_OVF_WRAP,     /* keep the low W bits */
    PTA_OVF_SAT,      /* clamp to [min, max]: the exact profile */
    PTA_OVF_SAT_SYM,  /* clamp to [-max, max]: weights of the exact profile */
    PTA_OVF_SAT_ZERO  /* 0 when out of range */
} pta_overflow;

typedef struct pta_format {
    int16_t width;    /* W, 2..32 */
    int16_t integer;  /* I */
    bool is_signed;
    uint8_t rounding; /* pta_rounding */
    uint8_t overflow; /* pta_overflow */
} pta_format;

/*
 * Storage of an element: the narrowest signed type that holds the whole range
 * (so ufixed<8> takes 16 bits), and every kernel handles signed integers only.
 * F32 belongs to the `float` device alone.
 */
typedef enum pta_dtype { PTA_S8, PTA_S16, PTA_S32, PTA_S64, PTA_F32 } pta_dtype;

/* Activation applied to the accumulator, before the one conversion. */
typedef enum pta_activation {
    PTA_ACT_NONE,
    PTA_ACT_RELU,    /* max(x, 0) */
    PTA_ACT_RELU_MAX /* min(max(x, 0), act_max) */
} pta_activation;

#endif
