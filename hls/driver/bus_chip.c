/* The bus of the chip: see bus_chip.h. */
#include "hls/driver/bus_chip.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "hls/driver/files.h"
#include "hls/driver/regs.h"

#define UDMABUF    "/sys/class/u-dma-buf/udmabuf0"
#define UIO_MOST   32
#define PAUSE_NS   20000    /* between looks when polling */
#define IRQ_LOOK   20000000 /* and beside the interrupt */
#define NS_PER_SEC 1000000000u

typedef struct window {
    volatile uint32_t *words;
    size_t bytes;
} window;

typedef struct chip {
    pta_bus base;
    const char *root;  /* borrowed */
    window windows[2]; /* by pta_bus_window */
    int irq;           /* or -1: polling */
    int for_cpu, for_device;
} chip;

static uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

/* ---- what must hold before anything is touched ---- */

static pta_status check_record(pta_ctx *ctx, const chip *c, const char *digest)
{
    char path[PTA_PATH_BYTES], line[80];
    PTA_TRY(pta_path(ctx, path, "%s" PTA_RECORD_PATH, c->root));
    if (pta_line_read(ctx, path, line, sizeof line) != PTA_OK) {
        return pta_fail(ctx, PTA_ERR_NOT_FOUND,
                        "%s: no bitstream was loaded; run partita board load",
                        path);
    }
    if (strncmp(line, digest, PTA_RECORD_DIGITS) != 0) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "the board holds the bitstream of slice %.32s, "
                        "expected %.32s",
                        line, digest);
    }
    return PTA_OK;
}

static pta_status check_operating(pta_ctx *ctx, const chip *c)
{
    char path[PTA_PATH_BYTES], line[80];
    PTA_TRY(pta_path(ctx, path, "%s" PTA_FPGA_MANAGER "/state", c->root));
    PTA_TRY(pta_line_read(ctx, path, line, sizeof line));
    if (strcmp(line, "operating") != 0) {
        return pta_fail(ctx, PTA_ERR_DEVICE,
                        "%s: the FPGA is \"%s\", not operating", path, line);
    }
    return PTA_OK;
}

/* ---- files of devices ---- */

static pta_status open_file(pta_ctx *ctx, const char *path, int flags, int *fd)
{
    *fd = open(path, flags | O_CLOEXEC);
    if (*fd >= 0) {
        return PTA_OK;
    }
    if (errno == EACCES || errno == EPERM) {
        return pta_fail(ctx, PTA_ERR_IO,
                        "%s: no permission; is this user in the group of the "
                        "udev rule (docs/board.md)?",
                        path);
    }
    return pta_fail(ctx, PTA_ERR_IO, "%s: %s", path, strerror(errno));
}

static pta_status map_file(pta_ctx *ctx, const char *path, uint64_t offset,
                           size_t bytes, void **memory)
{
    int fd;
    PTA_TRY(open_file(ctx, path, O_RDWR, &fd));
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                    (off_t)offset);
    int error = errno;
    close(fd);
    if (at == MAP_FAILED) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: %zu bytes cannot be mapped: %s",
                        path, bytes, strerror(error));
    }
    *memory = at;
    return PTA_OK;
}

static pta_status read_number(pta_ctx *ctx, const char *path, uint64_t *value)
{
    char line[80], *end;
    PTA_TRY(pta_line_read(ctx, path, line, sizeof line));
    errno = 0;
    *value = strtoull(line, &end, 0);
    if (end == line || *end != '\0' || errno != 0) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "%s: \"%s\" is no number", path,
                        line);
    }
    return PTA_OK;
}

/* ---- buffers ---- */

static pta_status open_syncs(pta_ctx *ctx, chip *c)
{
    char path[PTA_PATH_BYTES];
    PTA_TRY(pta_path(ctx, path, "%s" UDMABUF "/sync_for_cpu", c->root));
    PTA_TRY(open_file(ctx, path, O_WRONLY, &c->for_cpu));
    PTA_TRY(pta_path(ctx, path, "%s" UDMABUF "/sync_for_device", c->root));
    return open_file(ctx, path, O_WRONLY, &c->for_device);
}

static pta_status open_memory(pta_ctx *ctx, chip *c, size_t bytes)
{
    char path[PTA_PATH_BYTES];
    uint64_t size;
    PTA_TRY(pta_path(ctx, path, "%s" UDMABUF "/size", c->root));
    pta_status status = read_number(ctx, path, &size);
    if (status == PTA_ERR_NOT_FOUND) {
        return pta_fail(ctx, status,
                        "%s: is missing; load the module u-dma-buf "
                        "(docs/board.md)",
                        path);
    }
    PTA_TRY(status);
    if (size < bytes) {
        return pta_fail(ctx, PTA_ERR_RANGE,
                        "u-dma-buf has %llu bytes, %zu are needed: load the "
                        "module with udmabuf0=%zu",
                        (unsigned long long)size, bytes,
                        (bytes + 0xFFFFF) / 0x100000 * 0x100000);
    }
    PTA_TRY(pta_path(ctx, path, "%s" UDMABUF "/phys_addr", c->root));
    PTA_TRY(read_number(ctx, path, &c->base.device_address));
    PTA_TRY(open_syncs(ctx, c));
    PTA_TRY(pta_path(ctx, path, "%s/dev/udmabuf0", c->root));
    PTA_TRY(map_file(ctx, path, 0, bytes, &c->base.memory));
    c->base.memory_bytes = bytes;
    memset(c->base.memory, 0, bytes);
    return c->base.ops->sync(&c->base, ctx, PTA_SYNC_TO_DEVICE, 0, bytes);
}

/* ---- registers and interrupt ---- */

/* Number of the UIO device of that name, or -1. */
static int find_uio(pta_ctx *ctx, const chip *c, const char *name)
{
    for (int i = 0; i < UIO_MOST; i++) {
        char path[PTA_PATH_BYTES], line[80];
        if (pta_path(ctx, path, "%s/sys/class/uio/uio%d/name", c->root, i) ==
                PTA_OK &&
            pta_line_read(ctx, path, line, sizeof line) == PTA_OK &&
            strcmp(line, name) == 0) {
            return i;
        }
    }
    return -1;
}

static pta_status check_uio(pta_ctx *ctx, const chip *c, int uio,
                            uint64_t address)
{
    char path[PTA_PATH_BYTES];
    uint64_t found;
    PTA_TRY(pta_path(ctx, path, "%s/sys/class/uio/uio%d/maps/map0/addr",
                     c->root, uio));
    PTA_TRY(read_number(ctx, path, &found));
    if (found != address) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "%s: is 0x%llx, expected 0x%llx: another overlay", path,
                        (unsigned long long)found, (unsigned long long)address);
    }
    return PTA_OK;
}

static pta_status open_window(pta_ctx *ctx, chip *c, pta_bus_window which,
                              const char *name, uint64_t address, size_t bytes)
{
    char path[PTA_PATH_BYTES];
    void *words;
    int uio = find_uio(ctx, c, name);
    if (uio >= 0) {
        PTA_TRY(check_uio(ctx, c, uio, address));
        PTA_TRY(pta_path(ctx, path, "%s/dev/uio%d", c->root, uio));
        PTA_TRY(map_file(ctx, path, 0, bytes, &words));
    } else {
        PTA_TRY(pta_path(ctx, path, "%s/dev/mem", c->root));
        PTA_TRY(map_file(ctx, path, address, bytes, &words));
    }
    c->windows[which] = (window){words, bytes};
    return PTA_OK;
}

static pta_status open_interrupt(pta_ctx *ctx, chip *c)
{
    char path[PTA_PATH_BYTES];
    int uio = find_uio(ctx, c, "pta_irq");
    if (uio < 0) {
        return PTA_OK;
    }
    PTA_TRY(pta_path(ctx, path, "%s/dev/uio%d", c->root, uio));
    return open_file(ctx, path, O_RDWR | O_NONBLOCK | O_NOCTTY, &c->irq);
}

/* ---- the six functions ---- */

static void close_fd(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

static void chip_close(pta_ctx *ctx, pta_bus **bus)
{
    chip *c = (chip *)*bus;
    if (c == NULL) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        if (c->windows[i].words != NULL) {
            munmap((void *)(uintptr_t)c->windows[i].words, c->windows[i].bytes);
        }
    }
    if (c->base.memory != NULL) {
        munmap(c->base.memory, c->base.memory_bytes);
    }
    close_fd(c->irq);
    close_fd(c->for_cpu);
    close_fd(c->for_device);
    pta_free(ctx, c);
    *bus = NULL;
}

static pta_status open_all(pta_ctx *ctx, chip *c,
                           const pta_bus_chip_params *params, size_t bytes)
{
    PTA_TRY(check_record(ctx, c, params->slice_digest));
    PTA_TRY(check_operating(ctx, c));
    PTA_TRY(open_memory(ctx, c, bytes));
    PTA_TRY(open_window(ctx, c, PTA_BUS_DMA, "pta_dma", PTA_DMA_ADDRESS,
                        PTA_DMA_BYTES));
    if (!params->no_core) {
        PTA_TRY(open_window(ctx, c, PTA_BUS_CORE, "pta_core", PTA_CORE_ADDRESS,
                            PTA_CORE_BYTES));
    }
    return params->poll ? PTA_OK : open_interrupt(ctx, c);
}

static pta_status chip_open(pta_ctx *ctx, const void *params,
                            size_t memory_bytes, pta_bus **out)
{
    const pta_bus_chip_params *p = params;
    chip *c;
    PTA_TRY_ALLOC(ctx, c, 1);
    pta_bus *bus = &c->base;
    c->base.ops = &pta_bus_chip;
    c->base.patience_ns = p->patience_ns != 0 ? p->patience_ns : NS_PER_SEC;
    c->base.clock_span_ns = p->clock_span_ns != 0 ? p->clock_span_ns : 20000000;
    c->root = p->root;
    c->irq = c->for_cpu = c->for_device = -1;
    pta_status status = open_all(ctx, c, p, memory_bytes);
    if (status != PTA_OK) {
        chip_close(ctx, &bus);
        return status;
    }
    c->base.poll_ns = c->irq >= 0 ? IRQ_LOOK : PAUSE_NS;
    *out = bus;
    return PTA_OK;
}

static pta_status chip_read(pta_bus *bus, pta_ctx *ctx, pta_bus_window which,
                            uint32_t offset, uint32_t *value)
{
    (void)ctx;
    const window *w = &((chip *)bus)->windows[which];
    PTA_ASSERT(offset + 4 <= w->bytes);
    *value = w->words[offset / 4];
    return PTA_OK;
}

static pta_status chip_write(pta_bus *bus, pta_ctx *ctx, pta_bus_window which,
                             uint32_t offset, uint32_t value)
{
    (void)ctx;
    const window *w = &((chip *)bus)->windows[which];
    PTA_ASSERT(offset + 4 <= w->bytes);
    /* What the CPU wrote to memory is there before the register is. */
    __sync_synchronize();
    w->words[offset / 4] = value;
    return PTA_OK;
}

/* One write carries offset, size and direction (u-dma-buf's README); sizes are
 * multiples of 16. */
static pta_status chip_sync(pta_bus *bus, pta_ctx *ctx, pta_sync direction,
                            size_t offset, size_t bytes)
{
    chip *c = (chip *)bus;
    enum { OWNER = 1, TO_DEVICE = 1 << 2, FROM_DEVICE = 2 << 2 };
    char text[32];
    int fd = direction == PTA_SYNC_FROM_DEVICE ? c->for_cpu : c->for_device;
    unsigned way = direction == PTA_SYNC_TO_DEVICE ? TO_DEVICE : FROM_DEVICE;
    unsigned size = (unsigned)((bytes + 15) / 16 * 16);
    int n = snprintf(text, sizeof text, "0x%08X%08X", (unsigned)offset,
                     size | way | OWNER);
    if (pwrite(fd, text, (size_t)n, 0) != n) {
        return pta_fail(ctx, PTA_ERR_DEVICE,
                        "u-dma-buf: sync of %zu bytes at %zu: %s", bytes,
                        offset, strerror(errno));
    }
    __sync_synchronize();
    return PTA_OK;
}

static bool interrupted(const chip *c, uint64_t max_ns)
{
    struct pollfd p = {.fd = c->irq, .events = POLLIN};
    uint32_t count;
    return poll(&p, 1, (int)((max_ns + 999999) / 1000000)) > 0 &&
           read(c->irq, &count, sizeof count) == (ssize_t)sizeof count;
}

/* The line is level: enabling it while it is high interrupts at once, so none
 * is lost between a look at the registers and the wait. */
static pta_status wait_interrupt(pta_ctx *ctx, chip *c, uint64_t max_ns)
{
    const uint32_t enable = 1;
    uint32_t status, control;
    if (write(c->irq, &enable, sizeof enable) != (ssize_t)sizeof enable) {
        return pta_fail(ctx, PTA_ERR_DEVICE, "pta_irq: %s", strerror(errno));
    }
    if (interrupted(c, max_ns)) {
        return PTA_OK;
    }
    PTA_TRY(chip_read(&c->base, ctx, PTA_BUS_DMA, PTA_DMA_S2MM + PTA_DMA_SR,
                      &status));
    PTA_TRY(chip_read(&c->base, ctx, PTA_BUS_DMA, PTA_DMA_S2MM + PTA_DMA_CR,
                      &control));
    if ((status & control & PTA_DMA_SR_IOC) != 0 && !interrupted(c, max_ns)) {
        return pta_fail(ctx, PTA_ERR_DEVICE,
                        "the DMA is done but no interrupt came within %.3g "
                        "ms: is pta_irq of the overlay its s2mm_introut? (The "
                        "option poll does without.)",
                        (double)max_ns * 2e-6);
    }
    return PTA_OK;
}

static pta_status chip_wait(pta_bus *bus, pta_ctx *ctx, uint64_t max_ns,
                            uint64_t *now_ns)
{
    chip *c = (chip *)bus;
    if (max_ns > 0 && c->irq >= 0) {
        PTA_TRY(wait_interrupt(ctx, c, max_ns));
    } else if (max_ns > 0) {
        uint64_t ns = max_ns < PAUSE_NS ? max_ns : PAUSE_NS;
        nanosleep(&(struct timespec){.tv_nsec = (long)ns}, NULL);
    }
    *now_ns = clock_ns();
    return PTA_OK;
}

const pta_bus_ops pta_bus_chip = {.name = "chip",
                                  .open = chip_open,
                                  .close = chip_close,
                                  .read = chip_read,
                                  .write = chip_write,
                                  .sync = chip_sync,
                                  .wait = chip_wait};
