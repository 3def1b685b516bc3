/*
 * Options: one table per verb parses the command line, prints help, reads the
 * file given by --config and writes itself back with --print-config.
 *
 * Flags beat the environment (PARTITA_BITS for --bits) beats the file beats the
 * table's default. A config file has one `name = value` per line; a line that
 * begins with `#` is a comment.
 */
#ifndef PTA_CLI_OPTIONS_H
#define PTA_CLI_OPTIONS_H

#include <stdio.h>

#include "base/ctx.h"

typedef enum pta_option_kind {
    PTA_OPTION_FLAG, /* no value on the command line; "yes"/"no" elsewhere */
    PTA_OPTION_INT,  /* lo..hi */
    PTA_OPTION_TEXT,
    PTA_OPTION_CHOICE /* one of `choices`, as "latency|throughput" */
} pta_option_kind;

typedef struct pta_option {
    const char *name; /* long name; NULL ends the table */
    char letter;      /* short name, or 0 */
    pta_option_kind kind;
    const char *fallback; /* default; NULL: unset */
    const char *group;    /* heading in the help */
    const char *help;
    const char *placeholder; /* "FILE"; NULL for flags and choices */
    const char *choices;
    int64_t lo, hi;
    bool no_env; /* --data: PARTITA_DATA is the folder of the data sets */
} pta_option;

typedef struct pta_verb {
    const char *name;
    const char *operand; /* "MODEL"; at most one; NULL: none */
    const char *summary;
    const pta_option *options;
    int (*run)(pta_ctx *ctx, int argc, char **argv);
} pta_verb;

typedef struct pta_options pta_options;

/** What parsing asks the caller to do. */
typedef enum pta_options_action {
    PTA_OPTIONS_RUN,
    PTA_OPTIONS_DONE /* --help or --print-config was served on stdout */
} pta_options_action;

/**
 * Parses argv (argv[0] is the verb). Texts are borrowed from argv, the
 * environment or the table, or owned by the result. PTA_ERR_USAGE names the
 * option, the value and the valid set; PTA_ERR_IO the config file.
 */
pta_status PTA_MUST_CHECK pta_options_parse(pta_ctx *ctx, const pta_verb *verb,
                                            int argc, char **argv,
                                            pta_options **out,
                                            pta_options_action *action);
void pta_options_destroy(pta_ctx *ctx, pta_options **options);

/** NULL when unset. The name must be in the verb's table. */
const char *pta_options_text(const pta_options *options, const char *name);

/** 0 when unset; PTA_OPTION_INT only. */
int64_t pta_options_int(const pta_options *options, const char *name);
bool pta_options_flag(const pta_options *options, const char *name);

/** MODEL, PLAN or SET. */
const char *pta_options_operand(const pta_options *options);

void pta_options_help(const pta_verb *verb, FILE *file);
void pta_options_print(const pta_options *options, FILE *file);

#endif
