/*
 * The generator from end to end: random networks as cores on the `rtl` device,
 * word for word what oracle and `fixed` device say, with and without stalls,
 * and in as many cycles as the recurrence of framework/plan/timing.c says, to
 * the cycle. The manifest's interval, a whole number, is within 2 % of what was
 * counted, rounding apart.
 *
 *     test_gen [--random N [SEED]]    N networks of all layers instead
 */
#include "gen_case.h"
#include "hls/driver/device_hw.h"
#include "hls/gen/device_rtl.h"
#include "hls/gen/identity.h"
#include "hls/sim/bus_sim.h"
#include "unit/unit.h"

#define SEED 20261130u

static pta_ctx *ctx;

/* ---- networks ---- */

static void add_dense_chain(gen_case *c)
{
    random_graph *g = &c->graph;
    int n = (int)rg_range(g, 2, 3);
    rg_add_input(c->ctx, g, (pta_view){1, 1, (int32_t)rg_range(g, 3, 40)});
    for (int i = 0; i < n; i++) {
        rg_add_node(c->ctx, g, PTA_OP_DENSE, g->graph->n_nodes - 1);
    }
}

static void add_image(gen_case *c)
{
    random_graph *g = &c->graph;
    rg_add_input(c->ctx, g,
                 (pta_view){(int32_t)rg_range(g, 3, 6),
                            (int32_t)rg_range(g, 3, 6),
                            (int32_t)rg_range(g, 1, 4)});
    rg_add_node(c->ctx, g, PTA_OP_CONV, 0);
    rg_add_node(c->ctx, g, PTA_OP_CONV, 1);
    rg_add_node(c->ctx, g, PTA_OP_DENSE, 2);
}

static void add_anything(gen_case *c)
{
    random_graph *g = &c->graph;
    int n = (int)rg_range(g, 2, 7);
    rg_add_input(c->ctx, g,
                 (pta_view){(int32_t)rg_range(g, 1, 6),
                            (int32_t)rg_range(g, 1, 6),
                            (int32_t)rg_range(g, 1, 5)});
    for (int i = 0; i < n; i++) {
        int32_t from = g->graph->n_nodes - 1;
        rg_add_node(c->ctx, g, rg_random_op(g, from), from);
    }
}

/* ---- runs ---- */

static double interval_of(const gen_result *r)
{
    return (double)r->span / (GEN_SAMPLES - 1);
}

/* Share by which the counted interval is off, beyond the rounding. */
static double error_of(const gen_result *r)
{
    double off = fabs(interval_of(r) - (double)r->interval) - 0.5;
    return off > 0 ? off / (double)r->interval : 0;
}

static bool is_late(const gen_result *r, double share)
{
    return r->first != r->latency || r->span != r->span_said ||
           error_of(r) > share;
}

static void print(const char *what, uint64_t seed, const gen_result *r)
{
    printf("%s, seed %llu: latency %lld (said %lld), interval %.2f (said %lld)"
           ", span %lld (said %lld), %lld wrong words\n",
           what, (unsigned long long)seed, (long long)r->first,
           (long long)r->latency, interval_of(r), (long long)r->interval,
           (long long)r->span, (long long)r->span_said, (long long)r->wrong);
}

/* One network: free running, then with stalls. */
static void check(const char *what, uint64_t seed, int bits,
                  void (*add)(gen_case *), double share)
{
    gen_case c;
    gen_begin(&c, ctx, seed, bits);
    add(&c);
    UNIT_OK(ctx, gen_finish(&c));
    gen_result r = gen_run(&c, NULL);
    UNIT_OK(ctx, r.status);
    print(what, seed, &r);
    CU_ASSERT_EQUAL(r.wrong, 0);
    CU_ASSERT_FALSE(is_late(&r, share));
    r = gen_run(&c, "stall=40,seed=3");
    UNIT_OK(ctx, r.status);
    CU_ASSERT_EQUAL(r.wrong, 0);
    CU_ASSERT_TRUE(r.first >= r.latency);
    gen_end(&c);
}

static void test_dense(void)
{
    check("dense, 8 bits", SEED, 8, add_dense_chain, 0.0);
    check("dense, 14 bits", SEED + 1, 14, add_dense_chain, 0.0);
}

static void test_image(void)
{
    check("convolutions", SEED + 2, 8, add_image, 0.02);
}

/* Names every layer by the same text, so that a difference is easy to see. */
static void print_layers(const gen_case *c)
{
    for (int32_t i = 0; i < c->graph.graph->n_nodes; i++) {
        const pta_node *n = &c->graph.graph->nodes[i];
        printf(" %s[%d,%d,%d]", pta_op_name(n->op), (int)n->view.h,
               (int)n->view.w, (int)n->view.c);
    }
    printf("\n");
}

static int run_random(int n, uint64_t seed)
{
    int wrong = 0, slow = 0, refused = 0;
    double worst = 0;
    for (int i = 0; i < n; i++) {
        gen_case c;
        gen_begin(&c, ctx, seed + (uint64_t)i, i % 3 == 2 ? 12 : 8);
        add_anything(&c);
        pta_status status = gen_finish(&c);
        gen_result r = {.status = status};
        if (status == PTA_OK) {
            r = gen_run(&c, i % 2 == 0 ? NULL : "stall=30");
        }
        bool late = i % 2 == 0 && r.status == PTA_OK && is_late(&r, 0.02);
        if (r.status != PTA_OK) {
            printf("%llu: %s:", (unsigned long long)(seed + (uint64_t)i),
                   pta_ctx_error(ctx));
            refused += r.status == PTA_ERR_UNSUPPORTED;
            wrong += r.status != PTA_ERR_UNSUPPORTED;
        } else {
            print(r.wrong > 0 ? "WRONG"
                  : late      ? "CYCLES"
                              : "good",
                  seed + (uint64_t)i, &r);
        }
        print_layers(&c);
        wrong += r.wrong > 0;
        slow += late;
        if (i % 2 == 0 && r.status == PTA_OK) {
            worst = fmax(worst, error_of(&r));
        }
        gen_end(&c);
        fflush(stdout);
    }
    printf("%d networks: %d wrong, %d with other cycles, %d refused; worst "
           "interval %.2f %% off\n",
           n, wrong, slow, refused, 100 * worst);
    return wrong > 0 || slow > 0 || 2 * refused > n;
}

/* ---- manifest and texts ---- */

static pta_generated *generate(gen_case *c, pta_weight_kind weights)
{
    pta_fold folds[RG_NODES * 4];
    pta_budget budget = pta_budget_pynq();
    pta_generate_options options = {.graph = c->graph.graph};
    pta_design *design;
    pta_generated *g;
    UNIT_OK(ctx, pta_generate_design(ctx, c->slice, &budget, weights, folds,
                                     &design));
    UNIT_OK(ctx, pta_generate(ctx, c->slice, folds, design, &options, &g));
    pta_design_destroy(ctx, &design);
    return g;
}

static void test_manifest(void)
{
    gen_case c;
    char *text, *again;
    pta_manifest *read;
    gen_begin(&c, ctx, SEED, 8);
    add_image(&c);
    UNIT_OK(ctx, gen_finish(&c));
    pta_generated *g = generate(&c, PTA_WEIGHTS_RAM);
    UNIT_OK(ctx, pta_manifest_print(ctx, &g->manifest, &text));
    UNIT_OK(ctx, pta_manifest_parse(ctx, text, "m.json", &read));
    UNIT_OK(ctx, pta_manifest_print(ctx, read, &again));
    CU_ASSERT_STRING_EQUAL(text, again);
    CU_ASSERT_EQUAL(read->n_layers, c.slice->n_steps);
    CU_ASSERT_TRUE(read->ram && g->n_memories > 0);
    pta_fold folds[RG_NODES * 4];
    UNIT_OK(ctx, pta_manifest_folds(ctx, read, c.slice, folds));
    CU_ASSERT_EQUAL(folds[0].pe, c.slice->steps[0].fold.pe);
    CU_ASSERT_EQUAL(folds[0].memory, PTA_MEMORY_RAM);
    pta_core_info info;
    pta_manifest_info(read, &info);
    CU_ASSERT_EQUAL(info.in_bytes, g->manifest.in_bytes);
    for (int i = 0; i < g->n_memories; i++) {
        CU_ASSERT_EQUAL(pta_core_memory_crc(&g->memories[i]),
                        read->memories[i].crc);
    }
    pta_manifest_destroy(ctx, &read);
    for (const char *key = text; (key = strstr(key, "\": ")) != NULL; key++) {
        text[key - text - 1] ^= 1; /* another key */
        CU_ASSERT_EQUAL(pta_manifest_parse(ctx, text, "m.json", &read),
                        PTA_ERR_FORMAT);
        CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "m.json"));
        text[key - text - 1] ^= 1;
    }
    pta_free(ctx, text);
    pta_free(ctx, again);
    pta_generated_destroy(ctx, &g);
    gen_end(&c);
}

/* Same slice, same bytes; another weight, another digest, unless it is RAM. */
static void test_identity(void)
{
    gen_case c;
    char before[PTA_SHA256_HEX], after[PTA_SHA256_HEX];
    gen_begin(&c, ctx, SEED, 8);
    add_dense_chain(&c);
    UNIT_OK(ctx, gen_finish(&c));
    pta_generated *g = generate(&c, PTA_WEIGHTS_ROM);
    pta_generated *h = generate(&c, PTA_WEIGHTS_ROM);
    CU_ASSERT_EQUAL_FATAL(g->n_files, h->n_files);
    for (int i = 0; i < g->n_files; i++) {
        CU_ASSERT_STRING_EQUAL(g->files[i].text, h->files[i].text);
    }
    for (int ram = 0; ram < 2; ram++) {
        int8_t *weight = c.slice->steps[0].weights.data;
        pta_slice_identity(c.slice, ram != 0, before);
        *weight ^= 1;
        pta_slice_identity(c.slice, ram != 0, after);
        *weight ^= 1;
        CU_ASSERT_EQUAL(strcmp(before, after) == 0, ram != 0);
    }
    pta_slice_identity(c.slice, false, before);
    CU_ASSERT_STRING_EQUAL(before, g->manifest.slice_digest);
    c.slice->steps[0].acc_bits++;
    pta_slice_identity(c.slice, true, after);
    CU_ASSERT_STRING_NOT_EQUAL(before, after);
    pta_generated_destroy(ctx, &g);
    pta_generated_destroy(ctx, &h);
    gen_end(&c);
}

/* Every type of the hls4ml profile is part of the name, in that profile. */
static void test_hls4ml_identity(void)
{
    gen_case c;
    char exact[PTA_SHA256_HEX], before[PTA_SHA256_HEX], after[PTA_SHA256_HEX];
    gen_begin(&c, ctx, SEED, 8);
    add_dense_chain(&c);
    UNIT_OK(ctx, gen_finish(&c));
    pta_hls4ml_types *t = &c.slice->steps[0].hls4ml;
    pta_format *const types[] = {&t->bias, &t->accum, &t->table, &t->inv_table,
                                 &t->inv_input};
    t->table_size = 1024;
    pta_slice_identity(c.slice, false, exact);
    t->used = true;
    pta_slice_identity(c.slice, false, before);
    CU_ASSERT_STRING_NOT_EQUAL(exact, before);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        for (int k = 0; k < 5; k++) {
            pta_format kept = *types[i], *f = types[i];
            f->width = (int16_t)(f->width + (k == 0));
            f->integer = (int16_t)(f->integer + (k == 1));
            f->is_signed = f->is_signed != (k == 2);
            f->rounding = (uint8_t)(f->rounding + (k == 3));
            f->overflow = (uint8_t)(f->overflow + (k == 4));
            pta_slice_identity(c.slice, false, after);
            CU_ASSERT_STRING_NOT_EQUAL(before, after);
            *f = kept;
        }
    }
    t->table_size++;
    pta_slice_identity(c.slice, false, after);
    CU_ASSERT_STRING_NOT_EQUAL(before, after);
    t->table_size--;
    t->softmax ^= 1;
    pta_slice_identity(c.slice, false, after);
    CU_ASSERT_STRING_NOT_EQUAL(before, after);
    gen_end(&c);
}

/* New weights need no new core; and an option that is none is refused. */
static void test_ram(void)
{
    gen_case c;
    gen_begin(&c, ctx, SEED + 4, 8);
    add_dense_chain(&c);
    UNIT_OK(ctx, gen_finish(&c));
    gen_result r = gen_run(&c, "weights=ram,stall=20");
    UNIT_OK(ctx, r.status);
    CU_ASSERT_EQUAL(r.wrong, 0);
    r = gen_run(&c, "stall=100");
    CU_ASSERT_EQUAL(r.status, PTA_ERR_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "stall=100"));
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "weights=ram"));
    gen_end(&c);
}

/* The core of `g` behind the driver, with the weights of `weights`. */
static pta_status open_core(const pta_slice *slice, const pta_generated *g,
                            const pta_generated *weights, pta_sim_model *model,
                            pta_core_info *info, pta_bus_sim_params *bus,
                            pta_hw_config *config, pta_device **device)
{
    pta_sim_design sim = pta_generated_sim(g);
    pta_device_params params = {.max_samples = 1, .n_slots = 1};
    pta_manifest_info(&g->manifest, info);
    info->n_memories = weights->n_memories;
    info->memories = weights->memories;
    PTA_TRY(pta_sim_model_open(ctx, &sim, model));
    *bus = (pta_bus_sim_params){.core = model->ops, .clock_hz = info->clock_hz};
    *config =
        (pta_hw_config){.info = info, .bus = &pta_bus_sim, .bus_params = bus};
    /* Proves the core by a sample whose answer `fixed` gives. */
    return pta_hw_open(ctx, slice, &params, &pta_device_rtl, config, device);
}

/* One core takes a second set of weights; a flipped bit is noticed. */
static void test_new_weights(void)
{
    gen_case c;
    pta_sim_model model;
    pta_core_info info;
    pta_bus_sim_params bus;
    pta_hw_config config;
    pta_device *device = NULL;
    gen_begin(&c, ctx, SEED + 4, 8);
    add_dense_chain(&c);
    UNIT_OK(ctx, gen_finish(&c));
    pta_generated *first = generate(&c, PTA_WEIGHTS_RAM);
    int8_t *weight = c.slice->steps[0].weights.data;
    weight[0] = (int8_t)-weight[0];
    weight[1] = (int8_t)(weight[1] / 2 + 3);
    pta_generated *second = generate(&c, PTA_WEIGHTS_RAM);
    CU_ASSERT_STRING_EQUAL(first->manifest.slice_digest,
                           second->manifest.slice_digest);
    CU_ASSERT_STRING_NOT_EQUAL(first->manifest.weight_digest,
                               second->manifest.weight_digest);
    UNIT_OK(ctx, open_core(c.slice, first, second, &model, &info, &bus, &config,
                           &device));
    UNIT_OK(ctx, pta_core_check(ctx, pta_hw_core(device)));
    uint32_t *word = (uint32_t *)(uintptr_t)second->memories[0].data;
    *word ^= 4; /* what the driver believes, not what was loaded */
    CU_ASSERT_EQUAL(pta_core_check(ctx, pta_hw_core(device)), PTA_ERR_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "CRC"));
    *word ^= 4;
    pta_hw_close(ctx, &device);
    pta_sim_model_close(&model);
    /* The first set's answers are not the second slice's. */
    CU_ASSERT_EQUAL(
        open_core(c.slice, first, first, &model, &info, &bus, &config, &device),
        PTA_ERR_DEVICE);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "known sample"));
    pta_sim_model_close(&model);
    pta_generated_destroy(ctx, &first);
    pta_generated_destroy(ctx, &second);
    gen_end(&c);
}

static void test_memory_balance(void)
{
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
}

static const unit_test tests[] = {{"manifest", test_manifest},
                                  {"identity", test_identity},
                                  {"identity, hls4ml", test_hls4ml_identity},
                                  {"dense", test_dense},
                                  {"image", test_image},
                                  {"ram", test_ram},
                                  {"new weights", test_new_weights},
                                  {"memory balance", test_memory_balance}};

int main(int argc, char **argv)
{
    ctx = pta_ctx_create();
    int code;
    if (argc > 2 && strcmp(argv[1], "--random") == 0) {
        code = run_random(atoi(argv[2]),
                          argc > 3 ? strtoull(argv[3], NULL, 10) : SEED);
    } else if (system("verilator --version >/dev/null 2>&1") != 0) {
        printf("SKIP: no Verilator\n");
        code = 77;
    } else {
        code = unit_main("gen", tests, sizeof tests / sizeof *tests);
    }
    pta_ctx_destroy(&ctx);
    return code;
}
