/*
 * Options of equal layers: a network of a thousand layers has few kinds of
 * them, and what was found out about one cut holds for all that are alike.
 */
#include <string.h>

#include "partition/solve_priv.h"

#define N_BUCKETS 65536

typedef struct entry {
    struct entry *next;
    uint64_t key[2];
    pta_option *o; /* borrowed */
} entry;

struct pta_twins {
    entry *buckets[N_BUCKETS]; /* owned */
};

/* ---- what an option is ---- */

typedef struct print {
    uint64_t of[2]; /* two hashes: the chance that others agree is 2^-128 */
} print;

static void put(print *p, uint64_t value)
{
    p->of[0] = (p->of[0] ^ value) * UINT64_C(1099511628211);
    p->of[0] ^= p->of[0] >> 29;
    p->of[1] = (p->of[1] + value) * UINT64_C(0x9e3779b97f4a7c15);
    p->of[1] ^= p->of[1] >> 32;
}

static void put_bytes(print *p, const void *data, size_t n)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < n; i++) {
        put(p, bytes[i]);
    }
}

static void put_view(print *p, pta_view v)
{
    put(p, ((uint64_t)v.h << 42) ^ ((uint64_t)v.w << 21) ^ (uint64_t)v.c);
}

/* A tensor as its users see it: shape, format, whether it leaves. */
static void put_tensor(const pta_solver *s, print *p, int32_t i)
{
    const pta_format *f = &s->plan->formats[i].out;
    put_view(p, s->graph->nodes[i].view);
    put(p, ((uint64_t)f->width << 32) ^ (uint64_t)(f->integer + 4096));
    put(p, (uint64_t)f->is_signed + 2 * (uint64_t)s->taken_whole[i] +
               4 * (uint64_t)s->shrinks[i] + 8 * (uint64_t)s->all.is_output[i] +
               16 * (uint64_t)(s->graph->nodes[i].op == PTA_OP_INPUT));
}

static void put_node(const pta_solver *s, print *p, int32_t i,
                     const pta_option *o)
{
    const pta_node *node = &s->graph->nodes[i];
    const pta_node_format *f = &s->plan->formats[i];
    put(p, (uint64_t)node->op);
    put(p, (uint64_t)node->act + 64 * (uint64_t)node->has_bias);
    put_bytes(p, &node->act_max, sizeof node->act_max);
    put(p, ((uint64_t)f->acc_bits << 32) ^ (uint64_t)(f->acc_frac + 4096));
    put(p, ((uint64_t)f->weight.width << 32) ^
               (uint64_t)(f->weight.integer + 4096));
    put_bytes(p, &node->window, sizeof node->window);
    put(p, (uint64_t)(s->all.last_use[i] > o->last));
    put_tensor(s, p, i);
    put(p, (uint64_t)node->n_in);
    for (int32_t k = 0; k < node->n_in; k++) {
        int32_t in = node->in[k];
        put(p, in >= o->first ? (uint64_t)(i - in)
                              : UINT64_C(1) << 40 ^ (uint64_t)(o->first - in));
        if (in < o->first) {
            put_tensor(s, p, in);
        }
    }
}

static print print_of(const pta_solver *s, const pta_option *o)
{
    print p = {{UINT64_C(14695981039346656037), 1}};
    put(&p, (uint64_t)(o->last - o->first));
    put(&p, (uint64_t)o->split);
    put(&p, (uint64_t)o->n_parts);
    put(&p, 2 * (uint64_t)o->behind + (o->first == 0));
    for (int32_t i = o->first; i <= o->last; i++) {
        put_node(s, &p, i, o);
    }
    return p;
}

/* ---- finding ---- */

pta_status pta_twins_create(pta_solver *s, pta_twins **out)
{
    PTA_TRY_ALLOC(s->ctx, *out, 1);
    return PTA_OK;
}

void pta_twins_free(pta_solver *s, pta_twins *twins)
{
    for (int32_t i = 0; twins != NULL && i < N_BUCKETS; i++) {
        for (entry *e = twins->buckets[i], *next; e != NULL; e = next) {
            next = e->next;
            pta_free(s->ctx, e);
        }
    }
    pta_free(s->ctx, twins);
}

/* Layers that are no plain numbers (slopes, permutations) have no twins. */
static bool is_plain(const pta_solver *s, const pta_option *o)
{
    for (int32_t i = o->first; i <= o->last; i++) {
        pta_op op = s->graph->nodes[i].op;
        if (op != PTA_OP_DENSE && op != PTA_OP_CONV && op != PTA_OP_DWCONV &&
            op != PTA_OP_ADD && op != PTA_OP_MAXPOOL && op != PTA_OP_RESHAPE &&
            op != PTA_OP_INPUT) {
            return false;
        }
    }
    return o->sizes == NULL;
}

pta_status pta_twins_find(const pta_solver *s, pta_twins *twins, pta_option *o)
{
    o->twin = o;
    if (!is_plain(s, o)) {
        return PTA_OK;
    }
    print p = print_of(s, o);
    entry **bucket = &twins->buckets[p.of[0] % N_BUCKETS];
    for (entry *e = *bucket; e != NULL; e = e->next) {
        if (e->key[0] == p.of[0] && e->key[1] == p.of[1]) {
            o->twin = e->o;
            return PTA_OK;
        }
    }
    entry *e;
    PTA_TRY_ALLOC(s->ctx, e, 1);
    *e = (entry){*bucket, {p.of[0], p.of[1]}, o};
    *bucket = e;
    return PTA_OK;
}
