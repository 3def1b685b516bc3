/* Vivado output of a core: see vivado.h. What is the same for every core is in
 * hls/vivado/. */
#include "hls/gen/vivado.h"

#include <stdio.h>
#include <string.h>

#include "hls/driver/regs.h"
#include "hls/gen/script.h"

static bool ends_in(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n > m && strcmp(name + n - m, ending) == 0;
}

static void add_list(pta_script *s, const char *variable, const char *ending,
                     const pta_manifest *manifest)
{
    pta_script_add(s, "set %s {\n", variable);
    for (int32_t i = 0; i < manifest->n_files; i++) {
        if (ends_in(manifest->files[i].name, ending)) {
            pta_script_add(s, "    {%s}\n", manifest->files[i].name);
        }
    }
    pta_script_add(s, "}\n");
}

static pta_status find_top(pta_ctx *ctx, const pta_manifest *manifest)
{
    char file[256];
    snprintf(file, sizeof file, "%s.sv", manifest->top);
    for (int32_t i = 0; i < manifest->n_files; i++) {
        const char *name = manifest->files[i].name;
        const char *base = strrchr(name, '/');
        if (strcmp(base == NULL ? name : base + 1, file) == 0) {
            return PTA_OK;
        }
    }
    return pta_fail(ctx, PTA_ERR_MISMATCH,
                    "manifest of board %d: %s is not among its files",
                    (int)manifest->board, file);
}

pta_status pta_vivado_write(pta_ctx *ctx, const pta_manifest *manifest,
                            const char *folder)
{
    pta_script s;
    PTA_TRY(find_top(ctx, manifest));
    pta_script_begin(&s, ctx);
    pta_script_add(&s,
                   "# %s: board %d as a Vivado project for a PYNQ-Z2.\n"
                   "# Slice %s\n"
                   "#     vivado -mode batch -source vivado.tcl\n"
                   "# writes %s.bit beside this file; exit code 1 if anything "
                   "fails or a path is too slow.\n",
                   manifest->generator, (int)manifest->board,
                   manifest->slice_digest, manifest->top);
    pta_script_add(&s, "set core %s\n", manifest->top);
    add_list(&s, "rtl", ".sv", manifest);
    add_list(&s, "memories", ".hex", manifest);
    pta_script_add(&s,
                   "set clock_mhz %g\n"
                   "set dma_address 0x%08X\nset dma_bytes 0x%X\n"
                   "set core_address 0x%08X\nset core_bytes 0x%X\n"
                   "set length_bits %d\n\n",
                   manifest->clock_hz / 1e6, PTA_DMA_ADDRESS, PTA_DMA_BYTES,
                   PTA_CORE_ADDRESS, PTA_CORE_BYTES, PTA_DMA_LENGTH_BITS);
    pta_script_add_file(&s, "vivado/board.tcl", NULL);
    PTA_TRY(pta_script_save(&s, folder, "vivado.tcl"));
    pta_script_begin(&s, ctx);
    pta_script_add_file(&s, "vivado/board.v", manifest->top);
    return pta_script_save(&s, folder, "board.v");
}
