/*
 * What Yosys makes of a core computes what the core computes: one small slice is
 * synthesised for the chip, and its netlist of LUTs, flip-flops and DSPs, with
 * Yosys's own models of these cells, is simulated behind the driver: word for
 * word the oracle's outputs, in the cycles of the RTL. Skipped without Yosys or
 * Verilator.
 *
 * Weights are in LUTs: Yosys has no model of a block RAM. PE is even: of an odd
 * one Yosys 0.23 loses the sign of the sums of the row without a partner.
 */
#include <unistd.h>

#include "gen_case.h"
#include "hls/driver/device_hw.h"
#include "hls/gen/device_rtl.h"
#include "hls/sim/bus_sim.h"
#include "unit/unit.h"

#define SEED 20261122u

/* The models lie beside the program, or where Debian has them. */
static const char synthesis[] =
    "cd %s && yosys -q -p 'read_verilog -sv -defer pta_*.sv; synth_xilinx "
    "-family xc7 -flatten -top pta_top -noiopad -noclkbuf; write_verilog "
    "-noattr netlist.v' >yosys.log 2>&1 && "
    "cat $(ls $(dirname $(command -v yosys))/../share/yosys/xilinx/cells_sim.v "
    "/usr/share/yosys/xilinx/cells_sim.v 2>/dev/null | head -n 1) >>netlist.v";

static pta_ctx *ctx;

/* ---- the netlist as a device ---- */

typedef struct netlist {
    pta_hw_config config;
    pta_generated *generated; /* owned */
    pta_sim_model model;
    pta_core_info info;
    pta_bus_sim_params bus;
} netlist;

static pta_status generate(netlist *d, const pta_slice *slice)
{
    pta_generate_options options = {.graph = NULL};
    pta_budget budget = pta_budget_pynq();
    pta_fold folds[RG_NODES * 4];
    pta_design *design;
    PTA_TRY(pta_generate_design(ctx, slice, &budget, PTA_WEIGHTS_ROM, folds,
                                &design));
    pta_status status =
        pta_generate(ctx, slice, folds, design, &options, &d->generated);
    pta_design_destroy(ctx, &design);
    return status;
}

/* Text of the netlist and of the cells it is made of. */
static pta_status synthesise(const pta_generated *core, char **text, size_t *n)
{
    char folder[] = "/tmp/pta-netlist-XXXXXX", command[1024];
    if (mkdtemp(folder) == NULL) {
        return pta_fail(ctx, PTA_ERR_IO, "%s", folder);
    }
    PTA_TRY(pta_generated_write(ctx, core, folder));
    snprintf(command, sizeof command, synthesis, folder);
    if (system(command) != 0) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED, "%s/yosys.log", folder);
    }
    snprintf(command, sizeof command, "%s/netlist.v", folder);
    PTA_TRY(pta_bytes_read(ctx, command, text, n));
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? PTA_OK : PTA_ERR_IO;
}

static pta_status prepare(netlist *d, const pta_slice *slice)
{
    char *text;
    size_t n;
    PTA_TRY(generate(d, slice));
    PTA_TRY(synthesise(d->generated, &text, &n));
    const pta_sim_file file = {"pta_top.sv", text, n};
    const pta_sim_design sim = {.top = "pta_top", .n_files = 1, .files = &file};
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "  DSP48E1 "));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "  RAM32M "));
    pta_status status = pta_sim_model_open(ctx, &sim, &d->model);
    pta_free(ctx, text);
    PTA_TRY(status);
    pta_manifest_info(&d->generated->manifest, &d->info);
    d->bus.core = d->model.ops;
    d->bus.clock_hz = d->info.clock_hz;
    d->config = (pta_hw_config){
        .info = &d->info, .bus = &pta_bus_sim, .bus_params = &d->bus};
    return PTA_OK;
}

static netlist core; /* of the slice under test */

static pta_status netlist_open(pta_ctx *c, const pta_slice *slice,
                               const pta_device_params *params,
                               pta_device **out);

static const pta_device_ops device_netlist = {
    .name = "netlist", .open = netlist_open, PTA_HW_OPS};

static pta_status netlist_open(pta_ctx *c, const pta_slice *slice,
                               const pta_device_params *params,
                               pta_device **out)
{
    core.bus.stall_percent = params->options != NULL ? 90 : 0;
    core.bus.seed = 3;
    return pta_hw_open(c, slice, params, &device_netlist, &core.config, out);
}

/* ---- the test ---- */

static void run_both(gen_case *c, const char *options)
{
    gen_result rtl = gen_run_on(c, &pta_device_rtl, options);
    UNIT_OK(ctx, rtl.status);
    gen_result made = gen_run_on(c, &device_netlist, options);
    UNIT_OK(ctx, made.status);
    printf("\nseed %u, %s: %lld words wrong in RTL, %lld in its netlist; first "
           "sample %lld and %lld cycles, %d more %lld and %lld",
           SEED, options == NULL ? "no stalls" : options, (long long)rtl.wrong,
           (long long)made.wrong, (long long)rtl.first, (long long)made.first,
           GEN_SAMPLES - 1, (long long)rtl.span, (long long)made.span);
    CU_ASSERT_EQUAL(rtl.wrong, 0);
    CU_ASSERT_EQUAL(made.wrong, 0);
    CU_ASSERT_EQUAL(made.first, rtl.first);
    CU_ASSERT_EQUAL(made.span, rtl.span);
}

/* A convolution, a pool and two dense layers, two products in a DSP and one. */
static void test_slice(void)
{
    gen_case c;
    gen_begin(&c, ctx, SEED, 8);
    rg_add_input(ctx, &c.graph, (pta_view){5, 5, 2});
    rg_add_node(ctx, &c.graph, PTA_OP_CONV, 0);
    rg_add_node(ctx, &c.graph, PTA_OP_MAXPOOL, 1);
    rg_add_node(ctx, &c.graph, PTA_OP_DENSE, 2);
    rg_add_node(ctx, &c.graph, PTA_OP_DENSE, 3);
    UNIT_OK(ctx, gen_finish(&c));
    for (int32_t i = 0; i < c.slice->n_steps; i++) {
        pta_fold *fold = &c.slice->steps[i].fold;
        fold->pe += fold->pe % 2;
        fold->memory = PTA_MEMORY_LUT;
    }
    UNIT_OK(ctx, prepare(&core, c.slice));
    run_both(&c, NULL);
    run_both(&c, "stall=90,seed=3");
    pta_sim_model_close(&core.model);
    pta_generated_destroy(ctx, &core.generated);
    gen_end(&c);
}

static const unit_test tests[] = {{"a slice and its netlist", test_slice}};

int main(void)
{
    if (system("yosys -V >/dev/null 2>&1") != 0 ||
        system("verilator --version >/dev/null 2>&1") != 0) {
        printf("SKIP: no Yosys or no Verilator\n");
        return 77;
    }
    ctx = pta_ctx_create();
    int failed = unit_main("netlist", tests, sizeof tests / sizeof *tests);
    pta_ctx_destroy(&ctx);
    return failed;
}
