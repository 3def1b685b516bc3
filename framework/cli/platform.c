/* SimGrid platforms (platform.h). */
#include "cli/platform.h"

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

/* Up from leaf a to the first switch above both, and down to leaf b. */
static void print_route(const pta_tree *tree, int32_t n_leaves, int32_t a,
                        int32_t b, FILE *file)
{
    int32_t up[32], down[32], levels = 0;
    fprintf(file,
            "<zoneRoute src=\"leaf%d\" dst=\"leaf%d\" gw_src=\"switch%d\" "
            "gw_dst=\"switch%d\" symmetrical=\"NO\">",
            a, b, a, b);
    int32_t x = a, y = b;
    for (int32_t n = n_leaves; x != y; n = groups(tree, n)) {
        int32_t size = branches(tree, n, true);
        up[levels] = x;
        down[levels] = y;
        levels++;
        x /= size;
        y /= size;
    }
    for (int32_t l = 0; l < levels; l++) {
        fprintf(file, "<link_ctn id=\"up%d_%d\"/>", l + 1, up[l]);
    }
    for (int32_t l = levels - 1; l >= 0; l--) {
        fprintf(file, "<link_ctn id=\"down%d_%d\"/>", l + 1, down[l]);
    }
    fprintf(file, "</zoneRoute>\n");
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
        print_leaf(cluster, i, first, end < n_hosts ? end : n_hosts, file);
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
