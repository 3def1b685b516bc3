/* One file over HTTP, by the program curl or, without it, wget. */
#ifndef PTA_DATASETS_DOWNLOAD_H
#define PTA_DATASETS_DOWNLOAD_H

#include "base/ctx.h"

/** Writes what `url` answers to the file `path`. PTA_ERR_IO with the program's
 * own last words; `path` may then hold a part. */
pta_status PTA_MUST_CHECK pta_download(pta_ctx *ctx, const char *url,
                                       const char *path);

#endif
