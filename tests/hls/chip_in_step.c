/*
 * Takes the place of the chip's bus in a program under test: the same code
 * (bus_chip.c, compiled under another name), in step with the one board that
 * the program plays (fake_board.h).
 */
#include "fake_board.h"
#include "hls/driver/bus_chip.h"

fake_board *chip_board; /* of the test */

static pta_status open_in_step(pta_ctx *ctx, const void *params, size_t bytes,
                               pta_bus **out)
{
    /* A busy machine may hold the thread up for milliseconds. */
    static pta_bus_chip_params patient;
    patient = *(const pta_bus_chip_params *)params;
    patient.patience_ns = 400000000;
    patient.clock_span_ns = 300000000;
    fake_board_params p = {&patient, chip_board};
    return fake_board_bus.open(ctx, &p, bytes, out);
}

const pta_bus_ops pta_bus_chip = {.name = "chip under test",
                                  .open = open_in_step};
