/* The outputs of `partita build` beside the core: from what the verb knows of a
 * board to what each generator wants. */
#include "cli/build.h"
#include "hls/gen/vivado.h"

pta_status pta_build_vivado(pta_ctx *ctx, const pta_build_board *board,
                            const char *folder)
{
    return pta_vivado_write(ctx, board->manifest, folder);
}
