/* Loading a bitstream: see load.h. Register names are those of UG585. */
#include "hls/driver/load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "hls/driver/bus_chip.h"
#include "hls/driver/files.h"

#define FIRMWARE   "partita.bin"
#define FCLK_MHZ   100
#define PS_CLK_MHZ 50 /* PYNQ-Z2 */

#define SLCR            0xF8000000u
#define SLCR_UNLOCK     0x008
#define SLCR_UNLOCK_KEY 0xDF0Du
#define IO_PLL_CTRL     0x108 /* multiplier in bits 18:12 */
#define FPGA0_CLK_CTRL  0x170 /* divisors in 25:20 and 13:8, source 5:4 */
#define FPGA_RST_CTRL   0x240
#define LVL_SHFTR_EN    0x900
#define AFI0            0xF8008000u /* one page a port */
#define AFI_PORTS       4
#define AFI_RDCHAN_CTRL 0x00 /* bit 0: 32 bits wide */
#define AFI_WRCHAN_CTRL 0x14
#define PAGE            0x1000

/* ---- the processing system ---- */

static pta_status map_page(pta_ctx *ctx, const char *root, uint32_t address,
                           volatile uint32_t **page)
{
    char path[PTA_PATH_BYTES];
    PTA_TRY(pta_path(ctx, path, "%s/dev/mem", root));
    int fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
    void *at = fd < 0 ? MAP_FAILED
                      : mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                             (off_t)address);
    int error = errno;
    if (fd >= 0) {
        close(fd);
    }
    if (at == MAP_FAILED) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: page 0x%08x: %s", path,
                        (unsigned)address, strerror(error));
    }
    *page = at;
    return PTA_OK;
}

static void unmap_page(volatile uint32_t *page)
{
    munmap((void *)(uintptr_t)page, PAGE);
}

static pta_status set_clock(pta_ctx *ctx, volatile uint32_t *slcr)
{
    uint32_t pll = (slcr[IO_PLL_CTRL / 4] >> 12 & 0x7F) * PS_CLK_MHZ;
    uint32_t divide = pll / FCLK_MHZ;
    for (uint32_t low = 63; low > 0; low--) {
        if (divide * FCLK_MHZ == pll && divide != 0 && divide % low == 0 &&
            divide / low <= 63) {
            slcr[FPGA0_CLK_CTRL / 4] = (divide / low) << 20 | low << 8;
            return PTA_OK;
        }
    }
    return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                    "FCLK0: the IO PLL runs at %u MHz, from which %d MHz "
                    "cannot be divided",
                    (unsigned)pll, FCLK_MHZ);
}

pta_status pta_board_fclk(pta_ctx *ctx, const char *root, double *hz)
{
    volatile uint32_t *slcr;
    PTA_TRY(map_page(ctx, root, SLCR, &slcr));
    uint32_t pll = (slcr[IO_PLL_CTRL / 4] >> 12 & 0x7F) * PS_CLK_MHZ;
    uint32_t control = slcr[FPGA0_CLK_CTRL / 4];
    uint32_t divide = (control >> 20 & 63) * (control >> 8 & 63);
    unmap_page(slcr);
    if (divide == 0) {
        return pta_fail(ctx, PTA_ERR_DEVICE, "FCLK0 is not set");
    }
    *hz = 1e6 * (double)pll / (double)divide;
    return PTA_OK;
}

static pta_status set_slcr(pta_ctx *ctx, const char *root)
{
    volatile uint32_t *slcr;
    PTA_TRY(map_page(ctx, root, SLCR, &slcr));
    slcr[SLCR_UNLOCK / 4] = SLCR_UNLOCK_KEY;
    pta_status status = set_clock(ctx, slcr);
    if (status == PTA_OK) {
        slcr[LVL_SHFTR_EN / 4] = 0xF;
        slcr[FPGA_RST_CTRL / 4] = 0xF; /* a pulse of the core's reset */
        slcr[FPGA_RST_CTRL / 4] = 0;
    }
    unmap_page(slcr);
    return status;
}

static pta_status set_ports(pta_ctx *ctx, const char *root)
{
    for (uint32_t i = 0; i < AFI_PORTS; i++) {
        volatile uint32_t *afi;
        PTA_TRY(map_page(ctx, root, AFI0 + i * PAGE, &afi));
        afi[AFI_RDCHAN_CTRL / 4] &= ~1u;
        afi[AFI_WRCHAN_CTRL / 4] &= ~1u;
        unmap_page(afi);
    }
    return PTA_OK;
}

/* ---- the FPGA manager ---- */

static pta_status write_attribute(pta_ctx *ctx, const char *root,
                                  const char *name, const char *text)
{
    char path[PTA_PATH_BYTES];
    PTA_TRY(pta_path(ctx, path, "%s" PTA_FPGA_MANAGER "/%s", root, name));
    pta_status status = pta_bytes_write(ctx, path, false, text, strlen(text));
    if (status == PTA_ERR_NOT_FOUND) {
        return pta_fail(ctx, status,
                        "%s: is missing; the kernel needs an FPGA manager "
                        "that loads by name (docs/board.md)",
                        path);
    }
    return status;
}

static pta_status wait_operating(pta_ctx *ctx, const pta_load_params *p)
{
    char path[PTA_PATH_BYTES], state[80] = "";
    uint32_t left = p->timeout_ms != 0 ? p->timeout_ms : 5000;
    PTA_TRY(pta_path(ctx, path, "%s" PTA_FPGA_MANAGER "/state", p->root));
    for (;;) {
        PTA_TRY(pta_line_read(ctx, path, state, sizeof state));
        if (strcmp(state, "operating") == 0) {
            return PTA_OK;
        }
        if (left-- == 0) {
            return pta_fail(ctx, PTA_ERR_DEVICE,
                            "%s: the FPGA is \"%s\", not operating", path,
                            state);
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static pta_status configure(pta_ctx *ctx, const pta_load_params *p,
                            const char *bin, size_t n)
{
    char path[PTA_PATH_BYTES];
    PTA_TRY(pta_path(ctx, path, "%s/lib/firmware/" FIRMWARE, p->root));
    pta_status status = pta_bytes_write(ctx, path, true, bin, n);
    if (status != PTA_OK) {
        return pta_fail_in(ctx, status, "partita board load (it needs root)");
    }
    PTA_TRY(write_attribute(ctx, p->root, "flags", "0"));
    PTA_TRY(write_attribute(ctx, p->root, "firmware", FIRMWARE));
    return wait_operating(ctx, p);
}

/* ---- the record ---- */

static pta_status remove_record(pta_ctx *ctx, const char *root)
{
    char path[PTA_PATH_BYTES];
    PTA_TRY(pta_path(ctx, path, "%s" PTA_RECORD_PATH, root));
    if (unlink(path) != 0 && errno != ENOENT) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: %s", path, strerror(errno));
    }
    return PTA_OK;
}

static pta_status write_record(pta_ctx *ctx, const pta_load_params *p)
{
    char path[PTA_PATH_BYTES];
    PTA_TRY(pta_path(ctx, path, "%s" PTA_RECORD_FOLDER, p->root));
    PTA_TRY(pta_folder_make(ctx, path));
    PTA_TRY(pta_path(ctx, path, "%s" PTA_RECORD_PATH, p->root));
    return pta_bytes_write(ctx, path, true, p->slice_digest,
                           strlen(p->slice_digest));
}

static pta_status load_bin(pta_ctx *ctx, const pta_load_params *p,
                           const char *bin, size_t n)
{
    PTA_TRY(remove_record(ctx, p->root));
    PTA_TRY(configure(ctx, p, bin, n));
    PTA_TRY(set_slcr(ctx, p->root));
    PTA_TRY(set_ports(ctx, p->root));
    return write_record(ctx, p);
}

pta_status pta_board_load(pta_ctx *ctx, const pta_load_params *params)
{
    char *bit, *bin;
    size_t n_bit, n_bin;
    if (strspn(params->slice_digest, "0123456789abcdef") < PTA_RECORD_DIGITS) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "slice digest \"%s\": expected at least %d "
                        "hexadecimal digits",
                        params->slice_digest, PTA_RECORD_DIGITS);
    }
    PTA_TRY(pta_bytes_read(ctx, params->bit_path, &bit, &n_bit));
    pta_status status =
        pta_bit_to_bin(ctx, params->bit_path, bit, n_bit, &bin, &n_bin);
    pta_free(ctx, bit);
    if (status == PTA_OK) {
        status = load_bin(ctx, params, bin, n_bin);
        pta_free(ctx, bin);
    }
    return status;
}
