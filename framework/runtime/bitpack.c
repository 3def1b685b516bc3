/* Integers of W bits (bitpack.h), 32 bits at a time. */
#include "runtime/bitpack.h"

#include <string.h>

size_t pta_bits_bytes(const pta_bit_format *format, int64_t n)
{
    return ((size_t)n * (size_t)format->width + 7) / 8;
}

static void store_32(uint8_t *at, uint64_t bits)
{
    at[0] = (uint8_t)bits;
    at[1] = (uint8_t)(bits >> 8);
    at[2] = (uint8_t)(bits >> 16);
    at[3] = (uint8_t)(bits >> 24);
}

static uint64_t load_32(const uint8_t *at)
{
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 |
           (uint64_t)at[3] << 24;
}

#define PUT(type)                                                              \
    for (size_t i = 0; i < n; i++) {                                           \
        type value;                                                            \
        memcpy(&value, elements + i * sizeof value, sizeof value);             \
        c.held |= ((uint64_t)(int64_t)value & mask) << c.n_held;               \
        c.n_held += width;                                                     \
        if (c.n_held >= 32) {                                                  \
            store_32(c.at, c.held);                                            \
            c.at += 4;                                                         \
            c.held >>= 32;                                                     \
            c.n_held -= 32;                                                    \
        }                                                                      \
    }

void pta_bits_put(pta_bit_writer *writer, const pta_bit_format *format,
                  const uint8_t *elements, size_t n)
{
    pta_bit_writer c = *writer; /* in registers */
    const int32_t width = format->width;
    const uint64_t mask = (UINT64_C(1) << width) - 1;
    if (format->dtype == PTA_S8) {
        PUT(int8_t)
    } else if (format->dtype == PTA_S16) {
        PUT(int16_t)
    } else {
        PTA_ASSERT(format->dtype == PTA_S32);
        PUT(int32_t)
    }
    *writer = c;
}

void pta_bits_finish(pta_bit_writer *writer)
{
    while (writer->n_held > 0) {
        *writer->at++ = (uint8_t)writer->held;
        writer->held >>= 8;
        writer->n_held -= 8;
    }
    writer->n_held = 0;
}

/** At least `width` bits, never a byte from beyond the end. */
static void refill(pta_bit_reader *c, int32_t width)
{
    if (c->end - c->at >= 4) {
        c->held |= load_32(c->at) << c->n_held;
        c->at += 4;
        c->n_held += 32;
        return;
    }
    while (c->n_held < width && c->at < c->end) {
        c->held |= (uint64_t)*c->at++ << c->n_held;
        c->n_held += 8;
    }
}

#define TAKE(type)                                                             \
    for (size_t i = 0; i < n; i++) {                                           \
        if (c.n_held < width) {                                                \
            refill(&c, width);                                                 \
        }                                                                      \
        type value =                                                           \
            (type)((int64_t)((c.held & mask) ^ sign) - (int64_t)sign);         \
        memcpy(elements + i * sizeof value, &value, sizeof value);             \
        c.held >>= width;                                                      \
        c.n_held -= width;                                                     \
    }

void pta_bits_take(pta_bit_reader *reader, const pta_bit_format *format,
                   uint8_t *elements, size_t n)
{
    pta_bit_reader c = *reader;
    const int32_t width = format->width;
    const uint64_t mask = (UINT64_C(1) << width) - 1;
    const uint64_t sign = format->is_signed ? UINT64_C(1) << (width - 1) : 0;
    if (format->dtype == PTA_S8) {
        TAKE(int8_t)
    } else if (format->dtype == PTA_S16) {
        TAKE(int16_t)
    } else {
        PTA_ASSERT(format->dtype == PTA_S32);
        TAKE(int32_t)
    }
    *reader = c;
}
