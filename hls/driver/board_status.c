/* What a board holds: see board_status.h. */
#include "hls/driver/board_status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hls/driver/bus_chip.h"
#include "hls/driver/files.h"
#include "hls/driver/load.h"

#define UDMABUF  "/sys/class/u-dma-buf/udmabuf0"
#define UIO_MOST 32

static void read_line(pta_ctx *ctx, const char *root, const char *path,
                      char line[PTA_STATUS_TEXT])
{
    char full[PTA_PATH_BYTES];
    if (pta_path(ctx, full, "%s%s", root, path) != PTA_OK ||
        pta_line_read(ctx, full, line, PTA_STATUS_TEXT) != PTA_OK) {
        line[0] = '\0';
    }
}

static uint64_t read_number(pta_ctx *ctx, const char *root, const char *path)
{
    char line[PTA_STATUS_TEXT];
    read_line(ctx, root, path, line);
    return strtoull(line, NULL, 0);
}

static void read_uio(pta_ctx *ctx, const char *root, pta_board_state *s)
{
    for (int i = 0; i < UIO_MOST; i++) {
        char path[PTA_STATUS_TEXT], name[PTA_STATUS_TEXT];
        snprintf(path, sizeof path, "/sys/class/uio/uio%d/name", i);
        read_line(ctx, root, path, name);
        s->uio_core = s->uio_core || strcmp(name, "pta_core") == 0;
        s->uio_dma = s->uio_dma || strcmp(name, "pta_dma") == 0;
        s->uio_irq = s->uio_irq || strcmp(name, "pta_irq") == 0;
    }
}

void pta_board_state_read(pta_ctx *ctx, const char *root,
                          pta_board_state *state)
{
    pta_board_state s = {.fclk_hz = 0};
    read_line(ctx, root, PTA_RECORD_PATH, s.slice);
    read_line(ctx, root, PTA_FPGA_MANAGER "/state", s.fpga);
    s.dma_bytes = read_number(ctx, root, UDMABUF "/size");
    s.dma_address = read_number(ctx, root, UDMABUF "/phys_addr");
    read_uio(ctx, root, &s);
    if (pta_board_fclk(ctx, root, &s.fclk_hz) != PTA_OK) {
        s.fclk_hz = 0;
    }
    *state = s;
}
