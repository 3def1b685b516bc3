/*
 * Texts that the generators write: a text that grows, and the fixed parts that
 * are copied from this folder or from where they were installed.
 */
#ifndef PTA_HLS_SCRIPT_H
#define PTA_HLS_SCRIPT_H

#include "base/ctx.h"

/** A growing text. Errors are kept: write on, and ask pta_script_save. */
typedef struct pta_script {
    pta_ctx *ctx; /* borrowed */
    char *text;   /* owned; NUL-terminated, NULL while empty */
    size_t length, room;
    pta_status status;
} pta_script;

void pta_script_begin(pta_script *script, pta_ctx *ctx);
void pta_script_add(pta_script *script, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Appends a file of hls/, such as "vivado/board.tcl", with every @TOP@ in it
 * replaced by `top` (NULL: none). PTA_ERR_NOT_FOUND names both places. */
void pta_script_add_file(pta_script *script, const char *name, const char *top);

/** Writes FOLDER/NAME, or gives the first error; releases in any case. */
pta_status PTA_MUST_CHECK pta_script_save(pta_script *script,
                                          const char *folder, const char *name);
void pta_script_free(pta_script *script);

/** A name made of letters, digits and '_' only, for identifiers: others become
 * '_', a leading digit gets one in front. `out` holds `size` bytes. */
void pta_identifier(const char *name, char *out, size_t size);

#endif
