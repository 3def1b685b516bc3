/*
 * What the verbs share: exit codes, opening a model with its plan, text tables,
 * progress, JSON files.
 */
#ifndef PTA_CLI_CLI_H
#define PTA_CLI_CLI_H

#include "base/hash.h"
#include "cli/options.h"
#include "model/keras.h"
#include "plan/plan.h"
#include "json/json.h"

/** Exit codes. DIFFERS: --check found a sample that differs. */
enum {
    PTA_EXIT_OK = 0,
    PTA_EXIT_FAILED = 1,
    PTA_EXIT_DIFFERS = 1,
    PTA_EXIT_USAGE = 2,
    PTA_EXIT_BY_HAND = 3 /* fetch: the user must download */
};

/** 0, 2 for PTA_ERR_USAGE, else 1. */
int pta_exit_code(pta_status status);

/** Prints "partita: DETAIL" of a failure on stderr; silent for PTA_OK. */
void pta_report_failure(const pta_ctx *ctx, pta_status status);

extern const pta_verb pta_verb_info, pta_verb_plan, pta_verb_show, pta_verb_run,
    pta_verb_check, pta_verb_fetch, pta_verb_build, pta_verb_calibrate,
    pta_verb_board, pta_verb_scale, pta_verb_simulate, pta_verb_tune;

/** Parses, runs `body` unless help was asked for, reports, cleans up: the whole
 * of a verb without MPI. */
int pta_verb_main(pta_ctx *ctx, const pta_verb *verb, int argc, char **argv,
                  pta_status (*body)(pta_ctx *ctx, const pta_options *options));

/* ---- model and plan (load.c) ---- */

/** A plan file, its model opened, and the plan resolved and checked against
 * it. */
typedef struct pta_loaded {
    char *plan_text;  /* owned */
    char *model_path; /* owned; where the model was found */
    pta_model *model; /* owned */
    pta_plan *plan;   /* owned */
} pta_loaded;

/** The model is looked for as the plan names it, then beside the plan file. */
pta_status PTA_MUST_CHECK pta_load(pta_ctx *ctx, const char *plan_path,
                                   pta_loaded *out);
void pta_loaded_free(pta_ctx *ctx, pta_loaded *loaded);

/** PTA_ERR_MISMATCH if the plan text states another model's digest,
 * PTA_ERR_FORMAT if none. For use before the plan is resolved, so that a
 * foreign plan is called so. */
pta_status PTA_MUST_CHECK pta_check_model(pta_ctx *ctx, const char *plan_text,
                                          const char *plan_path,
                                          const pta_model *model);

/** A plan whose slices have no digests (written by hand) may understate its
 * accumulators: proves them anew, PTA_ERR_MISMATCH naming the layer. */
pta_status PTA_MUST_CHECK pta_check_proof(pta_ctx *ctx, const char *plan_path,
                                          pta_loaded *loaded);

/** The form in which a plan's profile wants its model. */
pta_status PTA_MUST_CHECK pta_plan_form(pta_ctx *ctx, const char *plan_text,
                                        const char *plan_path, pta_form *form);

/** True if the file's name ends as a Keras model's. */
bool pta_is_model_path(const char *path);

/** PATH without the folder; borrowed. */
const char *pta_base_name(const char *path);

/** PATH with the ending .h5, .hdf5 or .keras replaced by `ending`, in the
 * folder of PATH or, with `here`, in the current one. Owned by the caller. */
pta_status PTA_MUST_CHECK pta_replace_ending(pta_ctx *ctx, const char *path,
                                             const char *ending, bool here,
                                             char **out);

/** SHA-256 of a whole file. */
pta_status PTA_MUST_CHECK pta_file_sha256(pta_ctx *ctx, const char *path,
                                          char hex[PTA_SHA256_HEX]);

/* ---- output (output.c) ---- */

/** Writes and releases `json` to `path` ("-": stdout); nothing if path is
 * NULL. */
pta_status PTA_MUST_CHECK pta_write_json(pta_ctx *ctx, const char *path,
                                         json_t *json);

/** "12,345"; `text` holds at least 32 bytes. Returns text. */
#define PTA_COUNT_TEXT 32
const char *pta_print_count(int64_t n, char text[PTA_COUNT_TEXT]);

/** "1.2 MiB". Returns text. */
const char *pta_print_bytes(uint64_t n, char text[PTA_COUNT_TEXT]);

/** ", calibrated on mnist:train (60,000 rows)"; nothing if unknown. */
void pta_print_calibration(const pta_calibration *calibration, FILE *file);

/** A text table: rows of cells, then printed aligned. Columns whose heading
 * begins with '>' are set to the right. */
typedef struct pta_table_text {
    pta_ctx *ctx;
    int n_columns, n_cells, room;
    char **cells; /* owned; headings first */
    bool failed;  /* no memory */
} pta_table_text;

/** `headings` is one text, separated by '|'. */
void pta_table_begin(pta_table_text *table, pta_ctx *ctx, const char *headings);
void pta_table_cell(pta_table_text *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** Releases without printing; may be called again. */
void pta_table_free(pta_table_text *table);
/** Prints, releases; PTA_ERR_NOMEM if a cell was lost. */
pta_status PTA_MUST_CHECK pta_table_end(pta_table_text *table, FILE *file);

/** "\r calibrate: 12,000 of 60,000 rows" on a terminal, once the work has
 * taken two seconds. */
typedef struct pta_progress {
    const char *what, *unit;
    int64_t total;
    double started, last;
    bool active, shown;
} pta_progress;

void pta_progress_begin(pta_progress *progress, const char *what,
                        const char *unit, int64_t total);
void pta_progress_step(pta_progress *progress, int64_t done);
void pta_progress_end(pta_progress *progress);

/** Seconds of a monotonic clock. */
double pta_seconds(void);

#endif
