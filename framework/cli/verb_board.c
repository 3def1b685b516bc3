/*
 * partita board load, smoke, status: what is done on a board itself.
 */
#include <string.h>

#include "cli/cli.h"
#include "hls/driver/bitstream.h"
#include "hls/driver/board_status.h"
#include "hls/driver/device_board.h"
#include "hls/driver/load.h"
#include "hls/driver/smoke.h"
#include "hls/gen/known_answer.h"
#include "runtime/slice_load.h"

#define MEMORY_MOST ((size_t)4 << 20) /* of u-dma-buf, for the smoke test */

#define ROOT_OPTION                                                            \
    {                                                                          \
        .name = "root", .kind = PTA_OPTION_TEXT, .group = "Tests",             \
        .placeholder = "DIR",                                                  \
        .help = "folder in place of /, with its sys, dev, run and lib"         \
    }

#define JSON_OPTION                                                            \
    {                                                                          \
        .name = "json", .kind = PTA_OPTION_TEXT, .group = "Output",            \
        .placeholder = "FILE",                                                 \
        .help = "write the numbers as JSON (- for standard output)"            \
    }

#define MANIFEST_OPTION(fallback_, help_)                                      \
    {                                                                          \
        .name = "manifest", .kind = PTA_OPTION_TEXT, .fallback = fallback_,    \
        .group = "Core", .placeholder = "FILE", .help = help_                  \
    }

static const pta_option load_options[] = {
    MANIFEST_OPTION(NULL, "of the core; manifest.json beside the bitstream "
                          "if not given"),
    {.name = "digest",
     .kind = PTA_OPTION_TEXT,
     .group = "Core",
     .placeholder = "HEX",
     .help = "of the slice, if there is no manifest"},
    {.name = "plan",
     .kind = PTA_OPTION_TEXT,
     .group = "Core",
     .placeholder = "PLAN",
     .help = "whose board --board has the slice: for an hls4ml design, which "
             "has no manifest"},
    {.name = "board",
     .kind = PTA_OPTION_INT,
     .fallback = "0",
     .group = "Core",
     .placeholder = "N",
     .lo = 0,
     .hi = INT32_MAX,
     .help = "of --plan"},
    ROOT_OPTION,
    {.name = NULL}};

static const pta_option smoke_options[] = {
    MANIFEST_OPTION("manifest.json", "of the core"),
    {.name = "plan",
     .kind = PTA_OPTION_TEXT,
     .group = "Core",
     .placeholder = "PLAN",
     .help = "that has the core's slice: its answer is checked, and writable "
             "weights are loaded"},
    {.name = "poll",
     .kind = PTA_OPTION_FLAG,
     .group = "Core",
     .help = "look at the registers, wait for no interrupt"},
    JSON_OPTION,
    ROOT_OPTION,
    {.name = NULL}};

static const pta_option status_options[] = {
    JSON_OPTION, ROOT_OPTION, {.name = NULL}};

static const char *root_of(const pta_options *options)
{
    const char *root = pta_options_text(options, "root");
    return root != NULL ? root : "";
}

/* ---- slices ---- */

/* A board's slice, weights loaded; the caller destroys it. */
static pta_status load_slice(pta_ctx *ctx, const pta_loaded *loaded,
                             int32_t board, pta_slice **out)
{
    char digest[PTA_SHA256_HEX];
    pta_slice *slice;
    const pta_graph *graph = pta_model_graph(loaded->model);
    PTA_TRY(pta_slice_build(ctx, graph, loaded->plan, board, false, &slice));
    pta_status status =
        pta_slice_load(ctx, graph, loaded->plan,
                       pta_model_weights(loaded->model), slice, digest);
    if (status != PTA_OK) {
        pta_slice_destroy(ctx, &slice);
        return status;
    }
    *out = slice;
    return PTA_OK;
}

static pta_status name_slice(pta_ctx *ctx, const char *plan, int64_t board,
                             pta_core_names *names)
{
    pta_loaded loaded;
    pta_slice *slice = NULL;
    PTA_TRY(pta_load(ctx, plan, &loaded));
    pta_status status =
        board < loaded.plan->n_boards
            ? load_slice(ctx, &loaded, (int32_t)board, &slice)
            : pta_fail(ctx, PTA_ERR_USAGE,
                       "--board %lld: %s has boards 0 to %d", (long long)board,
                       plan, (int)loaded.plan->n_boards - 1);
    if (status == PTA_OK) {
        pta_core_names_of(slice, names);
        pta_slice_destroy(ctx, &slice);
    }
    pta_loaded_free(ctx, &loaded);
    return status;
}

/* ---- load ---- */

/* The folder of a path, with its last slash; "" for none. */
static int folder_length(const char *path)
{
    return (int)(pta_base_name(path) - path);
}

static pta_status find_digest(pta_ctx *ctx, const pta_options *options,
                              char digest[PTA_SHA256_HEX])
{
    const char *given = pta_options_text(options, "digest");
    const char *manifest = pta_options_text(options, "manifest");
    const char *plan = pta_options_text(options, "plan");
    const char *bit = pta_options_operand(options);
    char path[PTA_PATH_BYTES];
    if (plan != NULL) {
        pta_core_names names;
        PTA_TRY(
            name_slice(ctx, plan, pta_options_int(options, "board"), &names));
        memcpy(digest, names.rom, PTA_SHA256_HEX);
        return PTA_OK;
    }
    if (given != NULL) {
        snprintf(digest, PTA_SHA256_HEX, "%s", given);
        return PTA_OK;
    }
    PTA_TRY(manifest != NULL ? pta_path(ctx, path, "%s", manifest)
                             : pta_path(ctx, path, "%.*s" PTA_MANIFEST_FILE,
                                        folder_length(bit), bit));
    pta_manifest *m;
    pta_status status = pta_manifest_read(ctx, path, &m);
    if (status != PTA_OK) {
        return pta_fail_in(ctx, status,
                           "which slice is %s? --manifest, --plan or "
                           "--digest says it",
                           bit);
    }
    memcpy(digest, m->slice_digest, PTA_SHA256_HEX);
    pta_manifest_destroy(ctx, &m);
    return PTA_OK;
}

static pta_status load(pta_ctx *ctx, const pta_options *options)
{
    char digest[PTA_SHA256_HEX];
    PTA_TRY(find_digest(ctx, options, digest));
    pta_load_params params = {.root = root_of(options),
                              .bit_path = pta_options_operand(options),
                              .slice_digest = digest};
    PTA_TRY(pta_board_load(ctx, &params));
    printf("%s: loaded, slice %.32s\n", params.bit_path, digest);
    return PTA_OK;
}

/* ---- status ---- */

static json_t *text_or_null(const char *text)
{
    return text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *number_or_null(double value)
{
    return value > 0 ? json_real(value) : json_null();
}

static json_t *status_json(const pta_board_state *s)
{
    json_t *json = json_object();
    json_object_set_new(json, "slice", text_or_null(s->slice));
    json_object_set_new(json, "fpga", text_or_null(s->fpga));
    json_object_set_new(json, "clock_hz", number_or_null(s->fclk_hz));
    json_object_set_new(json, "dma_buffer_bytes",
                        json_integer((json_int_t)s->dma_bytes));
    json_object_set_new(json, "uio_core", json_boolean(s->uio_core));
    json_object_set_new(json, "uio_dma", json_boolean(s->uio_dma));
    json_object_set_new(json, "uio_interrupt", json_boolean(s->uio_irq));
    return json;
}

static void status_print(const pta_board_state *s)
{
    char bytes[PTA_COUNT_TEXT];
    printf("slice      %.32s\n",
           s->slice[0] != '\0' ? s->slice : "none: run partita board load");
    printf("FPGA       %s\n", s->fpga[0] != '\0' ? s->fpga : "no FPGA manager");
    if (s->fclk_hz > 0) {
        printf("FCLK0      %.4g MHz\n", s->fclk_hz * 1e-6);
    } else {
        printf("FCLK0      not readable (it takes root)\n");
    }
    printf("u-dma-buf  %s\n", s->dma_bytes > 0
                                  ? pta_print_bytes(s->dma_bytes, bytes)
                                  : "missing: load the module u-dma-buf");
    printf("UIO        core %s, DMA %s, interrupt %s\n",
           s->uio_core ? "yes" : "no (/dev/mem, it takes root)",
           s->uio_dma ? "yes" : "no (/dev/mem, it takes root)",
           s->uio_irq ? "yes" : "no (polling)");
}

static pta_status status(pta_ctx *ctx, const pta_options *options)
{
    const char *path = pta_options_text(options, "json");
    pta_board_state s;
    pta_board_state_read(ctx, root_of(options), &s);
    if (path == NULL || strcmp(path, "-") != 0) {
        status_print(&s);
    }
    return path == NULL ? PTA_OK : pta_write_json(ctx, path, status_json(&s));
}

/* ---- smoke ---- */

typedef struct job {
    const pta_options *options;
    const char *manifest_path;
    pta_manifest *manifest; /* owned */
    pta_core_info info;
    pta_bus_chip_params chip;
    char *sample, *answer; /* owned */
    bool checked; /* against the plan, or the manifest's known answer */
    pta_smoke_result result;
} job;

/* The device's open proves the core with a sample whose answer `fixed` gave. */
static pta_status prove(pta_ctx *ctx, const job *j, const pta_slice *slice)
{
    char text[2 * PTA_PATH_BYTES];
    pta_device *device;
    int folder = folder_length(j->manifest_path);
    snprintf(text, sizeof text, "bitstreams=%.*s%s%s%s%s",
             folder > 1 ? folder - 1 : folder, j->manifest_path,
             folder == 0 ? "." : "", j->chip.poll ? ",poll" : "",
             j->chip.root[0] != '\0' ? ",root=" : "", j->chip.root);
    pta_device_params params = {
        .max_samples = 1, .n_slots = 1, .options = text};
    PTA_TRY(pta_device_board.open(ctx, slice, &params, &device));
    pta_device_board.close(ctx, &device);
    return PTA_OK;
}

static pta_status try_slice(pta_ctx *ctx, job *j, const pta_loaded *loaded,
                            int32_t board)
{
    pta_core_names names;
    pta_slice *slice;
    pta_status status = PTA_OK;
    PTA_TRY(load_slice(ctx, loaded, board, &slice));
    pta_core_names_of(slice, &names);
    if (strcmp(names.rom, j->manifest->slice_digest) == 0 ||
        strcmp(names.ram, j->manifest->slice_digest) == 0) {
        status = prove(ctx, j, slice);
        j->checked = true;
    }
    pta_slice_destroy(ctx, &slice);
    return status;
}

static pta_status check_plan(pta_ctx *ctx, job *j, const char *plan)
{
    pta_loaded loaded;
    PTA_TRY(pta_load(ctx, plan, &loaded));
    pta_status status = PTA_OK;
    for (int32_t b = 0;
         b < loaded.plan->n_boards && status == PTA_OK && !j->checked; b++) {
        status = try_slice(ctx, j, &loaded, b);
    }
    if (status == PTA_OK && !j->checked) {
        status = pta_fail(ctx, PTA_ERR_MISMATCH,
                          "%s: no board has the slice %.32s of %s", plan,
                          j->manifest->slice_digest, j->manifest_path);
    }
    pta_loaded_free(ctx, &loaded);
    return status;
}

/* Writable weights may be others than the manifest's answer is of. */
static pta_status check_known(pta_ctx *ctx, job *j)
{
    char found[PTA_SHA256_HEX];
    if (j->manifest->ram) {
        return PTA_OK;
    }
    PTA_TRY(pta_known_digest(ctx, j->manifest, j->answer, found));
    if (strcmp(found, j->manifest->known_answer) != 0) {
        return pta_fail(ctx, PTA_ERR_DEVICE,
                        "the core's answer to the known sample has SHA-256 "
                        "%.32s, the fixed device's has %.32s (%s)",
                        found, j->manifest->known_answer, j->manifest_path);
    }
    j->checked = true;
    return PTA_OK;
}

static pta_status measure(pta_ctx *ctx, job *j)
{
    const char *plan = pta_options_text(j->options, "plan");
    pta_board_state state;
    j->manifest_path = pta_options_text(j->options, "manifest");
    PTA_TRY(pta_manifest_read(ctx, j->manifest_path, &j->manifest));
    pta_manifest_info(j->manifest, &j->info);
    j->chip =
        (pta_bus_chip_params){.root = root_of(j->options),
                              .slice_digest = j->manifest->slice_digest,
                              .poll = pta_options_flag(j->options, "poll")};
    PTA_TRY_ALLOC(ctx, j->sample, j->manifest->in_bytes);
    PTA_TRY_ALLOC(ctx, j->answer, j->manifest->out_bytes);
    PTA_TRY(pta_known_sample(ctx, j->manifest, j->sample));
    if (plan != NULL) {
        PTA_TRY(check_plan(ctx, j, plan));
    }
    pta_board_state_read(ctx, j->chip.root, &state);
    pta_smoke_params params = {.info = &j->info,
                               .bus = &pta_bus_chip,
                               .bus_params = &j->chip,
                               .memory_bytes = MEMORY_MOST,
                               .sample = j->sample,
                               .got = j->answer};
    if (state.dma_bytes > 0 && state.dma_bytes < MEMORY_MOST) {
        params.memory_bytes = (size_t)state.dma_bytes;
    }
    PTA_TRY(pta_smoke_run(ctx, &params, &j->result));
    return check_known(ctx, j);
}

static json_t *smoke_json(const job *j)
{
    const pta_smoke_result *r = &j->result;
    json_t *json = json_object(), *rows = json_array();
    json_object_set_new(json, "slice", json_string(j->manifest->slice_digest));
    json_object_set_new(json, "answer_checked", json_boolean(j->checked));
    json_object_set_new(json, "clock_hz", json_real(r->clock_hz));
    json_object_set_new(json, "register_read_us", json_real(r->read_us));
    json_object_set_new(json, "register_write_us", json_real(r->write_us));
    json_object_set_new(json, "latency_cycles",
                        json_integer((json_int_t)r->latency));
    json_object_set_new(json, "interval_cycles",
                        json_integer((json_int_t)r->interval));
    for (int32_t i = 0; i < r->n_rows; i++) {
        const pta_smoke_row *row = &r->rows[i];
        json_t *one = json_object();
        json_object_set_new(one, "samples", json_integer(row->n_samples));
        json_object_set_new(one, "sync_us", json_real(row->sync_us));
        json_object_set_new(one, "core_us", json_real(row->core_us));
        json_object_set_new(one, "driver_us",
                            json_real(pta_smoke_overhead_us(row)));
        json_object_set_new(one, "total_us", json_real(row->total_us));
        json_array_append_new(rows, one);
    }
    json_object_set_new(json, "batches", rows);
    return json;
}

static pta_status smoke_print(pta_ctx *ctx, const job *j)
{
    const pta_smoke_result *r = &j->result;
    pta_table_text table;
    printf("slice %.32s: the core answers, %s\n", j->manifest->slice_digest,
           j->checked ? "as the fixed device does"
                      : "the same every time (its weights can be written: "
                        "--plan loads and checks them)");
    printf("clock %.4f MHz, register read %.2f us, write %.2f us\n",
           r->clock_hz * 1e-6, r->read_us, r->write_us);
    printf("latency %llu cycles (manifest: %lld), interval %llu (%lld)\n\n",
           (unsigned long long)r->latency, (long long)j->manifest->latency,
           (unsigned long long)r->interval, (long long)j->manifest->interval);
    pta_table_begin(&table, ctx,
                    ">samples|>sync us|>core us|>driver us|>total us|>MB/s");
    for (int32_t i = 0; i < r->n_rows; i++) {
        const pta_smoke_row *row = &r->rows[i];
        double bytes = (double)(j->info.in_bytes + j->info.out_bytes) *
                       (double)row->n_samples;
        pta_table_cell(&table, "%u", (unsigned)row->n_samples);
        pta_table_cell(&table, "%.1f", row->sync_us);
        pta_table_cell(&table, "%.1f", row->core_us);
        pta_table_cell(&table, "%.1f", pta_smoke_overhead_us(row));
        pta_table_cell(&table, "%.1f", row->total_us);
        pta_table_cell(&table, "%.1f",
                       row->total_us > 0 ? bytes / row->total_us : 0.0);
    }
    return pta_table_end(&table, stdout);
}

static pta_status smoke(pta_ctx *ctx, const pta_options *options)
{
    const char *path = pta_options_text(options, "json");
    job j = {.options = options};
    pta_status status = measure(ctx, &j);
    if (status == PTA_OK && (path == NULL || strcmp(path, "-") != 0)) {
        status = smoke_print(ctx, &j);
    }
    if (status == PTA_OK && path != NULL) {
        status = pta_write_json(ctx, path, smoke_json(&j));
    }
    pta_free(ctx, j.sample);
    pta_free(ctx, j.answer);
    pta_manifest_destroy(ctx, &j.manifest);
    return status;
}

/* ---- the verb ---- */

static const pta_verb board_load = {
    "board load", "SLICE.bit",
    "Loads a bitstream into the FPGA of this board. Needs root, once.",
    load_options, NULL};
static const pta_verb board_smoke = {
    "board smoke", NULL, "Checks the core of this board and times its batches.",
    smoke_options, NULL};
static const pta_verb board_status = {
    "board status", NULL, "Says what this board holds.", status_options, NULL};

static const struct {
    const pta_verb *verb;
    pta_status (*body)(pta_ctx *ctx, const pta_options *options);
} parts[] = {
    {&board_load, load}, {&board_smoke, smoke}, {&board_status, status}};

#define N_PARTS (sizeof parts / sizeof *parts)

static void print_usage(FILE *file)
{
    fprintf(file, "usage: partita board load|smoke|status [options]\n\n");
    for (size_t i = 0; i < N_PARTS; i++) {
        fprintf(file, "  %-13s %-10s %s\n", parts[i].verb->name,
                parts[i].verb->operand != NULL ? parts[i].verb->operand : "",
                parts[i].verb->summary);
    }
    fprintf(file, "\npartita board PART --help lists the options of a part.\n");
}

static int run(pta_ctx *ctx, int argc, char **argv)
{
    const char *part = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < N_PARTS; i++) {
        if (strcmp(part, parts[i].verb->name + strlen("board ")) == 0) {
            return pta_verb_main(ctx, parts[i].verb, argc - 1, argv + 1,
                                 parts[i].body);
        }
    }
    if (strcmp(part, "--help") == 0 || strcmp(part, "-h") == 0) {
        print_usage(stdout);
        return PTA_EXIT_OK;
    }
    pta_status failed =
        pta_fail(ctx, PTA_ERR_USAGE,
                 "board: \"%s\": expected load, smoke or status", part);
    pta_report_failure(ctx, failed);
    return pta_exit_code(failed);
}

const pta_verb pta_verb_board = {
    "board", "PART", "Loads, checks and describes the FPGA of this board.",
    NULL, run};
