/* SimGrid platforms (platform.h). */
#include "cli/platform.h"

#include "runtime/header.h"

/* Hosts of a leaf, or switches below a switch of a higher level. */
static int32_t branches(const pta_tree *tree, int32_t n, bool has_parent)
{
    return !has_parent || n <= tree->ports ? tree->ports : tree->ports - 1;
}

static int32_t groups(const pta_tree *tree, int32_t n)
{
    int32_t size = branches(tree, n, true);
    return (n + size - 1) / size;
}

int32_t pta_tree_leaves(const pta_tree *tree, int32_t n_hosts)
{
    return groups(tree, n_hosts);
}

int32_t pta_tree_levels(const pta_tree *tree, int32_t n_hosts)
{
    int32_t levels = 1;
    for (int32_t n = groups(tree, n_hosts); n > 1; n = groups(tree, n)) {
        levels++;
    }
    return levels;
}

static void print_link(const char *name, int32_t level, int32_t index,
                       double per_byte, double latency, FILE *file)
{
    fprintf(file,
            "<link id=\"%s%d_%d\" bandwidth=\"%.6fBps\" latency=\"%.12fs\"/>\n",
            name, level, index, 1e9 / per_byte, 1e-9 * latency);
}

/* ---- hosts of a switch ---- */

static const pta_vpair *find_pair(const pta_vcluster *cluster, int32_t from,
                                  int32_t to)
{
    for (int32_t p = 0; p < cluster->n_pairs; p++) {
        const pta_vpair *pair = &cluster->pairs[p];
        if (pair->from == from && pair->to == to) {
            return pair;
        }
    }
    return NULL;
}

/* A link that does not share its rate: a flow may be slower than the ports. */
static void print_path(const char *name, int32_t from, int32_t to,
                       double per_byte, double latency, FILE *file)
{
    fprintf(file,
            "<link id=\"%s%d_%d\" bandwidth=\"%.6fBps\" latency=\"%.12fs\" "
            "sharing_policy=\"FATPIPE\"/>\n",
            name, from, to, 1e9 / per_byte, 1e-9 * latency);
}

/* Of a switch on which pairs were measured: a path from each host to each, and
 * one to the switch itself, for what goes to another. */
static void print_paths(const pta_vcluster *cluster, int32_t leaf, int32_t from,
                        int32_t first, int32_t end, FILE *file)
{
    const pta_vhost *a = &cluster->hosts[from];
    print_link("out", 0, from, a->port_per_byte, 0.0, file);
    print_link("in", 0, from, a->port_per_byte, 0.0, file);
    print_path("exit", leaf, from, a->port_per_byte, a->latency, file);
    for (int32_t to = first; to < end; to++) {
        const pta_vpair *pair = find_pair(cluster, from, to);
        double latency = a->latency + cluster->hosts[to].latency;
        if (to != from) {
            print_path("path", from, to,
                       pair != NULL ? pair->per_byte : a->port_per_byte,
                       pair != NULL ? pair->latency : latency, file);
        }
    }
}

static void print_routes(int32_t leaf, int32_t from, int32_t first, int32_t end,
                         FILE *file)
{
    fprintf(file,
            "<route src=\"h%d\" dst=\"switch%d\" symmetrical=\"NO\"><link_ctn "
            "id=\"out0_%d\"/><link_ctn id=\"exit%d_%d\"/></route>\n"
            "<route src=\"switch%d\" dst=\"h%d\" symmetrical=\"NO\"><link_ctn "
            "id=\"exit%d_%d\"/><link_ctn id=\"in0_%d\"/></route>\n",
            from, leaf, from, leaf, from, leaf, from, leaf, from, from);
    for (int32_t to = first; to < end; to++) {
        if (to != from) {
            fprintf(file,
                    "<route src=\"h%d\" dst=\"h%d\" symmetrical=\"NO\">"
                    "<link_ctn id=\"out0_%d\"/><link_ctn id=\"path%d_%d\"/>"
                    "<link_ctn id=\"in0_%d\"/></route>\n",
                    from, to, from, from, to, to);
        }
    }
}

static void print_measured_leaf(const pta_vcluster *cluster, int32_t leaf,
                                int32_t first, int32_t end, FILE *file)
{
    fprintf(file, "<zone id=\"leaf%d\" routing=\"Full\">\n", leaf);
    for (int32_t h = first; h < end; h++) {
        fprintf(file, "<host id=\"h%d\" speed=\"1Gf\"/>\n", h);
    }
    fprintf(file, "<router id=\"switch%d\"/>\n", leaf);
    for (int32_t h = first; h < end; h++) {
        print_paths(cluster, leaf, h, first, end, file);
    }
    for (int32_t h = first; h < end; h++) {
        print_routes(leaf, h, first, end, file);
    }
    fprintf(file, "</zone>\n");
}

static bool is_measured(const pta_vcluster *cluster, int32_t first, int32_t end)
{
    for (int32_t p = 0; p < cluster->n_pairs; p++) {
        const pta_vpair *pair = &cluster->pairs[p];
        if (pair->from >= first && pair->from < end && pair->to >= first &&
            pair->to < end) {
            return true;
        }
    }
    return false;
}

int32_t pta_platform_spanning(const pta_vcluster *cluster, int32_t n_hosts,
                              const pta_tree *tree)
{
    int32_t size = branches(tree, n_hosts, true), n = 0;
    for (int32_t p = 0; p < cluster->n_pairs; p++) {
        const pta_vpair *pair = &cluster->pairs[p];
        n += pair->from < n_hosts && pair->to < n_hosts &&
             pair->from / size != pair->to / size;
    }
    return n;
}

/* A leaf switch and its hosts. */
static void print_leaf(const pta_vcluster *cluster, int32_t leaf, int32_t first,
                       int32_t end, FILE *file)
{
    fprintf(file, "<zone id=\"leaf%d\" routing=\"Cluster\">\n", leaf);
    for (int32_t h = first; h < end; h++) {
        const pta_vhost *host = &cluster->hosts[h];
        fprintf(file, "<host id=\"h%d\" speed=\"1Gf\"/>\n", h);
        print_link("out", 0, h, host->port_per_byte, host->latency, file);
        print_link("in", 0, h, host->port_per_byte, host->latency, file);
    }
    for (int32_t h = first; h < end; h++) {
        fprintf(file,
                "<host_link id=\"h%d\" up=\"out0_%d\" down=\"in0_%d\"/>\n", h,
                h, h);
    }
    fprintf(file, "<router id=\"switch%d\"/>\n</zone>\n", leaf);
}

/* ---- between switches ---- */

/* Links of all switches but the topmost to the one above. */
static void print_uplinks(const pta_tree *tree, int32_t n_leaves, FILE *file)
{
    int32_t level = 1;
    for (int32_t n = n_leaves; n > 1; n = groups(tree, n), level++) {
        for (int32_t i = 0; i < n; i++) {
            print_link("up", level, i, tree->uplink_per_byte, tree->hop / 2,
                       file);
            print_link("down", level, i, tree->uplink_per_byte, tree->hop / 2,
                       file);
        }
    }
}

/* Up from leaf a to the first switch above both, and down to leaf b: the
 * switches of each level whose uplinks are taken; returns how many. */
static int32_t climb(const pta_tree *tree, int32_t n_leaves, int32_t a,
                     int32_t b, int32_t up[32], int32_t down[32])
{
    int32_t levels = 0;
    for (int32_t n = n_leaves; a != b; n = groups(tree, n)) {
        int32_t size = branches(tree, n, true);
        up[levels] = a;
        down[levels] = b;
        levels++;
        a /= size;
        b /= size;
    }
    return levels;
}

static void print_route(const pta_tree *tree, int32_t n_leaves, int32_t a,
                        int32_t b, FILE *file)
{
    int32_t up[32], down[32];
    int32_t levels = climb(tree, n_leaves, a, b, up, down);
    fprintf(file,
            "<zoneRoute src=\"leaf%d\" dst=\"leaf%d\" gw_src=\"switch%d\" "
            "gw_dst=\"switch%d\" symmetrical=\"NO\">",
            a, b, a, b);
    for (int32_t l = 0; l < levels; l++) {
        fprintf(file, "<link_ctn id=\"up%d_%d\"/>", l + 1, up[l]);
    }
    for (int32_t l = levels - 1; l >= 0; l--) {
        fprintf(file, "<link_ctn id=\"down%d_%d\"/>", l + 1, down[l]);
    }
    fprintf(file, "</zoneRoute>\n");
}

/* Bytes of the run that each copy's share of a wire is. */
static double wire_bytes(const pta_vflow *flow, const pta_vwire *wire)
{
    double batches = (double)flow->n_samples / flow->micro_batch;
    return ((double)wire->bytes * (double)flow->n_samples +
            PTA_HEADER_BYTES * batches) /
           flow->copies;
}

pta_status pta_uplink_bytes(pta_ctx *ctx, const pta_tree *tree, int32_t n_hosts,
                            const pta_vplan *plan, const pta_vflow *flow,
                            double *bytes)
{
    int32_t leaves = groups(tree, n_hosts), up[32], down[32];
    int32_t size = branches(tree, n_hosts, true), n = plan->n_boards;
    int32_t levels = pta_tree_levels(tree, n_hosts);
    double *sums; /* [levels][leaves], up; then down */
    PTA_TRY_ALLOC(ctx, sums, 2 * (size_t)levels * (size_t)leaves);
    for (int64_t i = 0; i < (int64_t)flow->copies * plan->n_wires; i++) {
        const pta_vwire *wire = &plan->wires[i % plan->n_wires];
        int32_t first = (int32_t)(i / plan->n_wires) * n;
        int32_t from = wire->src < 0 ? 0 : first + wire->src;
        int32_t to = wire->dst < 0 ? 0 : first + wire->dst;
        int32_t k = climb(tree, leaves, from / size, to / size, up, down);
        while (k-- > 0) {
            sums[k * leaves + up[k]] += wire_bytes(flow, wire);
            sums[(levels + k) * leaves + down[k]] += wire_bytes(flow, wire);
        }
    }
    double most = 0.0;
    for (int32_t i = 0; i < 2 * levels * leaves; i++) {
        most = sums[i] > most ? sums[i] : most;
    }
    pta_free(ctx, sums);
    *bytes = most;
    return PTA_OK;
}

void pta_platform_print(const pta_vcluster *cluster, int32_t n_hosts,
                        const pta_tree *tree, FILE *file)
{
    int32_t leaves = groups(tree, n_hosts);
    int32_t size = branches(tree, n_hosts, true);
    fprintf(file, "<?xml version='1.0'?>\n"
                  "<!DOCTYPE platform SYSTEM "
                  "\"https://simgrid.org/simgrid.dtd\">\n"
                  "<platform version=\"4.1\">\n"
                  "<zone id=\"cluster\" routing=\"Full\">\n");
    for (int32_t i = 0; i < leaves; i++) {
        int32_t first = i * size, end = first + size;
        end = end < n_hosts ? end : n_hosts;
        bool measured = is_measured(cluster, first, end);
        (measured ? print_measured_leaf : print_leaf)(cluster, i, first, end,
                                                      file);
    }
    print_uplinks(tree, leaves, file);
    for (int32_t a = 0; a < leaves; a++) {
        for (int32_t b = 0; b < leaves; b++) {
            if (a != b) {
                print_route(tree, leaves, a, b, file);
            }
        }
    }
    fprintf(file, "</zone>\n</platform>\n");
}
