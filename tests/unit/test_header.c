/* Message headers: golden bytes, and every single-bit error refused. */
#include "runtime/header.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "unit.h"

enum { PAYLOAD = 9 };

/** A message as docs/wire-format.md shows it. */
static const uint8_t golden[PTA_HEADER_BYTES + PAYLOAD] = {
    'P', 'T', 'A', 'M', 1, 0, 0, 0, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23,
    0x01, 5, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0,
    /* CRC-32C of "123456789", RFC 3720's check value e3069283 */
    0x83, 0x92, 0x06, 0xe3, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, '1',
    '2', '3', '4', '5', '6', '7', '8', '9'};

static const pta_header expected = {.plan_tag = UINT64_C(0x0123456789abcdef),
                                    .sequence = 5,
                                    .n_samples = 3,
                                    .payload_bytes = PAYLOAD};

static void golden_bytes(void)
{
    pta_header header = expected;
    header.crc = pta_crc32c(0, "123456789", PAYLOAD);
    header.time_ns = UINT64_C(0x1122334455667788);
    uint8_t bytes[PTA_HEADER_BYTES];
    pta_header_write(&header, bytes);
    CU_ASSERT_EQUAL(memcmp(bytes, golden, sizeof bytes), 0);
}

static void accepts(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_header read;
    UNIT_OK(ctx,
            pta_header_check(ctx, golden, sizeof golden, &expected, &read));
    CU_ASSERT_EQUAL(read.time_ns, UINT64_C(0x1122334455667788));
    CU_ASSERT_EQUAL(read.status, PTA_OK);
    CU_ASSERT_EQUAL(read.payload_bytes, PAYLOAD);
    pta_ctx_destroy(&ctx);
}

/** Every bit but those of the time stamp, which may be anything. */
static void refuses_each_bit(void)
{
    pta_ctx *ctx = pta_ctx_create();
    for (size_t bit = 0; bit < 8 * sizeof golden; bit++) {
        if (bit / 8 >= 40 && bit / 8 < PTA_HEADER_BYTES) {
            continue;
        }
        uint8_t bytes[sizeof golden];
        memcpy(bytes, golden, sizeof golden);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        pta_header read = {.sequence = 77};
        pta_status status =
            pta_header_check(ctx, bytes, sizeof bytes, &expected, &read);
        CU_ASSERT_EQUAL(status, PTA_ERR_FORMAT);
        CU_ASSERT_EQUAL(read.sequence, 77);
    }
    pta_ctx_destroy(&ctx);
}

static void refuses_lengths(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_header read;
    for (size_t n = 0; n < sizeof golden; n++) {
        CU_ASSERT_EQUAL(pta_header_check(ctx, golden, n, &expected, &read),
                        PTA_ERR_FORMAT);
    }
    pta_ctx_destroy(&ctx);
}

/** A failed batch is a bare header with its status. */
static void failed_batch(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_header header = expected;
    header.status = PTA_ERR_DEVICE;
    header.payload_bytes = 0;
    uint8_t bytes[PTA_HEADER_BYTES + 1] = {0};
    pta_header_write(&header, bytes);
    pta_header read;
    UNIT_OK(ctx,
            pta_header_check(ctx, bytes, PTA_HEADER_BYTES, &expected, &read));
    CU_ASSERT_EQUAL(read.status, PTA_ERR_DEVICE);
    CU_ASSERT_EQUAL(read.payload_bytes, 0);
    CU_ASSERT_EQUAL(
        pta_header_check(ctx, bytes, PTA_HEADER_BYTES + 1, &expected, &read),
        PTA_ERR_FORMAT);
    header.status = PTA_STATUS_COUNT;
    pta_header_write(&header, bytes);
    CU_ASSERT_EQUAL(
        pta_header_check(ctx, bytes, PTA_HEADER_BYTES, &expected, &read),
        PTA_ERR_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "status"));
    pta_ctx_destroy(&ctx);
}

static void plan_tag(void)
{
    CU_ASSERT_EQUAL(pta_header_plan_tag("0123456789abcdef5555"),
                    UINT64_C(0x0123456789abcdef));
    CU_ASSERT_EQUAL(pta_header_plan_tag(""), 0);
}

static const unit_test tests[] = {
    {"golden bytes", golden_bytes},
    {"accepts a good message", accepts},
    {"refuses each flipped bit", refuses_each_bit},
    {"refuses wrong lengths", refuses_lengths},
    {"failed batch", failed_batch},
    {"plan tag", plan_tag}};

UNIT_MAIN("header", tests)
