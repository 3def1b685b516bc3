/* Values of drawn quantities: random, but each is at its least and at its
 * greatest value in some geometry. See harness.h. */
#include <stdlib.h>
#include <string.h>

#include "harness_priv.h"

static hls_drawn *find(hls_cover *cover, const char *name)
{
    for (int32_t i = 0; i < cover->n; i++) {
        if (strcmp(cover->drawn[i].name, name) == 0) {
            return &cover->drawn[i];
        }
    }
    if (cover->n == HLS_DRAWN) {
        fprintf(stderr, "harness: more than %d drawn names\n", HLS_DRAWN);
        exit(1);
    }
    cover->drawn[cover->n] = (hls_drawn){.name = name};
    return &cover->drawn[cover->n++];
}

/* The i-th name is due at its least in case 2 i of the first two thirds, at its
 * greatest in the next; where its range is one value only, in a later case. */
int64_t hls_draw(hls_case *c, const char *name, int64_t lo, int64_t hi)
{
    hls_drawn *d = find(c->cover, name);
    int64_t value = pta_rng_range(&c->rng, lo, hi);
    int32_t due = 2 * (int32_t)(d - c->cover->drawn);
    int32_t slots = 1 + c->n_cases * 2 / 3;
    if (lo == hi) {
        return lo;
    }
    if (!d->least && c->index >= due % slots) {
        value = lo;
    } else if (!d->greatest && c->index >= (due + 1) % slots) {
        value = hi;
    }
    d->least |= value == lo;
    d->greatest |= value == hi;
    return value;
}

const char *hls_cover_missing(const hls_cover *cover)
{
    for (int32_t i = 0; i < cover->n; i++) {
        if (!cover->drawn[i].least || !cover->drawn[i].greatest) {
            return cover->drawn[i].name;
        }
    }
    return NULL;
}
