/*
 * partita fetch: gets a data set, or says how to.
 */
#include "cli/cli.h"
#include "datasets/fetch.h"
#include "datasets/files.h"

static const pta_option fetch_options[] = {
    {.name = "from",
     .kind = PTA_OPTION_TEXT,
     .group = "Source",
     .placeholder = "DIR",
     .help = "take the files, plain or gzipped, from DIR"},
    {.name = "url",
     .kind = PTA_OPTION_TEXT,
     .group = "Source",
     .placeholder = "URL",
     .help = "ask URL/NAME.gz instead of the published addresses",
     .no_env = true},
    {.name = "have",
     .kind = PTA_OPTION_FLAG,
     .group = "Source",
     .help = "only say where the files are; fail if one is missing",
     .no_env = true},
    {.name = "output",
     .letter = 'o',
     .kind = PTA_OPTION_TEXT,
     .group = "Destination",
     .placeholder = "DIR",
     .help = "put the files in DIR/SET/"},
    {.name = NULL}};

static void say(void *user, const char *line)
{
    (void)user;
    printf("%s\n", line);
    fflush(stdout);
}

static pta_status have(pta_ctx *ctx, const char *set)
{
    int32_t n_files = 0;
    const pta_file *files = pta_files_of(set, &n_files);
    for (int32_t i = 0; i < n_files; i++) {
        char *path = NULL;
        pta_status status = pta_files_find(ctx, &files[i], &path);
        if (status != PTA_OK && !files[i].optional) {
            return status;
        }
        printf("%s: %s\n", files[i].name,
               status == PTA_OK ? path : "missing, not required");
        pta_free(ctx, path);
    }
    return files != NULL ? PTA_OK
                         : pta_fail(ctx, PTA_ERR_USAGE,
                                    "%s: no such data set; expected mnist, "
                                    "nsl-kdd or unsw-nb15",
                                    set);
}

static pta_status fetch(pta_ctx *ctx, const pta_options *options)
{
    if (pta_options_flag(options, "have")) {
        return have(ctx, pta_options_operand(options));
    }
    pta_fetch_options how = {.from = pta_options_text(options, "from"),
                             .url = pta_options_text(options, "url"),
                             .out = pta_options_text(options, "output"),
                             .say = say};
    return pta_fetch(ctx, pta_options_operand(options), &how);
}

static int print_by_hand(pta_ctx *ctx, const pta_options *options)
{
    char *text = NULL;
    pta_status status =
        pta_fetch_by_hand(ctx, pta_options_operand(options),
                          pta_options_text(options, "output"), &text);
    if (status == PTA_OK) {
        printf("%s", text);
        pta_free(ctx, text);
        return PTA_EXIT_BY_HAND;
    }
    pta_report_failure(ctx, status);
    return pta_exit_code(status);
}

static int run(pta_ctx *ctx, int argc, char **argv)
{
    pta_options *options = NULL;
    pta_options_action action = PTA_OPTIONS_RUN;
    pta_status status =
        pta_options_parse(ctx, &pta_verb_fetch, argc, argv, &options, &action);
    int code = PTA_EXIT_OK;
    if (status == PTA_OK && action == PTA_OPTIONS_RUN) {
        status = fetch(ctx, options);
    }
    if (status == PTA_ERR_UNSUPPORTED) {
        code = print_by_hand(ctx, options);
    } else if (status != PTA_OK) {
        pta_report_failure(ctx, status);
        code = pta_exit_code(status);
    }
    pta_options_destroy(ctx, &options);
    return code;
}

const pta_verb pta_verb_fetch = {
    "fetch", "SET", "Gets a data set, checked against its published hashes.",
    fetch_options, run};
