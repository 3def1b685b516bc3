/*
 * Cluster files: text to cluster and back, and what is refused.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "partition/cluster.h"
#include "json/json.h"

#define WHERE 256

/* ---- integers of a board, one table for reading, writing and checking ---- */

typedef struct field {
    const char *object, *key; /* object NULL: the board itself */
    size_t offset;
    bool is_long; /* int64_t, else int32_t */
    int scale;    /* 2 for BRAM36, kept in halves */
    int64_t lo, hi;
} field;

#define HAS(key, member, scale)                                                \
    {                                                                          \
        "has", key, offsetof(pta_board_kind, has.member), true, scale, 0,      \
            1 << 28                                                            \
    }
#define RESERVED(key, member, scale)                                           \
    {                                                                          \
        "reserved", key, offsetof(pta_board_kind, reserved.member), true,      \
            scale, 0, 1 << 28                                                  \
    }
#define SHARE(key)                                                             \
    {                                                                          \
        "budget", #key, offsetof(pta_board_kind, shares.key), false, 1, 1, 100 \
    }

static const field fields[] = {
    HAS("lut", lut, 1),
    HAS("ff", ff, 1),
    HAS("bram36", bram18, 2),
    HAS("dsp", dsp, 1),
    HAS("lutram", lutram, 1),
    RESERVED("lut", lut, 1),
    RESERVED("ff", ff, 1),
    RESERVED("bram36", bram18, 2),
    RESERVED("dsp", dsp, 1),
    RESERVED("lutram", lutram, 1),
    SHARE(lut),
    SHARE(ff),
    SHARE(bram),
    SHARE(dsp),
    SHARE(lutram),
    {NULL, "port_bytes", offsetof(pta_board_kind, port_bytes), false, 1, 1, 64},
};

#define N_FIELDS   (sizeof fields / sizeof *fields)
#define CLOCK_LOW  1.0
#define CLOCK_HIGH 2000.0

static int64_t field_get(const pta_board_kind *kind, const field *f)
{
    const char *at = (const char *)kind + f->offset;
    int64_t wide;
    int32_t narrow;
    memcpy(&wide, at, f->is_long ? sizeof wide : 0);
    memcpy(&narrow, at, f->is_long ? 0 : sizeof narrow);
    return f->is_long ? wide / f->scale : narrow;
}

static void field_set(pta_board_kind *kind, const field *f, int64_t value)
{
    char *at = (char *)kind + f->offset;
    int64_t wide = value * f->scale;
    int32_t narrow = (int32_t)value;
    memcpy(at, f->is_long ? (const void *)&wide : (const void *)&narrow,
           f->is_long ? sizeof wide : sizeof narrow);
}

/* ---- reading ---- */

typedef struct reader {
    pta_ctx *ctx;
    const char *path;
    pta_cluster *cluster;
} reader;

static pta_status read_number(pta_ctx *ctx, const json_t *object,
                              const char *where, const char *key, double lo,
                              double hi, double *out)
{
    double value;
    if (json_object_get(object, key) == NULL) {
        return PTA_OK;
    }
    PTA_TRY(pta_json_number(ctx, object, where, key, &value));
    if (!(value >= lo && value <= hi)) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "%s: %s is %g, expected %g to %g",
                        where, key, value, lo, hi);
    }
    *out = value;
    return PTA_OK;
}

static pta_status read_costs(pta_ctx *ctx, const json_t *object,
                             const char *where, pta_host_costs *costs)
{
    for (int i = 0; i < PTA_COST_ENTRIES; i++) {
        const pta_cost_entry *e = &pta_cost_entries()[i];
        double value;
        memcpy(&value, (char *)costs + e->offset, sizeof value);
        PTA_TRY(read_number(ctx, object, where, e->key, e->lo, e->hi, &value));
        memcpy((char *)costs + e->offset, &value, sizeof value);
    }
    return PTA_OK;
}

static pta_status only_costs(pta_ctx *ctx, const json_t *object,
                             const char *where, const char *const *others)
{
    const char *allowed[PTA_COST_ENTRIES + 8] = {NULL};
    int n = 0;
    for (; others[n] != NULL; n++) {
        allowed[n] = others[n];
    }
    for (int i = 0; i < PTA_COST_ENTRIES; i++) {
        allowed[n + i] = pta_cost_entries()[i].key;
    }
    return pta_json_only(ctx, object, where, allowed);
}

/* Keys of the sub-object `name` (NULL: the board's own), all optional. */
static pta_status read_fields(pta_ctx *ctx, const json_t *object,
                              const char *where, const char *name,
                              pta_board_kind *kind)
{
    const char *allowed[8] = {NULL};
    int n = 0;
    for (size_t i = 0; i < N_FIELDS; i++) {
        const field *f = &fields[i];
        int64_t value;
        bool same = name == NULL
                        ? f->object == NULL
                        : f->object != NULL && strcmp(f->object, name) == 0;
        if (!same) {
            continue;
        }
        allowed[n++] = f->key;
        if (json_object_get(object, f->key) != NULL) {
            PTA_TRY(
                pta_json_int(ctx, object, where, f->key, f->lo, f->hi, &value));
            field_set(kind, f, value);
        }
    }
    return name == NULL ? PTA_OK : pta_json_only(ctx, object, where, allowed);
}

static pta_status read_kind(reader *r, const char *name, const json_t *object,
                            pta_board_kind *kind)
{
    static const char *const allowed[] = {"has",       "reserved",   "budget",
                                          "clock_mhz", "port_bytes", NULL};
    char where[WHERE], inner[WHERE + 16];
    json_t *part;
    snprintf(where, sizeof where, "%s: boards.%s", r->path, name);
    if (!json_is_object(object)) {
        return pta_fail(r->ctx, PTA_ERR_FORMAT, "%s: expected an object",
                        where);
    }
    PTA_TRY(pta_json_only(r->ctx, object, where, allowed));
    for (int i = 0; i < 3; i++) {
        if (json_object_get(object, allowed[i]) == NULL) {
            continue;
        }
        PTA_TRY(pta_json_object(r->ctx, object, where, allowed[i], &part));
        snprintf(inner, sizeof inner, "%s.%s", where, allowed[i]);
        PTA_TRY(read_fields(r->ctx, part, inner, allowed[i], kind));
    }
    PTA_TRY(read_fields(r->ctx, object, where, NULL, kind));
    PTA_TRY(read_number(r->ctx, object, where, "clock_mhz", CLOCK_LOW,
                        CLOCK_HIGH, &kind->clock_mhz));
    return pta_cluster_text(r->ctx, &kind->name, name);
}

/* Kinds start as a PYNQ-Z2: kind 0 of a new cluster, whose name is replaced. */
static pta_status read_kinds(reader *r, const json_t *root)
{
    json_t *boards, *object;
    const char *name;
    int32_t n = 0;
    if (json_object_get(root, "boards") == NULL) {
        return PTA_OK;
    }
    PTA_TRY(pta_json_object(r->ctx, root, r->path, "boards", &boards));
    if (json_object_size(boards) == 0) {
        return pta_fail(r->ctx, PTA_ERR_FORMAT,
                        "%s: boards is empty, expected a board", r->path);
    }
    pta_board_kind pynq = r->cluster->kinds[0], *kinds;
    PTA_TRY_ALLOC(r->ctx, kinds, json_object_size(boards));
    pta_free(r->ctx, pynq.name);
    pynq.name = NULL;
    pta_free(r->ctx, r->cluster->kinds);
    r->cluster->kinds = kinds;
    r->cluster->n_kinds = (int32_t)json_object_size(boards);
    json_object_foreach(boards, name, object)
    {
        kinds[n] = pynq;
        PTA_TRY(read_kind(r, name, object, &kinds[n]));
        n++;
    }
    return PTA_OK;
}

static pta_status find_kind(const reader *r, const char *where,
                            const char *name, int32_t *out)
{
    for (int32_t i = 0; i < r->cluster->n_kinds; i++) {
        if (strcmp(r->cluster->kinds[i].name, name) == 0) {
            *out = i;
            return PTA_OK;
        }
    }
    return pta_fail(r->ctx, PTA_ERR_FORMAT,
                    "%s: board \"%s\" is not among the file's boards", where,
                    name);
}

static int32_t find_machine(const pta_cluster *cluster, const char *name)
{
    for (int32_t i = 0; i < cluster->n_machines; i++) {
        if (strcmp(cluster->machines[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

static pta_status read_machine(reader *r, const char *where,
                               const json_t *object, const char *name,
                               int32_t *out)
{
    int64_t cores = 2;
    const char *machine = name;
    bool stated = json_object_get(object, "cores") != NULL;
    if (stated) {
        PTA_TRY(pta_json_int(r->ctx, object, where, "cores", 1, 4096, &cores));
    }
    if (json_object_get(object, "machine") != NULL) {
        PTA_TRY(pta_json_string(r->ctx, object, where, "machine", &machine));
    }
    *out = find_machine(r->cluster, machine);
    if (*out < 0) {
        return pta_cluster_add_machine(r->ctx, r->cluster, machine,
                                       (int32_t)cores, out);
    }
    if (stated && r->cluster->machines[*out].cores != cores) {
        return pta_fail(r->ctx, PTA_ERR_FORMAT,
                        "%s: cores is %lld, machine \"%s\" has %d already",
                        where, (long long)cores, machine,
                        (int)r->cluster->machines[*out].cores);
    }
    return PTA_OK;
}

static pta_status append_host(reader *r, const pta_host *host, const char *name)
{
    pta_cluster *c = r->cluster;
    pta_host *hosts =
        pta_realloc(r->ctx, c->hosts, (size_t)(c->n_hosts + 1) * sizeof *hosts);
    if (hosts == NULL) {
        return PTA_ERR_NOMEM;
    }
    c->hosts = hosts;
    hosts[c->n_hosts] = *host;
    hosts[c->n_hosts].name = NULL;
    PTA_TRY(pta_cluster_text(r->ctx, &hosts[c->n_hosts].name, name));
    c->n_hosts++;
    return PTA_OK;
}

/* One entry: a host, or with "count" so many called NAME0, NAME1, ... */
static pta_status read_host(reader *r, const json_t *object, const char *where,
                            const pta_host_costs *costs)
{
    static const char *const others[] = {"name",  "board", "machine",
                                         "cores", "count", NULL};
    const char *name, *board = r->cluster->kinds[0].name;
    int64_t count = 1;
    pta_host host = {.costs = *costs};
    PTA_TRY(only_costs(r->ctx, object, where, others));
    PTA_TRY(pta_json_string(r->ctx, object, where, "name", &name));
    if (json_object_get(object, "board") != NULL) {
        PTA_TRY(pta_json_string(r->ctx, object, where, "board", &board));
    }
    PTA_TRY(find_kind(r, where, board, &host.kind));
    PTA_TRY(read_costs(r->ctx, object, where, &host.costs));
    bool many = json_object_get(object, "count") != NULL;
    if (many) {
        PTA_TRY(pta_json_int(r->ctx, object, where, "count", 1,
                             PTA_CLUSTER_HOST_MAX, &count));
    }
    for (int64_t i = 0; i < count; i++) {
        char full[WHERE];
        snprintf(full, sizeof full, many ? "%s%lld" : "%s", name, (long long)i);
        PTA_TRY(read_machine(r, where, object, full, &host.machine));
        PTA_TRY(append_host(r, &host, full));
    }
    return PTA_OK;
}

static void drop_hosts(reader *r)
{
    pta_cluster *c = r->cluster;
    for (int32_t i = 0; i < c->n_hosts; i++) {
        pta_free(r->ctx, c->hosts[i].name);
    }
    for (int32_t i = 0; i < c->n_machines; i++) {
        pta_free(r->ctx, c->machines[i].name);
    }
    c->n_hosts = c->n_machines = 0;
}

static pta_status read_hosts(reader *r, const json_t *root)
{
    static const char *const none[] = {NULL};
    char where[WHERE];
    json_t *hosts, *object;
    size_t i;
    pta_host_costs costs = pta_host_costs_default();
    if (json_object_get(root, "costs") != NULL) {
        PTA_TRY(pta_json_object(r->ctx, root, r->path, "costs", &object));
        snprintf(where, sizeof where, "%s: costs", r->path);
        PTA_TRY(only_costs(r->ctx, object, where, none));
        PTA_TRY(read_costs(r->ctx, object, where, &costs));
    }
    PTA_TRY(pta_json_array(r->ctx, root, r->path, "hosts", &hosts));
    drop_hosts(r);
    json_array_foreach(hosts, i, object)
    {
        snprintf(where, sizeof where, "%s: hosts[%zu]", r->path, i);
        PTA_TRY(read_host(r, object, where, &costs));
    }
    return PTA_OK;
}

static pta_status read_host_name(const reader *r, const json_t *object,
                                 const char *where, const char *key,
                                 int32_t *out)
{
    const char *name;
    PTA_TRY(pta_json_string(r->ctx, object, where, key, &name));
    for (int32_t i = 0; i < r->cluster->n_hosts; i++) {
        if (strcmp(r->cluster->hosts[i].name, name) == 0) {
            *out = i;
            return PTA_OK;
        }
    }
    return pta_fail(r->ctx, PTA_ERR_FORMAT,
                    "%s: %s \"%s\" is not among the file's hosts", where, key,
                    name);
}

static pta_status read_pairs(reader *r, const json_t *root)
{
    static const char *const allowed[] = {"from", "to", "latency_us",
                                          "rate_mbit", NULL};
    char where[WHERE];
    json_t *pairs, *object;
    size_t i;
    if (json_object_get(root, "pairs") == NULL) {
        return PTA_OK;
    }
    PTA_TRY(pta_json_array(r->ctx, root, r->path, "pairs", &pairs));
    json_array_foreach(pairs, i, object)
    {
        int32_t from, to;
        snprintf(where, sizeof where, "%s: pairs[%zu]", r->path, i);
        PTA_TRY(pta_json_only(r->ctx, object, where, allowed));
        PTA_TRY(read_host_name(r, object, where, "from", &from));
        PTA_TRY(read_host_name(r, object, where, "to", &to));
        pta_pair pair = pta_cluster_pair(r->cluster, from, to);
        PTA_TRY(read_number(r->ctx, object, where, "latency_us", 0, 1e6,
                            &pair.latency_us));
        PTA_TRY(read_number(r->ctx, object, where, "rate_mbit", 0.001, 1e6,
                            &pair.rate_mbit));
        PTA_TRY(pta_cluster_set_pair(r->ctx, r->cluster, pair));
    }
    return PTA_OK;
}

static pta_status read_origin(reader *r, const json_t *root)
{
    static const char *const allowed[] = {"by", "date", "residual_percent",
                                          NULL};
    char where[WHERE];
    json_t *object;
    const char *by, *date;
    pta_cluster_origin *origin = &r->cluster->origin;
    if (json_object_get(root, "calibrated") == NULL) {
        return PTA_OK;
    }
    PTA_TRY(pta_json_object(r->ctx, root, r->path, "calibrated", &object));
    snprintf(where, sizeof where, "%s: calibrated", r->path);
    PTA_TRY(pta_json_only(r->ctx, object, where, allowed));
    PTA_TRY(pta_json_string(r->ctx, object, where, "by", &by));
    PTA_TRY(pta_json_string(r->ctx, object, where, "date", &date));
    PTA_TRY(read_number(r->ctx, object, where, "residual_percent", 0, 1e6,
                        &origin->residual_percent));
    PTA_TRY(pta_cluster_text(r->ctx, &origin->by, by));
    return pta_cluster_text(r->ctx, &origin->date, date);
}

static pta_status read_root(reader *r, const json_t *root)
{
    static const char *const allowed[] = {"partita_cluster", "name",  "boards",
                                          "costs",           "hosts", "pairs",
                                          "calibrated",      NULL};
    int64_t version;
    const char *name;
    if (!json_is_object(root)) {
        return pta_fail(r->ctx, PTA_ERR_FORMAT, "%s: expected an object",
                        r->path);
    }
    PTA_TRY(pta_json_int(r->ctx, root, r->path, "partita_cluster",
                         PTA_CLUSTER_VERSION, PTA_CLUSTER_VERSION, &version));
    PTA_TRY(pta_json_only(r->ctx, root, r->path, allowed));
    if (json_object_get(root, "name") != NULL) {
        PTA_TRY(pta_json_string(r->ctx, root, r->path, "name", &name));
        PTA_TRY(pta_cluster_text(r->ctx, &r->cluster->name, name));
    }
    PTA_TRY(read_kinds(r, root));
    PTA_TRY(read_hosts(r, root));
    PTA_TRY(read_pairs(r, root));
    PTA_TRY(read_origin(r, root));
    return pta_cluster_validate(r->ctx, r->cluster, r->path);
}

pta_status pta_cluster_parse(pta_ctx *ctx, const char *text, const char *path,
                             pta_cluster **out)
{
    json_t *root;
    reader r = {ctx, path, NULL};
    PTA_TRY(pta_json_parse(ctx, text, path, &root));
    pta_status status = pta_cluster_create(ctx, 1, &r.cluster);
    if (status == PTA_OK) {
        status = read_root(&r, root);
    }
    json_decref(root);
    if (status != PTA_OK) {
        pta_cluster_destroy(ctx, &r.cluster);
        return status;
    }
    *out = r.cluster;
    return PTA_OK;
}

/* ---- checking ---- */

static pta_status check_host(pta_ctx *ctx, const pta_cluster *c, int32_t i,
                             const char *path)
{
    const pta_host *host = &c->hosts[i];
    if (host->kind < 0 || host->kind >= c->n_kinds || host->machine < 0 ||
        host->machine >= c->n_machines) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: host \"%s\" has board %d of %d, machine %d of %d",
                        path, host->name, (int)host->kind, (int)c->n_kinds,
                        (int)host->machine, (int)c->n_machines);
    }
    for (int k = 0; k < PTA_COST_ENTRIES; k++) {
        const pta_cost_entry *e = &pta_cost_entries()[k];
        double value;
        memcpy(&value, (const char *)&host->costs + e->offset, sizeof value);
        if (!(value >= e->lo && value <= e->hi)) {
            return pta_fail(ctx, PTA_ERR_FORMAT,
                            "%s: host \"%s\": %s is %g, expected %g to %g",
                            path, host->name, e->key, value, e->lo, e->hi);
        }
    }
    for (int32_t k = 0; k < i && c->n_hosts <= 256; k++) {
        if (strcmp(c->hosts[k].name, host->name) == 0) {
            return pta_fail(ctx, PTA_ERR_FORMAT,
                            "%s: hosts %d and %d are both called \"%s\"", path,
                            (int)k, (int)i, host->name);
        }
    }
    return PTA_OK;
}

static pta_status check_pair(pta_ctx *ctx, const pta_cluster *c, int32_t i,
                             const char *path)
{
    const pta_pair *p = &c->pairs[i];
    bool known = p->from >= 0 && p->from < c->n_hosts && p->to >= 0 &&
                 p->to < c->n_hosts && p->from != p->to;
    if (!known || !(p->latency_us >= 0) || !isfinite(p->latency_us) ||
        !(p->rate_mbit > 0) || !isfinite(p->rate_mbit)) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: pair of hosts %d and %d of %d: latency %g us, "
                        "rate %g Mbit/s, expected two hosts, 0 or more, more "
                        "than 0",
                        path, (int)p->from, (int)p->to, (int)c->n_hosts,
                        p->latency_us, p->rate_mbit);
    }
    return PTA_OK;
}

pta_status pta_cluster_validate(pta_ctx *ctx, const pta_cluster *c,
                                const char *path)
{
    if (c->n_hosts < 1 || c->n_hosts > PTA_CLUSTER_HOST_MAX) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: hosts has %d entries, expected 1 to %d", path,
                        (int)c->n_hosts, PTA_CLUSTER_HOST_MAX);
    }
    for (int32_t i = 0; i < c->n_hosts; i++) {
        PTA_TRY(check_host(ctx, c, i, path));
    }
    for (int32_t i = 0; i < c->n_pairs; i++) {
        PTA_TRY(check_pair(ctx, c, i, path));
    }
    return PTA_OK;
}

/* ---- writing ---- */

static json_t *kind_json(const pta_board_kind *kind)
{
    json_t *root = json_object();
    for (size_t i = 0; i < N_FIELDS; i++) {
        const field *f = &fields[i];
        json_t *into = root;
        if (f->object != NULL) {
            into = json_object_get(root, f->object);
            if (into == NULL) {
                into = json_object();
                json_object_set_new(root, f->object, into);
            }
        }
        json_object_set_new(into, f->key, json_integer(field_get(kind, f)));
    }
    json_object_set_new(root, "clock_mhz", json_real(kind->clock_mhz));
    return root;
}

static json_t *host_json(const pta_cluster *c, const pta_host *host)
{
    const pta_machine *machine = &c->machines[host->machine];
    json_t *root = json_pack("{s:s,s:s,s:s,s:i}", "name", host->name, "board",
                             c->kinds[host->kind].name, "machine",
                             machine->name, "cores", (int)machine->cores);
    for (int k = 0; k < PTA_COST_ENTRIES; k++) {
        const pta_cost_entry *e = &pta_cost_entries()[k];
        double value;
        memcpy(&value, (const char *)&host->costs + e->offset, sizeof value);
        json_object_set_new(root, e->key, json_real(value));
    }
    return root;
}

static json_t *cluster_json(const pta_cluster *c)
{
    json_t *boards = json_object(), *hosts = json_array(),
           *pairs = json_array();
    for (int32_t i = 0; i < c->n_kinds; i++) {
        json_object_set_new(boards, c->kinds[i].name, kind_json(&c->kinds[i]));
    }
    for (int32_t i = 0; i < c->n_hosts; i++) {
        json_array_append_new(hosts, host_json(c, &c->hosts[i]));
    }
    for (int32_t i = 0; i < c->n_pairs; i++) {
        const pta_pair *p = &c->pairs[i];
        json_array_append_new(pairs, json_pack("{s:s,s:s,s:f,s:f}", "from",
                                               c->hosts[p->from].name, "to",
                                               c->hosts[p->to].name,
                                               "latency_us", p->latency_us,
                                               "rate_mbit", p->rate_mbit));
    }
    json_t *root = json_pack("{s:i,s:s,s:o,s:o,s:o}", "partita_cluster",
                             PTA_CLUSTER_VERSION, "name", c->name, "boards",
                             boards, "hosts", hosts, "pairs", pairs);
    if (c->origin.by[0] != '\0') {
        json_object_set_new(root, "calibrated",
                            json_pack("{s:s,s:s,s:f}", "by", c->origin.by,
                                      "date", c->origin.date,
                                      "residual_percent",
                                      c->origin.residual_percent));
    }
    return root;
}

pta_status pta_cluster_print(pta_ctx *ctx, const pta_cluster *cluster,
                             char **text)
{
    json_t *root = cluster_json(cluster);
    char *json =
        root == NULL
            ? NULL
            : json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    json_decref(root);
    if (json == NULL) {
        return pta_fail(ctx, PTA_ERR_NOMEM, "cluster \"%s\": no memory",
                        cluster->name);
    }
    size_t n = strlen(json);
    *text = pta_calloc(ctx, n + 2, 1);
    if (*text != NULL) {
        memcpy(*text, json, n);
        (*text)[n] = '\n';
    }
    free(json);
    return *text == NULL ? PTA_ERR_NOMEM : PTA_OK;
}

/* ---- --budget ---- */

static const field *find_share(const char *key, size_t length)
{
    for (size_t i = 0; i < N_FIELDS; i++) {
        const field *f = &fields[i];
        if (f->object != NULL && strcmp(f->object, "budget") == 0 &&
            strlen(f->key) == length && memcmp(f->key, key, length) == 0) {
            return f;
        }
    }
    return NULL;
}

pta_status pta_cluster_set_shares(pta_ctx *ctx, pta_cluster *cluster,
                                  const char *text)
{
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, "=,");
        const field *f = find_share(at, length);
        char *end = NULL;
        long value = f != NULL && at[length] == '='
                         ? strtol(at + length + 1, &end, 10)
                         : 0;
        if (end == NULL || end == at + length + 1 || value < 1 || value > 100 ||
            (*end != '\0' && *end != ',')) {
            return pta_fail(ctx, PTA_ERR_USAGE,
                            "budget \"%s\": expected lut, ff, bram, dsp or "
                            "lutram = 1 to 100 per cent, found \"%s\"",
                            text, at);
        }
        for (int32_t k = 0; k < cluster->n_kinds; k++) {
            field_set(&cluster->kinds[k], f, value);
        }
        at = *end == ',' ? end + 1 : end;
    }
    return PTA_OK;
}
