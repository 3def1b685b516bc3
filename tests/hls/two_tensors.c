/* A slice that gives back its two inputs: see two_tensors.h. */
#include "two_tensors.h"

#include <string.h>

#include "base/rng.h"

#define CHANNELS 21

void two_make(two_tensors *two, int width, bool is_signed)
{
    for (int i = 0; i < 2; i++) {
        pta_value *v = &two->values[i];
        *v = (pta_value){.view = {1, 1, CHANNELS + i},
                         .alias_of = -1,
                         .format = pta_format_tensor(width << i, 3, is_signed)};
        v->region = pta_region_whole(v->view);
        v->dtype = pta_format_dtype(v->format);
        two->which[i] = i;
    }
    two->slice = (pta_slice){.n_values = 2,
                             .values = two->values,
                             .n_inputs = 2,
                             .inputs = two->which,
                             .n_outputs = 2,
                             .outputs = two->which};
}

static int64_t draw(const pta_value *v, uint64_t *seed)
{
    return pta_rng_range(seed, pta_format_min(v->format),
                         pta_format_max(v->format));
}

void two_put(const two_tensors *two, void *in, int32_t n, uint64_t seed)
{
    for (int32_t s = 0; s < n; s++) {
        char *sample = (char *)in + pta_slice_in_bytes(&two->slice) * (size_t)s;
        for (int32_t i = 0; i < two->slice.n_inputs; i++) {
            const pta_value *v = &two->values[i];
            char *to = sample + pta_slice_in_offset(&two->slice, i);
            for (int32_t e = 0; e < v->view.c; e++) {
                int64_t raw = draw(v, &seed);
                memcpy(to, &raw, pta_dtype_bytes(v->dtype));
                to += pta_dtype_bytes(v->dtype);
            }
        }
    }
}

bool two_got(const two_tensors *two, const void *out, int32_t n, uint64_t seed)
{
    bool same = true;
    for (int32_t s = 0; s < n; s++) {
        const char *sample =
            (const char *)out + pta_slice_out_bytes(&two->slice) * (size_t)s;
        for (int32_t i = 0; i < two->slice.n_outputs; i++) {
            const pta_value *v = &two->values[i];
            const char *from = sample + pta_slice_out_offset(&two->slice, i);
            for (int32_t e = 0; e < v->view.c; e++) {
                int64_t raw = draw(v, &seed);
                size_t bytes = pta_dtype_bytes(v->dtype);
                same = same && memcmp(from, &raw, bytes) == 0;
                from += bytes;
            }
        }
    }
    return same;
}
