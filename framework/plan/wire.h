/*
 * Wires: what each sender sends each receiver, worked out once from the slices.
 *
 * Sender and receiver are boards, the source (the model's inputs, whole) or
 * the sink. Everything that one sends another for one sample is one wire: its
 * pieces in order of the receiver's inputs, each piece starting on an 8-byte
 * boundary. A message is n samples of a wire behind one header.
 */
#ifndef PTA_PLAN_WIRE_H
#define PTA_PLAN_WIRE_H

#include "plan/slice.h"

typedef struct pta_piece {
    int32_t src_output; /* index into the sender's outputs (source: model input) */
    int32_t dst_input;  /* index into the receiver's inputs */
    pta_dtype dtype;
    bool partial;       /* to be added, not stored */
    pta_format format;  /* of the raw integers; of no meaning if partial */
    bool packed;        /* elements of format.width bits, see pta_wires_pack */
    size_t offset;      /* of the piece in one sample of the message */
    pta_copy copy;      /* owned; src: sender's output order, dst: receiver's */
} pta_piece;

typedef struct pta_wire {
    int32_t src, dst;     /* boards, PTA_BOARD_SOURCE, PTA_BOARD_SINK */
    int32_t n_pieces;
    pta_piece *pieces;    /* owned */
    size_t sample_bytes;  /* of one sample in a message */
    bool src_direct;      /* a sample in the message is byte for byte the
                             sender's output sample: send from its buffer */
    bool dst_direct;      /* ... the receiver's input sample, this being its
                             only wire, nothing partial: receive into it */
    bool src_whole;       /* it is all of the sender's output sample, packed or
                             not: the same bytes to every such receiver */
    bool packed;          /* some of its pieces are */
} pta_wire;

typedef struct pta_wires {
    int32_t n_wires;
    pta_wire *wires; /* owned; ordered by (src, dst), source first, sink last */
} pta_wires;

/** Wires of a whole plan. `slices` are those of all boards in order, `sink`
 * that of the sink. PTA_ERR_MISMATCH if an input is not covered exactly (a
 * defect of the plan code, checked all the same). */
pta_status PTA_MUST_CHECK pta_wires_build(pta_ctx *ctx, const pta_graph *graph,
                                          const pta_plan *plan,
                                          pta_slice *const *slices,
                                          const pta_slice *sink,
                                          pta_wires *out);

/**
 * Packs the wires where it pays: elements of W bits instead of the storage type
 * on each that gets an eighth shorter or more, its pieces beginning at whole
 * bytes. Partial sums and floats stay as they are. A packed wire is not direct.
 */
void pta_wires_pack(pta_wires *wires);
void pta_wires_free(pta_ctx *ctx, pta_wires *wires);

#endif
