/*
 * SHA-256 (FIPS 180-4) for digests of plans, slices and results, and CRC-32C
 * (Castagnoli, RFC 3720) for messages. Both checked against published vectors.
 */
#ifndef PTA_BASE_HASH_H
#define PTA_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define PTA_SHA256_BYTES 32
#define PTA_SHA256_HEX   65 /* with the closing NUL */

typedef struct pta_sha256 {
    uint32_t state[8];
    uint64_t n_bytes;
    uint8_t block[64];
} pta_sha256;

void pta_sha256_init(pta_sha256 *hash);
void pta_sha256_update(pta_sha256 *hash, const void *data, size_t n_bytes);
void pta_sha256_final(pta_sha256 *hash, uint8_t digest[PTA_SHA256_BYTES]);

/** Lower-case hexadecimal text of a digest. */
void pta_sha256_hex(const uint8_t digest[PTA_SHA256_BYTES],
                    char text[PTA_SHA256_HEX]);

/** CRC-32C of `n_bytes`, continuing from `crc` (0 to begin). */
uint32_t pta_crc32c(uint32_t crc, const void *data, size_t n_bytes);

#endif
