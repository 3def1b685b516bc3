/* Options: sources and their order, bad values, help, config files. */
#include "cli/options.h"

#include <string.h>

#include "unit/scratch.h"
#include "unit/unit.h"

static const pta_option table[] = {
    {.name = "bits",
     .kind = PTA_OPTION_INT,
     .fallback = "16",
     .group = "A",
     .placeholder = "W",
     .lo = 2,
     .hi = 32,
     .help = "width"},
    {.name = "mode",
     .kind = PTA_OPTION_CHOICE,
     .fallback = "throughput",
     .group = "A",
     .choices = "latency|throughput",
     .help = "mode"},
    {.name = "exact-ranks", .kind = PTA_OPTION_FLAG, .group = "B", .help = "f"},
    {.name = "output",
     .letter = 'o',
     .kind = PTA_OPTION_TEXT,
     .group = "B",
     .placeholder = "FILE",
     .help = "file"},
    {.name = "data",
     .kind = PTA_OPTION_TEXT,
     .group = "B",
     .placeholder = "SET",
     .help = "set",
     .no_env = true},
    {.name = NULL}};

static const pta_verb verb = {"test", "FILE", "A verb.", table, NULL};

#define MAX_ARGS 10

/* Parses the words of `line`; `buffer` owns them as long as the options. */
static pta_status parse(pta_ctx *ctx, char buffer[256], const char *line,
                        pta_options **options, pta_options_action *action)
{
    char *argv[MAX_ARGS];
    int argc = 0;
    snprintf(buffer, 256, "test %s", line);
    for (char *word = strtok(buffer, " "); word != NULL;
         word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    return pta_options_parse(ctx, &verb, argc, argv, options, action);
}

static void clear_environment(void)
{
    unsetenv("PARTITA_BITS");
    unsetenv("PARTITA_MODE");
    unsetenv("PARTITA_EXACT_RANKS");
    unsetenv("PARTITA_DATA");
    unsetenv("PARTITA_CONFIG");
}

static int64_t bits_of(const char *line)
{
    char buffer[256];
    pta_ctx *ctx = pta_ctx_create();
    pta_options *options;
    pta_options_action action;
    UNIT_OK(ctx, parse(ctx, buffer, line, &options, &action));
    int64_t bits = pta_options_int(options, "bits");
    pta_options_destroy(ctx, &options);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
    return bits;
}

static void test_order(void)
{
    char path[SCRATCH_PATH], line[SCRATCH_PATH + 64];
    static const char text[] = "# comment\n\n bits = 8 \nmode=latency\n";
    clear_environment();
    scratch_write(path, "config", text, sizeof text - 1);
    CU_ASSERT_EQUAL(bits_of("x.h5"), 16);
    snprintf(line, sizeof line, "x.h5 --config %s", path);
    CU_ASSERT_EQUAL(bits_of(line), 8);
    setenv("PARTITA_BITS", "9", 1);
    CU_ASSERT_EQUAL(bits_of(line), 9);
    snprintf(line, sizeof line, "--bits 10 x.h5 --config %s", path);
    CU_ASSERT_EQUAL(bits_of(line), 10);
    snprintf(line, sizeof line, "--config=%s --bits=11 x.h5", path);
    CU_ASSERT_EQUAL(bits_of(line), 11);
    CU_ASSERT_EQUAL(bits_of("--bits 3 --bits 4 x.h5"), 4);
    clear_environment();
}

static void test_forms(void)
{
    char buffer[256];
    pta_ctx *ctx = pta_ctx_create();
    pta_options *o;
    pta_options_action action;
    clear_environment();
    setenv("PARTITA_EXACT_RANKS", "yes", 1);
    setenv("PARTITA_DATA", "/a/folder", 1);
    UNIT_OK(ctx, parse(ctx, buffer, "-oout.csv --mode latency -- -x.h5", &o,
                       &action));
    CU_ASSERT_EQUAL(action, PTA_OPTIONS_RUN);
    CU_ASSERT_STRING_EQUAL(pta_options_operand(o), "-x.h5");
    CU_ASSERT_STRING_EQUAL(pta_options_text(o, "output"), "out.csv");
    CU_ASSERT_STRING_EQUAL(pta_options_text(o, "mode"), "latency");
    CU_ASSERT_PTR_NULL(pta_options_text(o, "data"));
    CU_ASSERT(pta_options_flag(o, "exact-ranks"));
    pta_options_destroy(ctx, &o);
    UNIT_OK(ctx, parse(ctx, buffer, "a --exact-ranks=no -o b", &o, &action));
    CU_ASSERT(!pta_options_flag(o, "exact-ranks"));
    CU_ASSERT_STRING_EQUAL(pta_options_text(o, "output"), "b");
    pta_options_destroy(ctx, &o);
    clear_environment();
    pta_ctx_destroy(&ctx);
}

static void test_bad(void)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"x --bits 33", "from 2 to 32"},
        {"x --bits 8x", "\"8x\""},
        {"x --bits 99999999999999999999", "--bits"},
        {"x --bits", "missing"},
        {"x --mode fast", "latency|throughput"},
        {"x --mode lat", "latency|throughput"},
        {"x --output=", "empty"},
        {"x --exact-ranks=maybe", "yes or no"},
        {"x --nonsense", "--exact-ranks"},
        {"x -z", "-z"},
        {"x --bit 8", "--bit: unknown"},
        {"x y", "\"y\""},
        {"--bits 8", "FILE is missing"},
    };
    clear_environment();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char buffer[256];
        pta_ctx *ctx = pta_ctx_create();
        pta_options *o = NULL;
        pta_options_action action;
        CU_ASSERT_EQUAL(parse(ctx, buffer, cases[i].line, &o, &action),
                        PTA_ERR_USAGE);
        CU_ASSERT_PTR_NULL(o);
        if (strstr(pta_ctx_error(ctx), cases[i].says) == NULL) {
            fprintf(stderr, "\n%s: %s\n", cases[i].line, pta_ctx_error(ctx));
            CU_FAIL("the message does not say what is wrong");
        }
        CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
        pta_ctx_destroy(&ctx);
    }
}

static void test_bad_sources(void)
{
    static const char *const texts[] = {"bits = 99\n", "bits 8\n", "bitz=8\n"};
    char path[SCRATCH_PATH], buffer[256], line[128];
    pta_ctx *ctx = pta_ctx_create();
    pta_options *o = NULL;
    pta_options_action action;
    clear_environment();
    for (int i = 0; i < 3; i++) {
        scratch_write(path, "c", texts[i], strlen(texts[i]));
        snprintf(line, sizeof line, "x --config %.100s", path);
        CU_ASSERT_EQUAL(parse(ctx, buffer, line, &o, &action), PTA_ERR_USAGE);
        CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), path));
        CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "line 1"));
    }
    CU_ASSERT_EQUAL(parse(ctx, buffer, "x --config /nowhere", &o, &action),
                    PTA_ERR_IO);
    setenv("PARTITA_MODE", "never", 1);
    CU_ASSERT_EQUAL(parse(ctx, buffer, "x", &o, &action), PTA_ERR_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "PARTITA_MODE"));
    clear_environment();
    pta_ctx_destroy(&ctx);
}

/* What --print-config writes, --config reads. */
static void test_written_back(void)
{
    char buffer[256], path[SCRATCH_PATH], line[SCRATCH_PATH + 32];
    pta_ctx *ctx = pta_ctx_create();
    pta_options *o;
    pta_options_action action;
    clear_environment();
    UNIT_OK(ctx, parse(ctx, buffer, "x --bits 7 --exact-ranks --mode latency",
                       &o, &action));
    FILE *file = fopen(scratch_path(path, "written"), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    pta_options_print(o, file);
    fclose(file);
    pta_options_destroy(ctx, &o);
    snprintf(line, sizeof line, "x --config %.200s", path);
    UNIT_OK(ctx, parse(ctx, buffer, line, &o, &action));
    CU_ASSERT_EQUAL(pta_options_int(o, "bits"), 7);
    CU_ASSERT(pta_options_flag(o, "exact-ranks"));
    CU_ASSERT_STRING_EQUAL(pta_options_text(o, "mode"), "latency");
    CU_ASSERT_PTR_NULL(pta_options_text(o, "output"));
    pta_options_destroy(ctx, &o);
    pta_ctx_destroy(&ctx);
}

/* Every option with its default, and no line past column 79. */
static void test_help(void)
{
    char path[SCRATCH_PATH], text[4096] = "";
    FILE *file = fopen(scratch_path(path, "help"), "w+");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    pta_options_help(&verb, file);
    rewind(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    CU_ASSERT(n > 0);
    for (const pta_option *o = table; o->name != NULL; o++) {
        CU_ASSERT_PTR_NOT_NULL(strstr(text, o->name));
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "[16]"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "latency|throughput"));
    for (char *l = strtok(text, "\n"); l != NULL; l = strtok(NULL, "\n")) {
        CU_ASSERT(strlen(l) < 80);
    }
}

static const unit_test tests[] = {{"order of sources", test_order},
                                  {"forms", test_forms},
                                  {"bad values", test_bad},
                                  {"bad sources", test_bad_sources},
                                  {"written back", test_written_back},
                                  {"help", test_help}};

UNIT_MAIN("options", tests)
