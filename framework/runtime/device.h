/*
 * A device: what executes a slice. Free of MPI and HDF5.
 *
 * float, blas and fixed run on the host; rtl (simulated accelerator) and board
 * (the FPGA) plug in here too. The runtime opens a device with a loaded slice,
 * writes n samples into an input buffer that the device owns, submits, and
 * collects them from an output buffer that the device owns.
 *
 * Buffers. Slot s in [0, n_slots) has an input and an output buffer, 64-byte
 * aligned, for up to max_samples samples of pta_slice_in_bytes /
 * pta_slice_out_bytes each. Before either lie PTA_HEADER_ROOM bytes that belong
 * to the runtime, so that a message header and its payload are contiguous and
 * messages are received and sent without a copy.
 *
 * Order. Submits complete in order; up to n_slots batches may be in flight. A
 * host device may do the work inside submit.
 */
#ifndef PTA_RUNTIME_DEVICE_H
#define PTA_RUNTIME_DEVICE_H

#include "plan/slice.h"

#define PTA_HEADER_ROOM 64

/** What a batch cost; absent values are PTA_COST_ABSENT. */
#define PTA_COST_ABSENT UINT64_MAX
typedef struct pta_cost {
    uint64_t cycles;       /* accelerator cycles of the batch */
    uint64_t latency;      /* of these, the first sample's: first word in to
                              last word out */
    uint64_t interval;     /* cycles between samples, steady state */
    uint64_t stalls_in;    /* cycles the core waited for input */
    uint64_t stalls_out;   /* cycles the core waited for output */
    uint64_t host_ns;      /* host time between submit and completion; absent
                              if submit itself computes: the caller's clock is
                              as good, and each reading costs some 40 ns */
} pta_cost;

#define PTA_COST_NONE                                                          \
    ((pta_cost){PTA_COST_ABSENT, PTA_COST_ABSENT, PTA_COST_ABSENT,             \
                PTA_COST_ABSENT, PTA_COST_ABSENT, PTA_COST_ABSENT})

/** The lesser of two figures that may be absent. */
static inline uint64_t pta_cost_least(uint64_t a, uint64_t b)
{
    return a < b ? a : b; /* absent is the greatest */
}

typedef struct pta_device_params {
    int32_t max_samples;  /* of one batch */
    int32_t n_slots;      /* at least 2 for overlap */
    const char *options;  /* text after "NAME:", as "stall=40,seed=7"; or NULL */
} pta_device_params;

typedef struct pta_device pta_device;

typedef struct pta_device_ops {
    const char *name; /* "float", "blas", "fixed", "rtl", "board" */
    bool is_float;    /* wants a float slice */
    /** Bytes that open will allocate for buffers and workspace; may be NULL. */
    size_t (*workspace_bytes)(const pta_slice *slice,
                              const pta_device_params *params);
    /** The slice is borrowed and outlives the device. All memory is acquired
     * here. Unknown options are PTA_ERR_USAGE naming option and valid set. */
    pta_status (*open)(pta_ctx *ctx, const pta_slice *slice,
                       const pta_device_params *params, pta_device **out);
    void *(*in_buffer)(pta_device *device, int32_t slot);
    void *(*out_buffer)(pta_device *device, int32_t slot);
    /** Starts n samples lying in the slot's input buffer. Allocates nothing. */
    pta_status (*submit)(pta_device *device, pta_ctx *ctx, int32_t slot,
                         int32_t n_samples);
    /** Waits for the slot's batch; its outputs are then in the out buffer. */
    pta_status (*collect)(pta_device *device, pta_ctx *ctx, int32_t slot,
                          pta_cost *cost);
    /** Back to the state after open; NULL: nothing to do. */
    pta_status (*reset)(pta_device *device, pta_ctx *ctx);
    void (*close)(pta_ctx *ctx, pta_device **device);
    /** Batches worth keeping in flight before collecting; 0 or 1: none. */
    int32_t overlap;
} pta_device_ops;

/** First member of every device's own struct. */
struct pta_device {
    const pta_device_ops *ops;
};

extern const pta_device_ops pta_device_float; /* device_float.c */
extern const pta_device_ops pta_device_blas;  /* device_blas.c */
extern const pta_device_ops pta_device_fixed; /* device_fixed.c */

/** Device of "NAME" or "NAME:options"; `options` (borrowed from `text`) may be
 * set to NULL. PTA_ERR_USAGE names the known devices. */
pta_status PTA_MUST_CHECK pta_device_find(pta_ctx *ctx, const char *text,
                                          const pta_device_ops **ops,
                                          const char **options);

/** The same among `more` too (ends with NULL; NULL: none): devices in hardware,
 * which this library does not know. */
pta_status PTA_MUST_CHECK pta_device_find_in(pta_ctx *ctx,
                                             const pta_device_ops *const *more,
                                             const char *text,
                                             const pta_device_ops **ops,
                                             const char **options);

/** Buffers of host devices: allocates n_slots in and out buffers with header
 * room in one block (device_buffers.c). */
typedef struct pta_buffers {
    void *block; /* owned */
    size_t in_slot_bytes, out_slot_bytes, out_offset;
} pta_buffers;

pta_status PTA_MUST_CHECK pta_buffers_open(pta_ctx *ctx, const pta_slice *slice,
                                           const pta_device_params *params,
                                           pta_buffers *buffers);
void *pta_buffers_in(const pta_buffers *buffers, int32_t slot);
void *pta_buffers_out(const pta_buffers *buffers, int32_t slot);
void pta_buffers_close(pta_ctx *ctx, pta_buffers *buffers);

#endif
