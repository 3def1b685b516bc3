/*
 * SHA-256 (FIPS 180-4) and CRC-32C. The CRC uses the SSE4.2 instruction where
 * the CPU has it: it is computed for every message, on the path of latency.
 */
#include "base/hash.h"

#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <wmmintrin.h>
#endif

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotr(uint32_t x, int n)
{
    return (x >> n) | (x << (32 - n));
}

static void compress(uint32_t state[8], const uint8_t block[64])
{
    uint32_t w[64];
    for (int i = 0; i < 16; i++) {
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    }
    for (int i = 16; i < 64; i++) {
        uint32_t s0 =
            rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
        uint32_t s1 =
            rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    uint32_t v[8];
    memcpy(v, state, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t s1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25);
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t t1 = v[7] + s1 + choice + round_constants[i] + w[i];
        uint32_t s0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22);
        uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        memmove(v + 1, v, 7 * sizeof v[0]);
        v[4] += t1;
        v[0] = t1 + s0 + majority;
    }
    for (int i = 0; i < 8; i++) {
        state[i] += v[i];
    }
}

void pta_sha256_init(pta_sha256 *hash)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                      0xa54ff53a, 0x510e527f, 0x9b05688c,
                                      0x1f83d9ab, 0x5be0cd19};
    memset(hash, 0, sizeof *hash);
    memcpy(hash->state, start, sizeof start);
}

void pta_sha256_update(pta_sha256 *hash, const void *data, size_t n_bytes)
{
    const uint8_t *bytes = data;
    while (n_bytes > 0) {
        size_t used = hash->n_bytes % 64;
        size_t take = 64 - used < n_bytes ? 64 - used : n_bytes;
        memcpy(hash->block + used, bytes, take);
        hash->n_bytes += take;
        bytes += take;
        n_bytes -= take;
        if (used + take == 64) {
            compress(hash->state, hash->block);
        }
    }
}

void pta_sha256_final(pta_sha256 *hash, uint8_t digest[PTA_SHA256_BYTES])
{
    uint64_t n_bits = hash->n_bytes * 8;
    static const uint8_t pad[64] = {0x80};
    size_t used = hash->n_bytes % 64;
    pta_sha256_update(hash, pad, used < 56 ? 56 - used : 120 - used);
    uint8_t length[8];
    for (int i = 0; i < 8; i++) {
        length[i] = (uint8_t)(n_bits >> (56 - 8 * i));
    }
    pta_sha256_update(hash, length, sizeof length);
    for (int i = 0; i < PTA_SHA256_BYTES; i++) {
        digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

void pta_sha256_hex(const uint8_t digest[PTA_SHA256_BYTES],
                    char text[PTA_SHA256_HEX])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < PTA_SHA256_BYTES; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[2 * PTA_SHA256_BYTES] = '\0';
}

static uint32_t crc_bits(uint32_t crc, const uint8_t *bytes, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0x82f63b78U & (0U - (crc & 1U)));
        }
    }
    return crc;
}

#if defined(__x86_64__)
#define LANE_BYTES 256

/* x^(8 LANE_BYTES - 33) and x^(16 LANE_BYTES - 33) modulo the polynomial, bits
 * reflected: a CRC times one of these, reduced, is the CRC with one or two
 * lanes of zeros behind it (the other x^33 come from the product and from the
 * CRC instruction). */
#define ONE_LANE  0xb9e02b86U
#define TWO_LANES 0xdd7e3b0cU

__attribute__((target("sse4.2"))) static uint64_t crc_word(uint64_t crc,
                                                           const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return _mm_crc32_u64(crc, word);
}

__attribute__((target("sse4.2,pclmul"))) static uint64_t
skip_zeros(uint64_t crc, uint32_t factor)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc),
                             _mm_cvtsi64_si128((long long)factor), 0);
    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

/** Three lanes side by side: the instruction gives a result a cycle, but each
 * takes three. */
__attribute__((target("sse4.2,pclmul"))) static uint32_t
crc_lanes(uint32_t crc, const uint8_t *bytes, size_t n_bytes)
{
    uint64_t first = crc;
    for (; n_bytes >= 3 * LANE_BYTES; n_bytes -= 3 * LANE_BYTES) {
        uint64_t second = 0, third = 0;
        for (size_t i = 0; i < LANE_BYTES; i += 8) {
            first = crc_word(first, bytes + i);
            second = crc_word(second, bytes + LANE_BYTES + i);
            third = crc_word(third, bytes + 2 * LANE_BYTES + i);
        }
        first =
            skip_zeros(first, TWO_LANES) ^ skip_zeros(second, ONE_LANE) ^ third;
        bytes += 3 * LANE_BYTES;
    }
    for (; n_bytes >= 8; bytes += 8, n_bytes -= 8) {
        first = crc_word(first, bytes);
    }
    crc = (uint32_t)first;
    for (; n_bytes > 0; bytes++, n_bytes--) {
        crc = _mm_crc32_u8(crc, *bytes);
    }
    return crc;
}
#endif

uint32_t pta_crc32c(uint32_t crc, const void *data, size_t n_bytes)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul")) {
        return ~crc_lanes(~crc, data, n_bytes);
    }
#endif
    return ~crc_bits(~crc, data, n_bytes);
}
