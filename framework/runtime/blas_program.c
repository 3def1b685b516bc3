/*
 * Memory and preparation of a BLAS program: see blas_program_priv.h. What it
 * computes is in blas_ops.c.
 */
#include "runtime/blas_program_priv.h"

/* Numbers of one block of im2col and sums: what a second-level cache holds. */
#define BLOCK_NUMBERS (96 * 1024)

pta_status pta_blas_program_create(pta_ctx *ctx, bool is_float,
                                   int32_t max_samples, int32_t n_values,
                                   int32_t n_ops, pta_blas_program *p)
{
    *p = (pta_blas_program){.is_float = is_float, .max_samples = max_samples};
    PTA_TRY_ALLOC(ctx, p->values, n_values);
    p->n_values = n_values;
    PTA_TRY_ALLOC(ctx, p->ops, n_ops);
    p->n_ops = n_ops;
    for (int32_t i = 0; i < n_values; i++) {
        p->values[i].root = i;
    }
    return PTA_OK;
}

void pta_blas_program_free(pta_ctx *ctx, pta_blas_program *p)
{
    for (int32_t i = 0; i < p->n_ops; i++) {
        pta_free(ctx, p->ops[i].w_raw);
        pta_free(ctx, p->ops[i].table);
        pta_free(ctx, p->ops[i].owned[0]);
        pta_free(ctx, p->ops[i].owned[1]);
    }
    pta_free(ctx, p->values);
    pta_free(ctx, p->ops);
    pta_free(ctx, p->arena);
    pta_free(ctx, p->cols);
    pta_free(ctx, p->product);
    pta_free(ctx, p->acc);
    pta_free(ctx, p->converted);
    *p = (pta_blas_program){0};
}

/* ---- geometry ---- */

pta_blas_window pta_blas_op_window(const pta_blas_program *p,
                                   const pta_blas_op *op)
{
    pta_view in = p->values[op->in[0]].view, out = p->values[op->out].view;
    const pta_window *w = &op->window;
    if (op->op == PTA_OP_DENSE) {
        return (pta_blas_window){1, 1, op->cols, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0};
    }
    return (pta_blas_window){
        in.h,          in.w,     in.c,        out.h,       out.w,
        w->kh,         w->kw,    w->stride_h, w->stride_w, w->dilation_h,
        w->dilation_w, w->pad_t, w->pad_l};
}

bool pta_blas_op_direct(const pta_blas_program *p, const pta_blas_op *op)
{
    pta_blas_window g = pta_blas_op_window(p, op);
    return op->op == PTA_OP_DENSE ||
           (g.kh == 1 && g.kw == 1 && g.oh == g.h && g.ow == g.w &&
            g.pad_t == 0 && g.pad_l == 0);
}

/* Pixels of one sample's output; SCALE_SHIFT goes by its own channels. */
static int64_t op_pixels(const pta_blas_program *p, const pta_blas_op *op)
{
    return pta_view_count(p->values[op->out].view) / op->rows;
}

/* ---- checks of an exact program ---- */

static bool frac_in_reach(const pta_blas_program *p, const pta_blas_op *op)
{
    pta_format out = p->values[op->out].format;
    int least = out.width - out.integer, most = least;
    for (int32_t i = 0; i < op->n_in; i++) {
        pta_format f = p->values[op->in[i]].format;
        int frac = f.width - f.integer;
        least = frac < least ? frac : least;
        most = frac > most ? frac : most;
    }
    return least >= -PTA_EXACT_FRAC_MAX && most <= PTA_EXACT_FRAC_MAX &&
           most - least <= PTA_EXACT_FRAC_MAX;
}

static pta_status check_merge(pta_ctx *ctx, const pta_blas_program *p,
                              const pta_blas_op *op)
{
    int32_t bits = 0;
    int64_t count = pta_view_count(p->values[op->out].view);
    for (int32_t i = 0; i < op->n_in; i++) {
        const pta_blas_value *x = &p->values[op->in[i]];
        bits += x->format.width;
        if (op->op != PTA_OP_CONCAT && pta_view_count(x->view) != count) {
            return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                            "layer %s: inputs of different shapes", op->name);
        }
    }
    if (op->n_in > PTA_EXACT_MERGE_MAX ||
        (op->op == PTA_OP_MUL && bits > PTA_EXACT_MUL_BITS)) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "layer %s: %d inputs of %d bits in all, more than the "
                        "exact reference takes",
                        op->name, op->n_in, bits);
    }
    return PTA_OK;
}

static bool is_merge(pta_op op)
{
    return op == PTA_OP_ADD || op == PTA_OP_SUB || op == PTA_OP_MUL ||
           op == PTA_OP_AVERAGE || op == PTA_OP_MAXIMUM || op == PTA_OP_CONCAT;
}

static pta_status check_op(pta_ctx *ctx, const pta_blas_program *p,
                           const pta_blas_op *op)
{
    bool aligns = is_merge(op->op) || op->op == PTA_OP_RELU ||
                  op->op == PTA_OP_AVGPOOL || op->op == PTA_OP_HARD_SIGMOID;
    if (is_merge(op->op)) {
        PTA_TRY(check_merge(ctx, p, op));
    }
    if (aligns && !p->is_float && !frac_in_reach(p, op)) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "layer %s: formats more than %d bits apart", op->name,
                        PTA_EXACT_FRAC_MAX);
    }
    return PTA_OK;
}

/* ---- limbs and tables ---- */

static pta_status make_limbs(pta_ctx *ctx, const pta_blas_program *p,
                             pta_blas_op *op)
{
    pta_exact_matrix *m = &op->matrix;
    pta_format x = p->values[op->in[0]].format;
    int64_t x_max = INT64_C(1) << (x.is_signed ? x.width - 1 : x.width);
    m->rows = op->rows;
    m->cols = op->cols;
    if (!pta_exact_limbs_plan(m, op->w_raw, x_max)) {
        return pta_fail(ctx, PTA_ERR_RANGE,
                        "layer %s: sums of %d products need more than %d limbs",
                        op->name, op->cols, PTA_EXACT_LIMBS);
    }
    if (m->n_limbs > 1) {
        int64_t n = (int64_t)m->n_limbs * m->rows * m->cols;
        double *limbs = pta_calloc(ctx, (size_t)n, sizeof *limbs);
        if (limbs == NULL) {
            return PTA_ERR_NOMEM;
        }
        pta_exact_limbs_split(m, op->w_raw, limbs);
        pta_free(ctx, op->w_raw);
        op->w_raw = limbs;
    }
    m->limbs = op->w_raw;
    return PTA_OK;
}

static pta_status make_table(pta_ctx *ctx, const pta_blas_program *p,
                             pta_blas_op *op)
{
    pta_format in = p->values[op->in[0]].format;
    pta_format out = p->values[op->out].format;
    if (in.width > 16) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "layer %s: a table of 2^%d entries, at most 2^16",
                        op->name, in.width);
    }
    PTA_TRY_ALLOC(ctx, op->table, (size_t)1 << in.width);
    if (op->op == PTA_OP_SIGMOID) {
        pta_exact_sigmoid_table(op->table, in, out);
    } else {
        pta_exact_tanh_table(op->table, in, out);
    }
    return PTA_OK;
}

static pta_status make_exact(pta_ctx *ctx, const pta_blas_program *p,
                             pta_blas_op *op)
{
    if (op->op == PTA_OP_DENSE || op->op == PTA_OP_CONV) {
        return make_limbs(ctx, p, op);
    }
    if (op->op == PTA_OP_SIGMOID || op->op == PTA_OP_TANH) {
        return make_table(ctx, p, op);
    }
    return PTA_OK;
}

/* ---- scratch ---- */

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t choose_block(const pta_blas_program *p, const pta_blas_op *op)
{
    int64_t all = p->max_samples * op_pixels(p, op);
    int64_t most =
        larger(BLOCK_NUMBERS / (op->cols + 2 * (int64_t)op->rows), 64);
    return most < all ? most : all;
}

static pta_status make_scratch(pta_ctx *ctx, pta_blas_program *p)
{
    int64_t cols = 0, sums = 0, one = 0;
    for (int32_t i = 0; i < p->n_ops; i++) {
        pta_blas_op *op = &p->ops[i];
        if (pta_blas_op_weighted(op)) {
            op->block_rows = choose_block(p, op);
            sums = larger(sums, op->block_rows * op->rows);
        }
        if (op->op == PTA_OP_CONV && !pta_blas_op_direct(p, op)) {
            cols = larger(cols, op->block_rows * op->cols);
        }
        for (int32_t k = 0; op->op == PTA_OP_CONCAT && k < op->n_in; k++) {
            one = larger(one, pta_view_count(p->values[op->in[k]].view));
        }
    }
    size_t bytes = p->is_float ? sizeof(float) : sizeof(double);
    p->cols = pta_calloc(ctx, (size_t)cols, bytes);
    if (p->cols == NULL) {
        return PTA_ERR_NOMEM;
    }
    if (!p->is_float) {
        PTA_TRY_ALLOC(ctx, p->product, sums);
        PTA_TRY_ALLOC(ctx, p->acc, sums);
        PTA_TRY_ALLOC(ctx, p->converted, one);
    }
    return PTA_OK;
}

pta_status pta_blas_program_prepare(pta_ctx *ctx, pta_blas_program *p)
{
    for (int32_t i = 0; i < p->n_ops; i++) {
        PTA_TRY(check_op(ctx, p, &p->ops[i]));
        if (!p->is_float) {
            PTA_TRY(make_exact(ctx, p, &p->ops[i]));
        }
    }
    PTA_TRY(make_scratch(ctx, p));
    return pta_blas_program_place(ctx, p, false);
}

/* ---- the arena ---- */

typedef struct room {
    size_t bytes, offset;
    int32_t busy_until; /* op that reads it last; n_ops: for good */
} room;

static void find_last_uses(const pta_blas_program *p, bool keep_all,
                           int32_t *last)
{
    for (int32_t i = 0; i < p->n_ops; i++) {
        for (int32_t k = 0; k < p->ops[i].n_in; k++) {
            last[p->values[p->ops[i].in[k]].root] = i;
        }
    }
    for (int32_t v = 0; v < p->n_values; v++) {
        if (keep_all || p->values[v].keep) {
            last[p->values[v].root] = p->n_ops;
        }
    }
}

/* Gives the value the largest room that is free at op `now`, or a new one. */
static void take_room(const pta_blas_program *p, int32_t value, int32_t now,
                      int32_t last, room *rooms, int32_t *n_rooms,
                      int32_t *room_of)
{
    size_t bytes = (size_t)pta_view_count(p->values[value].view) *
                   (size_t)p->max_samples *
                   (p->is_float ? sizeof(float) : sizeof(double));
    int32_t best = -1;
    for (int32_t r = 0; r < *n_rooms; r++) {
        if (rooms[r].busy_until < now &&
            (best < 0 || rooms[r].bytes > rooms[best].bytes)) {
            best = r;
        }
    }
    best = best < 0 ? (*n_rooms)++ : best;
    rooms[best].bytes = rooms[best].bytes < bytes ? bytes : rooms[best].bytes;
    rooms[best].busy_until = last < now ? now : last;
    room_of[value] = best;
}

static void assign_rooms(const pta_blas_program *p, const int32_t *last,
                         room *rooms, int32_t *n_rooms, int32_t *room_of)
{
    for (int32_t v = 0; v < p->n_values; v++) {
        room_of[v] = -1;
    }
    for (int32_t v = 0; v < p->n_values; v++) { /* live from the beginning */
        if (p->values[v].root == v && last[v] == p->n_ops) {
            take_room(p, v, -1, last[v], rooms, n_rooms, room_of);
        }
    }
    for (int32_t i = 0; i < p->n_ops; i++) {
        int32_t v = p->ops[i].out;
        if (p->values[v].root == v && room_of[v] < 0) {
            take_room(p, v, i, last[v], rooms, n_rooms, room_of);
        }
    }
}

static pta_status place(pta_ctx *ctx, pta_blas_program *p, room *rooms,
                        int32_t n_rooms, const int32_t *room_of)
{
    size_t total = 0;
    for (int32_t r = 0; r < n_rooms; r++) {
        rooms[r].offset = total;
        total += (rooms[r].bytes + 63) / 64 * 64;
    }
    char *arena = pta_calloc(ctx, total, 1);
    if (arena == NULL) {
        return PTA_ERR_NOMEM;
    }
    pta_free(ctx, p->arena);
    p->arena = arena;
    for (int32_t v = 0; v < p->n_values; v++) {
        int32_t r = room_of[p->values[v].root];
        p->values[v].data = r < 0 ? NULL : arena + rooms[r].offset;
    }
    return PTA_OK;
}

pta_status pta_blas_program_place(pta_ctx *ctx, pta_blas_program *p,
                                  bool keep_all)
{
    size_t n = (size_t)p->n_values;
    int32_t *last = pta_calloc(ctx, n, sizeof *last);
    int32_t *room_of = pta_calloc(ctx, n, sizeof *room_of);
    room *rooms = pta_calloc(ctx, n, sizeof *rooms);
    pta_status status = PTA_ERR_NOMEM;
    if (last != NULL && room_of != NULL && rooms != NULL) {
        int32_t n_rooms = 0;
        find_last_uses(p, keep_all, last);
        assign_rooms(p, last, rooms, &n_rooms, room_of);
        status = place(ctx, p, rooms, n_rooms, room_of);
    }
    pta_free(ctx, rooms);
    pta_free(ctx, room_of);
    pta_free(ctx, last);
    return status;
}
