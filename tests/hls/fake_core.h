/*
 * A core in C: register map and streams of a design whose outputs are its
 * inputs, byte by byte y = a x + b, with a and b in its one weight memory. It
 * stands in for a Verilated model in the tests of driver and bus, and plays the
 * PL of a chip.
 */
#ifndef PTA_TESTS_FAKE_CORE_H
#define PTA_TESTS_FAKE_CORE_H

#include <stdbool.h>

#include "hls/driver/core.h"
#include "hls/sim/pins.h"

typedef struct fake_params {
    uint32_t beats; /* 8 bytes each, of one sample */
    uint32_t clock_hz;
    uint8_t slice_digest[16], weight_digest[16];
    bool ram; /* a, b writable; else 1 and 0 */
    /* what is wrong with it: */
    uint32_t magic, version; /* 0: right */
    uint32_t free_step;      /* of the free counter; 0: 1 */
    bool silent_registers;   /* registers never answer */
    bool never_done;         /* takes input, gives nothing */
    bool short_output;       /* TLAST one sample early */
    bool stuck_busy;         /* a soft reset does not help */
    bool wrong_answer;       /* one bit of each beat */
    bool flip_weight;        /* a bit of each word written flips */
    bool crc_hangs;
    uint32_t once; /* batches after which all that is over; 0: never */
} fake_params;

extern const pta_sim_core_ops fake_core; /* params: fake_params, borrowed */

/** Register access without pins, for a thread that plays the PL. */
uint32_t fake_core_read(void *core, uint32_t offset);
void fake_core_write(void *core, uint32_t offset, uint32_t value);

#endif
