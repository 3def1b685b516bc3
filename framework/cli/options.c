/*
 * The one parser behind every verb's table of options.
 */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "json/json.h"

/* Where a value came from; a higher source beats a lower one. */
enum { SOURCE_NONE, SOURCE_DEFAULT, SOURCE_FILE, SOURCE_ENV, SOURCE_FLAG };

typedef struct entry {
    const pta_option *option;
    const char *value; /* borrowed */
    int source;
} entry;

struct pta_options {
    const pta_verb *verb;
    int n_entries;
    entry *entries; /* owned: the verb's table, then the common one */
    const char *operand;
    char *config; /* owned; text of the --config file, cut into values */
};

static const pta_option common_options[] = {
    {.name = "config",
     .kind = PTA_OPTION_TEXT,
     .group = "General",
     .placeholder = "FILE",
     .help = "read options from FILE (name = value per line)"},
    {.name = "print-config",
     .kind = PTA_OPTION_FLAG,
     .group = "General",
     .help = "print all options as such a file and stop"},
    {.name = "help",
     .letter = 'h',
     .kind = PTA_OPTION_FLAG,
     .group = "General",
     .help = "print this help and stop"},
    {.name = NULL}};

static int count(const pta_option *table)
{
    int n = 0;
    while (table[n].name != NULL) {
        n++;
    }
    return n;
}

static entry *find(const pta_options *options, const char *name, size_t length)
{
    for (int i = 0; i < options->n_entries; i++) {
        const char *known = options->entries[i].option->name;
        if (strlen(known) == length && strncmp(known, name, length) == 0) {
            return &options->entries[i];
        }
    }
    return NULL;
}

static entry *find_letter(const pta_options *options, char letter)
{
    for (int i = 0; i < options->n_entries; i++) {
        if (options->entries[i].option->letter == letter && letter != 0) {
            return &options->entries[i];
        }
    }
    return NULL;
}

/* ---- values ---- */

static bool is_choice(const char *choices, const char *value)
{
    size_t length = strlen(value);
    for (const char *at = choices; at != NULL; at = strchr(at, '|')) {
        at += *at == '|';
        if (length > 0 && strncmp(at, value, length) == 0 &&
            (at[length] == '|' || at[length] == '\0')) {
            return true;
        }
    }
    return false;
}

static bool is_int(const pta_option *option, const char *value)
{
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    return end != value && *end == '\0' && errno == 0 && number >= option->lo &&
           number <= option->hi;
}

static pta_status check_value(pta_ctx *ctx, const pta_option *option,
                              const char *where, const char *value)
{
    switch (option->kind) {
    case PTA_OPTION_FLAG:
        if (!is_choice("yes|no", value)) {
            return pta_fail(ctx, PTA_ERR_USAGE,
                            "%s%s: \"%s\" is not valid; expected yes or no",
                            where, option->name, value);
        }
        break;
    case PTA_OPTION_INT:
        if (!is_int(option, value)) {
            return pta_fail(ctx, PTA_ERR_USAGE,
                            "%s%s: \"%s\" is not valid; expected a whole "
                            "number from %lld to %lld",
                            where, option->name, value, (long long)option->lo,
                            (long long)option->hi);
        }
        break;
    case PTA_OPTION_CHOICE:
        if (!is_choice(option->choices, value)) {
            return pta_fail(ctx, PTA_ERR_USAGE,
                            "%s%s: \"%s\" is not valid; expected one of %s",
                            where, option->name, value, option->choices);
        }
        break;
    case PTA_OPTION_TEXT:
        if (value[0] == '\0') {
            return pta_fail(ctx, PTA_ERR_USAGE,
                            "%s%s: the value is empty; expected %s", where,
                            option->name, option->placeholder);
        }
        break;
    }
    return PTA_OK;
}

static pta_status set(pta_ctx *ctx, entry *e, const char *where,
                      const char *value, int source)
{
    PTA_TRY(check_value(ctx, e->option, where, value));
    if (source >= e->source) {
        e->value = value;
        e->source = source;
    }
    return PTA_OK;
}

static pta_status unknown(pta_ctx *ctx, const pta_options *options,
                          const char *text)
{
    char known[512] = "";
    for (int i = 0; i < options->n_entries; i++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s--%s", i == 0 ? "" : " ",
                 options->entries[i].option->name);
    }
    return pta_fail(ctx, PTA_ERR_USAGE, "%s: unknown option; %s knows %s", text,
                    options->verb->name, known);
}

/* ---- sources ---- */

static pta_status read_environment(pta_ctx *ctx, pta_options *options)
{
    for (int i = 0; i < options->n_entries; i++) {
        entry *e = &options->entries[i];
        char name[64] = "PARTITA_";
        size_t used = strlen(name);
        for (const char *c = e->option->name; *c != '\0'; c++) {
            name[used++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
        }
        name[used] = '\0';
        const char *value = e->option->no_env ? NULL : getenv(name);
        if (value != NULL && value[0] != '\0') {
            pta_status status = set(ctx, e, "", value, SOURCE_ENV);
            if (status != PTA_OK) {
                return pta_fail_in(ctx, status, "environment %s", name);
            }
        }
    }
    return PTA_OK;
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    size_t n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1])) {
        text[--n] = '\0';
    }
    return text;
}

static pta_status read_line(pta_ctx *ctx, pta_options *options,
                            const char *path, int number, char *line)
{
    char *name = trim(line);
    char *equals = strchr(name, '=');
    if (*name == '\0' || *name == '#') {
        return PTA_OK;
    }
    if (equals == NULL) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "%s: line %d: expected name = value, found \"%s\"",
                        path, number, name);
    }
    *equals = '\0';
    name = trim(name);
    const char *value = trim(equals + 1);
    entry *e = find(options, name, strlen(name));
    pta_status status = e == NULL ? unknown(ctx, options, name)
                                  : set(ctx, e, "", value, SOURCE_FILE);
    return status == PTA_OK
               ? PTA_OK
               : pta_fail_in(ctx, status, "%s: line %d", path, number);
}

static pta_status read_config(pta_ctx *ctx, pta_options *options,
                              const char *path)
{
    PTA_TRY(pta_file_read(ctx, path, &options->config, NULL));
    int number = 1;
    for (char *line = options->config; line != NULL; number++) {
        char *next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        PTA_TRY(read_line(ctx, options, path, number, line));
        line = next;
    }
    return PTA_OK;
}

/* ---- the command line ---- */

/* One option at argv[*i]; its value may be the next argument. */
static pta_status read_option(pta_ctx *ctx, pta_options *options, int argc,
                              char **argv, int *i)
{
    const char *text = argv[*i];
    bool is_long = text[1] == '-';
    const char *equals = is_long ? strchr(text, '=') : NULL;
    size_t length = equals != NULL ? (size_t)(equals - text) : strlen(text);
    entry *e = is_long ? find(options, text + 2, length - 2)
                       : find_letter(options, text[1]);
    if (e == NULL) {
        return unknown(ctx, options, text);
    }
    const char *value = equals != NULL             ? equals + 1
                        : !is_long && text[2] != 0 ? text + 2
                                                   : NULL;
    if (e->option->kind == PTA_OPTION_FLAG) {
        return set(ctx, e, "--", value != NULL ? value : "yes", SOURCE_FLAG);
    }
    if (value == NULL && *i + 1 >= argc) {
        return pta_fail(ctx, PTA_ERR_USAGE, "--%s: the value is missing",
                        e->option->name);
    }
    return set(ctx, e, "--", value != NULL ? value : argv[++*i], SOURCE_FLAG);
}

static pta_status read_arguments(pta_ctx *ctx, pta_options *options, int argc,
                                 char **argv)
{
    bool only_operands = false;
    for (int i = 1; i < argc; i++) {
        if (!only_operands && strcmp(argv[i], "--") == 0) {
            only_operands = true;
        } else if (!only_operands && argv[i][0] == '-' && argv[i][1] != '\0') {
            PTA_TRY(read_option(ctx, options, argc, argv, &i));
        } else if (options->verb->operand == NULL) {
            return pta_fail(ctx, PTA_ERR_USAGE,
                            "\"%s\": %s takes options only", argv[i],
                            options->verb->name);
        } else if (options->operand != NULL) {
            return pta_fail(ctx, PTA_ERR_USAGE,
                            "\"%s\": one %s is enough (\"%s\" was given)",
                            argv[i], options->verb->operand, options->operand);
        } else {
            options->operand = argv[i];
        }
    }
    return PTA_OK;
}

static pta_status parse(pta_ctx *ctx, pta_options *options, int argc,
                        char **argv, pta_options_action *action)
{
    PTA_TRY(read_arguments(ctx, options, argc, argv));
    *action = PTA_OPTIONS_DONE;
    if (pta_options_flag(options, "help")) {
        pta_options_help(options->verb, stdout);
        return PTA_OK;
    }
    PTA_TRY(read_environment(ctx, options));
    const char *config = pta_options_text(options, "config");
    if (config != NULL) {
        PTA_TRY(read_config(ctx, options, config));
    }
    if (pta_options_flag(options, "print-config")) {
        pta_options_print(options, stdout);
        return PTA_OK;
    }
    *action = PTA_OPTIONS_RUN;
    if (options->operand == NULL && options->verb->operand != NULL) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "%s is missing; see partita %s "
                        "--help",
                        options->verb->operand, options->verb->name);
    }
    return PTA_OK;
}

static void fill(entry *entries, const pta_option *table)
{
    for (int i = 0; i < count(table); i++) {
        entries[i] =
            (entry){.option = &table[i],
                    .value = table[i].fallback,
                    .source = table[i].fallback ? SOURCE_DEFAULT : SOURCE_NONE};
    }
}

pta_status pta_options_parse(pta_ctx *ctx, const pta_verb *verb, int argc,
                             char **argv, pta_options **out,
                             pta_options_action *action)
{
    int own = count(verb->options), common = count(common_options);
    pta_options *options;
    PTA_TRY_ALLOC(ctx, options, 1);
    options->verb = verb;
    options->n_entries = own + common;
    options->entries =
        pta_calloc(ctx, (size_t)(own + common), sizeof *options->entries);
    pta_status status = PTA_ERR_NOMEM;
    if (options->entries != NULL) {
        fill(options->entries, verb->options);
        fill(options->entries + own, common_options);
        status = parse(ctx, options, argc, argv, action);
    }
    if (status != PTA_OK) {
        pta_options_destroy(ctx, &options);
        return status;
    }
    *out = options;
    return PTA_OK;
}

void pta_options_destroy(pta_ctx *ctx, pta_options **options)
{
    if (*options != NULL) {
        pta_free(ctx, (*options)->entries);
        pta_free(ctx, (*options)->config);
        pta_free(ctx, *options);
        *options = NULL;
    }
}

/* ---- asking ---- */

const char *pta_options_text(const pta_options *options, const char *name)
{
    const entry *e = find(options, name, strlen(name));
    PTA_ASSERT(e != NULL);
    return e->value;
}

int64_t pta_options_int(const pta_options *options, const char *name)
{
    const char *value = pta_options_text(options, name);
    return value == NULL ? 0 : strtoll(value, NULL, 10);
}

bool pta_options_flag(const pta_options *options, const char *name)
{
    const char *value = pta_options_text(options, name);
    return value != NULL && strcmp(value, "yes") == 0;
}

const char *pta_options_operand(const pta_options *options)
{
    return options->operand;
}

/* ---- writing ---- */

/* Help begins in this column and is wrapped before column 80. */
#define HELP_COLUMN 26
#define HELP_WIDTH  79

/* Prints words from `column` on, on new lines where they would not fit. */
static void print_words(const char *text, int column, FILE *file)
{
    for (bool is_first = true; *text != '\0'; is_first = false) {
        int length = (int)strcspn(text, " ");
        if (!is_first && column + 1 + length > HELP_WIDTH) {
            fprintf(file, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        } else if (!is_first) {
            fputc(' ', file);
            column++;
        }
        fprintf(file, "%.*s", length, text);
        column += length;
        text += length + (text[length] == ' ');
    }
}

static void help_line(const pta_option *option, FILE *file)
{
    char left[96], help[512];
    char letter[8] = "    ";
    const char *value = option->kind == PTA_OPTION_CHOICE ? option->choices
                                                          : option->placeholder;
    if (option->letter != 0) {
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    }
    snprintf(left, sizeof left, "  %s--%s%s%s", letter, option->name,
             value != NULL ? " " : "", value != NULL ? value : "");
    snprintf(help, sizeof help, "%s%s%s%s", option->help,
             option->fallback != NULL ? " [" : "",
             option->fallback != NULL ? option->fallback : "",
             option->fallback != NULL ? "]" : "");
    fprintf(file, "%-*s", HELP_COLUMN - 1, left);
    int column = (int)strlen(left) + 1;
    if (column > HELP_COLUMN) {
        fprintf(file, "\n%*s", HELP_COLUMN - 1, "");
    }
    fputc(' ', file);
    print_words(help, HELP_COLUMN, file);
    fputc('\n', file);
}

static void help_table(const pta_option *table, FILE *file)
{
    const char *group = "";
    for (; table->name != NULL; table++) {
        if (strcmp(group, table->group) != 0) {
            group = table->group;
            fprintf(file, "\n%s:\n", group);
        }
        help_line(table, file);
    }
}

void pta_options_help(const pta_verb *verb, FILE *file)
{
    fprintf(file, "usage: partita %s [options]%s%s\n\n%s\n", verb->name,
            verb->operand != NULL ? " " : "",
            verb->operand != NULL ? verb->operand : "", verb->summary);
    help_table(verb->options, file);
    help_table(common_options, file);
    fprintf(file, "\nAn option --some-name may also be given in the "
                  "environment as\nPARTITA_SOME_NAME (but --data, whose "
                  "PARTITA_DATA is the folder of data sets).\n");
}

void pta_options_print(const pta_options *options, FILE *file)
{
    fprintf(file, "# partita %s\n", options->verb->name);
    for (int i = 0; i < options->n_entries; i++) {
        const entry *e = &options->entries[i];
        bool is_common = strcmp(e->option->group, "General") == 0;
        if (is_common) {
            continue;
        }
        if (e->value == NULL) {
            fprintf(file, "# %s =\n", e->option->name);
        } else {
            fprintf(file, "%s = %s\n", e->option->name, e->value);
        }
    }
}
