/*
 * Moves samples along a wire: packs a sender's outputs into a message, unpacks
 * a message into a receiver's inputs, or does both at once between boards of
 * one rank. Partial sums are added on arrival. No MPI here.
 */
#ifndef PTA_RUNTIME_TRANSFER_H
#define PTA_RUNTIME_TRANSFER_H

#include "plan/wire.h"
#include "runtime/bitpack.h"

/** A piece of a wire with its places worked out, in bytes. */
typedef struct pta_transfer_piece {
    const pta_copy *copy; /* borrowed from the wire */
    pta_dtype dtype;
    size_t element;    /* bytes */
    bool packed;
    pta_bit_format bits; /* if packed */
    size_t src_at;     /* of the tensor in the sender's sample */
    size_t message_at; /* of the piece in a sample of the message */
    size_t dst_at;     /* of the tensor in the receiver's sample */
    int32_t join;      /* partial: which sum of the receiver; else -1 */
    size_t sum_bytes;  /* partial: of one sample of that sum */
} pta_transfer_piece;

typedef struct pta_transfer {
    int32_t n_pieces;
    pta_transfer_piece *pieces;                 /* owned */
    size_t src_bytes, message_bytes, dst_bytes; /* of one sample */
} pta_transfer;

/**
 * `src` is NULL for the source, whose outputs are the graph's inputs: src_at
 * and src_bytes are then `source_at` [n_inputs], the offsets of the model inputs
 * in a sample, and `source_bytes`.
 */
pta_status PTA_MUST_CHECK pta_transfer_open(pta_ctx *ctx, const pta_wire *wire,
                                            const pta_slice *src,
                                            const size_t *source_at,
                                            size_t source_bytes,
                                            const pta_slice *dst,
                                            pta_transfer *out);
void pta_transfer_close(pta_ctx *ctx, pta_transfer *transfer);

/** n samples of the sender into the payload of a message. */
void pta_transfer_pack(const pta_transfer *transfer, const void *src, int32_t n,
                       void *payload);

/** ... from the payload into the receiver's samples; partial pieces are added
 * to sums[join] ([n][sum_bytes]) instead. */
void pta_transfer_unpack(const pta_transfer *transfer, const void *payload,
                         int32_t n, void *dst, void *const *sums);

/** ... from sender to receiver without a message. */
void pta_transfer_copy(const pta_transfer *transfer, const void *src, int32_t n,
                       void *dst, void *const *sums);

#endif
