/*
 * Packing, unpacking and adding (transfer.h). One walker serves all three: a
 * side of a piece is either dense (elements one after the other, as in a
 * message) or placed by the runs of its copy. Packed pieces have walkers of their
 * own.
 */
#include "runtime/transfer.h"

#include <string.h>

static int32_t find_join(const pta_slice *slice, int32_t input)
{
    for (int32_t j = 0; j < slice->n_joins; j++) {
        if (slice->joins[j].input == input) {
            return j;
        }
    }
    return -1;
}

static pta_status open_piece(pta_ctx *ctx, const pta_piece *from,
                             const pta_slice *src, const size_t *source_at,
                             const pta_slice *dst, pta_transfer_piece *piece)
{
    *piece = (pta_transfer_piece){
        .copy = &from->copy,
        .dtype = from->dtype,
        .element = pta_dtype_bytes(from->dtype),
        .packed = from->packed,
        .bits = {from->format.width, from->format.is_signed, from->dtype},
        .src_at = src != NULL ? pta_slice_out_offset(src, from->src_output)
                              : source_at[from->src_output],
        .message_at = from->offset,
        .dst_at = pta_slice_in_offset(dst, from->dst_input),
        .join = -1};
    if (!from->partial) {
        return PTA_OK;
    }
    piece->join = find_join(dst, from->dst_input);
    if (piece->join < 0) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "input %d of board %d gets partial sums but joins none",
                        from->dst_input, dst->board);
    }
    const pta_value *value = &dst->values[dst->inputs[from->dst_input]];
    piece->sum_bytes =
        (size_t)pta_region_count(&value->region) * piece->element;
    return PTA_OK;
}

pta_status pta_transfer_open(pta_ctx *ctx, const pta_wire *wire,
                             const pta_slice *src, const size_t *source_at,
                             size_t source_bytes, const pta_slice *dst,
                             pta_transfer *out)
{
    *out = (pta_transfer){.n_pieces = wire->n_pieces,
                          .src_bytes = src != NULL ? pta_slice_out_bytes(src)
                                                   : source_bytes,
                          .message_bytes = wire->sample_bytes,
                          .dst_bytes = pta_slice_in_bytes(dst)};
    PTA_TRY_ALLOC(ctx, out->pieces, wire->n_pieces);
    for (int32_t i = 0; i < wire->n_pieces; i++) {
        pta_status status = open_piece(ctx, &wire->pieces[i], src, source_at,
                                       dst, &out->pieces[i]);
        if (status != PTA_OK) {
            pta_transfer_close(ctx, out);
            return status;
        }
    }
    return PTA_OK;
}

void pta_transfer_close(pta_ctx *ctx, pta_transfer *transfer)
{
    pta_free(ctx, transfer->pieces);
    *transfer = (pta_transfer){0};
}

/* Sums wrap instead of overflowing: the plan proved that they fit, and a
 * damaged message must not become undefined behaviour. */
#define ADD(type, dst, src, n)                                                 \
    for (size_t i = 0; i < (n); i++) {                                         \
        type a, b;                                                             \
        memcpy(&a, (dst) + i * sizeof a, sizeof a);                            \
        memcpy(&b, (src) + i * sizeof b, sizeof b);                            \
        a = (type)(a + b);                                                     \
        memcpy((dst) + i * sizeof a, &a, sizeof a);                            \
    }

static void add(pta_dtype dtype, uint8_t *restrict dst,
                const uint8_t *restrict src, size_t n)
{
    if (dtype == PTA_S32) {
        ADD(uint32_t, dst, src, n)
    } else if (dtype == PTA_S64) {
        ADD(uint64_t, dst, src, n)
    } else {
        PTA_ASSERT(dtype == PTA_F32);
        ADD(float, dst, src, n)
    }
}

/* ---- elements of W bits ---- */

static void put_bits(const pta_transfer_piece *piece, const uint8_t *src,
                     uint8_t *message)
{
    pta_bit_writer writer = {.at = message};
    for (int32_t r = 0; r < piece->copy->n_runs; r++) {
        pta_copy_run run = piece->copy->runs[r];
        pta_bits_put(&writer, &piece->bits,
                     src + (size_t)run.src * piece->element,
                     (size_t)run.length);
    }
    pta_bits_finish(&writer);
}

static void take_bits(const pta_transfer_piece *piece, const uint8_t *message,
                      uint8_t *dst)
{
    const pta_copy *copy = piece->copy;
    pta_bit_reader reader = {
        .at = message,
        .end = message + pta_bits_bytes(&piece->bits, copy->n_elements)};
    for (int32_t r = 0; r < copy->n_runs; r++) {
        pta_copy_run run = copy->runs[r];
        pta_bits_take(&reader, &piece->bits,
                      dst + (size_t)run.dst * piece->element,
                      (size_t)run.length);
    }
}

/* ---- elements of the storage type ---- */

/** One piece of one sample; a dense side ignores the places of the runs. */
static void move_piece(const pta_transfer_piece *piece, const uint8_t *src,
                       bool src_dense, uint8_t *dst, bool dst_dense)
{
    size_t at = 0;
    bool adds = piece->join >= 0 && !dst_dense;
    for (int32_t r = 0; r < piece->copy->n_runs; r++) {
        pta_copy_run run = piece->copy->runs[r];
        size_t from = src_dense ? at : (size_t)run.src;
        size_t to = dst_dense ? at : (size_t)run.dst;
        const uint8_t *s = src + from * piece->element;
        uint8_t *d = dst + to * piece->element;
        if (adds) {
            add(piece->dtype, d, s, (size_t)run.length);
        } else {
            memcpy(d, s, (size_t)run.length * piece->element);
        }
        at += (size_t)run.length;
    }
}

void pta_transfer_pack(const pta_transfer *transfer, const void *src, int32_t n,
                       void *payload)
{
    const uint8_t *s = src;
    uint8_t *message = payload;
    for (int32_t i = 0; i < n; i++) {
        for (int32_t p = 0; p < transfer->n_pieces; p++) {
            const pta_transfer_piece *piece = &transfer->pieces[p];
            if (piece->packed) {
                put_bits(piece, s + piece->src_at,
                         message + piece->message_at);
            } else {
                move_piece(piece, s + piece->src_at, false,
                           message + piece->message_at, true);
            }
        }
        s += transfer->src_bytes;
        message += transfer->message_bytes;
    }
}

/** Where a piece of sample i goes at the receiver. */
static uint8_t *place(const pta_transfer *transfer,
                      const pta_transfer_piece *piece, int32_t i, void *dst,
                      void *const *sums)
{
    if (piece->join >= 0) {
        return (uint8_t *)sums[piece->join] + (size_t)i * piece->sum_bytes;
    }
    return (uint8_t *)dst + (size_t)i * transfer->dst_bytes + piece->dst_at;
}

void pta_transfer_unpack(const pta_transfer *transfer, const void *payload,
                         int32_t n, void *dst, void *const *sums)
{
    const uint8_t *message = payload;
    for (int32_t i = 0; i < n; i++) {
        for (int32_t p = 0; p < transfer->n_pieces; p++) {
            const pta_transfer_piece *piece = &transfer->pieces[p];
            uint8_t *to = place(transfer, piece, i, dst, sums);
            if (piece->packed) {
                take_bits(piece, message + piece->message_at, to);
            } else {
                move_piece(piece, message + piece->message_at, true, to, false);
            }
        }
        message += transfer->message_bytes;
    }
}

void pta_transfer_copy(const pta_transfer *transfer, const void *src, int32_t n,
                       void *dst, void *const *sums)
{
    const uint8_t *s = src;
    for (int32_t i = 0; i < n; i++) {
        for (int32_t p = 0; p < transfer->n_pieces; p++) {
            const pta_transfer_piece *piece = &transfer->pieces[p];
            move_piece(piece, s + piece->src_at, false,
                       place(transfer, piece, i, dst, sums), false);
        }
        s += transfer->src_bytes;
    }
}
