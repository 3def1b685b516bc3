/*
 * Message headers: writing and checking (header.h, docs/wire-format.md).
 *
 * The check is strict: a receiver knows plan, sequence and size of what comes
 * next, so anything else is damage and never guessed at.
 */
#include "runtime/header.h"

#include <inttypes.h>

#include "base/hash.h"

enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_FLAGS = 6,
    AT_PLAN_TAG = 8,
    AT_SEQUENCE = 16,
    AT_SAMPLES = 24,
    AT_STATUS = 28,
    AT_PAYLOAD = 32,
    AT_CRC = 36,
    AT_TIME = 40
};

static void put(uint8_t *bytes, uint64_t value, int n)
{
    for (int i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint64_t get(const uint8_t *bytes, int n)
{
    uint64_t value = 0;
    for (int i = 0; i < n; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return value;
}

void pta_header_write(const pta_header *header, uint8_t bytes[PTA_HEADER_BYTES])
{
    put(bytes + AT_MAGIC, PTA_HEADER_MAGIC, 4);
    put(bytes + AT_VERSION, PTA_HEADER_VERSION, 2);
    put(bytes + AT_FLAGS, header->flags, 2);
    put(bytes + AT_PLAN_TAG, header->plan_tag, 8);
    put(bytes + AT_SEQUENCE, header->sequence, 8);
    put(bytes + AT_SAMPLES, header->n_samples, 4);
    put(bytes + AT_STATUS, header->status, 4);
    put(bytes + AT_PAYLOAD, header->payload_bytes, 4);
    put(bytes + AT_CRC, header->crc, 4);
    put(bytes + AT_TIME, header->time_ns, 8);
}

/** One field of the header against the value it must have. */
static pta_status expect(pta_ctx *ctx, const char *field, uint64_t found,
                         uint64_t expected)
{
    if (found == expected) {
        return PTA_OK;
    }
    return pta_fail(ctx, PTA_ERR_FORMAT,
                    "%s is 0x%" PRIx64 ", expected 0x%" PRIx64, field, found,
                    expected);
}

pta_status pta_header_check(pta_ctx *ctx, const uint8_t *bytes, size_t n_bytes,
                            const pta_header *expected, pta_header *out)
{
    if (n_bytes < PTA_HEADER_BYTES) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "%zu bytes, a header has %d",
                        n_bytes, PTA_HEADER_BYTES);
    }
    PTA_TRY(expect(ctx, "magic", get(bytes + AT_MAGIC, 4), PTA_HEADER_MAGIC));
    PTA_TRY(
        expect(ctx, "version", get(bytes + AT_VERSION, 2), PTA_HEADER_VERSION));
    PTA_TRY(expect(ctx, "flags", get(bytes + AT_FLAGS, 2), expected->flags));
    PTA_TRY(expect(ctx, "plan tag", get(bytes + AT_PLAN_TAG, 8),
                   expected->plan_tag));
    PTA_TRY(expect(ctx, "sequence", get(bytes + AT_SEQUENCE, 8),
                   expected->sequence));
    PTA_TRY(expect(ctx, "sample count", get(bytes + AT_SAMPLES, 4),
                   expected->n_samples));
    pta_header read = *expected;
    read.status = (uint32_t)get(bytes + AT_STATUS, 4);
    if (read.status >= PTA_STATUS_COUNT) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "status %u does not exist",
                        read.status);
    }
    read.payload_bytes = read.status == PTA_OK ? expected->payload_bytes : 0;
    PTA_TRY(expect(ctx, "payload size", get(bytes + AT_PAYLOAD, 4),
                   read.payload_bytes));
    PTA_TRY(expect(ctx, "message size", n_bytes,
                   PTA_HEADER_BYTES + (uint64_t)read.payload_bytes));
    read.crc = pta_crc32c(0, bytes + PTA_HEADER_BYTES, read.payload_bytes);
    PTA_TRY(expect(ctx, "CRC-32C", get(bytes + AT_CRC, 4), read.crc));
    read.time_ns = get(bytes + AT_TIME, 8);
    *out = read;
    return PTA_OK;
}

uint64_t pta_header_plan_tag(const char *digest_hex)
{
    char text[17] = {0};
    for (int i = 0; i < 16 && digest_hex[i] != '\0'; i++) {
        text[i] = digest_hex[i];
    }
    return strtoull(text, NULL, 16);
}
