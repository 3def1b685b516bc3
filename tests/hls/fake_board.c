/* A board under a folder: see fake_board.h. */
#define _GNU_SOURCE
#include "fake_board.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "hls/driver/bus_chip.h"

#define MARK     0x80000000u /* in registers whose every write must be seen */
#define MEM_FILE 0xF8010000ull

/* ---- the folder ---- */

const char *fake_board_path(const fake_board *b, const char *path)
{
    static _Thread_local char text[256];
    snprintf(text, sizeof text, "%s%s", b->root, path);
    return text;
}

void fake_board_write(const fake_board *b, const char *path, const char *text)
{
    FILE *f = fopen(fake_board_path(b, path), "w");
    if (f != NULL) {
        fputs(text, f);
        fclose(f);
    }
}

static void make_folders(const fake_board *b)
{
    static const char *const folders[] = {"/sys",
                                          "/sys/class",
                                          "/sys/class/fpga_manager",
                                          "/sys/class/fpga_manager/fpga0",
                                          "/sys/class/u-dma-buf",
                                          "/sys/class/u-dma-buf/udmabuf0",
                                          "/sys/class/uio",
                                          "/sys/class/uio/uio0",
                                          "/sys/class/uio/uio0/maps",
                                          "/sys/class/uio/uio0/maps/map0",
                                          "/sys/class/uio/uio1",
                                          "/sys/class/uio/uio1/maps",
                                          "/sys/class/uio/uio1/maps/map0",
                                          "/sys/class/uio/uio2",
                                          "/dev",
                                          "/run",
                                          "/lib",
                                          "/lib/firmware"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        mkdir(fake_board_path(b, folders[i]), 0755);
    }
}

static void make_attributes(const fake_board *b)
{
    char text[32];
    fake_board_write(b, PTA_FPGA_MANAGER "/state", "unknown\n");
    fake_board_write(b, PTA_FPGA_MANAGER "/flags", "");
    fake_board_write(b, PTA_FPGA_MANAGER "/firmware", "");
    snprintf(text, sizeof text, "%d\n", BOARD_MEMORY);
    fake_board_write(b, "/sys/class/u-dma-buf/udmabuf0/size", text);
    snprintf(text, sizeof text, "0x%08x\n", BOARD_ADDRESS);
    fake_board_write(b, "/sys/class/u-dma-buf/udmabuf0/phys_addr", text);
    fake_board_write(b, "/sys/class/u-dma-buf/udmabuf0/sync_for_cpu", "");
    fake_board_write(b, "/sys/class/u-dma-buf/udmabuf0/sync_for_device", "");
    fake_board_write(b, "/sys/class/uio/uio0/name", "pta_core\n");
    fake_board_write(b, "/sys/class/uio/uio0/maps/map0/addr", "0x43c00000\n");
    fake_board_write(b, "/sys/class/uio/uio1/name", "pta_dma\n");
    fake_board_write(b, "/sys/class/uio/uio1/maps/map0/addr", "0x40400000\n");
    fake_board_write(b, "/sys/class/uio/uio2/name", "pta_irq\n");
}

static void *map_new(const fake_board *b, const char *path, size_t bytes)
{
    int fd = open(fake_board_path(b, path), O_RDWR | O_CREAT, 0600);
    void *at = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, (off_t)bytes) == 0) {
        at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (fd >= 0) {
        close(fd);
    }
    return at == MAP_FAILED ? NULL : at;
}

/* /dev/mem: a sparse file, in which the IO PLL multiplies by 20. */
static bool make_mem(const fake_board *b)
{
    const uint32_t pll = 20u << 12, narrow = 0xF01;
    int fd = open(fake_board_path(b, "/dev/mem"), O_RDWR | O_CREAT, 0600);
    bool good = fd >= 0 && ftruncate(fd, (off_t)MEM_FILE) == 0 &&
                pwrite(fd, &pll, 4, (off_t)0xF8000108u) == 4 &&
                pwrite(fd, &narrow, 4, (off_t)0xF8008000u) == 4;
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

/* The interrupt's UIO device, which is read and written, is a terminal. */
static bool make_interrupt(fake_board *b)
{
    struct termios raw;
    b->pty = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (b->pty < 0 || grantpt(b->pty) != 0 || unlockpt(b->pty) != 0 ||
        tcgetattr(b->pty, &raw) != 0) {
        return false;
    }
    cfmakeraw(&raw);
    return tcsetattr(b->pty, TCSANOW, &raw) == 0 &&
           symlink(ptsname(b->pty), fake_board_path(b, "/dev/uio2")) == 0;
}

/* ---- what the thread plays ---- */

static void play_manager(const fake_board *b)
{
    char name[32] = "";
    FILE *f = fopen(fake_board_path(b, PTA_FPGA_MANAGER "/firmware"), "r");
    if (f == NULL) {
        return;
    }
    bool asked = fgets(name, sizeof name, f) != NULL;
    fclose(f);
    if (asked && strcmp(name, "partita.bin") == 0) {
        fake_board_write(b, PTA_FPGA_MANAGER "/firmware", "");
        fake_board_write(b, PTA_FPGA_MANAGER "/state", b->after);
    }
}

static uint32_t ticks(const fake_board *b)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)(uint64_t)(((double)t.tv_sec * 1e6 +
                                 (double)t.tv_nsec * 1e-3) *
                                b->mhz);
}

static void play_core(fake_board *b)
{
    static const uint32_t counters[] = {PTA_REG_CYCLES, PTA_REG_STALLS_IN,
                                        PTA_REG_STALLS_OUT, PTA_REG_FIRST,
                                        PTA_REG_SPAN};
    volatile uint32_t *w = b->core_words;
    fake_core_write(b->core, PTA_REG_SAMPLES, w[PTA_REG_SAMPLES / 4]);
    fake_core_write(b->core, PTA_REG_ERRORS, w[PTA_REG_ERRORS / 4]);
    uint32_t control = w[PTA_REG_CONTROL / 4];
    if (control != 0) {
        w[PTA_REG_CONTROL / 4] = 0;
        fake_core_write(b->core, PTA_REG_CONTROL, control);
    }
    w[PTA_REG_ERRORS / 4] = 0;
    for (uint32_t at = 0; at < 0x30; at += 4) {
        w[at / 4] = fake_core_read(b->core, at);
    }
    w[PTA_REG_STATUS / 4] = fake_core_read(b->core, PTA_REG_STATUS);
    for (int i = 0; i < 5; i++) {
        w[counters[i] / 4] = fake_core_read(b->core, counters[i]);
        w[counters[i] / 4 + 1] = fake_core_read(b->core, counters[i] + 4);
    }
    w[PTA_REG_FREE / 4] = ticks(b);
}

static bool must_mark(uint32_t at)
{
    return at % PTA_DMA_S2MM == PTA_DMA_SR ||
           at % PTA_DMA_S2MM == PTA_DMA_LENGTH;
}

/* A reset clears the addresses, so that the same one is a change again. */
static void forget_addresses(fake_board *b, uint32_t at, uint32_t value)
{
    if (at % PTA_DMA_S2MM == PTA_DMA_CR && (value & PTA_DMA_CR_RESET) != 0) {
        for (uint32_t i = PTA_DMA_ADDR; i < 0x60; i += PTA_DMA_S2MM) {
            b->dma_words[i / 4] = b->shown[i / 4] = 0;
        }
    }
}

static void play_dma(fake_board *b)
{
    static const uint32_t order[] = {PTA_DMA_CR, PTA_DMA_SR, PTA_DMA_ADDR,
                                     PTA_DMA_LENGTH};
    for (uint32_t channel = 0; channel <= PTA_DMA_S2MM;
         channel += PTA_DMA_S2MM) {
        for (int i = 0; i < 4; i++) {
            uint32_t at = channel + order[i], value = b->dma_words[at / 4];
            if (value != b->shown[at / 4]) {
                pta_dma_model_write(&b->dma, at, value);
                forget_addresses(b, at, value);
            }
        }
    }
    for (uint32_t at = 0; at < 0x60; at += 4) {
        if (at % PTA_DMA_S2MM != PTA_DMA_ADDR) {
            b->shown[at / 4] =
                pta_dma_model_read(&b->dma, at) | (must_mark(at) ? MARK : 0);
            b->dma_words[at / 4] = b->shown[at / 4];
        } else {
            b->shown[at / 4] = b->dma_words[at / 4];
        }
    }
}

static const pta_sim_core_ops *core_of(const fake_board *b)
{
    return b->streams != NULL ? b->streams : &fake_core;
}

static void play_streams(fake_board *b)
{
    pta_pins pins = {0};
    for (int i = 0; i < b->pace; i++) {
        pta_dma_model_drive(&b->dma, &pins);
        core_of(b)->step(b->core, &pins);
        pta_dma_model_clock(&b->dma, &pins);
    }
}

static void play_interrupt(fake_board *b)
{
    uint32_t word;
    if (read(b->pty, &word, sizeof word) == (ssize_t)sizeof word) {
        b->enabled = word != 0;
    }
    if (b->enabled && b->interrupt && pta_dma_model_interrupt(&b->dma)) {
        b->enabled = false;
        if (write(b->pty, &word, sizeof word) < 0) {
            b->interrupt = false;
        }
    }
}

static void *play(void *arg)
{
    fake_board *b = arg;
    while (!b->stop) {
        play_manager(b);
        pthread_mutex_lock(&b->lock);
        if (b->streams == NULL) {
            play_core(b);
        }
        play_dma(b);
        play_streams(b);
        pthread_mutex_unlock(&b->lock);
        play_interrupt(b);
        b->scans++;
        do {
            sched_yield();
        } while (b->wanted);
    }
    return NULL;
}

/* ---- start and stop ---- */

bool fake_board_start(fake_board *b)
{
    snprintf(b->root, sizeof b->root, "/tmp/pta_board_XXXXXX");
    if (mkdtemp(b->root) == NULL) {
        return false;
    }
    chmod(b->root, 0755);
    make_folders(b);
    make_attributes(b);
    b->core_words = map_new(b, "/dev/uio0", PTA_CORE_BYTES);
    b->dma_words = map_new(b, "/dev/uio1", PTA_DMA_BYTES);
    b->memory = (pta_sim_memory){.base = BOARD_ADDRESS, .bytes = BOARD_MEMORY};
    b->memory.cpu = b->memory.device =
        map_new(b, "/dev/udmabuf0", BOARD_MEMORY);
    b->memory.owner = malloc(BOARD_MEMORY / 8);
    b->core =
        core_of(b)->open(b->streams != NULL ? b->streams_params : &b->fake);
    if (b->core_words == NULL || b->dma_words == NULL ||
        b->memory.cpu == NULL || b->memory.owner == NULL || b->core == NULL ||
        !make_mem(b) || !make_interrupt(b)) {
        return false;
    }
    memset(b->memory.owner, PTA_OWNER_DEVICE, BOARD_MEMORY / 8);
    b->dma = (pta_dma_model){.memory = &b->memory,
                             .faults = &b->faults,
                             .in_beat = b->beat,
                             .out_beat = b->beat};
    b->dma.mm2s.status = b->dma.s2mm.status = PTA_DMA_SR_HALTED;
    pthread_mutex_init(&b->lock, NULL);
    return pthread_create(&b->thread, NULL, play, b) == 0;
}

void fake_board_stop(fake_board *b)
{
    char command[96];
    b->stop = true;
    pthread_join(b->thread, NULL);
    pthread_mutex_destroy(&b->lock);
    munmap((void *)(uintptr_t)b->core_words, PTA_CORE_BYTES);
    munmap((void *)(uintptr_t)b->dma_words, PTA_DMA_BYTES);
    munmap(b->memory.cpu, BOARD_MEMORY);
    free(b->memory.owner);
    core_of(b)->close(b->core);
    close(b->pty);
    snprintf(command, sizeof command, "rm -rf %s", b->root);
    if (system(command) != 0) {
        fprintf(stderr, "%s is left\n", b->root);
    }
}

/* ---- the bus in step with the board ---- */

typedef struct link {
    pta_bus base;
    pta_bus *chip;
    fake_board *board;
} link_bus;

/* Two scans have begun and ended since. */
static void settle(const link_bus *l)
{
    unsigned long target = l->board->scans + 2;
    while (l->board->scans < target && !l->board->stop) {
        sched_yield();
    }
}

static pta_status link_open(pta_ctx *ctx, const void *params, size_t bytes,
                            pta_bus **out)
{
    const fake_board_params *p = params;
    link_bus *l;
    PTA_TRY_ALLOC(ctx, l, 1);
    pta_status status = pta_bus_chip.open(ctx, p->chip, bytes, &l->chip);
    if (status != PTA_OK) {
        pta_free(ctx, l);
        return status;
    }
    l->base = *l->chip;
    l->base.ops = &fake_board_bus;
    l->board = p->board;
    *out = &l->base;
    return PTA_OK;
}

static void link_close(pta_ctx *ctx, pta_bus **bus)
{
    link_bus *l = (link_bus *)*bus;
    if (l != NULL) {
        pta_bus_chip.close(ctx, &l->chip);
        pta_free(ctx, l);
        *bus = NULL;
    }
}

static pta_status link_read(pta_bus *bus, pta_ctx *ctx, pta_bus_window window,
                            uint32_t offset, uint32_t *value)
{
    link_bus *l = (link_bus *)bus;
    if (offset == PTA_REG_FREE && window == PTA_BUS_CORE) {
        settle(l);
    }
    PTA_TRY(pta_bus_chip.read(l->chip, ctx, window, offset, value));
    if (window == PTA_BUS_DMA && must_mark(offset)) {
        *value &= ~MARK;
    }
    return PTA_OK;
}

static pta_status link_write(pta_bus *bus, pta_ctx *ctx, pta_bus_window window,
                             uint32_t offset, uint32_t value)
{
    link_bus *l = (link_bus *)bus;
    fake_board *b = l->board;
    b->wanted = true; /* between two looks of the thread, never within one */
    pthread_mutex_lock(&b->lock);
    pta_status status = pta_bus_chip.write(l->chip, ctx, window, offset, value);
    pthread_mutex_unlock(&b->lock);
    b->wanted = false;
    settle(l);
    return status;
}

static pta_status link_sync(pta_bus *bus, pta_ctx *ctx, pta_sync direction,
                            size_t offset, size_t bytes)
{
    return pta_bus_chip.sync(((link_bus *)bus)->chip, ctx, direction, offset,
                             bytes);
}

static pta_status link_wait(pta_bus *bus, pta_ctx *ctx, uint64_t max_ns,
                            uint64_t *now)
{
    return pta_bus_chip.wait(((link_bus *)bus)->chip, ctx, max_ns, now);
}

const pta_bus_ops fake_board_bus = {.name = "chip under test",
                                    .open = link_open,
                                    .close = link_close,
                                    .read = link_read,
                                    .write = link_write,
                                    .sync = link_sync,
                                    .wait = link_wait};
