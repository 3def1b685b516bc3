/* Draws geometries, writes one top with an instance of each, builds the
 * Verilator model and hands both to drive.c. See harness.h. */
#include <dlfcn.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness_priv.h"

#define FAST_CASES 12
#define SLOW_CASES 100

int32_t hls_ceil(int32_t a, int32_t b)
{
    return (a + b - 1) / b;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- parameters ---- */

__attribute__((format(printf, 2, 3))) static void add(hls_case *c,
                                                      const char *format, ...)
{
    size_t used = strlen(c->text);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(c->text + used, sizeof c->text - used, format, args);
    va_end(args);
    if (n < 0 || used + (size_t)n >= sizeof c->text) {
        fprintf(stderr, "harness: parameters too long\n");
        exit(1);
    }
}

void hls_set(hls_case *c, const char *name, int64_t value)
{
    const char *comma = c->text[0] == '\0' ? "" : ", ";
    if (value >= INT32_MIN && value <= INT32_MAX) {
        add(c, "%s.%s(%" PRId64 ")", comma, name, value);
    } else {
        add(c, "%s.%s(64'sh%" PRIx64 ")", comma, name, (uint64_t)value);
    }
}

int64_t hls_param(hls_case *c, const char *name, int64_t lo, int64_t hi)
{
    int64_t value = hls_draw(c, name, lo, hi);
    hls_set(c, name, value);
    return value;
}

static void close_file(hls_case *c)
{
    if (c->file != NULL && fclose(c->file) != 0) {
        die("harness: memory file");
    }
    c->file = NULL;
}

void hls_file_path(const hls_case *c, const char *param, int set, char *path,
                   size_t size)
{
    snprintf(path, size, "%s/case%d_%s%s.hex", c->folder, c->index, param,
             set == 0 ? "" : "_second");
}

FILE *hls_file(hls_case *c, const char *name)
{
    char path[4096];
    close_file(c);
    hls_file_path(c, name, c->set, path, sizeof path);
    if (c->set == 0) {
        add(c, "%s.%s(\"%s\")", c->text[0] == '\0' ? "" : ", ", name, path);
    }
    c->file = fopen(path, "w");
    if (c->file == NULL) {
        die(path);
    }
    return c->file;
}

void hls_word(FILE *f, const int64_t *values, int32_t n, int32_t w)
{
    int64_t bits = (int64_t)n * w;
    for (int64_t digit = (bits + 3) / 4 - 1; digit >= 0; digit--) {
        int v = 0;
        for (int64_t b = digit * 4 + 3; b >= digit * 4; b--) {
            uint64_t element = b < bits ? (uint64_t)values[b / w] : 0;
            v = 2 * v + (int)(element >> (b % w) & 1);
        }
        fprintf(f, "%x", (unsigned)v);
    }
    fputc('\n', f);
}

/* ---- streams ---- */

static hls_stream *stream(hls_stream *list, int32_t *n, hls_stream s)
{
    if (*n == HLS_STREAMS) {
        fprintf(stderr, "harness: more than %d streams\n", HLS_STREAMS);
        exit(1);
    }
    s.data = calloc((size_t)s.count * (size_t)s.vectors, sizeof *s.data);
    if (s.data == NULL) {
        die("harness");
    }
    list[*n] = s;
    return &list[(*n)++];
}

hls_stream *hls_in(hls_case *c, const char *name, int32_t count, int32_t p,
                   int32_t w, int32_t vectors)
{
    return stream(
        c->in, &c->n_in,
        (hls_stream){
            .name = name, .count = count, .p = p, .w = w, .vectors = vectors});
}

hls_stream *hls_out(hls_case *c, const char *name, int32_t count, int32_t p,
                    int32_t w, int32_t vectors)
{
    return stream(
        c->out, &c->n_out,
        (hls_stream){
            .name = name, .count = count, .p = p, .w = w, .vectors = vectors});
}

int64_t hls_value(hls_case *c, int32_t w, bool is_signed)
{
    int64_t max = (int64_t)((UINT64_C(1) << (w - (is_signed ? 1 : 0))) - 1);
    int64_t min = is_signed ? -max - 1 : 0;
    switch (pta_rng_next(&c->rng) % 16) {
    case 0:
        return min;
    case 1:
        return max;
    default:
        return (int64_t)(pta_rng_next(&c->rng) >> (64 - w)) + min;
    }
}

void hls_fill(hls_case *c, hls_stream *s, bool is_signed)
{
    for (int64_t i = 0; i < (int64_t)s->count * s->vectors; i++) {
        s->data[i] = hls_value(c, s->w, is_signed);
    }
}

/* ---- the top: every stream in words of its own ---- */

static int64_t place(hls_case *cases, int n, bool outputs, int32_t *n_streams)
{
    int64_t words = 0;
    int32_t id = 0;
    for (int i = 0; i < n; i++) {
        hls_stream *list = outputs ? cases[i].out : cases[i].in;
        int32_t count = outputs ? cases[i].n_out : cases[i].n_in;
        for (int32_t k = 0; k < count; k++) {
            list[k].id = id++;
            list[k].offset = words;
            words += list[k].words;
        }
    }
    *n_streams = id;
    return words < 3 ? 3 : words; /* so that Verilator makes an array */
}

static void write_stream(FILE *f, const char *port, const hls_stream *s)
{
    fprintf(f,
            "        .%s_data(%s_data[%" PRId64 " +: %d]), "
            ".%s_valid(%s_valid[%d]), .%s_ready(%s_ready[%d])",
            s->name, port, s->offset * 32, s->p * s->w, s->name, port, s->id,
            s->name, port, s->id);
}

static void write_top(const char *folder, hls_case *cases, int n)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/hls_top.sv", folder);
    FILE *f = fopen(path, "w");
    if (f == NULL) {
        die(path);
    }
    int32_t n_in, n_out;
    int64_t in_bits = place(cases, n, false, &n_in) * 32;
    int64_t out_bits = place(cases, n, true, &n_out) * 32;
    n_in = n_in < 65 ? 65 : n_in;
    n_out = n_out < 65 ? 65 : n_out;
    fprintf(f,
            "`default_nettype none\n/* verilator lint_off UNDRIVEN */\n"
            "module hls_top (\n"
            "    input  wire clk, rst,\n"
            "    input  wire [%" PRId64 ":0] in_data,\n"
            "    input  wire [%d:0] in_valid,\n"
            "    output wire [%d:0] in_ready,\n"
            "    output wire [%" PRId64 ":0] out_data,\n"
            "    output wire [%d:0] out_valid,\n"
            "    input  wire [%d:0] out_ready,\n"
            "    input  wire [%d:0] mem_put,\n"
            "    input  wire [31:0] mem_word, mem_data,\n"
            "    output wire [%d:0] mem_working,\n"
            "    output wire [%d:0] mem_crc);\n",
            in_bits - 1, n_in - 1, n_in - 1, out_bits - 1, n_out - 1, n_out - 1,
            n < 65 ? 64 : n - 1, n < 65 ? 64 : n - 1, 32 * (n < 3 ? 3 : n) - 1);
    for (int i = 0; i < n; i++) {
        const hls_case *c = &cases[i];
        hls_memories_write(f, c);
        fprintf(f, "    pta_%s #(%s) u%d (.clk(clk), .rst(rst)", c->block,
                c->text, i);
        for (int32_t k = 0; k < c->n_in; k++) {
            fputs(",\n", f);
            write_stream(f, "in", &c->in[k]);
        }
        for (int32_t k = 0; k < c->n_out; k++) {
            fputs(",\n", f);
            write_stream(f, "out", &c->out[k]);
        }
        hls_memories_ports(f, c);
        fputs(");\n", f);
    }
    fputs("endmodule\n/* verilator lint_on UNDRIVEN */\n", f);
    if (fclose(f) != 0) {
        die(path);
    }
}

/* ---- the model ---- */

/* Exit code of build_model.sh. */
static int build(const char *rtl, const char *folder, const char *cache)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        execl(HLS_BUILD_MODEL, HLS_BUILD_MODEL, rtl, folder, cache,
              (char *)NULL);
        _exit(127);
    }
    int status = 1;
    if (pid < 0 || waitpid(pid, &status, 0) < 0) {
        die("harness: build_model.sh");
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void *symbol(void *library, const char *name)
{
    void *s = dlsym(library, name);
    if (s == NULL) {
        fprintf(stderr, "harness: no %s in the model\n", name);
        exit(1);
    }
    return s;
}

static hls_model load(const char *folder)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/model.so", folder);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "harness: %s\n", dlerror());
        exit(1);
    }
    hls_model m;
    *(void **)&m.open = symbol(library, "hls_model_open");
    *(void **)&m.eval = symbol(library, "hls_model_eval");
    *(void **)&m.close = symbol(library, "hls_model_close");
    return m;
}

/* ---- main ---- */

typedef struct options {
    const hls_block *block;
    const char *rtl, *work;
    uint64_t seed;
    int first; /* geometries to run; 0: all */
    bool slow;
} options;

static int usage(const hls_block *blocks, int n_blocks)
{
    fprintf(stderr, "usage: BLOCK [--slow] [--first N] [--seed N] "
                    "[--rtl DIR] [--work DIR]; blocks:");
    for (int i = 0; i < n_blocks; i++) {
        fprintf(stderr, " %s", blocks[i].name);
    }
    fputc('\n', stderr);
    return 2;
}

static bool parse(options *o, int argc, char **argv, const hls_block *blocks,
                  int n_blocks)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--slow") == 0) {
            o->slow = true;
        } else if (strcmp(argv[i], "--first") == 0 && value != NULL) {
            o->first = atoi(argv[++i]);
        } else if (strcmp(argv[i], "--seed") == 0 && value != NULL) {
            o->seed = strtoull(argv[++i], NULL, 0);
        } else if (strcmp(argv[i], "--rtl") == 0 && value != NULL) {
            o->rtl = argv[++i];
        } else if (strcmp(argv[i], "--work") == 0 && value != NULL) {
            o->work = argv[++i];
        } else {
            for (int k = 0; k < n_blocks; k++) {
                o->block = strcmp(argv[i], blocks[k].name) == 0 ? &blocks[k]
                                                                : o->block;
            }
            if (o->block == NULL) {
                return false;
            }
        }
    }
    return o->block != NULL;
}

static void draw(hls_case *c, const options *o, const char *folder, int index,
                 int n, hls_cover *cover, int attempt)
{
    *c = (hls_case){.index = index,
                    .n_cases = n,
                    .samples = 1,
                    .latency = -1,
                    .interval = -1,
                    .rest = -1,
                    .ahead = -1,
                    .block = o->block->name,
                    .folder = folder,
                    .cover = cover,
                    .rng = o->seed + (uint64_t)index * 1000003 +
                           (uint64_t)attempt * 7919};
    o->block->draw(c);
    close_file(c);
    hls_memories_read(c);
    hls_pack(c);
}

static void release(hls_case *c)
{
    for (int32_t k = 0; k < c->n_in + c->n_out; k++) {
        hls_stream *s = k < c->n_in ? &c->in[k] : &c->out[k - c->n_in];
        free(s->data);
        free(s->sets[0]);
        free(s->sets[1]);
        free(s->mask);
    }
    hls_memories_free(c);
}

/* All geometries, again until each range's ends came up. */
static bool draw_all(hls_case *cases, int n, const options *o,
                     const char *folder)
{
    const char *missing = "";
    for (int attempt = 0; missing != NULL && attempt < 20; attempt++) {
        hls_cover cover = {.n = 0};
        for (int i = 0; i < n; i++) {
            release(&cases[i]);
            draw(&cases[i], o, folder, i, n, &cover, attempt);
        }
        missing = hls_cover_missing(&cover);
    }
    if (missing != NULL) {
        fprintf(stderr, "FAILED: %s is never at both ends of its range\n",
                missing);
    }
    return missing == NULL;
}

int hls_main(int argc, char **argv, const hls_block *blocks, int n_blocks)
{
    return hls_main_cases(argc, argv, blocks, n_blocks, FAST_CASES);
}

int hls_main_cases(int argc, char **argv, const hls_block *blocks, int n_blocks,
                   int n_cases)
{
    options o = {.rtl = HLS_RTL, .work = ".", .seed = (uint64_t)time(NULL)};
    if (!parse(&o, argc, argv, blocks, n_blocks)) {
        return usage(blocks, n_blocks);
    }
    char folder[2048], cache[2100];
    char *work = realpath(o.work, NULL);
    if (work == NULL) {
        die(o.work);
    }
    snprintf(folder, sizeof folder, "%s/%s%s", work, o.block->name,
             o.slow ? ".slow" : "");
    snprintf(cache, sizeof cache, "%s/runtime", work);
    free(work);
    mkdir(folder, 0777);

    int n = o.slow ? SLOW_CASES : n_cases;
    printf("%s: %d geometries from --seed %" PRIu64 "\n", o.block->name, n,
           o.seed);
    hls_case *cases = calloc((size_t)n, sizeof *cases);
    if (cases == NULL) {
        die("harness");
    }
    bool covered = draw_all(cases, n, &o, folder);
    int n_run = o.first > 0 && o.first < n ? o.first : n;
    write_top(folder, cases, n_run);
    int built = build(o.rtl, folder, cache), wrong = 0;
    if (built == 0) {
        hls_model model = load(folder);
        for (int reset = 1; reset <= 2 && wrong == 0; reset++) {
            wrong = hls_drive(&model, cases, n_run, o.seed, reset);
        }
        printf("%s: %d of %d geometries wrong\n", o.block->name, wrong, n_run);
        wrong = wrong > 0 || !covered;
    }
    for (int i = 0; i < n; i++) {
        release(&cases[i]);
    }
    free(cases);
    return built == 0 ? wrong : built == 77 ? 77 : 3;
}
