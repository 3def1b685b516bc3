/*
 * The cluster file: what boards there are, what each can hold, and what it
 * costs to move a sample between them. A person or `partita calibrate` writes
 * it (docs/cluster-file.md); the planner and modelled time read it. Every
 * number has a default, so that five PYNQ-Z2 on a switch need no file.
 */
#ifndef PTA_PARTITION_CLUSTER_H
#define PTA_PARTITION_CLUSTER_H

#include "base/ctx.h"
#include "plan/design.h"

#define PTA_CLUSTER_VERSION  1
#define PTA_CLUSTER_HOST_MAX 4096

/** What one host pays for moving samples, and its Ethernet port. */
typedef struct pta_host_costs {
    double transfer_us; /* one DMA transfer, either way, whatever its size */
    double copy_ns_per_byte;  /* copy and cache maintenance, DMA buffers */
    double message_us;        /* one TCP message sent or received, CPU time */
    double tcp_ns_per_byte;   /* a byte of it, CPU time */
    double join_ns_per_value; /* a partial sum added; a joined value finished */
    double rate_mbit;   /* payload of the port, each way at the same time */
    double latency_us;  /* port to switch; a pair's is the sum of two */
    double burst_bytes; /* pass at once before the rate holds: shaped links */
} pta_host_costs;

/** Entry of pta_host_costs as the file and the documentation know it. */
typedef struct pta_cost_entry {
    const char *key;
    size_t offset; /* in pta_host_costs */
    double fallback, lo, hi;
    const char *unit, *source; /* of the default */
} pta_cost_entry;

#define PTA_COST_ENTRIES 8
const pta_cost_entry *pta_cost_entries(void); /* [PTA_COST_ENTRIES] */
pta_host_costs pta_host_costs_default(void);

/** Per cent of each resource that designs may take. */
typedef struct pta_shares {
    int32_t lut, ff, bram, dsp, lutram;
} pta_shares;

/** A kind of FPGA board. */
typedef struct pta_board_kind {
    char *name;             /* owned */
    pta_resources has;      /* of the chip */
    pta_resources reserved; /* for DMA, interconnect and reset */
    pta_shares shares;
    double clock_mhz;
    int32_t port_bytes; /* of the HP port in one cycle, each way */
} pta_board_kind;

/** What a design on the board may take: share of the chip, less reserved. */
pta_budget pta_board_budget(const pta_board_kind *kind);

/** One host: an address, an Ethernet port and a board. Rank r of a run is on
 * host r unless the plan says otherwise. */
typedef struct pta_host {
    char *name;      /* owned */
    int32_t kind;    /* index into kinds */
    int32_t machine; /* index into machines: hosts that share cores */
    pta_host_costs costs;
} pta_host;

typedef struct pta_machine {
    char *name; /* owned */
    int32_t cores;
} pta_machine;

/** What was measured between two hosts, from one to the other. */
typedef struct pta_pair {
    int32_t from, to;  /* hosts */
    double latency_us; /* end of send to begin of receive, one empty message */
    double rate_mbit;  /* payload of a long stream; at most the ports' */
} pta_pair;

/** How the numbers were obtained; all "" and 0 for defaults. */
typedef struct pta_cluster_origin {
    char *by, *date;         /* owned; "partita calibrate 0.1.0", ISO 8601 */
    double residual_percent; /* of the fit, worst pair */
} pta_cluster_origin;

typedef struct pta_cluster {
    char *name; /* owned */
    int32_t n_kinds;
    pta_board_kind *kinds; /* owned */
    int32_t n_machines;
    pta_machine *machines; /* owned */
    int32_t n_hosts;
    pta_host *hosts; /* owned */
    int32_t n_pairs;
    pta_pair *pairs; /* owned; sorted by (from, to) */
    pta_cluster_origin origin;
} pta_cluster;

/** `n_hosts` PYNQ-Z2 named board0, board1, ..., two cores each, with the
 * defaults; every field may then be changed. */
pta_status PTA_MUST_CHECK pta_cluster_create(pta_ctx *ctx, int32_t n_hosts,
                                             pta_cluster **out);
void pta_cluster_destroy(pta_ctx *ctx, pta_cluster **cluster);

/** Replaces an owned text of the cluster. */
pta_status PTA_MUST_CHECK pta_cluster_text(pta_ctx *ctx, char **field,
                                           const char *text);

/** Adds a machine and gives its index; hosts are then moved onto it. */
pta_status PTA_MUST_CHECK pta_cluster_add_machine(pta_ctx *ctx,
                                                  pta_cluster *cluster,
                                                  const char *name,
                                                  int32_t cores,
                                                  int32_t *index);

/** Sets what was measured from one host to another; replaces an earlier one. */
pta_status PTA_MUST_CHECK pta_cluster_set_pair(pta_ctx *ctx,
                                               pta_cluster *cluster,
                                               pta_pair pair);

/** Latency and rate from one host to another: the pair's if it was measured,
 * else the sum of the ports' latencies and the smaller of their rates. */
pta_pair pta_cluster_pair(const pta_cluster *cluster, int32_t from, int32_t to);

/** Checks indices and ranges: PTA_ERR_FORMAT naming host and entry. `path`
 * names the file in messages. */
pta_status PTA_MUST_CHECK pta_cluster_validate(pta_ctx *ctx,
                                               const pta_cluster *cluster,
                                               const char *path);

/** Reads cluster text. A syntax error names its line, anything else the key,
 * what was expected and what was found. */
pta_status PTA_MUST_CHECK pta_cluster_parse(pta_ctx *ctx, const char *text,
                                            const char *path,
                                            pta_cluster **out);

/** The cluster as text, every entry written out; owned by the caller. Parsing
 * it gives the same cluster, printing that the same bytes. */
pta_status PTA_MUST_CHECK pta_cluster_print(pta_ctx *ctx,
                                            const pta_cluster *cluster,
                                            char **text);

/** Changes shares of all boards by "lut=70,dsp=90": PTA_ERR_USAGE names the
 * resource and the valid set. */
pta_status PTA_MUST_CHECK pta_cluster_set_shares(pta_ctx *ctx,
                                                 pta_cluster *cluster,
                                                 const char *text);

#endif
