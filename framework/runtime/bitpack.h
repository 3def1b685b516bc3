/*
 * Integers of W bits one after the other, least significant bit first: elements
 * of a packed message (docs/wire-format.md). Used by transfer.c alone.
 */
#ifndef PTA_RUNTIME_BITPACK_H
#define PTA_RUNTIME_BITPACK_H

#include "ir/format.h"

/** What an element is: `width` 1..31 bits, stored as S8, S16 or S32, and
 * whether the highest bit of the field is its sign. */
typedef struct pta_bit_format {
    int32_t width;
    bool is_signed;
    pta_dtype dtype;
} pta_bit_format;

/** Where the next bit goes; starts as {.at = bytes}. */
typedef struct pta_bit_writer {
    uint8_t *at;
    uint64_t held; /* n_held bits not yet written */
    int32_t n_held;
} pta_bit_writer;

/** Where the next bit comes from; starts as {.at = bytes, .end = their end}. */
typedef struct pta_bit_reader {
    const uint8_t *at, *end;
    uint64_t held; /* n_held bits already read */
    int32_t n_held;
} pta_bit_reader;

/** Bytes of n elements. */
size_t pta_bits_bytes(const pta_bit_format *format, int64_t n);

/** Appends n elements, each cut to its low `width` bits. */
void pta_bits_put(pta_bit_writer *writer, const pta_bit_format *format,
                  const uint8_t *elements, size_t n);

/** Writes what is held back, to a whole byte. After the last put. */
void pta_bits_finish(pta_bit_writer *writer);

/** Reads n elements. */
void pta_bits_take(pta_bit_reader *reader, const pta_bit_format *format,
                   uint8_t *elements, size_t n);

#endif
