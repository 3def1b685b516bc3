/*
 * Every network of the repository, cut over as many boards as there are ranks.
 *
 *     mpi_launch/run -np R build/bench/bench_networks [SAMPLES] [BLOCKS]   R 1..5
 *
 * One CSV row for each network, width, cut and mode: latency of a sample,
 * throughput, CPU time a sample (of all ranks, waiting included), the largest
 * resident size of a rank; beside it, measured in the same run in alternating
 * blocks, its floor (floor.h), the serial loop over the same kernels, and
 * OpenBLAS doing the same layers in float32 (serial.h). In latency mode the
 * batch is one sample, in throughput mode 64. Results are checked against the
 * exact reference before anything is timed. Figures are medians over blocks.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "floor.h"
#include "serial.h"

enum { MAX_BLOCKS = 99, MAX_RANKS = 5, MAX_CUTS = 3, BATCH = 64 };

/* Cuts for 1..5 boards; NULL ends a list. */
typedef struct entry {
    const char *name;
    const char *cuts[MAX_RANKS][MAX_CUTS];
} entry;

#define DENSE_CUTS                                                             \
    {                                                                          \
        {"fc1", NULL}, {"fc1,output", "fc1=paired:2", NULL},                   \
            {"fc1=neuron:2,output", "fc1=input:2,output", NULL},               \
            {"fc1=neuron:3,output", "fc1=input:3,output", NULL},               \
        {                                                                      \
            "fc1=neuron:4,output", "fc1=input:4,output", "fc1=paired:5"        \
        }                                                                      \
    }
#define CNN_CUTS                                                               \
    {                                                                          \
        {"conv1", NULL}, {"conv1,conv3", NULL},                                \
            {"conv1,conv2,conv3", "conv1=rows:2,fc1", NULL},                   \
            {"conv1,conv2=channel:2,conv3", "conv1=rows:3,fc1", NULL},         \
        {                                                                      \
            "conv1,conv2,conv3,fc1,output", "conv1,conv2=channel:3,conv3",     \
                "conv1,conv2=inchannel:3,conv3"                                \
        }                                                                      \
    }

static const entry entries[] = {
    {"mnist_seed", DENSE_CUTS},
    {"mnist_fcnn", DENSE_CUTS},
    {"mnist_fcnn46", DENSE_CUTS},
    {"mnist_wide",
     {{"fc1", NULL},
      {"fc1,fc2", NULL},
      {"fc1,fc2,output", "fc1=paired:2,output"},
      {"fc1,fc2=neuron:2,output", "fc1=paired:3,output"},
      {"fc1=neuron:2,fc2=neuron:2,output", "fc1=paired:4,output"}}},
    {"nsl_cnn", CNN_CUTS},
    {"unsw_cnn", CNN_CUTS},
};

typedef struct figures {
    double p50[MAX_BLOCKS], p95[MAX_BLOCKS], p99[MAX_BLOCKS], per_s[MAX_BLOCKS],
        cpu[MAX_BLOCKS], floor[MAX_BLOCKS], loop[MAX_BLOCKS], blas[MAX_BLOCKS];
} figures;

static double cpu_us(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return 1e6 * (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static double resident_mib(void)
{
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%ld %ld", &total, &resident) != 2) {
            resident = 0;
        }
        fclose(file);
    }
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

/** A stream of all ranks. */
static void pipeline_block(bench *b, bench_run *run, figures *f, int i)
{
    double before = cpu_us(), all = 0.0;
    bench_stream(b, run);
    double mine = (cpu_us() - before) / (double)run->n;
    MPI_Reduce(&mine, &all, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    if (b->rank == 0) {
        f->cpu[i] = all;
        f->p50[i] = bench_quantile(run->us, run->n, 0.5);
        f->p95[i] = bench_quantile(run->us, run->n, 0.95);
        f->p99[i] = bench_quantile(run->us, run->n, 0.99);
        f->per_s[i] = (double)run->n / ((double)run->elapsed_ns * 1e-9);
    }
}

/** One sample's time, or samples a second where the batch is larger. */
static double serial_figure(bench *b, serial *s, double *us)
{
    uint64_t ns = serial_run(b, s, us);
    return s->batch == 1 ? bench_quantile(us, s->n, 0.5)
                         : (double)s->n / ((double)ns * 1e-9);
}

static void print_row(const char *name, int bits, const char *cut, int ranks,
                      pta_mode mode, figures *f, int n, double rss,
                      uint64_t digest)
{
    bool single = mode == PTA_MODE_LATENCY;
    char floor_text[32] = "";
    if (single) {
        snprintf(floor_text, sizeof floor_text, "%.1f",
                 bench_quantile(f->floor, n, 0.5));
    }
    printf("%s,%d,%d,\"%s\",%s,%.1f,%.1f,%.1f,%.0f,%.2f,%.1f,%s,%.4g,%.4g,"
           "%016llx\n",
           name, bits, ranks, cut, single ? "latency" : "throughput",
           bench_quantile(f->p50, n, 0.5), bench_quantile(f->p95, n, 0.5),
           bench_quantile(f->p99, n, 0.5), bench_quantile(f->per_s, n, 0.5),
           bench_quantile(f->cpu, n, 0.5), rss, floor_text,
           bench_quantile(f->loop, n, 0.5), bench_quantile(f->blas, n, 0.5),
           (unsigned long long)digest);
    fflush(stdout);
}

static void measure(bench *b, const char *name, int bits, const char *cut,
                    pta_mode mode, int64_t n, int n_blocks)
{
    static figures f;
    bench_run run = {0};
    network whole;
    const char *folder = PTA_SOURCE_DIR "/datasets";
    bench_must(b, net_file(b->ctx, folder, name, bits, &run.net), name);
    bench_must(b, net_cut(b->ctx, &run.net, cut), cut);
    bool single = mode == PTA_MODE_LATENCY;
    int32_t batch = single ? 1 : BATCH;
    pta_run_options options = {
        .device = "fixed", .mode = mode, .micro_batch = batch};
    bench_open(b, &run, &options, n);
    floor_plan bare;
    floor_open(b, &run.net, options.packed, &bare);
    serial loop, blas;
    if (b->rank == 0) {
        bench_must(b, net_file(b->ctx, folder, name, bits, &whole), name);
        serial_open(b, &whole, &pta_device_fixed, batch, run.in, n, &loop);
        serial_open(b, &whole, &pta_device_float, batch, run.in, n, &blas);
    }
    for (int i = 0; i < n_blocks; i++) {
        pipeline_block(b, &run, &f, i);
        if (single) {
            floor_run(b, &bare, floor_compute(b, &run), n, run.us);
            f.floor[i] = b->rank == 0 ? bench_quantile(run.us, n, 0.5) : 0.0;
        }
        if (b->rank == 0) {
            f.loop[i] = serial_figure(b, &loop, run.us);
            f.blas[i] = serial_figure(b, &blas, run.us);
        }
        bench_quiet_barrier();
    }
    double rss = resident_mib(), most = 0.0;
    MPI_Reduce(&rss, &most, 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    if (b->rank == 0) {
        print_row(name, bits, cut, b->size, mode, &f, n_blocks, most,
                  run.digest);
        serial_close(b, &loop);
        serial_close(b, &blas);
        net_destroy(b->ctx, &whole);
    }
    floor_close(&bare);
    bench_close(b, &run);
}

int main(int argc, char **argv)
{
    bench b;
    bench_begin(&b, &argc, &argv);
    int64_t n = argc > 1 ? atoll(argv[1]) : 1024;
    int n_blocks = argc > 2 ? atoi(argv[2]) : 5;
    if (b.size > MAX_RANKS || n < BATCH || n_blocks < 1 ||
        n_blocks > MAX_BLOCKS) {
        fprintf(stderr, "bench_networks: expected 1 to 5 ranks, [SAMPLES >= "
                        "64] [BLOCKS]\n");
        bench_end(&b, false);
        return 2;
    }
    if (b.rank == 0 && b.size == 1) {
        printf("network,bits,ranks,cut,mode,p50_us,p95_us,p99_us,per_s,"
               "cpu_us_per_sample,rss_mib,floor_p50_us,serial_loop,"
               "openblas_float,digest\n");
    }
    for (size_t e = 0; e < sizeof entries / sizeof *entries; e++) {
        for (int c = 0; c < MAX_CUTS; c++) {
            const char *cut = entries[e].cuts[b.size - 1][c];
            for (int bits = 8; cut != NULL && bits <= 16; bits += 8) {
                measure(&b, entries[e].name, bits, cut, PTA_MODE_LATENCY, n,
                        n_blocks);
                measure(&b, entries[e].name, bits, cut, PTA_MODE_THROUGHPUT,
                        n / BATCH * BATCH, n_blocks);
            }
        }
    }
    return bench_end(&b, true);
}
