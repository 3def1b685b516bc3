/*
 * The bus format (docs/accelerators.md): how the tensors of a slice lie between
 * memory and core. Shared by the driver and the generators.
 */
#ifndef PTA_HLS_FORMAT_H
#define PTA_HLS_FORMAT_H

#include "plan/slice.h"

/** Bytes of one element of a value on the bus: 1, 2, 4 by its width, or the
 * accumulator's bytes for partial sums. */
size_t pta_bus_element_bytes(const pta_value *value);

/** Bytes of one sample at the core's input or output. */
size_t pta_bus_in_bytes(const pta_slice *slice);
size_t pta_bus_out_bytes(const pta_slice *slice);

/** True when samples on the bus are the host's byte for byte, so that nothing
 * needs repacking (unsigned formats of 8, 16, 32 bits differ). */
bool pta_bus_in_same(const pta_slice *slice);
bool pta_bus_out_same(const pta_slice *slice);

/** n samples from the host's layout to the bus's, and back. No overlap. */
void pta_bus_pack(const pta_slice *slice, int32_t n, const void *host,
                  void *bus);
void pta_bus_unpack(const pta_slice *slice, int32_t n, const void *bus,
                    void *host);

#endif
