/* runtime/bitpack: golden bytes, and every width there and back. */
#include "runtime/bitpack.h"

#include <string.h>

#include "base/rng.h"
#include "unit.h"

enum { MOST = 301, ROOM = MOST * 4 + 16, GUARD = 0xa5 };

static const uint64_t seed = 52;

/* 10 bits each: 1, -1, 512 as an unsigned number, 3. */
static void golden(void)
{
    static const int16_t values[] = {1, -1, -512, 3};
    static const uint8_t expected[] = {0x01, 0xfc, 0x0f, 0xe0, 0x00};
    pta_bit_format format = {10, true, PTA_S16};
    uint8_t bytes[8];
    memset(bytes, GUARD, sizeof bytes);
    pta_bit_writer writer = {.at = bytes};
    pta_bits_put(&writer, &format, (const uint8_t *)values, 4);
    pta_bits_finish(&writer);
    CU_ASSERT_EQUAL(pta_bits_bytes(&format, 4), sizeof expected);
    CU_ASSERT(writer.at == bytes + sizeof expected);
    CU_ASSERT_EQUAL(memcmp(bytes, expected, sizeof expected), 0);
    CU_ASSERT_EQUAL(bytes[sizeof expected], GUARD);
}

static void store(pta_dtype dtype, int64_t value, uint8_t *at)
{
    int8_t s8 = (int8_t)value;
    int16_t s16 = (int16_t)value;
    int32_t s32 = (int32_t)value;
    const void *from = dtype == PTA_S8    ? (const void *)&s8
                       : dtype == PTA_S16 ? (const void *)&s16
                                          : (const void *)&s32;
    memcpy(at, from, pta_dtype_bytes(dtype));
}

/* n elements in runs of random length, written and read. */
static void there_and_back(pta_bit_format format, size_t n, uint64_t *state)
{
    uint8_t in[ROOM], out[ROOM], bytes[ROOM];
    size_t element = pta_dtype_bytes(format.dtype);
    size_t n_bytes = pta_bits_bytes(&format, (int64_t)n);
    int64_t span = INT64_C(1) << format.width;
    int64_t lo = format.is_signed ? -span / 2 : 0;
    for (size_t i = 0; i < n; i++) { /* the ends of the range, too */
        int64_t value = i == 0   ? lo
                        : i == 1 ? lo + span - 1
                                 : pta_rng_range(state, lo, lo + span - 1);
        store(format.dtype, value, in + i * element);
    }
    memset(bytes, GUARD, sizeof bytes);
    memset(out, GUARD, sizeof out);
    pta_bit_writer writer = {.at = bytes};
    pta_bit_reader reader = {.at = bytes, .end = bytes + n_bytes};
    for (size_t i = 0; i < n;) {
        size_t run = (size_t)pta_rng_range(state, 1, (int64_t)(n - i));
        pta_bits_put(&writer, &format, in + i * element, run);
        i += run;
    }
    pta_bits_finish(&writer);
    CU_ASSERT(writer.at == bytes + n_bytes);
    CU_ASSERT_EQUAL(bytes[n_bytes], GUARD);
    for (size_t i = 0; i < n;) {
        size_t run = (size_t)pta_rng_range(state, 1, (int64_t)(n - i));
        pta_bits_take(&reader, &format, out + i * element, run);
        i += run;
    }
    CU_ASSERT_EQUAL(memcmp(in, out, n * element), 0);
    CU_ASSERT_EQUAL(out[n * element], GUARD);
}

static void every_width(void)
{
    uint64_t state = seed;
    for (int32_t width = 2; width < 32; width++) {
        for (int s = 0; s < 2; s++) {
            int32_t stored = width + (s == 0); /* a sign for storage */
            pta_dtype dtype = stored <= 8    ? PTA_S8
                              : stored <= 16 ? PTA_S16
                                             : PTA_S32;
            for (int c = 0; c < 20; c++) {
                size_t n = (size_t)pta_rng_range(&state, 1, MOST);
                there_and_back((pta_bit_format){width, s != 0, dtype}, n,
                               &state);
            }
        }
    }
}

/* What does not fit is cut, and spoils no neighbour. */
static void too_wide(void)
{
    static const int16_t values[] = {0, 0x7fff, 0};
    int16_t out[3];
    uint8_t bytes[8] = {0};
    pta_bit_format format = {5, true, PTA_S16};
    pta_bit_writer writer = {.at = bytes};
    pta_bits_put(&writer, &format, (const uint8_t *)values, 3);
    pta_bits_finish(&writer);
    pta_bit_reader reader = {.at = bytes, .end = writer.at};
    pta_bits_take(&reader, &format, (uint8_t *)out, 3);
    CU_ASSERT(out[0] == 0 && out[1] == -1 && out[2] == 0);
}

static const unit_test tests[] = {
    {"golden bytes", golden},
    {"every width there and back", every_width},
    {"a value that does not fit", too_wide},
};

int main(void)
{
    printf("seed %llu\n", (unsigned long long)seed);
    return unit_main("bitpack", tests, sizeof tests / sizeof *tests);
}
