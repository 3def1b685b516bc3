/* What Yosys makes of a core: see report.h. */
#include "hls/gen/report.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hls/driver/files.h"
#include "hls/sim/cache.h"

#define LOG_FILE "yosys.log"

/* What DMA, interconnect and reset are assumed to take. */
#define ALLOW_LUT  6000
#define ALLOW_FF   8000
#define ALLOW_BRAM 4

static const char script[] =
    "read_verilog -sv -defer pta_*.sv; "
    "synth_xilinx -family xc7 -flatten -top " /* + top */;
/* synth_xilinx loses the delays of carry chains: the cells are read again. */
static const char script_end[] =
    " -noiopad -noclkbuf; stat; "
    "read_verilog -overwrite -lib -specify +/xilinx/cells_sim.v; sta";

/* ---- Yosys ---- */

static pta_status version(pta_ctx *ctx, char text[32])
{
    char line[256] = "";
    FILE *pipe = popen("yosys -V 2>/dev/null", "r");
    bool read = pipe != NULL && fgets(line, sizeof line, pipe) != NULL;
    if (pipe != NULL) {
        (void)pclose(pipe);
    }
    if (!read || sscanf(line, "Yosys %20s", text + 6) != 1) {
        return pta_fail(ctx, PTA_ERR_NOT_FOUND,
                        "Yosys is needed (package yosys): \"yosys -V\" fails");
    }
    memcpy(text, "Yosys ", 6);
    return PTA_OK;
}

/* In the folder, because memories are named without one. */
static void run_child(const char *folder, const char *commands)
{
    if (chdir(folder) == 0 && freopen("/dev/null", "r", stdin) != NULL &&
        freopen(LOG_FILE, "w", stdout) != NULL && dup2(1, 2) == 2) {
        (void)execlp("yosys", "yosys", "-p", commands, (char *)NULL);
    }
    _exit(127);
}

static pta_status run_yosys(pta_ctx *ctx, const char *folder, const char *top,
                            bool *good)
{
    char commands[512];
    int status = 0;
    snprintf(commands, sizeof commands, "%s%s%s", script, top, script_end);
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        run_child(folder, commands);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return pta_fail(ctx, PTA_ERR_IO, "yosys cannot be started");
    }
    *good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return PTA_OK;
}

/* ---- its log ---- */

/* The first line with one of the words, or NULL; cut in `line`. */
static const char *complaint(const char *log, char *line, size_t size)
{
    static const char *const words[] = {"ERROR:", "implicitly declared",
                                        "has no driver", "Latch inferred"};
    const char *first = NULL;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *at = strstr(log, words[i]);
        first = at != NULL && (first == NULL || at < first) ? at : first;
    }
    if (first == NULL) {
        return NULL;
    }
    while (first > log && first[-1] != '\n') {
        first--;
    }
    snprintf(line, size, "%.*s", (int)strcspn(first, "\n"), first);
    return line;
}

static void count_cell(pta_resources *r, const char *cell, int64_t n)
{
    static const struct {
        const char *cell;
        int lut, lutram, ff, dsp, bram18;
    } cells[] = {{"INV", 1, 0, 0, 0, 0},      {"LUT1", 1, 0, 0, 0, 0},
                 {"LUT2", 1, 0, 0, 0, 0},     {"LUT3", 1, 0, 0, 0, 0},
                 {"LUT4", 1, 0, 0, 0, 0},     {"LUT5", 1, 0, 0, 0, 0},
                 {"LUT6", 1, 0, 0, 0, 0},     {"RAM32M", 4, 4, 0, 0, 0},
                 {"RAM64M", 4, 4, 0, 0, 0},   {"RAM32X1D", 2, 2, 0, 0, 0},
                 {"RAM64X1D", 2, 2, 0, 0, 0}, {"SRL16E", 1, 1, 0, 0, 0},
                 {"SRLC32E", 1, 1, 0, 0, 0},  {"FDRE", 0, 0, 1, 0, 0},
                 {"FDSE", 0, 0, 1, 0, 0},     {"FDCE", 0, 0, 1, 0, 0},
                 {"FDPE", 0, 0, 1, 0, 0},     {"DSP48E1", 0, 0, 0, 1, 0},
                 {"RAMB18E1", 0, 0, 0, 0, 1}, {"RAMB36E1", 0, 0, 0, 0, 2}};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        if (strcmp(cells[i].cell, cell) == 0) {
            r->lut += n * cells[i].lut;
            r->lutram += n * cells[i].lutram;
            r->ff += n * cells[i].ff;
            r->dsp += n * cells[i].dsp;
            r->bram18 += n * cells[i].bram18;
        }
    }
}

/* The cells of the last `stat`, and the figure of `sta`. */
static bool read_log(const char *log, pta_synthesis *out)
{
    const char *at = NULL, *next = log;
    long long delay;
    while ((next = strstr(next, "Number of cells:")) != NULL) {
        at = next++;
    }
    const char *sta = at == NULL ? NULL : strstr(at, "Latest arrival time in");
    if (sta == NULL || sscanf(strstr(sta, "' is ") + 5, "%lld", &delay) != 1) {
        return false;
    }
    out->cell_delay_ps = delay;
    for (at = strchr(at, '\n'); at != NULL && at < sta;
         at = strchr(at + 1, '\n')) {
        char cell[32];
        long long n;
        if (sscanf(at, "\n     %31[A-Z0-9] %lld", cell, &n) != 2) {
            break;
        }
        count_cell(&out->resources, cell, n);
    }
    return true;
}

static pta_status synthesise(pta_ctx *ctx, const pta_manifest *manifest,
                             const char *folder, pta_synthesis *out)
{
    char path[PTA_PATH_BYTES], line[400], *log;
    bool good = false;
    size_t n;
    PTA_TRY(pta_path(ctx, path, "%s/" LOG_FILE, folder));
    PTA_TRY(run_yosys(ctx, folder, manifest->top, &good));
    PTA_TRY(pta_bytes_read(ctx, path, &log, &n));
    (void)remove(path);
    pta_status status = PTA_OK;
    if (complaint(log, line, sizeof line) != NULL) {
        status = pta_fail(ctx, PTA_ERR_UNSUPPORTED, "yosys: %s", line);
    } else if (!good || !read_log(log, out)) {
        status = pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                          "yosys gave no statistics: %.200s",
                          n > 200 ? log + n - 200 : log);
    }
    pta_free(ctx, log);
    return status;
}

/* ---- the cache: one line of figures ---- */

static pta_status cache_path(pta_ctx *ctx, const pta_manifest *manifest,
                             const char *yosys, char path[PTA_PATH_BYTES])
{
    char folder[PTA_PATH_BYTES], key[PTA_SHA256_HEX];
    uint8_t digest[PTA_SHA256_BYTES];
    pta_sha256 hash;
    pta_sha256_init(&hash);
    pta_sha256_update(&hash, yosys, strlen(yosys));
    pta_sha256_update(&hash, script, sizeof script);
    pta_sha256_update(&hash, script_end, sizeof script_end);
    for (int32_t i = 0; i < manifest->n_files; i++) {
        const pta_manifest_file *file = &manifest->files[i];
        pta_sha256_update(&hash, file->name, strlen(file->name) + 1);
        pta_sha256_update(&hash, file->sha256, PTA_SHA256_HEX);
    }
    pta_sha256_final(&hash, digest);
    pta_sha256_hex(digest, key);
    PTA_TRY(pta_cache_folder(ctx, "report", folder));
    return pta_path(ctx, path, "%s/%s", folder, key);
}

static bool find(const char *path, pta_synthesis *out)
{
    long long v[6];
    FILE *file = fopen(path, "r");
    bool found =
        file != NULL && fscanf(file, "%lld %lld %lld %lld %lld %lld end", &v[0],
                               &v[1], &v[2], &v[3], &v[4], &v[5]) == 6;
    if (file != NULL) {
        fclose(file);
    }
    if (found) {
        out->resources = (pta_resources){v[0], v[1], v[2], v[3], v[4]};
        out->cell_delay_ps = v[5];
    }
    return found;
}

static pta_status keep(pta_ctx *ctx, const char *path,
                       const pta_synthesis *made)
{
    const pta_resources *r = &made->resources;
    char text[256], temporary[PTA_PATH_BYTES];
    int n = snprintf(text, sizeof text, "%lld %lld %lld %lld %lld %lld end\n",
                     (long long)r->lut, (long long)r->lutram, (long long)r->ff,
                     (long long)r->dsp, (long long)r->bram18,
                     (long long)made->cell_delay_ps);
    PTA_TRY(pta_path(ctx, temporary, "%s.tmp-%ld", path, (long)getpid()));
    PTA_TRY(pta_bytes_write(ctx, temporary, true, text, (size_t)n));
    return rename(temporary, path) == 0
               ? PTA_OK
               : pta_fail(ctx, PTA_ERR_IO, "%s: cannot be written", path);
}

pta_status pta_synthesise(pta_ctx *ctx, const pta_manifest *manifest,
                          const char *folder, pta_synthesis *out)
{
    char path[PTA_PATH_BYTES];
    *out = (pta_synthesis){.cell_delay_ps = 0};
    PTA_TRY(version(ctx, out->yosys));
    PTA_TRY(cache_path(ctx, manifest, out->yosys, path));
    out->cached = find(path, out);
    if (out->cached) {
        return PTA_OK;
    }
    PTA_TRY(synthesise(ctx, manifest, folder, out));
    return keep(ctx, path, out);
}

pta_share pta_share_of(const pta_resources *r)
{
    pta_budget budget = pta_budget_pynq(); /* less the allowance already */
    return (pta_share){.lut = 100.0 * (double)(r->lut + ALLOW_LUT) / 53200.0,
                       .lutram = 100.0 * (double)r->lutram / 17400.0,
                       .ff = 100.0 * (double)(r->ff + ALLOW_FF) / 106400.0,
                       .dsp = 100.0 * (double)r->dsp / 220.0,
                       .bram = 100.0 * (0.5 * (double)r->bram18 + ALLOW_BRAM) /
                               140.0,
                       .over = pta_budget_exceeded(&budget, r)};
}
