// All of the C++ of a block test: three functions around Verilator's class of
// hls_top, whose ports harness.c wrote so that each is an array of words.
#include "model.h"
#include "Vhls_top.h"

#pragma GCC visibility push(default)

struct model {
    VerilatedContext context;
    Vhls_top *top;
};

void *hls_model_open(int seed, hls_ports *p)
{
    model *m = new model;
    m->context.threads(1);
    m->context.randReset(seed == 0 ? 0 : 2);
    m->context.randSeed(seed == 0 ? 1 : seed);
    m->top = new Vhls_top(&m->context, "top");
    *p = {&m->top->in_data[0],  &m->top->in_valid[0],  &m->top->in_ready[0],
          &m->top->out_data[0], &m->top->out_valid[0], &m->top->out_ready[0],
          &m->top->mem_put[0],  &m->top->mem_word,    &m->top->mem_data,
          &m->top->mem_working[0], &m->top->mem_crc[0]};
    return m;
}

void hls_model_eval(void *model_, int clk, int rst)
{
    Vhls_top *top = static_cast<model *>(model_)->top;
    top->clk = static_cast<unsigned char>(clk);
    top->rst = static_cast<unsigned char>(rst);
    top->eval();
}

void hls_model_close(void *model_)
{
    model *m = static_cast<model *>(model_);
    m->top->final();
    delete m->top;
    delete m;
}

#pragma GCC visibility pop
