/*
 * The `partita` command: finds the verb and gives it a context.
 */
#include <string.h>

#include "cli/cli.h"

static const pta_verb *const verbs[] = {
    &pta_verb_info,  &pta_verb_plan,  &pta_verb_show,     &pta_verb_run,
    &pta_verb_check, &pta_verb_build, &pta_verb_fetch,    &pta_verb_calibrate,
    &pta_verb_board, &pta_verb_scale, &pta_verb_simulate, &pta_verb_tune};

#define N_VERBS (sizeof verbs / sizeof *verbs)

static void print_usage(FILE *file)
{
    fprintf(file, "usage: partita VERB [options] FILE\n\n"
                  "Runs one trained neural network on many small boards, bit "
                  "for bit what one CPU\ncomputes. Verbs:\n\n");
    for (size_t i = 0; i < N_VERBS; i++) {
        fprintf(file, "  %-9s %-6s  %s\n", verbs[i]->name,
                verbs[i]->operand != NULL ? verbs[i]->operand : "",
                verbs[i]->summary);
    }
    fprintf(file, "\npartita VERB --help lists the options of a verb; partita "
                  "--version the version.\n");
}

static void log_line(void *user, pta_log_level level, const char *line)
{
    (void)user;
    if (level <= PTA_LOG_INFO) {
        fprintf(stderr, "partita: %s\n", line);
    }
}

static int run_verb(const pta_verb *verb, int argc, char **argv)
{
    pta_ctx *ctx = pta_ctx_create();
    if (ctx == NULL) {
        fprintf(stderr, "partita: out of memory\n");
        return PTA_EXIT_FAILED;
    }
    pta_ctx_set_log(ctx, log_line, NULL);
    int code = verb->run(ctx, argc, argv);
    pta_ctx_destroy(&ctx);
    return code;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--version") == 0) {
        printf("partita %s\n", PTA_VERSION);
        return PTA_EXIT_OK;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_usage(stdout);
        return PTA_EXIT_OK;
    }
    for (size_t i = 0; i < N_VERBS; i++) {
        if (strcmp(name, verbs[i]->name) == 0) {
            return run_verb(verbs[i], argc - 1, argv + 1);
        }
    }
    if (name[0] != '\0') {
        fprintf(stderr, "partita: \"%s\" is not a verb\n\n", name);
    }
    print_usage(stderr);
    return PTA_EXIT_USAGE;
}
