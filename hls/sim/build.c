/*
 * Builds a simulated core with Verilator and g++: see cache.h. All of it is done
 * in a folder of its own, renamed into place at the end; what Verilator's
 * runtime needs is compiled once per cache.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "build_priv.h"

#define ARGS_MAX 64

extern char **environ;

static const char *const verilator_flags[] = {
    "verilator", "--cc",        "-O3",        "--x-assign",
    "unique",    "--x-initial", "unique",     "--noassert",
    "-Wno-lint", "-Wno-style",  "-Wno-fatal", NULL};
/* -O1 runs as fast as -O3 and compiles in two thirds of the time. */
static const char *const compiler_flags[] = {"g++",
                                             "-std=c++17",
                                             "-O1",
                                             "-fPIC",
                                             "-w",
                                             "-fvisibility=hidden",
                                             "-fvisibility-inlines-hidden",
                                             "-DVM_TRACE=0",
                                             "-DVM_COVERAGE=0",
                                             "-DVM_SC=0",
                                             NULL};

/* ---- running a program ---- */

typedef struct command {
    const char *args[ARGS_MAX];
    int n;
} command;

static void add(command *c, const char *arg)
{
    PTA_ASSERT(c->n < ARGS_MAX - 1);
    c->args[c->n++] = arg;
}

static void add_all(command *c, const char *const *args)
{
    while (*args != NULL) {
        add(c, *args++);
    }
}

/* The first line that says what is wrong, or the last one. */
static void first_error(const char *log, char *line, size_t size)
{
    const char *at = strstr(log, "%Error");
    at = at != NULL ? at : strstr(log, "error:");
    at = at != NULL ? at : log;
    while (at > log && at[-1] != '\n') {
        at--;
    }
    snprintf(line, size, "%.*s", (int)strcspn(at, "\n"), at);
}

static pta_status fail_command(pta_ctx *ctx, const command *c, const char *log)
{
    char *text = NULL, line[400] = "";
    size_t n;
    if (pta_bytes_read(ctx, log, &text, &n) == PTA_OK) {
        first_error(text, line, sizeof line);
        pta_free(ctx, text);
    }
    return pta_fail(ctx, PTA_ERR_UNSUPPORTED, "%s failed: %s", c->args[0],
                    line);
}

static pta_status run(pta_ctx *ctx, const command *c, const char *log)
{
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status = 0;
    char *args[ARGS_MAX];
    for (int i = 0; i < c->n; i++) {
        args[i] = pta_strdup(ctx, c->args[i]);
    }
    args[c->n] = NULL;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, log,
                                     O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    int error = posix_spawnp(&child, args[0], &actions, NULL, args, environ);
    posix_spawn_file_actions_destroy(&actions);
    for (int i = 0; i < c->n; i++) {
        pta_free(ctx, args[i]);
    }
    if (error != 0) {
        return pta_fail(ctx, PTA_ERR_NOT_FOUND, "%s: %s", c->args[0],
                        strerror(error));
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0
               ? PTA_OK
               : fail_command(ctx, c, log);
}

/* ---- the tools ---- */

/* Output of a fixed command, without its last line end. */
static pta_status capture(pta_ctx *ctx, const char *line, char *text,
                          size_t size)
{
    FILE *pipe = popen(line, "r");
    size_t n = pipe != NULL ? fread(text, 1, size - 1, pipe) : 0;
    int status = pipe != NULL ? pclose(pipe) : -1;
    text[n] = '\0';
    while (n > 0 && text[n - 1] == '\n') {
        text[--n] = '\0';
    }
    if (status != 0 || n == 0) {
        return pta_fail(
            ctx, PTA_ERR_NOT_FOUND,
            "simulated core: Verilator and g++ are needed: \"%.*s\" "
            "fails",
            (int)strcspn(line, "2"), line);
    }
    return PTA_OK;
}

static pta_status find_shim(pta_ctx *ctx, char folder[PTA_PATH_BYTES])
{
    static const char *const places[] = {PTA_HLS_SOURCE "/sim",
                                         PTA_HLS_DATA "/sim"};
    char path[PTA_PATH_BYTES];
    for (size_t i = 0; i < 2; i++) {
        PTA_TRY(pta_path(ctx, path, "%s/shim.cpp", places[i]));
        if (access(path, R_OK) == 0) {
            return pta_path(ctx, folder, "%s", places[i]);
        }
    }
    return pta_fail(ctx, PTA_ERR_NOT_FOUND,
                    "simulated core: no shim.cpp in %s or %s", places[0],
                    places[1]);
}

static size_t join(const char *const *flags, char *text, size_t size)
{
    size_t n = 0;
    for (; *flags != NULL && n < size; flags++) {
        n += (size_t)snprintf(text + n, size - n, " %s", *flags);
    }
    return n;
}

static pta_status identify(pta_ctx *ctx, pta_sim_tools *tools)
{
    char verilator[256], compiler[1024], flags[1024], path[PTA_PATH_BYTES];
    char *shim = NULL, *pins = NULL;
    size_t n_shim = 0, n_pins = 0;
    PTA_TRY(capture(ctx, "verilator --version 2>/dev/null", verilator,
                    sizeof verilator));
    PTA_TRY(
        capture(ctx, "g++ --version 2>/dev/null", compiler, sizeof compiler));
    size_t n = join(verilator_flags, flags, sizeof flags);
    join(compiler_flags, flags + n, sizeof flags - n);
    PTA_TRY(pta_path(ctx, path, "%s/shim.cpp", tools->shim));
    PTA_TRY(pta_bytes_read(ctx, path, &shim, &n_shim));
    pta_status status = pta_path(ctx, path, "%s/pins.h", tools->shim);
    if (status == PTA_OK) {
        status = pta_bytes_read(ctx, path, &pins, &n_pins);
    }
    if (status == PTA_OK) {
        size_t size = n_shim + n_pins + 4096;
        tools->identity = pta_calloc(ctx, size, 1);
        status = tools->identity == NULL ? PTA_ERR_NOMEM : PTA_OK;
        if (status == PTA_OK) {
            snprintf(tools->identity, size, "%s\n%s\n%s\n%s%s", verilator,
                     compiler, flags, shim, pins);
        }
    }
    pta_free(ctx, shim);
    pta_free(ctx, pins);
    return status;
}

pta_status pta_sim_tools_find(pta_ctx *ctx, pta_sim_tools *tools)
{
    *tools = (pta_sim_tools){.identity = NULL};
    PTA_TRY(capture(ctx, "verilator --getenv VERILATOR_ROOT 2>/dev/null",
                    tools->root, sizeof tools->root));
    PTA_TRY(find_shim(ctx, tools->shim));
    return identify(ctx, tools);
}

void pta_sim_tools_free(pta_ctx *ctx, pta_sim_tools *tools)
{
    pta_free(ctx, tools->identity);
    tools->identity = NULL;
}

/* ---- the design's files ---- */

bool pta_sim_is_rtl(const pta_sim_file *file)
{
    size_t n = strlen(file->name);
    return n > 3 && strcmp(file->name + n - 3, ".sv") == 0;
}

/* The memory whose name in quotes begins at `at`, or NULL. */
static const pta_sim_file *memory_at(const pta_sim_design *design,
                                     const char *at)
{
    for (int32_t i = 0; i < design->n_files && *at == '"'; i++) {
        const pta_sim_file *file = &design->files[i];
        size_t n = strlen(file->name);
        if (!pta_sim_is_rtl(file) && strncmp(at + 1, file->name, n) == 0 &&
            at[1 + n] == '"') {
            return file;
        }
    }
    return NULL;
}

/* RTL names memories without a folder; a model reads them wherever the process
 * happens to be, so their final place is written into the copy. */
static void write_rtl(FILE *out, const pta_sim_design *design,
                      const pta_sim_file *file, const char *folder)
{
    const char *end = file->text + file->bytes;
    for (const char *at = file->text; at < end;) {
        const pta_sim_file *memory = memory_at(design, at);
        if (memory != NULL) {
            fprintf(out, "\"%s/%s\"", folder, memory->name);
            at += strlen(memory->name) + 2;
        } else {
            putc(*at++, out);
        }
    }
}

static pta_status write_file(pta_ctx *ctx, const pta_sim_design *design,
                             const pta_sim_file *file, const char *build,
                             const char *folder)
{
    char path[PTA_PATH_BYTES];
    PTA_TRY(pta_path(ctx, path, "%s/%s", build, file->name));
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: %s", path, strerror(errno));
    }
    if (pta_sim_is_rtl(file)) {
        write_rtl(out, design, file, folder);
    } else {
        fwrite(file->text, 1, file->bytes, out);
    }
    bool bad = ferror(out) != 0;
    bad = fclose(out) != 0 || bad;
    return bad ? pta_fail(ctx, PTA_ERR_IO, "%s: cannot be written", path)
               : PTA_OK;
}

/* ---- the steps ---- */

static pta_status build_runtime(pta_ctx *ctx, const pta_sim_tools *tools,
                                const char *build, const char *part)
{
    char source[PTA_PATH_BYTES], object[PTA_PATH_BYTES], log[PTA_PATH_BYTES];
    char include[PTA_PATH_BYTES], vltstd[PTA_PATH_BYTES];
    PTA_TRY(pta_path(ctx, source, "%s/include/%s.cpp", tools->root, part));
    PTA_TRY(pta_path(ctx, object, "%s/%s.o", build, part));
    PTA_TRY(pta_path(ctx, log, "%s/log", build));
    PTA_TRY(pta_path(ctx, include, "-I%s/include", tools->root));
    PTA_TRY(pta_path(ctx, vltstd, "-I%s/include/vltstd", tools->root));
    command c = {.n = 0};
    add_all(&c, compiler_flags);
    add(&c, include);
    add(&c, vltstd);
    add(&c, "-c");
    add(&c, source);
    add(&c, "-o");
    add(&c, object);
    return run(ctx, &c, log);
}

/* verilated.o of this tool version, made by whoever needs it first; two at once
 * make the same bytes. */
static pta_status runtime_object(pta_ctx *ctx, const pta_sim_tools *tools,
                                 const char *cache, const char *build,
                                 const char *part, char object[PTA_PATH_BYTES])
{
    uint8_t digest[PTA_SHA256_BYTES];
    char hex[PTA_SHA256_HEX], made[PTA_PATH_BYTES];
    pta_sha256 hash;
    pta_sha256_init(&hash);
    pta_sha256_update(&hash, tools->identity, strlen(tools->identity));
    pta_sha256_final(&hash, digest);
    pta_sha256_hex(digest, hex);
    PTA_TRY(pta_path(ctx, object, "%s/%s-%.16s.o", cache, part, hex));
    if (access(object, R_OK) == 0) {
        return PTA_OK;
    }
    PTA_TRY(build_runtime(ctx, tools, build, part));
    PTA_TRY(pta_path(ctx, made, "%s/%s.o", build, part));
    return rename(made, object) == 0
               ? PTA_OK
               : pta_fail(ctx, PTA_ERR_IO, "%s: %s", object, strerror(errno));
}

static pta_status verilate(pta_ctx *ctx, const pta_sim_design *design,
                           const char *build, const char *prefix)
{
    char log[PTA_PATH_BYTES], obj[PTA_PATH_BYTES], top[PTA_PATH_BYTES];
    PTA_TRY(pta_path(ctx, log, "%s/log", build));
    PTA_TRY(pta_path(ctx, obj, "%s/obj", build));
    PTA_TRY(pta_path(ctx, top, "%s/%s.sv", build, design->top));
    command c = {.n = 0};
    add_all(&c, verilator_flags);
    add(&c, "--prefix");
    add(&c, prefix);
    add(&c, "--top-module");
    add(&c, design->top);
    add(&c, "-Mdir");
    add(&c, obj);
    add(&c, "-y");
    add(&c, build);
    add(&c, top);
    return run(ctx, &c, log);
}

/* One file that includes all that Verilator made, and the shim. */
static pta_status write_all(pta_ctx *ctx, const pta_sim_tools *tools,
                            const char *build, const char *source)
{
    char pattern[PTA_PATH_BYTES];
    glob_t found;
    PTA_TRY(pta_path(ctx, pattern, "%s/obj/*.cpp", build));
    FILE *out = fopen(source, "w");
    if (out == NULL || glob(pattern, 0, NULL, &found) != 0) {
        if (out != NULL) {
            fclose(out);
        }
        return pta_fail(ctx, PTA_ERR_IO, "%s: Verilator made no files",
                        pattern);
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        fprintf(out, "#include \"%s\"\n", found.gl_pathv[i]);
    }
    fprintf(out, "#include \"%s/shim.cpp\"\n", tools->shim);
    globfree(&found);
    return fclose(out) == 0
               ? PTA_OK
               : pta_fail(ctx, PTA_ERR_IO, "%s: cannot be written", source);
}

static pta_status compile(pta_ctx *ctx, const pta_sim_tools *tools,
                          const char *cache, const char *build,
                          const char *prefix)
{
    char source[PTA_PATH_BYTES], library[PTA_PATH_BYTES], log[PTA_PATH_BYTES];
    char include[PTA_PATH_BYTES], vltstd[PTA_PATH_BYTES], obj[PTA_PATH_BYTES];
    char model[128], runtime[PTA_PATH_BYTES], threads[PTA_PATH_BYTES];
    PTA_TRY(runtime_object(ctx, tools, cache, build, "verilated", runtime));
    PTA_TRY(
        runtime_object(ctx, tools, cache, build, "verilated_threads", threads));
    PTA_TRY(pta_path(ctx, source, "%s/all.cc", build));
    PTA_TRY(pta_path(ctx, library, "%s/core.so", build));
    PTA_TRY(pta_path(ctx, log, "%s/log", build));
    PTA_TRY(pta_path(ctx, include, "-I%s/include", tools->root));
    PTA_TRY(pta_path(ctx, vltstd, "-I%s/include/vltstd", tools->root));
    PTA_TRY(pta_path(ctx, obj, "-I%s/obj", build));
    snprintf(model, sizeof model, "-DPTA_MODEL=%s", prefix);
    PTA_TRY(write_all(ctx, tools, build, source));
    command c = {.n = 0};
    add_all(&c, compiler_flags);
    add(&c, include);
    add(&c, vltstd);
    add(&c, obj);
    add(&c, model);
    static const char *const link[] = {"-shared",
                                       "-Wl,-Bsymbolic",
                                       "-Wl,--exclude-libs,ALL",
                                       "-static-libstdc++",
                                       "-static-libgcc",
                                       "-o",
                                       NULL};
    add_all(&c, link);
    add(&c, library);
    add(&c, source);
    add(&c, runtime);
    add(&c, threads);
    add(&c, "-lpthread");
    add(&c, "-latomic");
    return run(ctx, &c, log);
}

static pta_status build_in(pta_ctx *ctx, const pta_sim_design *design,
                           const pta_sim_tools *tools, const char *cache,
                           const char *build, const char *folder)
{
    char prefix[64];
    /* A class name of its own, in case two libraries ever share a scope. */
    snprintf(prefix, sizeof prefix, "V%.12s",
             folder + strlen(folder) - (PTA_SHA256_HEX - 1));
    PTA_TRY(pta_folder_make(ctx, build));
    for (int32_t i = 0; i < design->n_files; i++) {
        PTA_TRY(write_file(ctx, design, &design->files[i], build, folder));
    }
    PTA_TRY(verilate(ctx, design, build, prefix));
    return compile(ctx, tools, cache, build, prefix);
}

static void remove_folder(pta_ctx *ctx, const char *folder)
{
    command c = {.args = {"rm", "-rf", folder}, .n = 3};
    if (run(ctx, &c, "/dev/null") != PTA_OK) {
        pta_log(ctx, PTA_LOG_WARN, "%s: cannot be removed", folder);
    }
}

pta_status pta_sim_build(pta_ctx *ctx, const pta_sim_design *design,
                         const pta_sim_tools *tools, const char *cache,
                         const char *key)
{
    char build[PTA_PATH_BYTES], folder[PTA_PATH_BYTES], obj[PTA_PATH_BYTES];
    PTA_TRY(pta_path(ctx, folder, "%s/%s", cache, key));
    PTA_TRY(pta_path(ctx, build, "%s.tmp-%ld", folder, (long)getpid()));
    PTA_TRY(pta_path(ctx, obj, "%s/obj", build));
    pta_status status = build_in(ctx, design, tools, cache, build, folder);
    if (status == PTA_OK) {
        remove_folder(ctx, obj);
        if (rename(build, folder) != 0) {
            status =
                pta_fail(ctx, PTA_ERR_IO, "%s: %s", folder, strerror(errno));
        }
    }
    if (status != PTA_OK) {
        char text[512];
        snprintf(text, sizeof text, "%s", pta_ctx_error(ctx));
        remove_folder(ctx, build);
        return pta_fail(ctx, status, "simulated core %s: %s", design->top,
                        text);
    }
    return PTA_OK;
}
