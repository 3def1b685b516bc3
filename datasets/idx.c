/*
 * Parses IDX headers. Every size comes from outside: nothing is multiplied
 * before it is known to fit.
 */
#include "datasets/idx.h"

static uint32_t idx_word(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

pta_status pta_idx_parse(pta_ctx *ctx, const char *path, const uint8_t *bytes,
                         size_t n_bytes, int32_t rank, pta_idx *out)
{
    PTA_ASSERT(rank >= 1 && rank <= PTA_IDX_RANK);
    size_t header = 4 + 4 * (size_t)rank;
    if (n_bytes < 4) {
        return pta_fail(
            ctx, PTA_ERR_FORMAT,
            "%s: truncated: %zu bytes, an IDX file has at least %zu", path,
            n_bytes, header);
    }
    uint32_t magic = 0x800u + (uint32_t)rank;
    if (idx_word(bytes) != magic) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: magic number is 0x%08x, expected 0x%08x", path,
                        (unsigned)idx_word(bytes), (unsigned)magic);
    }
    if (n_bytes < header) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "%s: truncated inside the header",
                        path);
    }
    pta_idx idx = {.rank = rank, .data = bytes + header};
    uint64_t count = 1;
    for (int32_t i = 0; i < rank; i++) {
        uint32_t dim = idx_word(bytes + 4 + 4 * i);
        if (dim == 0 || dim > INT32_MAX || count > UINT64_MAX / dim) {
            return pta_fail(ctx, PTA_ERR_FORMAT, "%s: axis %d has size %u",
                            path, (int)i, (unsigned)dim);
        }
        count *= dim;
        idx.dim[i] = (int32_t)dim;
    }
    if (count != n_bytes - header) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: %s: %zu bytes of data, the header promises %llu",
                        path,
                        count > n_bytes - header ? "truncated" : "too long",
                        n_bytes - header, (unsigned long long)count);
    }
    *out = idx;
    return PTA_OK;
}
