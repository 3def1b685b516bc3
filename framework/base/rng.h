/* splitmix64 (Steele, Lea, Flood 2014): the one random source of Partita. */
#ifndef PTA_BASE_RNG_H
#define PTA_BASE_RNG_H

#include <stdint.h>

static inline uint64_t pta_rng_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/** Uniform integer in [lo, hi]; hi - lo below 2^63. */
static inline int64_t pta_rng_range(uint64_t *state, int64_t lo, int64_t hi)
{
    uint64_t span = (uint64_t)hi - (uint64_t)lo + 1;
    return (int64_t)((uint64_t)lo + pta_rng_next(state) % span);
}

#endif
