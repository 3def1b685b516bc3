/*
 * The 48 bytes in front of every message (docs/wire-format.md).
 *
 * Written and checked here alone; free of MPI, so that a board's firmware or a
 * capture tool can use it. All fields are little-endian.
 */
#ifndef PTA_RUNTIME_HEADER_H
#define PTA_RUNTIME_HEADER_H

#include "base/ctx.h"

#define PTA_HEADER_BYTES   48
#define PTA_HEADER_MAGIC   UINT32_C(0x4d415450) /* "PTAM" on the wire */
#define PTA_HEADER_VERSION 1
#define PTA_HEADER_PACKED  UINT16_C(1) /* elements of W bits in the payload */

typedef struct pta_header {
    uint64_t plan_tag; /* first 8 bytes of the plan's digest */
    uint64_t sequence; /* micro-batch, counted over the runner's life */
    uint32_t n_samples;
    uint32_t payload_bytes;
    uint32_t status;  /* pta_status of the batch; if not PTA_OK: no payload */
    uint16_t flags;   /* PTA_HEADER_PACKED, or 0 */
    uint32_t crc;     /* CRC-32C of the payload */
    uint64_t time_ns; /* virtual time stamp; 0 without a model */
} pta_header;

void pta_header_write(const pta_header *header,
                      uint8_t bytes[PTA_HEADER_BYTES]);

/**
 * Reads a header and checks it against what the receiver expects: magic,
 * version and flags; plan tag, sequence and sample count equal to `expected`;
 * a status that exists; payload_bytes equal to `expected` (0 after a failure)
 * and to what arrived (`n_bytes`, header included); CRC of the payload, which
 * follows `bytes`. PTA_ERR_FORMAT says which field differs and how. *out is
 * untouched on failure.
 */
pta_status PTA_MUST_CHECK pta_header_check(pta_ctx *ctx, const uint8_t *bytes,
                                           size_t n_bytes,
                                           const pta_header *expected,
                                           pta_header *out);

/** The first 8 bytes of a digest in hexadecimal, as a number. */
uint64_t pta_header_plan_tag(const char *digest_hex);

#endif
