/*
 * The schedule behind modelled time (vtime.h): every host runs its program,
 * and of all hosts that can go on, the one that can do so first does.
 *
 * Operations therefore begin in order of time, so that ports and shared cores
 * serve whoever comes first. Ties go to the lower host: the schedule is
 * deterministic.
 */
#include "runtime/header.h"
#include "runtime/vtime_priv.h"

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t ns(double value)
{
    return (uint64_t)(value + 0.5);
}

/* ---- the heap of hosts that can go on ---- */

static bool before(const pta_vschedule *s, int32_t a, int32_t b)
{
    const pta_vstate *x = &s->hosts[a], *y = &s->hosts[b];
    return x->ready != y->ready ? x->ready < y->ready : a < b;
}

static void put(pta_vschedule *s, int32_t at, int32_t h)
{
    s->heap[at] = h;
    s->hosts[h].place = at;
}

static void push(pta_vschedule *s, int32_t h)
{
    int32_t at = s->n_heap++;
    while (at > 0 && before(s, h, s->heap[(at - 1) / 2])) {
        put(s, at, s->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(s, at, h);
}

static int32_t pop(pta_vschedule *s)
{
    int32_t top = s->heap[0], h = s->heap[--s->n_heap], at = 0;
    for (;;) {
        int32_t child = 2 * at + 1;
        if (child >= s->n_heap) {
            break;
        }
        child += child + 1 < s->n_heap &&
                 before(s, s->heap[child + 1], s->heap[child]);
        if (!before(s, s->heap[child], h)) {
            break;
        }
        put(s, at, s->heap[child]);
        at = child;
    }
    if (s->n_heap > 0) {
        put(s, at, h);
    }
    s->hosts[top].place = -1;
    return top;
}

/* ---- batches ---- */

static int32_t samples_of(const pta_vschedule *s, int64_t batch)
{
    int64_t left = s->flow->n_samples - batch * s->flow->micro_batch;
    return left < s->flow->micro_batch ? (int32_t)left : s->flow->micro_batch;
}

static int32_t copy_of(const pta_vschedule *s, int32_t h)
{
    return h / s->plan->n_boards;
}

/* Batches that copy c sees. */
static int64_t batches_of(const pta_vschedule *s, int32_t copy)
{
    return (s->n_batches - copy + s->flow->copies - 1) / s->flow->copies;
}

/* Index in the whole run of batch u of a host's board. */
static int64_t global_of(const pta_vschedule *s, int32_t h, int64_t u)
{
    return u * s->flow->copies + copy_of(s, h);
}

static pta_vinbox *inbox_of(const pta_vstation *me, int64_t u)
{
    return &me->slots[u % me->n_slots];
}

/* ---- resources ---- */

static void span(pta_vschedule *s, int32_t h, int32_t board, pta_vkind kind,
                 int64_t batch, uint64_t begin, uint64_t end)
{
    s->result->stages[h].ns[kind] += end - begin;
    if (s->observe != NULL && end > begin) {
        pta_vspan v = {h, board, kind, batch, begin, end};
        s->observe(s->state, &v);
    }
}

/* A core of the host's machine from `ready` on; returns when it begins. */
static uint64_t take_core(pta_vschedule *s, int32_t h, uint64_t ready,
                          uint64_t cpu)
{
    int32_t machine = s->hosts[h].costs->machine;
    uint64_t *free = s->cores[machine];
    if (free == NULL) {
        return ready;
    }
    int32_t best = 0;
    for (int32_t c = 1; c < s->cluster->cores[machine]; c++) {
        best = free[c] < free[best] ? c : best;
    }
    uint64_t begin = later(ready, free[best]);
    free[best] = begin + cpu;
    return begin;
}

/* The CPU of a host works for `cpu`, no earlier than `ready`. */
static void work(pta_vschedule *s, int32_t h, int32_t board, pta_vkind kind,
                 int64_t batch, uint64_t ready, uint64_t cpu)
{
    pta_vstate *x = &s->hosts[h];
    uint64_t begin = take_core(s, h, later(ready, x->t), cpu);
    span(s, h, board, PTA_V_WAIT, batch, x->t, begin);
    span(s, h, board, kind, batch, begin, begin + cpu);
    x->t = begin + cpu;
}

static pta_vpair pair_of(const pta_vschedule *s, int32_t from, int32_t to)
{
    const pta_vpair *pairs = s->cluster->pairs;
    int32_t lo = 0, hi = s->cluster->n_pairs;
    while (lo < hi) {
        int32_t mid = lo + (hi - lo) / 2;
        const pta_vpair *p = &pairs[mid];
        if (p->from < from || (p->from == from && p->to < to)) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    if (lo < s->cluster->n_pairs && pairs[lo].from == from &&
        pairs[lo].to == to) {
        return pairs[lo];
    }
    const pta_vhost *a = s->hosts[from].costs, *b = s->hosts[to].costs;
    double slower = a->port_per_byte > b->port_per_byte ? a->port_per_byte
                                                        : b->port_per_byte;
    return (pta_vpair){from, to, a->latency + b->latency, slower};
}

/* When a port lets the first byte of a message through that is there at `at`,
 * and *last: when the last of them has passed. *free is when the port has carried
 * what it was given so far; after a rest it runs ahead of that by its burst. */
static uint64_t pass(const pta_vhost *costs, int64_t bytes, uint64_t at,
                     uint64_t *free, uint64_t *last)
{
    uint64_t ahead = ns(costs->burst * costs->port_per_byte);
    uint64_t first = later(at + ahead, *free) - ahead;
    *free = later(at, *free) + ns((double)bytes * costs->port_per_byte);
    *last = later(first + ahead, *free) - ahead;
    return first;
}

/* A message that a host has handed to its port: when it has arrived. */
static uint64_t transmit(pta_vschedule *s, int32_t from, int32_t to,
                         int32_t board, int64_t batch, int64_t bytes)
{
    pta_vstate *a = &s->hosts[from], *b = &s->hosts[to];
    pta_vpair pair = pair_of(s, from, to);
    uint64_t sent, arrived, busy = later(a->t, a->out_free);
    uint64_t first = pass(a->costs, bytes, a->t, &a->out_free, &sent);
    span(s, from, board, PTA_V_PORT, batch, busy, a->out_free);
    pass(b->costs, bytes, first + ns(pair.latency), &b->in_free, &arrived);
    s->result->stages[from].port_out += (uint64_t)bytes;
    s->result->stages[to].port_in += (uint64_t)bytes;
    /* A path may be slower than both ports. */
    double port = a->costs->port_per_byte > b->costs->port_per_byte
                      ? a->costs->port_per_byte
                      : b->costs->port_per_byte;
    double more = pair.per_byte > port ? pair.per_byte - port : 0.0;
    return later(sent + ns(pair.latency), arrived) + ns((double)bytes * more);
}

/* ---- messages ---- */

static pta_vstation *station_at(pta_vschedule *s, int32_t board, int32_t copy)
{
    if (board == PTA_BOARD_SINK) {
        return &s->sink;
    }
    return &s->boards[copy * s->plan->n_boards + board];
}

static uint64_t message_cpu(const pta_vhost *costs, int64_t bytes)
{
    return ns(costs->message + costs->tcp_per_byte * (double)bytes);
}

static void consider(pta_vschedule *s, int32_t h);

/* A wire's message of a batch, from the station that has just made it. */
static void send(pta_vschedule *s, const pta_vstation *from, int32_t wire,
                 int64_t batch)
{
    const pta_vwire *w = &s->plan->wires[wire];
    int32_t copies = s->flow->copies;
    pta_vstation *to = station_at(s, w->dst, (int32_t)(batch % copies));
    int64_t u = w->dst == PTA_BOARD_SINK ? batch : batch / copies;
    pta_vinbox *box = inbox_of(to, u);
    if (to->host == from->host) {
        box->arrived = later(box->arrived, s->hosts[from->host].t);
        box->served = later(box->served, box->arrived);
    } else {
        int64_t bytes = PTA_HEADER_BYTES + w->bytes * samples_of(s, batch);
        work(s, from->host, from->board, PTA_V_WIRE, batch, 0,
             message_cpu(s->hosts[from->host].costs, bytes));
        uint64_t there =
            transmit(s, from->host, to->host, from->board, batch, bytes);
        uint64_t cpu = message_cpu(s->hosts[to->host].costs, bytes);
        box->arrived = later(box->arrived, there);
        box->served = later(box->served, there) + cpu;
        box->cpu += cpu;
    }
    box->n++;
    if (s->hosts[to->host].place < 0 && to->host != from->host) {
        consider(s, to->host);
    }
}

/* When a station can have taken in batch u; false: not all is sent yet. Time
 * to take in what came early is not waited for. */
static bool can_take(const pta_vschedule *s, const pta_vstation *me, int64_t u,
                     uint64_t *ready)
{
    const pta_vinbox *box = inbox_of(me, u);
    if (box->n < me->n_in) {
        return false;
    }
    uint64_t end = later(s->hosts[me->host].t + box->cpu, box->served);
    *ready = end - box->cpu;
    return true;
}

static void take(pta_vschedule *s, pta_vstation *me, int64_t u, int64_t batch,
                 uint64_t ready, int64_t joins)
{
    pta_vinbox *box = inbox_of(me, u);
    const pta_vhost *costs = s->hosts[me->host].costs;
    double join = costs->join_per_value * (double)joins * samples_of(s, batch);
    work(s, me->host, me->board, PTA_V_WIRE, batch, ready, box->cpu + ns(join));
    *box = (pta_vinbox){0};
}

/* ---- one operation ---- */

static void take_in(pta_vschedule *s, int32_t h, int64_t u)
{
    pta_vstate *x = &s->hosts[h];
    pta_vstation *me = &s->boards[h];
    const pta_vboard *board = &s->plan->boards[me->board];
    int64_t batch = global_of(s, h, u);
    int32_t n = samples_of(s, batch);
    take(s, me, u, batch, x->ready, board->join_values);
    uint64_t compute = pta_vboard_ns(board, x->costs, n);
    uint64_t *done = &x->done[u % s->flow->depth];
    if (board->cycles.source == PTA_CYCLES_HOST) {
        work(s, h, me->board, PTA_V_COMPUTE, batch, 0, compute);
        *done = x->t;
        return;
    }
    work(s, h, me->board, PTA_V_BUS, batch, 0,
         ns(x->costs->transfer +
            x->costs->copy_per_byte * (double)board->bytes_in * n));
    uint64_t begin = later(x->t, x->accelerator);
    span(s, h, me->board, PTA_V_COMPUTE, batch, begin, begin + compute);
    x->accelerator = begin + compute;
    *done = x->accelerator;
}

static void give_out(pta_vschedule *s, int32_t h, int64_t u)
{
    pta_vstate *x = &s->hosts[h];
    const pta_vstation *me = &s->boards[h];
    const pta_vboard *board = &s->plan->boards[me->board];
    int64_t batch = global_of(s, h, u);
    double copy = board->cycles.source == PTA_CYCLES_HOST
                      ? 0.0
                      : x->costs->transfer + x->costs->copy_per_byte *
                                                 (double)board->bytes_out *
                                                 samples_of(s, batch);
    work(s, h, me->board, PTA_V_BUS, batch, x->ready, ns(copy));
}

static void finish_batch(pta_vschedule *s, int64_t batch)
{
    take(s, &s->sink, batch, batch, s->hosts[0].ready, s->plan->sink_joins);
    uint64_t now = s->hosts[0].t;
    s->result->latency[batch] = now - s->start[batch];
    s->result->elapsed = later(s->result->elapsed, now);
}

/* ---- programs ---- */

static int64_t loop_length(const pta_vschedule *s, int32_t h)
{
    if (h > 0) {
        return batches_of(s, copy_of(s, h)) + s->lag;
    }
    int64_t drain = (int64_t)s->lag * s->flow->copies;
    return s->n_batches + (s->behind > drain ? s->behind : drain);
}

/* The batch of the board in this step of a host's loop; -1: none. */
static int64_t board_batch(const pta_vschedule *s, int32_t h, int32_t lag)
{
    int64_t step = s->hosts[h].step;
    if (h == 0) {
        if (step % s->flow->copies != 0) {
            return -1;
        }
        step /= s->flow->copies;
    }
    int64_t u = step - lag;
    return u >= 0 && u < batches_of(s, copy_of(s, h)) ? u : -1;
}

static int64_t sink_batch(const pta_vschedule *s)
{
    int64_t done = s->hosts[0].step - s->behind;
    return done >= 0 && done < s->n_batches ? done : -1;
}

/* Wires of the source go to one copy at a time. */
static bool applies(const pta_vschedule *s, int32_t h)
{
    const pta_vstate *x = &s->hosts[h];
    switch (x->at) {
    case PTA_V_SOURCE:
        return h == 0 && x->step < s->n_batches && x->link < s->source.n_out;
    case PTA_V_TAKE_IN:
        return board_batch(s, h, 0) >= 0;
    case PTA_V_GIVE_OUT:
        return board_batch(s, h, s->lag) >= 0;
    case PTA_V_SEND:
        return board_batch(s, h, s->lag) >= 0 && x->link < s->boards[h].n_out;
    case PTA_V_SINK:
        return h == 0 && sink_batch(s) >= 0;
    case PTA_V_NEXT:
    default:
        return false;
    }
}

/* Goes to the next operation that there is; false at the end. */
static bool advance(pta_vschedule *s, int32_t h)
{
    pta_vstate *x = &s->hosts[h];
    while (!applies(s, h)) {
        x->link = 0;
        x->at = x->at == PTA_V_NEXT ? PTA_V_SOURCE : (pta_vphase)(x->at + 1);
        x->step += x->at == PTA_V_SOURCE;
        if (x->step >= loop_length(s, h)) {
            x->finished = true;
            return false;
        }
    }
    return true;
}

/* Puts a host in the heap if its operation can begin. */
static void consider(pta_vschedule *s, int32_t h)
{
    pta_vstate *x = &s->hosts[h];
    if (x->finished || x->place >= 0) {
        return;
    }
    x->ready = x->t;
    bool can = true;
    if (x->at == PTA_V_TAKE_IN) {
        can = can_take(s, &s->boards[h], board_batch(s, h, 0), &x->ready);
    } else if (x->at == PTA_V_SINK) {
        can = can_take(s, &s->sink, sink_batch(s), &x->ready);
    } else if (x->at == PTA_V_GIVE_OUT) {
        int64_t u = board_batch(s, h, s->lag);
        x->ready = later(x->t, x->done[u % s->flow->depth]);
    }
    if (can) {
        push(s, h);
    }
}

static void operate(pta_vschedule *s, int32_t h)
{
    pta_vstate *x = &s->hosts[h];
    pta_vphase at = x->at;
    int64_t step = x->step;
    switch (at) {
    case PTA_V_SOURCE:
        if (x->link == 0) {
            s->start[step] = x->t;
        }
        send(s, &s->source, s->source.out[x->link++], step);
        return;
    case PTA_V_TAKE_IN:
        take_in(s, h, board_batch(s, h, 0));
        break;
    case PTA_V_GIVE_OUT:
        give_out(s, h, board_batch(s, h, s->lag));
        break;
    case PTA_V_SEND:
        send(s, &s->boards[h], s->boards[h].out[x->link++],
             global_of(s, h, board_batch(s, h, s->lag)));
        return;
    case PTA_V_SINK:
        finish_batch(s, sink_batch(s));
        break;
    case PTA_V_NEXT:
    default:
        break;
    }
    x->at = (pta_vphase)(at + 1);
    x->link = 0;
}

void pta_vschedule_run(pta_vschedule *s)
{
    for (int32_t h = 0; h < s->n_hosts; h++) {
        if (advance(s, h)) {
            consider(s, h);
        }
    }
    while (s->n_heap > 0) {
        int32_t h = pop(s);
        operate(s, h);
        if (advance(s, h)) {
            consider(s, h);
        }
    }
}
