/*
 * partita simulate: a run on N simulated boards (SimGrid's SMPI).
 *
 * Writes platform, job and hosts into a temporary folder, plans a MODEL by
 * calling `partita plan`, starts smpirun with the simulated rank
 * (simulate/rank.c), and tells what it found beside modelled time.
 */
#include <string.h>

#include "cli/child.h"
#include "cli/cli.h"
#include "cli/platform.h"
#include "runtime/mapping.h"

enum {
    IN_FLIGHT = 64,   /* micro-batches of all copies, unless asked */
    MESSAGES = 400000 /* of a run whose samples are not asked for: a minute */
};

static const pta_option simulate_options[] = {
    {.name = "boards",
     .letter = 'b',
     .kind = PTA_OPTION_INT,
     .fallback = "5",
     .group = "Cluster",
     .placeholder = "N",
     .lo = 1,
     .hi = 4096,
     .help = "simulated boards; a PLAN for B runs N / B copies, a MODEL is "
             "planned for N"},
    {.name = "cluster",
     .kind = PTA_OPTION_TEXT,
     .fallback = "pynq",
     .group = "Cluster",
     .placeholder = "FILE",
     .help = "a cluster file with at least N hosts, or pynq for the defaults"},
    {.name = "ports",
     .kind = PTA_OPTION_INT,
     .fallback = "48",
     .group = "Cluster",
     .placeholder = "P",
     .lo = 3,
     .hi = 4096,
     .help = "ports of a switch; more hosts make a tree of switches"},
    {.name = "uplink-mbit",
     .kind = PTA_OPTION_INT,
     .fallback = "9410",
     .group = "Cluster",
     .placeholder = "R",
     .lo = 1,
     .hi = 1000000,
     .help = "payload rate between switches, each way; where it is too little "
             "for the plan, simulating takes long"},
    {.name = "hop-ns",
     .kind = PTA_OPTION_INT,
     .fallback = "3000",
     .group = "Cluster",
     .placeholder = "T",
     .lo = 0,
     .hi = 1000000000,
     .help = "latency of each switch but the first"},
    {.name = "samples",
     .kind = PTA_OPTION_INT,
     .fallback = "0",
     .group = "Run",
     .placeholder = "N",
     .lo = 0,
     .hi = 100000000,
     .help = "samples; 0: 100 in latency mode, else 4 times what is in flight, "
             "fewer where these are more than 400,000 messages"},
    {.name = "mode",
     .kind = PTA_OPTION_CHOICE,
     .fallback = "throughput",
     .group = "Run",
     .choices = "latency|throughput",
     .help = "one sample in flight, or the pipe kept full"},
    {.name = "micro-batch",
     .kind = PTA_OPTION_INT,
     .fallback = "0",
     .group = "Run",
     .placeholder = "N",
     .lo = 0,
     .hi = 65536,
     .help = "samples per message; 0: by mode"},
    {.name = "depth",
     .kind = PTA_OPTION_INT,
     .fallback = "0",
     .group = "Run",
     .placeholder = "N",
     .lo = 0,
     .hi = 1024,
     .help = "micro-batches in flight per copy; 0: by mode"},
    {.name = "wire",
     .kind = PTA_OPTION_CHOICE,
     .fallback = "plain",
     .group = "Run",
     .choices = "plain|packed",
     .help = "values in messages: in storage types, or W bits each"},
    {.name = "data",
     .kind = PTA_OPTION_TEXT,
     .group = "Run",
     .placeholder = "SET",
     .help = "compute too, on this set (as in run): for the digest",
     .no_env = true},
    {.name = "bits",
     .kind = PTA_OPTION_INT,
     .fallback = "16",
     .group = "Run",
     .placeholder = "W",
     .lo = 2,
     .hi = 32,
     .help = "of a MODEL's plan"},
    {.name = "json",
     .kind = PTA_OPTION_TEXT,
     .group = "Output",
     .placeholder = "FILE",
     .help = "write the numbers as JSON (- for standard output)"},
    {.name = "trace",
     .kind = PTA_OPTION_TEXT,
     .group = "Output",
     .placeholder = "FILE",
     .help = "write a time line of the first batches for Perfetto"},
    {.name = NULL}};

typedef struct simulation {
    pta_ctx *ctx;
    const pta_options *options;
    char *folder, *plan_path, *log; /* owned */
    int32_t n_hosts;                /* boards that take part */
    pta_loaded loaded;              /* owned */
    pta_fabric fabric;              /* owned */
    pta_vplan *plan;                /* owned */
    pta_vflow flow;
    pta_modelled modelled; /* owned */
    json_t *results;       /* owned */
    double uplink;         /* busy part of the busiest link between switches */
    double seconds;        /* smpirun took */
} simulation;

/* ---- plan ---- */

/* A MODEL is planned for all boards by this command itself. */
static pta_status plan_model(simulation *s, const char *model)
{
    char boards[16], bits[16], *own = NULL;
    snprintf(boards, sizeof boards, "%d", s->n_hosts);
    snprintf(bits, sizeof bits, "%d", (int)pta_options_int(s->options, "bits"));
    PTA_TRY(pta_path_in(s->ctx, s->folder, "plan.json", &s->plan_path));
    PTA_TRY(pta_own_path(s->ctx, &own));
    const char *argv[] = {own,      "plan", model, "--boards",   boards,
                          "--bits", bits,   "-o",  s->plan_path, NULL};
    pta_status status = pta_run_child(s->ctx, argv, s->log);
    pta_free(s->ctx, own);
    return status;
}

static pta_status open_plan(simulation *s)
{
    const char *file = pta_options_operand(s->options);
    pta_ctx *ctx = s->ctx;
    if (pta_is_model_path(file)) {
        PTA_TRY(plan_model(s, file));
    } else {
        s->plan_path = pta_strdup(ctx, file);
        if (s->plan_path == NULL) {
            return PTA_ERR_NOMEM;
        }
    }
    PTA_TRY(pta_load(ctx, s->plan_path, &s->loaded));
    int32_t n = s->loaded.plan->n_boards;
    if (n > s->n_hosts) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "%s needs %d boards, --boards says %d", s->plan_path, n,
                        s->n_hosts);
    }
    return PTA_OK;
}

static bool is_packed(const simulation *s)
{
    return strcmp(pta_options_text(s->options, "wire"), "packed") == 0;
}

static int64_t in_flight(const simulation *s)
{
    return s->flow.latency ? 1 : (int64_t)s->flow.depth * s->flow.copies;
}

static int64_t choose_samples(const simulation *s)
{
    int64_t batches = s->flow.latency ? 100 : 4 * in_flight(s);
    int64_t most = MESSAGES / (s->plan->n_wires + 1) + 1;
    return s->flow.micro_batch * (batches < most ? batches : most);
}

static pta_status open_flow(simulation *s)
{
    const pta_options *o = s->options;
    const pta_plan *plan = s->loaded.plan;
    PTA_TRY(pta_vplan_build(s->ctx, pta_model_graph(s->loaded.model), plan,
                            &s->fabric.budget, is_packed(s), &s->plan));
    bool latency = strcmp(pta_options_text(o, "mode"), "latency") == 0;
    int32_t copies = pta_place(plan->n_boards, s->n_hosts, 0).copies;
    s->flow = pta_modelled_flow(
        s->plan, copies, latency, (int32_t)pta_options_int(o, "micro-batch"),
        (int32_t)pta_options_int(o, "depth"), pta_options_int(o, "samples"));
    /* All that is in flight shares rank 0's port: the simulator's work grows
     * with its square. */
    int32_t fair = IN_FLIGHT / copies > 2 ? IN_FLIGHT / copies : 2;
    if (pta_options_int(o, "depth") == 0 && !latency && s->flow.depth > fair) {
        s->flow.depth = fair;
    }
    if (s->flow.n_samples == 0) {
        s->flow.n_samples = choose_samples(s);
    }
    return PTA_OK;
}

/* ---- files of the job ---- */

static pta_status write_job(simulation *s, const char *path,
                            const char *results)
{
    const pta_options *o = s->options;
    const char *data = pta_options_text(o, "data");
    const char *trace = pta_options_text(o, "trace");
    json_t *job = json_pack(
        "{s:s,s:s,s:i,s:i,s:i,s:I,s:i,s:i,s:s,s:s?,s:s?}", "plan", s->plan_path,
        "cluster", pta_options_text(o, "cluster"), "latency",
        (int)s->flow.latency, "packed", (int)is_packed(s), "numerics",
        data != NULL, "samples", (json_int_t)s->flow.n_samples, "micro_batch",
        (int)s->flow.micro_batch, "depth", (int)s->flow.depth, "results",
        results, "trace", trace, "data", data);
    if (job == NULL) {
        return pta_fail(s->ctx, PTA_ERR_NOMEM, "job of smpirun");
    }
    return pta_write_json(s->ctx, path, job);
}

static pta_tree tree_of(const simulation *s)
{
    const pta_options *o = s->options;
    return (pta_tree){.ports = (int32_t)pta_options_int(o, "ports"),
                      .uplink_per_byte =
                          8e3 / (double)pta_options_int(o, "uplink-mbit"),
                      .hop = (double)pta_options_int(o, "hop-ns")};
}

static pta_status write_platform(simulation *s, const char *platform,
                                 const char *hosts)
{
    pta_tree tree = tree_of(s);
    FILE *file = fopen(platform, "w");
    FILE *names = fopen(hosts, "w");
    bool good = file != NULL && names != NULL;
    if (good) {
        pta_platform_print(&s->fabric.cluster, s->n_hosts, &tree, file);
        for (int32_t h = 0; h < s->n_hosts; h++) {
            fprintf(names, "h%d\n", h);
        }
        good = ferror(file) == 0 && ferror(names) == 0;
    }
    good = (file == NULL || fclose(file) == 0) && good;
    good = (names == NULL || fclose(names) == 0) && good;
    return good ? PTA_OK
                : pta_fail(s->ctx, PTA_ERR_IO, "%s: cannot be written",
                           platform);
}

/* ---- the run ---- */

static pta_status start(simulation *s, const char *rank, const char *platform,
                        const char *hosts, const char *job)
{
    char np[16];
    snprintf(np, sizeof np, "%d", s->n_hosts);
    const char *argv[] = {"smpirun",
                          "-no-privatize",
                          "-np",
                          np,
                          "-platform",
                          platform,
                          "-hostfile",
                          hosts,
                          "--cfg=network/model:CM02",
                          "--cfg=network/crosstraffic:0",
                          "--cfg=smpi/simulate-computation:no",
                          "--cfg=smpi/host-speed:1Gf",
                          "--cfg=contexts/stack-size:512",
                          "--log=root.thres:error",
                          rank,
                          job,
                          NULL};
    double begin = pta_seconds();
    pta_status status = pta_run_child(s->ctx, argv, s->log);
    s->seconds = pta_seconds() - begin;
    return status;
}

static pta_status find_rank(pta_ctx *ctx, char **path)
{
    pta_status status = pta_find_beside(ctx, "partita-simulated.so", path);
    if (status == PTA_ERR_NOT_FOUND) {
        return pta_fail(ctx, PTA_ERR_NOT_FOUND,
                        "simulate needs SimGrid, which was not there when "
                        "partita was built: ./setup --simulate");
    }
    return status;
}

static pta_status simulate_in(simulation *s, char *paths[5])
{
    static const char *const names[4] = {"platform.xml", "hosts", "job.json",
                                         "results.json"};
    for (int i = 0; i < 4; i++) {
        PTA_TRY(pta_path_in(s->ctx, s->folder, names[i], &paths[i]));
    }
    PTA_TRY(find_rank(s->ctx, &paths[4]));
    PTA_TRY(write_platform(s, paths[0], paths[1]));
    PTA_TRY(write_job(s, paths[2], paths[3]));
    PTA_TRY(start(s, paths[4], paths[0], paths[1], paths[2]));
    char *text;
    PTA_TRY(pta_file_read(s->ctx, paths[3], &text, NULL));
    pta_status status = pta_json_parse(s->ctx, text, paths[3], &s->results);
    pta_free(s->ctx, text);
    return status;
}

/* ---- what is told ---- */

static double figure(const simulation *s, const char *key)
{
    return json_number_value(json_object_get(s->results, key));
}

static double percentile(const simulation *s, const char *key)
{
    return json_number_value(
        json_object_get(json_object_get(s->results, "latency_us"), key));
}

/* The part of the run in which each resource of a board was busy, modelled. */
static double busy(const simulation *s, int32_t board, pta_vkind kind)
{
    return (double)s->modelled.stages[board].ns[kind] /
           (double)s->modelled.elapsed;
}

/* ... and each link between switches, simulated. */
static pta_status find_uplink(simulation *s)
{
    double bytes;
    pta_tree tree = tree_of(s);
    PTA_TRY(
        pta_uplink_bytes(s->ctx, &tree, s->n_hosts, s->plan, &s->flow, &bytes));
    s->uplink = 1e-3 * bytes * tree.uplink_per_byte / figure(s, "elapsed_us");
    return PTA_OK;
}

typedef struct peak {
    double share;
    int32_t board;
} peak;

static peak busiest(const simulation *s, pta_vkind kind)
{
    peak p = {0};
    for (int32_t b = 0; b < s->plan->n_boards; b++) {
        double share = busy(s, b, kind);
        if (kind == PTA_V_WIRE) { /* one CPU does both */
            share += busy(s, b, PTA_V_BUS);
        }
        p = share > p.share ? (peak){share, b} : p;
    }
    return p;
}

static void print_simulation(const simulation *s)
{
    char n[PTA_COUNT_TEXT];
    pta_tree tree = tree_of(s);
    printf("%s on %d simulated boards of \"%s\": %d-port switches in %d "
           "level%s, %d of %d boards,\n%d stages, %d copies, micro-batch %d, "
           "depth %d, %s samples\n\n",
           pta_options_operand(s->options), s->n_hosts, s->fabric.name,
           tree.ports, pta_tree_levels(&tree, s->n_hosts),
           pta_tree_levels(&tree, s->n_hosts) == 1 ? "" : "s",
           s->plan->n_boards * s->flow.copies, s->n_hosts, s->plan->n_stages,
           s->flow.copies, s->flow.micro_batch, s->flow.depth,
           pta_print_count(s->flow.n_samples, n));
    int32_t spanning =
        pta_platform_spanning(&s->fabric.cluster, s->n_hosts, &tree);
    if (spanning > 0) {
        printf("not used    %d measured pairs of hosts on different switches\n",
               spanning);
    }
    if (!s->flow.latency &&
        s->flow.n_samples < 2 * in_flight(s) * s->flow.micro_batch) {
        printf(
            "a short run: throughput includes filling the pipe (--samples)\n");
    }
    printf("simulated   latency p50 %.3f us, p95 %.3f us, p99 %.3f us\n",
           percentile(s, "p50"), percentile(s, "p95"), percentile(s, "p99"));
    printf("throughput  %.3f samples/s\n", figure(s, "throughput_per_s"));
    pta_modelled_print(&s->modelled, stdout);
    static const struct {
        pta_vkind kind;
        const char *name;
    } resources[] = {{PTA_V_COMPUTE, "accelerator"},
                     {PTA_V_WIRE, "ARM (messages, DMA)"},
                     {PTA_V_PORT, "Ethernet port, sending"}};
    printf("\nbusiest of copy 0 (share of the run, modelled):\n");
    for (size_t i = 0; i < sizeof resources / sizeof *resources; i++) {
        peak p = busiest(s, resources[i].kind);
        printf("  %-23s %5.1f %%  board %d\n", resources[i].name,
               100.0 * p.share, p.board);
    }
    if (s->uplink > 0) {
        printf("  %-23s %5.1f %%  simulated\n", "link between switches",
               100.0 * s->uplink);
    }
    const char *digest =
        json_string_value(json_object_get(s->results, "digest"));
    if (digest != NULL) {
        printf("digest      %s\n", digest);
    }
    printf("simulating took %.1f s of this machine\n", s->seconds);
}

static json_t *saturation_json(const simulation *s)
{
    peak c = busiest(s, PTA_V_COMPUTE), w = busiest(s, PTA_V_WIRE);
    peak p = busiest(s, PTA_V_PORT);
    return json_pack("{s:{s:f,s:i},s:{s:f,s:i},s:{s:f,s:i},s:{s:f}}",
                     "accelerator", "share", c.share, "board", (int)c.board,
                     "arm", "share", w.share, "board", (int)w.board, "port",
                     "share", p.share, "board", (int)p.board, "uplink", "share",
                     s->uplink);
}

static pta_status tell(simulation *s)
{
    const char *json = pta_options_text(s->options, "json");
    if (json == NULL || strcmp(json, "-") != 0) {
        print_simulation(s);
    }
    if (json == NULL) {
        return PTA_OK;
    }
    json_t *all = json_pack(
        "{s:s,s:i,s:i,s:i,s:o,s:o}", "file", pta_options_operand(s->options),
        "boards", (int)s->n_hosts, "plan_boards", (int)s->plan->n_boards,
        "stages_of_plan", (int)s->plan->n_stages, "modelled",
        pta_modelled_json(&s->modelled), "busiest", saturation_json(s));
    json_object_update(all, s->results);
    return pta_write_json(s->ctx, json, all);
}

/* ---- the verb ---- */

static pta_status simulate_all(simulation *s)
{
    pta_ctx *ctx = s->ctx;
    char *paths[5] = {NULL}, *rank = NULL;
    s->n_hosts = (int32_t)pta_options_int(s->options, "boards");
    PTA_TRY(find_rank(ctx, &rank)); /* before slow work */
    pta_free(ctx, rank);
    PTA_TRY(pta_make_folder(ctx, &s->folder));
    PTA_TRY(pta_path_in(ctx, s->folder, "log", &s->log));
    PTA_TRY(pta_fabric_open(ctx, pta_options_text(s->options, "cluster"),
                            s->n_hosts, &s->fabric));
    PTA_TRY(open_plan(s));
    PTA_TRY(open_flow(s));
    pta_status status = simulate_in(s, paths);
    for (int i = 0; i < 5; i++) {
        pta_free(ctx, paths[i]);
    }
    PTA_TRY(status);
    PTA_TRY(pta_modelled_run(ctx, &s->fabric, s->plan, &s->flow, NULL, NULL,
                             &s->modelled));
    PTA_TRY(find_uplink(s));
    return tell(s);
}

static pta_status simulate(pta_ctx *ctx, const pta_options *options)
{
    simulation s = {.ctx = ctx, .options = options};
    pta_status status = simulate_all(&s);
    json_decref(s.results);
    pta_modelled_free(ctx, &s.modelled);
    pta_vplan_destroy(ctx, &s.plan);
    pta_fabric_close(ctx, &s.fabric);
    pta_loaded_free(ctx, &s.loaded);
    pta_free(ctx, s.plan_path);
    pta_free(ctx, s.log);
    pta_remove_folder(ctx, &s.folder);
    return status;
}

static int run(pta_ctx *ctx, int argc, char **argv)
{
    return pta_verb_main(ctx, &pta_verb_simulate, argc, argv, simulate);
}

const pta_verb pta_verb_simulate = {
    "simulate", "MODEL|PLAN", "Runs a plan on simulated boards (SimGrid).",
    simulate_options, run};
