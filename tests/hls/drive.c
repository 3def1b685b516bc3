/* Drives all geometries of a block test through one model, beat by beat, under
 * patterns of stalls, and compares what comes out. See harness.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness_priv.h"

#define MAX_ERRORS 3 /* printed per geometry */

/* Per cent of cycles in which the source has no beat, the sink takes none;
 * bursts hold a choice for some cycles. */
typedef struct stalls {
    int in, out;
    bool bursts;
} stalls;

static const stalls patterns[] = {{0, 0, false},  {30, 30, false},
                                  {0, 70, false}, {80, 0, false},
                                  {50, 50, true}, {10, 90, true}};
#define N_PATTERNS (int)(sizeof patterns / sizeof patterns[0])

typedef struct drive {
    const hls_model *model;
    void *self;
    hls_ports ports;
    hls_case *cases;
    int n_cases;
    uint64_t rng;
    stalls pattern;
    int64_t cycle;
} drive;

/* ---- words ---- */

static void put_bits(uint32_t *words, int64_t at, int32_t n, uint64_t value)
{
    for (int32_t b = 0; b < n; b++, at++) {
        uint32_t bit = UINT32_C(1) << (at % 32);
        if ((value >> b & 1) != 0) {
            words[at / 32] |= bit;
        } else {
            words[at / 32] &= ~bit;
        }
    }
}

static uint64_t get_bits(const uint32_t *words, int64_t at, int32_t n)
{
    uint64_t value = 0;
    for (int32_t b = 0; b < n; b++, at++) {
        value |= (uint64_t)(words[at / 32] >> (at % 32) & 1) << b;
    }
    return value;
}

static bool bit(const uint32_t *words, int32_t at)
{
    return (words[at / 32] >> (at % 32) & 1) != 0;
}

void hls_pack_stream(hls_case *c, hls_stream *s, int set)
{
    int32_t per_vector = hls_ceil(s->count, s->p);
    s->words = hls_ceil(s->p * s->w, 32);
    s->n_beats = per_vector * s->vectors;
    size_t size = (size_t)s->n_beats * (size_t)s->words;
    free(s->mask);
    s->beats = s->sets[set] = calloc(size + 1, sizeof *s->beats);
    s->mask = calloc(size + 1, sizeof *s->mask);
    if (s->beats == NULL || s->mask == NULL) {
        perror("harness");
        exit(1);
    }
    for (int32_t b = 0; b < s->n_beats; b++) {
        int64_t vector = b / per_vector;
        for (int32_t lane = 0; lane < s->p; lane++) {
            int32_t i = b % per_vector * s->p + lane;
            bool real = i < s->count;
            uint64_t value = real ? (uint64_t)s->data[vector * s->count + i]
                                  : pta_rng_next(&c->rng);
            int64_t at = (int64_t)lane * s->w;
            put_bits(s->beats + (size_t)b * (size_t)s->words, at, s->w, value);
            put_bits(s->mask + (size_t)b * (size_t)s->words, at, s->w,
                     real ? UINT64_MAX : 0);
        }
    }
}

void hls_pack(hls_case *c)
{
    for (int32_t k = 0; k < c->n_in; k++) {
        hls_pack_stream(c, &c->in[k], 0);
    }
    for (int32_t k = 0; k < c->n_out; k++) {
        hls_pack_stream(c, &c->out[k], c->set);
    }
}

/* ---- errors ---- */

static bool complain(const drive *d, hls_case *c, const hls_stream *s)
{
    if (c->errors++ >= MAX_ERRORS) {
        return false;
    }
    fprintf(stderr,
            "FAILED pta_%s geometry %d, stalls %d/%d%s, cycle %" PRId64
            ", stream %s (%d x %d of %d bits)\n    %s\n    ",
            c->block, c->index, d->pattern.in, d->pattern.out,
            d->pattern.bursts ? " in bursts" : "", d->cycle, s->name, s->count,
            s->p, s->w, c->text);
    return true;
}

static void report_beat(const drive *d, hls_case *c, const hls_stream *s,
                        const uint32_t *got)
{
    if (!complain(d, c, s)) {
        return;
    }
    const uint32_t *want = s->beats + (size_t)s->taken * (size_t)s->words;
    const uint32_t *mask = s->mask + (size_t)s->taken * (size_t)s->words;
    fprintf(stderr, "beat %d of %d:", s->taken, s->n_beats);
    for (int32_t lane = 0; lane < s->p; lane++) {
        int64_t at = (int64_t)lane * s->w;
        uint64_t expected = get_bits(want, at, s->w);
        uint64_t found = get_bits(got, at, s->w);
        if (get_bits(mask, at, 1) != 0 && expected != found) {
            fprintf(stderr, " [%d] %" PRIx64 " for %" PRIx64, lane, found,
                    expected);
        }
    }
    fputc('\n', stderr);
}

static void report(const drive *d, hls_case *c, const hls_stream *s,
                   const char *what)
{
    if (complain(d, c, s)) {
        fprintf(stderr, "%s\n", what);
    }
}

/* ---- one cycle ---- */

static bool stall(drive *d, int per_cent, bool stalled)
{
    if (d->pattern.bursts && pta_rng_next(&d->rng) % 8 != 0) {
        return stalled;
    }
    return (int)(pta_rng_next(&d->rng) % 100) < per_cent;
}

static void offer(drive *d, hls_stream *s)
{
    bool was = bit(d->ports.in_valid, s->id);
    bool valid =
        s->held || (s->next < s->n_beats && !stall(d, d->pattern.in, !was));
    uint32_t *data = d->ports.in_data + s->offset;
    size_t bytes = (size_t)s->words * sizeof *data;
    if (valid) {
        memcpy(data, s->beats + (size_t)s->next * (size_t)s->words, bytes);
    } else {
        for (int32_t i = 0; i < s->words; i++) {
            data[i] = (uint32_t)pta_rng_next(&d->rng);
        }
        put_bits(data, (int64_t)s->p * s->w, s->words * 32 - s->p * s->w, 0);
    }
    put_bits(d->ports.in_valid, s->id, 1, valid);
}

/* Counts a moved beat. */
static void move(const drive *d, const hls_case *c, hls_stream *s)
{
    if (s->taken == 0) {
        s->first = d->cycle;
    }
    s->last = d->cycle;
    s->taken++;
    if (s->taken == s->n_beats / c->samples) {
        s->last_of_first = d->cycle;
    }
}

static void look_in(drive *d, hls_case *c, hls_stream *s)
{
    bool valid = bit(d->ports.in_valid, s->id);
    s->held = valid && !bit(d->ports.in_ready, s->id);
    if (valid && !s->held) {
        move(d, c, s);
        s->next++;
    }
}

static void look_out(drive *d, hls_case *c, hls_stream *s)
{
    const uint32_t *got = d->ports.out_data + s->offset;
    bool valid = bit(d->ports.out_valid, s->id);
    if (!valid) {
        if (s->held) {
            report(d, c, s, "valid fell before the beat was taken");
        }
        s->held = false;
        return;
    }
    if (s->taken >= s->n_beats) {
        report(d, c, s, "a beat too many");
        return;
    }
    /* also while the beat waits, so it must not change */
    size_t at = (size_t)s->taken * (size_t)s->words;
    bool wrong = false;
    for (int32_t i = 0; i < s->words; i++) {
        wrong |= ((got[i] ^ s->beats[at + (size_t)i]) &
                  s->mask[at + (size_t)i]) != 0;
    }
    s->held = !bit(d->ports.out_ready, s->id);
    if (wrong && (!s->held || c->errors == 0)) {
        report_beat(d, c, s, got);
    }
    if (!s->held) {
        move(d, c, s);
    }
}

/* What a cycle shows of a stream. */
static uint64_t view(const drive *d, const hls_stream *s, bool output)
{
    uint64_t h = bit(output ? d->ports.out_valid : d->ports.in_ready, s->id);
    for (int32_t i = 0; output && h != 0 && i < s->words; i++) {
        h = h * UINT64_C(0x9e3779b97f4a7c15) + d->ports.out_data[s->offset + i];
    }
    return h;
}

/* Turns one input around and expects that no output follows. */
static void probe(drive *d, hls_case *c, uint32_t *port, const hls_stream *s,
                  const char *what)
{
    uint64_t before[2 * HLS_STREAMS];
    for (int pass = 0; pass < 2; pass++) {
        for (int32_t k = 0; k < c->n_in + c->n_out; k++) {
            bool output = k >= c->n_in;
            const hls_stream *t = output ? &c->out[k - c->n_in] : &c->in[k];
            uint64_t now = view(d, t, output);
            if (pass == 1 && now != before[k]) {
                report(d, c, t, what);
            }
            before[k] = now;
        }
        port[s->id / 32] ^= UINT32_C(1) << (s->id % 32);
        d->model->eval(d->self, 0, 0);
    }
}

static void probe_some(drive *d)
{
    hls_case *c = &d->cases[pta_rng_next(&d->rng) % (uint64_t)d->n_cases];
    for (int32_t k = 0; k < c->n_out; k++) {
        probe(d, c, d->ports.out_ready, &c->out[k],
              "follows out_ready within the cycle");
    }
    for (int32_t k = 0; k < c->n_in; k++) {
        probe(d, c, d->ports.in_valid, &c->in[k],
              "follows in_valid within the cycle");
    }
}

/* Returns whether beats are still to come. */
static bool step(drive *d)
{
    bool busy = false;
    for (int i = 0; i < d->n_cases; i++) {
        hls_case *c = &d->cases[i];
        for (int32_t k = 0; k < c->n_in; k++) {
            offer(d, &c->in[k]);
        }
        for (int32_t k = 0; k < c->n_out; k++) {
            int32_t id = c->out[k].id;
            bool was = bit(d->ports.out_ready, id);
            put_bits(d->ports.out_ready, id, 1,
                     !stall(d, d->pattern.out, !was));
        }
    }
    d->model->eval(d->self, 0, 0);
    if (pta_rng_next(&d->rng) % 4 == 0) {
        probe_some(d);
    }
    for (int i = 0; i < d->n_cases; i++) {
        hls_case *c = &d->cases[i];
        for (int32_t k = 0; k < c->n_out; k++) {
            look_out(d, c, &c->out[k]);
            busy |= c->out[k].taken < c->out[k].n_beats;
        }
        for (int32_t k = 0; k < c->n_in; k++) {
            look_in(d, c, &c->in[k]);
            busy |= c->in[k].taken < c->in[k].n_beats;
        }
    }
    d->model->eval(d->self, 1, 0);
    d->cycle++;
    return busy;
}

/* ---- runs ---- */

static void reset(drive *d)
{
    for (int i = 0; i < d->n_cases; i++) {
        hls_case *c = &d->cases[i];
        for (int32_t k = 0; k < c->n_in + c->n_out; k++) {
            hls_stream *s = k < c->n_in ? &c->in[k] : &c->out[k - c->n_in];
            s->next = s->taken = 0;
            s->held = false;
            put_bits(k < c->n_in ? d->ports.in_valid : d->ports.out_ready,
                     s->id, 1, 0);
        }
    }
    for (int i = 0; i < 4; i++) {
        d->model->eval(d->self, 0, 1);
        d->model->eval(d->self, 1, 1);
    }
    d->cycle = 0;
}

/* Beats so far. */
static int64_t moved(const drive *d)
{
    int64_t n = 0;
    for (int i = 0; i < d->n_cases; i++) {
        const hls_case *c = &d->cases[i];
        for (int32_t k = 0; k < c->n_out; k++) {
            n += c->out[k].taken;
        }
        for (int32_t k = 0; k < c->n_in; k++) {
            n += c->in[k].taken;
        }
    }
    return n;
}

/* Goes on until all beats moved, or none did for a long time. */
static void run(drive *d)
{
    int64_t idle = 0, before = -1;
    while (idle < 6000) {
        if (!step(d)) {
            for (int i = 0; i < 50; i++) { /* nothing may follow */
                step(d);
            }
            return;
        }
        int64_t now = moved(d);
        idle = now == before ? idle + 1 : 0;
        before = now;
    }
    for (int i = 0; i < d->n_cases; i++) {
        hls_case *c = &d->cases[i];
        for (int32_t k = 0; k < c->n_out; k++) {
            if (c->out[k].taken < c->out[k].n_beats) {
                report(d, c, &c->out[k], "stuck: nothing comes out any more");
            }
        }
    }
}

/* Of a run without stalls. */
static void check_time(const drive *d, hls_case *c)
{
    const hls_stream *x = &c->in[0], *y = &c->out[c->n_out - 1];
    int64_t latency = y->last_of_first - x->first;
    int64_t rest = y->last - y->last_of_first;
    if (c->interval >= 0) {
        c->rest = c->interval * (c->samples - 1);
    }
    char text[160];
    if (c->latency >= 0 && c->latency != latency) {
        snprintf(text, sizeof text, "latency %" PRId64 ", expected %" PRId64,
                 latency, c->latency);
        report(d, c, y, text);
    }
    if (c->rest >= 0 && c->rest != rest) {
        snprintf(text, sizeof text,
                 "%" PRId64
                 " cycles for the other %d samples, expected %" PRId64,
                 rest, c->samples - 1, c->rest);
        report(d, c, y, text);
    }
}

/* How many beats a block takes while it cannot give any away. */
static void check_ahead(drive *d)
{
    bool any = false;
    for (int i = 0; i < d->n_cases; i++) {
        any |= d->cases[i].ahead >= 0;
    }
    reset(d);
    d->pattern = (stalls){.out = 100};
    for (int64_t idle = 0, before = -1; any && idle < 1000; idle++) {
        step(d);
        if (moved(d) != before) {
            before = moved(d);
            idle = 0;
        }
    }
    for (int i = 0; i < d->n_cases; i++) {
        hls_case *c = &d->cases[i];
        int64_t ahead =
            c->ahead < c->in[0].n_beats ? c->ahead : c->in[0].n_beats;
        char text[80];
        if (ahead >= 0 && ahead != c->in[0].taken) {
            snprintf(text, sizeof text,
                     "%d beats taken ahead, expected %" PRId64, c->in[0].taken,
                     ahead);
            report(d, c, &c->in[0], text);
        }
    }
}

static int n_wrong(const drive *d)
{
    int wrong = 0;
    for (int i = 0; i < d->n_cases; i++) {
        wrong += d->cases[i].errors > 0;
    }
    return wrong;
}

int hls_drive(const hls_model *model, hls_case *cases, int n_cases,
              uint64_t rng, int reset_seed)
{
    drive d = {.model = model,
               .cases = cases,
               .n_cases = n_cases,
               .rng = rng + (uint64_t)reset_seed};
    d.self = model->open(reset_seed, &d.ports);
    int wrong = 0; /* after a wrong pattern the others tell no more */
    for (int p = 0; p < N_PATTERNS && wrong == 0; p++) {
        reset(&d);
        hls_memories_load(model, d.self, &d.ports, cases, n_cases, p % 2,
                          p > 0); /* at first what the files say */
        d.pattern = patterns[p];
        run(&d);
        for (int i = 0; p == 0 && i < n_cases; i++) {
            if (cases[i].errors == 0) {
                check_time(&d, &cases[i]);
            }
        }
        /* leave the next pattern something to reset */
        reset(&d);
        for (uint64_t i = pta_rng_next(&d.rng) % 100; i > 0; i--) {
            step(&d);
        }
        wrong = n_wrong(&d);
    }
    if (wrong == 0) {
        check_ahead(&d);
        wrong = n_wrong(&d);
    }
    model->close(d.self);
    return wrong;
}
