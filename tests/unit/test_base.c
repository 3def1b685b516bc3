/* framework/base and framework/json: errors, memory, faults, hashes, files. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/ctx.h"
#include "base/hash.h"
#include "base/rng.h"
#include "json/json.h"

static void sha256_of_published_vectors(void)
{
    /* FIPS 180-4 examples; the last is 10^6 times 'a'. */
    static const struct {
        const char *text, *hex;
        int repeat;
    } vectors[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
         1},
        {"abc",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 1},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", 1},
        {"a",
         "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
         1000000}};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        pta_sha256 hash;
        pta_sha256_init(&hash);
        for (int r = 0; r < vectors[i].repeat; r++) {
            pta_sha256_update(&hash, vectors[i].text, strlen(vectors[i].text));
        }
        uint8_t digest[PTA_SHA256_BYTES];
        char hex[PTA_SHA256_HEX];
        pta_sha256_final(&hash, digest);
        pta_sha256_hex(digest, hex);
        CU_ASSERT_STRING_EQUAL(hex, vectors[i].hex);
    }
}

static void crc32c_of_published_vectors(void)
{
    /* RFC 3720, B.4. */
    uint8_t bytes[32] = {0};
    CU_ASSERT_EQUAL(pta_crc32c(0, bytes, 32), 0x8a9136aaU);
    memset(bytes, 0xff, 32);
    CU_ASSERT_EQUAL(pta_crc32c(0, bytes, 32), 0x62a8ab43U);
    CU_ASSERT_EQUAL(pta_crc32c(0, "123456789", 9), 0xe3069283U);
    CU_ASSERT_EQUAL(pta_crc32c(pta_crc32c(0, "1234", 4), "56789", 5),
                    0xe3069283U);
}

/** Whole blocks of three lanes, and what is left of them, against one byte at a
 * time (which the published vectors hold). */
static void crc32c_of_long_messages(void)
{
    static const size_t lengths[] = {767, 768, 769, 1535, 1536, 1568, 5000};
    static uint8_t bytes[5001];
    uint64_t state = 20260722;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)pta_rng_next(&state);
    }
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        for (size_t at = 0; at < 2; at++) {
            uint32_t crc = 0;
            for (size_t i = 0; i < lengths[l]; i++) {
                crc = pta_crc32c(crc, bytes + at + i, 1);
            }
            CU_ASSERT_EQUAL(pta_crc32c(0, bytes + at, lengths[l]), crc);
        }
    }
}

static void splitmix64_of_published_vector(void)
{
    uint64_t state = 1234567;
    CU_ASSERT_EQUAL(pta_rng_next(&state), UINT64_C(6457827717110365317));
    CU_ASSERT_EQUAL(pta_rng_next(&state), UINT64_C(3203168211198807973));
}

static void memory_is_balanced_and_aligned(void)
{
    pta_ctx *ctx = pta_ctx_create();
    char *a = pta_calloc(ctx, 3, 5);
    char *b = pta_calloc(ctx, 0, 8);
    CU_ASSERT_EQUAL((uintptr_t)a % 64, 0);
    CU_ASSERT_PTR_NOT_NULL(b);
    memcpy(a, "fifteen bytes!", 15);
    a = pta_realloc(ctx, a, 4000);
    CU_ASSERT_STRING_EQUAL(a, "fifteen bytes!");
    CU_ASSERT_EQUAL(a[3999], 0);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 2);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_bytes, 4000);
    CU_ASSERT_PTR_NULL(pta_calloc(ctx, SIZE_MAX / 2, 4));
    CU_ASSERT_STRING_NOT_EQUAL(pta_ctx_error(ctx), "");
    pta_free(ctx, a);
    pta_free(ctx, b);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
    CU_ASSERT_PTR_NULL(ctx);
}

static void every_nth_operation_fails(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_ctx_set_faults(ctx, 3, 7);
    int failed = 0;
    for (int i = 0; i < 30; i++) {
        void *block = pta_calloc(ctx, 1, 1);
        failed += block == NULL;
        pta_free(ctx, block);
    }
    CU_ASSERT_EQUAL(failed, 10);
    pta_ctx_destroy(&ctx);
}

static void details_are_kept_and_prefixed(void)
{
    pta_ctx *ctx = pta_ctx_create();
    CU_ASSERT_EQUAL(pta_fail(ctx, PTA_ERR_IO, "%s: gone", "x.h5"), PTA_ERR_IO);
    CU_ASSERT_EQUAL(pta_fail_in(ctx, PTA_ERR_PEER, "rank %d", 3), PTA_ERR_PEER);
    CU_ASSERT_STRING_EQUAL(pta_ctx_error(ctx), "rank 3: x.h5: gone");
    CU_ASSERT_STRING_EQUAL(pta_status_name(PTA_ERR_PEER), "PTA_ERR_PEER");
    CU_ASSERT_STRING_EQUAL(pta_status_name((pta_status)999), "PTA_ERR_?");
    pta_ctx_destroy(&ctx);
}

static void json_errors_name_line_and_key(void)
{
    pta_ctx *ctx = pta_ctx_create();
    json_t *json = NULL;
    CU_ASSERT_EQUAL(pta_json_parse(ctx, "{\n\"a\": 1,\n}", "p.json", &json),
                    PTA_ERR_FORMAT);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "p.json: line 3"));
    CU_ASSERT_EQUAL(pta_json_parse(ctx, "{\"a\":1,\"a\":2}", "p.json", &json),
                    PTA_ERR_FORMAT);
    UNIT_OK(ctx, pta_json_parse(ctx, "{\"a\": 1}", "p.json", &json));
    int64_t number = 0;
    const char *text = NULL;
    UNIT_OK(ctx, pta_json_int(ctx, json, "p.json", "a", 0, 1, &number));
    CU_ASSERT_EQUAL(number, 1);
    CU_ASSERT_EQUAL(pta_json_int(ctx, json, "p.json", "a", 2, 3, &number),
                    PTA_ERR_FORMAT);
    CU_ASSERT_EQUAL(pta_json_string(ctx, json, "p.json", "a", &text),
                    PTA_ERR_FORMAT);
    CU_ASSERT_STRING_EQUAL(pta_ctx_error(ctx),
                           "p.json: key \"a\" must be a string");
    const char *const allowed[] = {"b", NULL};
    CU_ASSERT_EQUAL(pta_json_only(ctx, json, "p.json", allowed),
                    PTA_ERR_FORMAT);
    CU_ASSERT_STRING_EQUAL(pta_ctx_error(ctx), "p.json: unknown key \"a\"");
    json_decref(json);
    pta_ctx_destroy(&ctx);
}

static void files_are_written_whole_or_not_at_all(void)
{
    pta_ctx *ctx = pta_ctx_create();
    char path[64], *text = NULL;
    size_t n_bytes = 0;
    snprintf(path, sizeof path, "/tmp/partita-test-base-%ld", (long)getpid());
    UNIT_OK(ctx, pta_file_write(ctx, path, "one", 3));
    UNIT_OK(ctx, pta_file_read(ctx, path, &text, &n_bytes));
    CU_ASSERT_EQUAL(n_bytes, 3);
    CU_ASSERT_STRING_EQUAL(text, "one");
    pta_free(ctx, text);
    remove(path);
    CU_ASSERT_EQUAL(pta_file_read(ctx, path, &text, NULL), PTA_ERR_IO);
    CU_ASSERT_EQUAL(pta_file_write(ctx, "/nonexistent/x", "one", 3),
                    PTA_ERR_IO);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

static const unit_test tests[] = {
    {"SHA-256 of published vectors", sha256_of_published_vectors},
    {"CRC-32C of published vectors", crc32c_of_published_vectors},
    {"CRC-32C of long messages", crc32c_of_long_messages},
    {"splitmix64 of the published vector", splitmix64_of_published_vector},
    {"memory is balanced and aligned", memory_is_balanced_and_aligned},
    {"every n-th operation fails", every_nth_operation_fails},
    {"details are kept and prefixed", details_are_kept_and_prefixed},
    {"JSON errors name line and key", json_errors_name_line_and_key},
    {"files are written whole or not", files_are_written_whole_or_not_at_all},
};
UNIT_MAIN("base", tests)
