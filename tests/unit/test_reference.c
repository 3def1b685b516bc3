/*
 * The BLAS references against plain 128-bit loops (random_graph.h), the limbs
 * of kernels/exact_blas.c at the 2^53 and 2^63 boundaries, and the tables
 * against the inverse functions.
 *
 * Float results are compared with double loops; the bound is 1e-5 of the
 * largest value: float32 sums of up to 1,000 products are good to 1e-6.
 */
#include "runtime/reference.h"

#include "kernels/exact_blas.h"
#include "random_graph.h"
#include "unit.h"

#define SEED        UINT64_C(20261122)
#define FLOAT_BOUND 1e-5

/* ---- the exact reference, node by node ---- */

typedef struct tap_check {
    const random_graph *r;
    int64_t n_words, n_wrong;
    int32_t n_nodes;
} tap_check;

static void check_node(void *user, int32_t node, const void *values,
                       int32_t n_samples, int64_t count)
{
    tap_check *check = user;
    check->n_nodes++;
    for (int64_t e = 0; e < n_samples * count; e++) {
        double expected = (double)check->r->raw[node][e];
        check->n_words++;
        if (((const double *)values)[e] != expected && check->n_wrong++ == 0) {
            fprintf(stderr, "\nnode %d (%s) element %ld: %.0f, not %.0f\n",
                    node, pta_op_name(check->r->graph->nodes[node].op), (long)e,
                    ((const double *)values)[e], expected);
        }
    }
}

static void run_exact(pta_ctx *ctx, random_graph *r, bool keep,
                      tap_check *check)
{
    pta_reference *reference;
    UNIT_OK(ctx, pta_reference_open(ctx, r->graph, &r->weights, r->formats,
                                    RG_SAMPLES, &reference));
    pta_reference_keep_all(reference, keep);
    const void *inputs[2] = {r->raw[0], r->raw[1]};
    int64_t *outputs[2];
    for (int i = 0; i < 2; i++) {
        int32_t node = r->graph->outputs[i];
        int64_t n = pta_view_count(r->graph->nodes[node].view) * RG_SAMPLES;
        outputs[i] = calloc((size_t)n, sizeof(int64_t));
    }
    UNIT_OK(ctx,
            pta_reference_run(reference, ctx, inputs, (void *const *)outputs,
                              RG_SAMPLES, check_node, check));
    for (int i = 0; i < 2; i++) {
        int32_t node = r->graph->outputs[i];
        int64_t n = pta_view_count(r->graph->nodes[node].view) * RG_SAMPLES;
        CU_ASSERT_EQUAL(
            memcmp(outputs[i], r->raw[node], (size_t)n * sizeof(int64_t)), 0);
        free(outputs[i]);
    }
    for (int32_t i = 0; keep && i < r->graph->n_nodes; i++) {
        pta_view view = r->graph->nodes[i].view;
        CU_ASSERT_PTR_NOT_NULL_FATAL(pta_reference_values(reference, i));
        check_node(check, i, pta_reference_values(reference, i), RG_SAMPLES,
                   pta_view_count(view));
    }
    pta_reference_close(ctx, &reference);
    CU_ASSERT_PTR_NULL(reference);
}

/* Random graphs of every width, both profiles' modes, kept or sharing. */
static void test_exact_graphs(void)
{
    uint64_t rng = SEED;
    int64_t n_ops[PTA_OP_COUNT] = {0}, n_words = 0;
    printf("\n  seed %llu ", (unsigned long long)SEED);
    for (int round = 0; round < 620; round++) {
        pta_ctx *ctx = pta_ctx_create();
        random_graph r = {
            .rng = &rng, .bits = 2 + round % 31, .all_modes = round % 2 != 0};
        rg_make(ctx, &r, 10);
        tap_check check = {.r = &r};
        run_exact(ctx, &r, round % 3 == 0, &check);
        CU_ASSERT_EQUAL(check.n_wrong, 0);
        if (check.n_wrong != 0) {
            fprintf(stderr, "round %d, %d bits\n", round, r.bits);
        }
        n_words += check.n_words;
        for (int32_t i = 0; i < r.graph->n_nodes; i++) {
            n_ops[r.graph->nodes[i].op]++;
        }
        rg_free(ctx, &r);
        CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
        pta_ctx_destroy(&ctx);
    }
    for (int op = 0; op < PTA_OP_COUNT; op++) {
        CU_ASSERT_TRUE(op == PTA_OP_SOFTMAX || n_ops[op] >= 20);
    }
    printf("%lld words ", (long long)n_words);
}

/* ---- float ---- */

static double float_node(const random_graph *r, const pta_node *n,
                         double *const *x, int32_t node, int64_t e)
{
    int c = (int)(e % n->view.c), at = (int)(e / n->view.c);
    int y = at / n->view.w, col = at % n->view.w;
    pta_view v = r->graph->nodes[n->in[0]].view;
    rg_place p = {r, node, 0};
    double sum = 0.0, cells = 0.0;
    if (n->op == PTA_OP_DENSE) {
        for (int64_t i = 0; i < pta_view_count(v); i++) {
            sum += x[0][i] * r->kernel[node][i * n->view.c + c];
        }
    } else if (n->op == PTA_OP_SCALE_SHIFT) {
        sum = x[0][e] * r->kernel[node][c];
    } else if (n->op == PTA_OP_RELU) {
        return x[0][e] >= n->threshold ? fmin(x[0][e], n->act_max)
                                       : n->alpha * (x[0][e] - n->threshold);
    } else if (n->op == PTA_OP_SIGMOID) {
        return 1.0 / (1.0 + exp(-x[0][e]));
    } else if (n->op == PTA_OP_TANH) {
        return tanh(x[0][e]);
    } else if (n->op == PTA_OP_HARD_SIGMOID) {
        double slope = n->keras_major == 2 ? 0.2 : 1.0 / 6.0;
        return fmin(fmax(slope * x[0][e] + 0.5, 0.0), 1.0);
    } else if (n->op == PTA_OP_SOFTMAX) {
        double under = 0.0;
        for (int k = 0; k < n->view.c; k++) {
            under += exp(x[0][e - c + k] - x[0][e]);
        }
        return 1.0 / under;
    } else if (n->op >= PTA_OP_ADD && n->op <= PTA_OP_MAXIMUM) {
        sum = x[0][e];
        for (int k = 1; k < n->n_in; k++) {
            sum = n->op == PTA_OP_SUB       ? sum - x[k][e]
                  : n->op == PTA_OP_MUL     ? sum * x[k][e]
                  : n->op == PTA_OP_MAXIMUM ? fmax(sum, x[k][e])
                                            : sum + x[k][e];
        }
        sum /= n->op == PTA_OP_AVERAGE ? n->n_in : 1;
    } else {
        bool is_max = n->op == PTA_OP_MAXPOOL;
        bool is_depthwise = n->op == PTA_OP_DWCONV;
        int mult = is_depthwise ? n->view.c / v.c : 1;
        for (int k = 0; k < n->window.kh * n->window.kw; k++) {
            for (int i = 0; i < v.c; i++) {
                int64_t from =
                    rg_cell(&p, y, col, k / n->window.kw, k % n->window.kw, i);
                if (from < 0 || (n->op != PTA_OP_CONV && i != c / mult)) {
                    continue;
                }
                const double *w = r->kernel[node];
                double factor = n->op == PTA_OP_CONV
                                    ? w[(k * v.c + i) * n->view.c + c]
                                : is_depthwise ? w[k * n->view.c + c]
                                               : 1.0;
                double term = x[0][from] * factor;
                sum = !is_max || cells == 0.0 ? sum + term : fmax(sum, term);
                cells += 1.0;
            }
        }
        sum /= n->op == PTA_OP_AVGPOOL ? cells : 1.0;
    }
    if (n->op == PTA_OP_SCALE_SHIFT || n->has_bias) {
        sum += r->bias[node][c];
    }
    sum = n->act != PTA_ACT_NONE ? fmax(sum, 0.0) : sum;
    return n->act == PTA_ACT_RELU_MAX ? fmin(sum, n->act_max) : sum;
}

/* One op over float inputs of moderate size; first sample compared. */
static void check_float_op(pta_ctx *ctx, uint64_t *rng, pta_op op)
{
    random_graph r = {.rng = rng, .bits = 12};
    UNIT_OK(ctx, pta_graph_create(ctx, "float", &r.graph));
    r.weights = (pta_weights){rg_read, &r};
    pta_view view = {5, 4, 3};
    rg_add_input(ctx, &r, view);
    rg_add_input(ctx, &r, view);
    if (op == PTA_OP_SOFTMAX) {
        pta_node n = pta_node_make(op);
        int32_t from = 1, i;
        n.n_in = 1;
        n.in = &from;
        rg_add(ctx, &r, &n, view, &i);
    } else {
        rg_add_node(ctx, &r, op, 1);
    }
    UNIT_OK(ctx, pta_graph_add_output(ctx, r.graph, 2));
    const pta_node *n = &r.graph->nodes[2];
    int64_t n_in = pta_view_count(view), n_out = pta_view_count(n->view);
    float *x32[2];
    double *x64[2];
    for (int k = 0; k < 2; k++) {
        x32[k] = calloc((size_t)n_in * RG_SAMPLES, sizeof(float));
        x64[k] = calloc((size_t)n_in, sizeof(double));
        for (int64_t e = 0; e < n_in * RG_SAMPLES; e++) {
            x32[k][e] = (float)pta_rng_range(rng, -3000, 3000) / 1000.0f;
            x64[k][e % n_in] = (double)x32[k][e]; /* of the last sample */
        }
    }
    float *y = calloc((size_t)n_out * RG_SAMPLES, sizeof *y);
    const void *inputs[2] = {x32[0], x32[1]};
    void *outputs[1] = {y};
    pta_reference *reference;
    UNIT_OK(ctx, pta_reference_open(ctx, r.graph, &r.weights, NULL, RG_SAMPLES,
                                    &reference));
    UNIT_OK(ctx, pta_reference_run(reference, ctx, inputs, outputs, RG_SAMPLES,
                                   NULL, NULL));
    double *const args[3] = {x64[n->in[0]], x64[n->n_in > 1 ? n->in[1] : 0],
                             x64[n->n_in > 2 ? n->in[2] : 0]};
    double most = 0.0, worst = 0.0;
    for (int64_t e = 0; e < n_out; e++) {
        double expected = float_node(&r, n, args, 2, e);
        double got = (double)y[(RG_SAMPLES - 1) * n_out + e];
        most = fmax(most, fabs(expected));
        worst = fmax(worst, fabs(got - expected));
    }
    CU_ASSERT_TRUE(worst <= FLOAT_BOUND * most);
    if (!(worst <= FLOAT_BOUND * most)) {
        fprintf(stderr, "\nfloat %s: off by %g of %g\n", pta_op_name(op), worst,
                most);
    }
    pta_reference_close(ctx, &reference);
    free(y);
    for (int k = 0; k < 2; k++) {
        free(x32[k]);
        free(x64[k]);
    }
    rg_free(ctx, &r);
}

static void test_float_ops(void)
{
    static const pta_op ops[] = {
        PTA_OP_DENSE,   PTA_OP_CONV,    PTA_OP_DWCONV,  PTA_OP_SCALE_SHIFT,
        PTA_OP_MAXPOOL, PTA_OP_AVGPOOL, PTA_OP_RELU,    PTA_OP_SIGMOID,
        PTA_OP_TANH,    PTA_OP_SOFTMAX, PTA_OP_ADD,     PTA_OP_SUB,
        PTA_OP_MUL,     PTA_OP_AVERAGE, PTA_OP_MAXIMUM, PTA_OP_HARD_SIGMOID};
    uint64_t rng = SEED;
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
            pta_ctx *ctx = pta_ctx_create();
            check_float_op(ctx, &rng, ops[i]);
            pta_ctx_destroy(&ctx);
        }
    }
}

/* ---- limbs ---- */

/* Rows of weights and inputs; compares every accumulator with int128. */
static int check_dense(const double *w, const double *x, int32_t rows,
                       int32_t cols, int32_t m, int64_t x_max)
{
    pta_exact_matrix matrix = {.rows = rows, .cols = cols};
    if (!pta_exact_limbs_plan(&matrix, w, x_max)) {
        return -1;
    }
    size_t n = (size_t)rows * (size_t)cols;
    double *limbs = calloc(n * (size_t)matrix.n_limbs, sizeof *limbs);
    int64_t *acc = calloc((size_t)(m * rows), sizeof *acc);
    double *product = calloc((size_t)(m * rows), sizeof *product);
    pta_exact_limbs_split(&matrix, w, limbs);
    matrix.limbs = limbs;
    pta_exact_dense(acc, x, m, &matrix, product);
    int n_wrong = 0;
    for (int32_t i = 0; i < m; i++) {
        for (int32_t r = 0; r < rows; r++) {
            i128 sum = 0;
            for (int32_t c = 0; c < cols; c++) {
                sum += (i128)x[i * cols + c] * (i128)w[r * cols + c];
            }
            n_wrong += sum != acc[i * rows + r];
        }
    }
    CU_ASSERT_EQUAL(n_wrong, 0);
    free(limbs);
    free(acc);
    free(product);
    return matrix.n_limbs;
}

/* 2^53 exactly needs one limb, one more needs two; and both are right where a
 * single dgemm would lose the last bit. */
static void test_limbs_at_2_53(void)
{
    double x[4] = {0x1p31, 0x1p31, 0x1p31, 0x1p31};
    double w[4] = {0x1p20, 0x1p20, 0x1p20, 0x1p20};
    CU_ASSERT_EQUAL(check_dense(w, x, 1, 4, 1, INT64_C(1) << 31), 1);
    w[3] += 1.0;
    CU_ASSERT_EQUAL(check_dense(w, x, 1, 4, 1, INT64_C(1) << 31), 2);
    double odd_x[3] = {0x1p31 - 1.0, 1.0, 3.0};
    double odd_w[3] = {0x1p22 + 1.0, 1.0, -0x1p22};
    CU_ASSERT_EQUAL(check_dense(odd_w, odd_x, 1, 3, 1, INT64_C(1) << 31), 2);
    CU_ASSERT_NOT_EQUAL(0x1p31 * 0x1p22 + 1.0, 0x1p53 + 2.0); /* it is lost */
}

/* Weights of one row share a budget so that sum |w| x_max just stays below
 * 2^63; inputs are the extremes of either sign, or random. */
static void fill_budget(uint64_t *rng, double *w, double *x, int32_t rows,
                        int32_t cols, int32_t m, int64_t x_max, int shape)
{
    int64_t budget = (int64_t)((((i128)1 << 63) - 1) / x_max);
    int64_t each = budget / cols, top = (INT64_C(1) << 31) - 1;
    each = each > top ? top : each;
    for (int32_t i = 0; i < rows * cols; i++) {
        int64_t v = shape == 0 ? each : pta_rng_range(rng, -each, each);
        w[i] = (double)(shape == 1 && i % 2 != 0 ? -each : v);
    }
    for (int32_t i = 0; i < m * cols; i++) {
        x[i] = (double)(shape == 2   ? pta_rng_range(rng, -x_max, x_max - 1)
                        : i % 7 == 0 ? -x_max
                                     : x_max - 1);
    }
}

static void test_limbs_near_2_63(void)
{
    uint64_t rng = SEED;
    int n_cases[PTA_EXACT_LIMBS + 1] = {0};
    for (int32_t cols = 1; cols <= 20000; cols = cols * 3 + 1) {
        for (int width = 8; width <= 32; width++) {
            for (int shape = 0; shape < 3; shape++) {
                int32_t m = cols % 2 == 0 ? 1 : 3, rows = 2;
                double *w = calloc((size_t)(rows * cols), sizeof *w);
                double *x = calloc((size_t)(m * cols), sizeof *x);
                int64_t x_max = INT64_C(1) << (width - 1);
                fill_budget(&rng, w, x, rows, cols, m, x_max, shape);
                int limbs = check_dense(w, x, rows, cols, m, x_max);
                CU_ASSERT_TRUE_FATAL(limbs > 0);
                n_cases[limbs]++;
                free(w);
                free(x);
            }
        }
    }
    printf("\n  cases of 1, 2, 3 limbs: %d %d %d ", n_cases[1], n_cases[2],
           n_cases[3]);
    CU_ASSERT_TRUE(n_cases[1] > 20 && n_cases[2] > 20);
}

/* Too many full-width weights for four limbs are refused, not wrong. */
static void test_limbs_refused(void)
{
    int32_t cols = (1 << 22) + 2;
    double *w = calloc((size_t)cols, sizeof *w);
    for (int32_t i = 0; i < cols; i++) {
        w[i] = 1.0;
    }
    pta_exact_matrix m = {.rows = 1, .cols = cols};
    CU_ASSERT_FALSE(pta_exact_limbs_plan(&m, w, INT64_C(1) << 32));
    CU_ASSERT_TRUE(pta_exact_limbs_plan(&m, w, INT64_C(1) << 30));
    free(w);
}

/* ---- tables ---- */

/* y = round(f(x) 2^F) exactly if the inverse of f puts x between the inverses
 * of (y - 1/2) 2^-F and (y + 1/2) 2^-F. */
static long double logit(long double y)
{
    return y <= 0.0L   ? -HUGE_VALL
           : y >= 1.0L ? HUGE_VALL
                       : logl(y / (1.0L - y));
}

static long double atanh_or_infinity(long double y)
{
    return y <= -1.0L ? -HUGE_VALL : y >= 1.0L ? HUGE_VALL : atanhl(y);
}

static void check_table(const double *table, pta_format in, pta_format out,
                        long double (*inverse)(long double))
{
    int64_t min = pta_exact_min(in), max = pta_exact_max(out);
    int n_wrong = 0;
    for (int64_t raw = min; raw <= pta_exact_max(in); raw++) {
        long double x = ldexpl((long double)raw, -rg_frac(in));
        long double y = (long double)table[raw - min];
        long double low = inverse(ldexpl(y - 0.5L, -rg_frac(out)));
        long double high = inverse(ldexpl(y + 0.5L, -rg_frac(out)));
        bool top = (int64_t)y == max; /* may be saturated */
        n_wrong += !(x >= low && (x < high || (top && x >= high)));
    }
    CU_ASSERT_EQUAL(n_wrong, 0);
}

static void test_tables(void)
{
    static double table[1 << 12];
    static const int16_t widths[] = {8, 12};
    for (int i = 0; i < 2; i++) {
        for (int16_t integer = -3; integer <= 6; integer++) {
            for (int16_t out_integer = 1; out_integer <= 2; out_integer++) {
                pta_format in = pta_format_tensor(widths[i], integer, true);
                pta_format out =
                    pta_format_tensor(widths[i], out_integer, true);
                pta_exact_sigmoid_table(table, in, out);
                check_table(table, in, out, logit);
                pta_exact_tanh_table(table, in, out);
                check_table(table, in, out, atanh_or_infinity);
            }
        }
    }
}

/* ---- golden values of ap_fixed's own header ---- */

static void test_rounding_golden(void)
{
    static const double x[] = {0.5,  1.5,  -0.5,  -1.5, 0.4,
                               -0.4, 0.52, -0.52, 6.5,  -6.5};
    /* clang-format off */
    static const int golden[10][7] = {
        { 0,  0,  1,  0,  1,  0,  0}, { 1,  1,  2,  1,  2,  1,  2},
        {-1,  0,  0,  0, -1, -1,  0}, {-2, -1, -1, -1, -2, -2, -2},
        { 0,  0,  0,  0,  0,  0,  0}, {-1,  0,  0,  0,  0,  0,  0},
        { 0,  0,  1,  1,  1,  1,  1}, {-1,  0, -1, -1, -1, -1, -1},
        { 6,  6,  7,  6,  7,  6,  6}, {-7, -6, -6, -6, -7, -7, -6}};
    /* clang-format on */
    for (int i = 0; i < 10; i++) {
        for (int mode = 0; mode < 7; mode++) {
            pta_format f = {8, 8, true, (uint8_t)mode, PTA_OVF_SAT};
            CU_ASSERT_EQUAL(pta_exact_quantise((long double)x[i], f),
                            golden[i][mode]);
        }
    }
    pta_format sat = {8, 3, true, PTA_RND_RND, PTA_OVF_SAT};
    pta_format sym = {8, 3, true, PTA_RND_RND, PTA_OVF_SAT_SYM};
    CU_ASSERT_EQUAL(pta_exact_quantise(-100.0L, sat), -128);
    CU_ASSERT_EQUAL(pta_exact_quantise(-100.0L, sym), -127);
    CU_ASSERT_EQUAL(pta_exact_quantise(1e300L, sat), 127);
    CU_ASSERT_EQUAL(pta_exact_quantise(-1e-300L, sat), 0);
    CU_ASSERT_EQUAL(pta_exact_quantise_at(1e300, 3), INT64_MAX);
    CU_ASSERT_EQUAL(pta_exact_quantise_at(-1e300, 3), INT64_MIN);
    CU_ASSERT_EQUAL(pta_exact_quantise_at(-2.5, 0), -2);
}

/* ---- errors ---- */

static pta_status fail_to_read(pta_weights *self, pta_ctx *ctx, int32_t node,
                               pta_weight_role role, pta_weight_part part,
                               double *values)
{
    (void)self, (void)node, (void)part, (void)values;
    return role == PTA_WEIGHT_BIAS
               ? pta_fail(ctx, PTA_ERR_FORMAT, "a bias that is not there")
               : PTA_OK;
}

static void test_errors(void)
{
    uint64_t rng = SEED;
    pta_ctx *ctx = pta_ctx_create();
    random_graph r = {.rng = &rng, .bits = 8};
    UNIT_OK(ctx, pta_graph_create(ctx, "errors", &r.graph));
    rg_add_input(ctx, &r, (pta_view){2, 2, 2});
    do {
        rg_add_node(ctx, &r, PTA_OP_DENSE, 0);
    } while (!r.graph->nodes[r.graph->n_nodes - 1].has_bias);
    int32_t dense = r.graph->n_nodes - 1;
    rg_add_node(ctx, &r, PTA_OP_TANH, dense);
    UNIT_OK(ctx, pta_graph_add_output(ctx, r.graph, dense + 1));
    pta_reference *reference = NULL;

    r.weights = (pta_weights){fail_to_read, NULL};
    CU_ASSERT_EQUAL(
        pta_reference_open(ctx, r.graph, &r.weights, r.formats, 4, &reference),
        PTA_ERR_FORMAT);
    CU_ASSERT_PTR_NULL(reference);
    r.weights = (pta_weights){rg_read, &r};
    r.formats[dense].out.width = 17; /* no table of 2^17 */
    CU_ASSERT_EQUAL(
        pta_reference_open(ctx, r.graph, &r.weights, r.formats, 4, &reference),
        PTA_ERR_UNSUPPORTED);
    r.formats[dense].out.width = 8;
    for (uint32_t every = 1; every < 40; every++) { /* memory runs out */
        pta_ctx_set_faults(ctx, every, every);
        pta_status status = pta_reference_open(ctx, r.graph, &r.weights,
                                               r.formats, 4, &reference);
        pta_ctx_set_faults(ctx, 0, 0);
        CU_ASSERT_TRUE(status == PTA_ERR_NOMEM || status == PTA_OK);
        if (status == PTA_OK) {
            pta_reference_close(ctx, &reference);
        }
    }
    rg_free(ctx, &r);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

static const unit_test tests[] = {
    {"exact graphs equal 128-bit loops", test_exact_graphs},
    {"float ops equal double loops", test_float_ops},
    {"limbs at 2^53", test_limbs_at_2_53},
    {"limbs near 2^63", test_limbs_near_2_63},
    {"limbs refused", test_limbs_refused},
    {"tables equal the inverse functions", test_tables},
    {"roundings of ap_fixed", test_rounding_golden},
    {"errors", test_errors},
};
UNIT_MAIN("reference", tests)
