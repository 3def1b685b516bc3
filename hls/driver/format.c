/* The bus format: see format.h. */
#include "hls/driver/format.h"

#include <string.h>

size_t pta_bus_element_bytes(const pta_value *value)
{
    if (value->partial) {
        return pta_dtype_bytes(value->dtype);
    }
    return value->format.width <= 8 ? 1 : value->format.width <= 16 ? 2 : 4;
}

static size_t value_bytes(const pta_value *value)
{
    return pta_align8((size_t)pta_region_count(&value->region) *
                      pta_bus_element_bytes(value));
}

static size_t sample_bytes(const pta_slice *slice, const int32_t *which,
                           int32_t n)
{
    size_t bytes = 0;
    for (int32_t i = 0; i < n; i++) {
        bytes += value_bytes(&slice->values[which[i]]);
    }
    return bytes;
}

static bool same(const pta_slice *slice, const int32_t *which, int32_t n)
{
    bool all = true;
    for (int32_t i = 0; i < n; i++) {
        const pta_value *v = &slice->values[which[i]];
        all = all && pta_bus_element_bytes(v) == pta_dtype_bytes(v->dtype);
    }
    return all;
}

size_t pta_bus_in_bytes(const pta_slice *slice)
{
    return sample_bytes(slice, slice->inputs, slice->n_inputs);
}

size_t pta_bus_out_bytes(const pta_slice *slice)
{
    return sample_bytes(slice, slice->outputs, slice->n_outputs);
}

bool pta_bus_in_same(const pta_slice *slice)
{
    return same(slice, slice->inputs, slice->n_inputs);
}

bool pta_bus_out_same(const pta_slice *slice)
{
    return same(slice, slice->outputs, slice->n_outputs);
}

/* Elements between widths. Both sides are little-endian; a wider side is zero
 * above the element, because only unsigned formats differ in width. */
static void copy_elements(const char *from, size_t from_bytes, char *to,
                          size_t to_bytes, int64_t count)
{
    size_t low = from_bytes < to_bytes ? from_bytes : to_bytes;
    if (from_bytes == to_bytes) {
        memcpy(to, from, (size_t)count * low);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        memcpy(to, from, low);
        memset(to + low, 0, to_bytes - low);
        from += from_bytes;
        to += to_bytes;
    }
}

void pta_bus_pack(const pta_slice *slice, int32_t n, const void *host,
                  void *bus)
{
    size_t stride = pta_slice_in_bytes(slice);
    char *to = bus;
    for (int32_t s = 0; s < n; s++) {
        const char *sample = (const char *)host + stride * (size_t)s;
        for (int32_t i = 0; i < slice->n_inputs; i++) {
            const pta_value *v = &slice->values[slice->inputs[i]];
            copy_elements(sample + pta_slice_in_offset(slice, i),
                          pta_dtype_bytes(v->dtype), to,
                          pta_bus_element_bytes(v),
                          pta_region_count(&v->region));
            to += value_bytes(v);
        }
    }
}

void pta_bus_unpack(const pta_slice *slice, int32_t n, const void *bus,
                    void *host)
{
    size_t stride = pta_slice_out_bytes(slice);
    const char *from = bus;
    for (int32_t s = 0; s < n; s++) {
        char *sample = (char *)host + stride * (size_t)s;
        for (int32_t i = 0; i < slice->n_outputs; i++) {
            const pta_value *v = &slice->values[slice->outputs[i]];
            copy_elements(from, pta_bus_element_bytes(v),
                          sample + pta_slice_out_offset(slice, i),
                          pta_dtype_bytes(v->dtype),
                          pta_region_count(&v->region));
            from += value_bytes(v);
        }
    }
}
