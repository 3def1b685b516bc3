/*
 * The pins of a core, and the functions that clock it: what the simulated bus
 * knows of a core. Shared with C++ (shim.cpp).
 *
 * One step is one cycle: the inputs hold before a rising edge, the outputs are
 * read before that edge, then the edge happens. A beat moves when valid and
 * ready were both 1. The pins are those of every generated top level
 * (docs/accelerators.md, "Pins").
 */
#ifndef PTA_HLS_PINS_H
#define PTA_HLS_PINS_H

#include <stdint.h>

typedef struct pta_pins {
    /* inputs of the core */
    uint64_t in_data, in_valid, in_last;                  /* s_axis */
    uint64_t out_ready;                                   /* m_axis */
    uint32_t aw_valid, aw_addr, w_valid, w_data, b_ready; /* s_axi */
    uint32_t ar_valid, ar_addr, r_ready;
    /* outputs of the core */
    uint64_t in_ready;
    uint64_t out_data, out_valid, out_last;
    uint32_t aw_ready, w_ready, b_valid;
    uint32_t ar_ready, r_valid, r_data;
} pta_pins;

/** What a Verilated core takes as params: registers start as zeros, or random.
 * NULL: zeros. */
typedef struct pta_shim_params {
    int random_reset, reset_seed;
} pta_shim_params;

typedef struct pta_sim_core_ops {
    /** A core that was reset and runs; NULL without memory. `params` is the
     * core's own struct. */
    void *(*open)(const void *params);
    void (*step)(void *core, pta_pins *pins);
    void (*close)(void *core);
} pta_sim_core_ops;

#endif
