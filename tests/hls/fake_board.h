/*
 * A board under a folder: /sys, /dev, /run and /lib/firmware as the driver of
 * the chip meets them, and a thread that plays FPGA manager, DMA, PL and
 * interrupt. Registers are files; the thread looks at them all the time, and
 * fake_board_bus waits after each access until it has, as a real register would
 * have answered.
 */
#ifndef PTA_TESTS_FAKE_BOARD_H
#define PTA_TESTS_FAKE_BOARD_H

#include <pthread.h>
#include <stdatomic.h>

#include "fake_core.h"
#include "hls/sim/dma_model.h"

#define BOARD_MEMORY  0x10000
#define BOARD_ADDRESS 0x16000000u

typedef struct fake_board {
    char root[64];
    fake_params fake; /* the core's faults */
    pta_sim_faults faults;
    double mhz;            /* of its clock; 100 */
    atomic_int pace;       /* cycles of the streams at a time; 200 */
    atomic_bool interrupt; /* wired */
    const char *after;     /* state of the FPGA after loading */
    /* A core of streams alone, in place of the one with registers: */
    const pta_sim_core_ops *streams; /* NULL: none */
    const void *streams_params;
    uint32_t beat; /* bytes of either stream; 0: 8 */
    /* private */
    void *core;
    pta_dma_model dma;
    pta_sim_memory memory;
    volatile uint32_t *core_words, *dma_words;
    uint32_t shown[32]; /* DMA registers as last shown */
    int pty;
    bool enabled;
    atomic_ulong scans;
    atomic_bool stop, wanted;
    pthread_mutex_t lock;
    pthread_t thread;
} fake_board;

/** Builds the folder and starts the thread; false if the system lacks pseudo
 * terminals or sparse files. Faults may be set before and after. */
bool fake_board_start(fake_board *board);
void fake_board_stop(fake_board *board);

/** Path of a file of the board, in a buffer of this thread. */
const char *fake_board_path(const fake_board *board, const char *path);
void fake_board_write(const fake_board *board, const char *path,
                      const char *text);

/** The chip's bus, in step with the board; params: fake_board_params. */
typedef struct fake_board_params {
    const void *chip; /* pta_bus_chip_params */
    fake_board *board;
} fake_board_params;
extern const pta_bus_ops fake_board_bus;

#endif
