/*
 * JSON: the one home of <jansson.h>, with readers whose errors name file and
 * key.
 */
#ifndef PTA_JSON_JSON_H
#define PTA_JSON_JSON_H

#include <jansson.h>

#include "base/ctx.h"

/** Parses text; a syntax error is PTA_ERR_FORMAT with "path: line N: ...".
 * Duplicate keys are refused. The caller owns *out (json_decref). */
pta_status PTA_MUST_CHECK pta_json_parse(pta_ctx *ctx, const char *text,
                                         const char *path, json_t **out);

/** Reads a whole file as text (owned by the caller, pta_free). */
pta_status PTA_MUST_CHECK pta_file_read(pta_ctx *ctx, const char *path,
                                        char **text, size_t *n_bytes);

/** Writes through PATH.tmp-PID and renames, so that a reader never sees half a
 * file and a full disk leaves nothing under the final name. What is no regular
 * file (/dev/stdout, a pipe) is written as it is. */
pta_status PTA_MUST_CHECK pta_file_write(pta_ctx *ctx, const char *path,
                                         const void *bytes, size_t n_bytes);

/** Members of an object; `where` names file and place in messages, such as
 * "my.plan.json: stages[2]". Missing or of the wrong type: PTA_ERR_FORMAT. */
pta_status PTA_MUST_CHECK pta_json_string(pta_ctx *ctx, const json_t *object,
                                          const char *where, const char *key,
                                          const char **out);
pta_status PTA_MUST_CHECK pta_json_int(pta_ctx *ctx, const json_t *object,
                                       const char *where, const char *key,
                                       int64_t lo, int64_t hi, int64_t *out);
pta_status PTA_MUST_CHECK pta_json_number(pta_ctx *ctx, const json_t *object,
                                          const char *where, const char *key,
                                          double *out);
pta_status PTA_MUST_CHECK pta_json_array(pta_ctx *ctx, const json_t *object,
                                         const char *where, const char *key,
                                         json_t **out);
pta_status PTA_MUST_CHECK pta_json_object(pta_ctx *ctx, const json_t *object,
                                          const char *where, const char *key,
                                          json_t **out);

/** Refuses a key that is not in `allowed` (NULL-terminated), naming it. */
pta_status PTA_MUST_CHECK pta_json_only(pta_ctx *ctx, const json_t *object,
                                        const char *where,
                                        const char *const *allowed);

#endif
