/*
 * A Verilated core behind the functions of pins.h. Compiled once per slice with
 * PTA_MODEL naming the Verilated class; the library exports pta_shim only.
 *
 * Each model has its own context, so any number of cores live in one process;
 * one core must not be stepped by two threads at a time.
 */
#define PTA_TEXT(x)   #x
#define PTA_HEADER(x) PTA_TEXT(x.h)
#include PTA_HEADER(PTA_MODEL)

#include "pins.h"

#include <cstdlib>
#include <exception>

namespace
{

struct core {
    VerilatedContext context;
    PTA_MODEL model;
    core(int reset, int seed) : context(), model(set(context, reset, seed))
    {
    }
    static VerilatedContext *set(VerilatedContext &c, int reset, int seed)
    {
        c.threads(1);
        c.randReset(reset); /* 0: zeros, 2: random, with --x-initial unique */
        c.randSeed(seed);
        return &c;
    }
};

void step(void *handle, pta_pins *p)
{
    PTA_MODEL &m = static_cast<core *>(handle)->model;
    m.s_axis_tdata = p->in_data;
    m.s_axis_tvalid = p->in_valid != 0;
    m.s_axis_tlast = p->in_last != 0;
    m.m_axis_tready = p->out_ready != 0;
    m.s_axi_awvalid = p->aw_valid != 0;
    m.s_axi_awaddr = p->aw_addr;
    m.s_axi_wvalid = p->w_valid != 0;
    m.s_axi_wdata = p->w_data;
    m.s_axi_wstrb = 15;
    m.s_axi_bready = p->b_ready != 0;
    m.s_axi_arvalid = p->ar_valid != 0;
    m.s_axi_araddr = p->ar_addr;
    m.s_axi_rready = p->r_ready != 0;
    m.aclk = 0;
    m.eval();
    p->in_ready = m.s_axis_tready;
    p->out_data = m.m_axis_tdata;
    p->out_valid = m.m_axis_tvalid;
    p->out_last = m.m_axis_tlast;
    p->aw_ready = m.s_axi_awready;
    p->w_ready = m.s_axi_wready;
    p->b_valid = m.s_axi_bvalid;
    p->ar_ready = m.s_axi_arready;
    p->r_valid = m.s_axi_rvalid;
    p->r_data = m.s_axi_rdata;
    m.aclk = 1;
    m.eval();
}

void *open_core(const void *params)
{
    try {
        const pta_shim_params *s = static_cast<const pta_shim_params *>(params);
        core *c = s == nullptr
                      ? new core(0, 1)
                      : new core(s->random_reset ? 2 : 0, s->reset_seed);
        pta_pins pins = {};
        for (int i = 0; i < 64; i++) { /* in reset, then until it is over */
            c->model.aresetn = i >= 16;
            step(c, &pins);
        }
        return c;
    } catch (const std::exception &) {
        return nullptr; /* no memory; nothing may be thrown into C */
    }
}

void close_core(void *handle)
{
    core *c = static_cast<core *>(handle);
    c->model.final();
    delete c;
}

} // namespace

extern "C" __attribute__((visibility("default")))
const pta_sim_core_ops pta_shim = {open_core, step, close_core};
