/*
 * The state of a schedule (vschedule.c), laid out by vtime.c.
 */
#ifndef PTA_RUNTIME_VTIME_PRIV_H
#define PTA_RUNTIME_VTIME_PRIV_H

#include "runtime/vtime.h"

typedef enum pta_vphase {
    PTA_V_SOURCE,
    PTA_V_TAKE_IN,
    PTA_V_GIVE_OUT,
    PTA_V_SEND,
    PTA_V_SINK,
    PTA_V_NEXT
} pta_vphase;

/* What a batch still waits for at a station. */
typedef struct pta_vinbox {
    int32_t n;       /* messages sent so far */
    uint64_t cpu;    /* time to take in all of them */
    uint64_t served; /* when that is done if begun with the first */
    uint64_t arrived;
} pta_vinbox;

typedef struct pta_vstation {
    int32_t host, board;
    int32_t n_in, n_out;
    int32_t *out;      /* wires, in order; into the owner's table */
    pta_vinbox *slots; /* [n_slots] */
    int32_t n_slots;
} pta_vstation;

typedef struct pta_vstate {
    const pta_vhost *costs;
    uint64_t t;                 /* its CPU is busy until then */
    uint64_t accelerator;       /* ... and its accelerator */
    uint64_t out_free, in_free; /* ... and its port */
    uint64_t *done;             /* owned; [depth], of a batch in the device */
    int64_t step;               /* of its loop */
    pta_vphase at;
    int32_t link; /* PTA_V_SOURCE, PTA_V_SEND: next wire */
    bool finished;
    int32_t place; /* in the heap; -1: blocked */
    uint64_t ready;
} pta_vstate;

typedef struct pta_vschedule {
    pta_ctx *ctx;
    const pta_vcluster *cluster;
    const pta_vplan *plan;
    const pta_vflow *flow;
    pta_vobserve observe;
    void *state;
    pta_vresult *result;
    int32_t n_hosts, lag;
    int64_t n_batches, behind;
    pta_vstate *hosts;    /* owned */
    pta_vstation *boards; /* owned; [n_hosts] */
    pta_vstation source, sink;
    int32_t *outs;       /* owned; wires by sender */
    pta_vinbox *inboxes; /* owned */
    uint64_t *start;     /* owned; [n_batches] */
    uint64_t **cores;    /* owned; [n_machines], NULL: never short */
    int32_t *heap;       /* owned; hosts */
    int32_t n_heap;
} pta_vschedule;

/** Runs every host's program to its end. Allocates nothing. */
void pta_vschedule_run(pta_vschedule *schedule);

#endif
