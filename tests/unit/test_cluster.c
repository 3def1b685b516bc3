/*
 * Cluster files: defaults, round trip, what is refused and how it is said.
 */
#include <stdio.h>
#include <string.h>

#include "partition/cluster.h"
#include "unit.h"

static pta_status parse(pta_ctx *ctx, const char *text, pta_cluster **out)
{
    *out = NULL;
    return pta_cluster_parse(ctx, text, "lab.json", out);
}

static void test_defaults(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_cluster *c;
    CU_ASSERT_FATAL(pta_cluster_create(ctx, 5, &c) == PTA_OK);
    pta_budget b = pta_board_budget(&c->kinds[0]);
    CU_ASSERT(b.lut == 53200 * 70 / 100 - 6000);
    CU_ASSERT(b.ff == 106400 / 2 - 8000);
    CU_ASSERT(b.dsp == 198);
    CU_ASSERT(b.bram18 == 2 * (112 - 4));
    CU_ASSERT(b.lutram == 12180);
    CU_ASSERT(c->n_hosts == 5 && c->n_machines == 5);
    CU_ASSERT(c->hosts[3].costs.rate_mbit == 941);
    CU_ASSERT_STRING_EQUAL(c->hosts[4].name, "board4");
    CU_ASSERT(pta_cluster_pair(c, 0, 1).latency_us == 30);
    CU_ASSERT(pta_cluster_validate(ctx, c, "x") == PTA_OK);
    pta_cluster_destroy(ctx, &c);
    CU_ASSERT(pta_cluster_create(ctx, 0, &c) == PTA_ERR_RANGE);
    CU_ASSERT(pta_cluster_create(ctx, 5000, &c) == PTA_ERR_RANGE);
    CU_ASSERT(pta_ctx_memory(ctx).live_blocks == 0);
    pta_ctx_destroy(&ctx);
}

static const char *const lab =
    "{\"partita_cluster\": 1, \"name\": \"lab\", \"boards\": {\"pynq-z2\": {},"
    "\"zcu102\": {\"has\": {\"dsp\": 2520, \"bram36\": 912}, \"budget\": "
    "{\"dsp\": 80}, \"clock_mhz\": 200, \"port_bytes\": 16}},"
    "\"costs\": {\"message_us\": 7},"
    "\"hosts\": [{\"name\": \"a\", \"machine\": \"pc\", \"cores\": 4},"
    "{\"name\": \"b\", \"machine\": \"pc\", \"rate_mbit\": 94},"
    "{\"name\": \"z\", \"board\": \"zcu102\", \"count\": 3}],"
    "\"pairs\": [{\"from\": \"b\", \"to\": \"a\", \"latency_us\": 5},"
    "{\"from\": \"a\", \"to\": \"b\", \"rate_mbit\": 50}],"
    "\"calibrated\": {\"by\": \"me\", \"date\": \"2026-11-22\"}}";

static void test_file(void)
{
    pta_ctx *ctx = pta_ctx_create();
    pta_cluster *c, *again;
    char *text, *twice;
    CU_ASSERT_FATAL(parse(ctx, lab, &c) == PTA_OK);
    CU_ASSERT(c->n_hosts == 5 && c->n_kinds == 2 && c->n_machines == 4);
    CU_ASSERT(c->hosts[0].machine == c->hosts[1].machine);
    CU_ASSERT(c->machines[c->hosts[1].machine].cores == 4);
    CU_ASSERT(c->hosts[4].kind == 1);
    CU_ASSERT_STRING_EQUAL(c->hosts[4].name, "z2");
    CU_ASSERT(c->kinds[1].has.bram18 == 1824 && c->kinds[1].has.lut == 53200);
    CU_ASSERT(c->kinds[1].shares.dsp == 80 && c->kinds[1].port_bytes == 16);
    CU_ASSERT(c->hosts[2].costs.message_us == 7);
    CU_ASSERT(pta_cluster_pair(c, 1, 0).latency_us == 5);
    CU_ASSERT(pta_cluster_pair(c, 1, 0).rate_mbit == 94);
    CU_ASSERT(pta_cluster_pair(c, 0, 1).rate_mbit == 50);
    CU_ASSERT(pta_cluster_pair(c, 0, 2).latency_us == 30);
    CU_ASSERT_FATAL(pta_cluster_print(ctx, c, &text) == PTA_OK);
    CU_ASSERT_FATAL(parse(ctx, text, &again) == PTA_OK);
    CU_ASSERT_FATAL(pta_cluster_print(ctx, again, &twice) == PTA_OK);
    CU_ASSERT_STRING_EQUAL(text, twice);
    pta_free(ctx, text);
    pta_free(ctx, twice);
    pta_cluster_destroy(ctx, &c);
    pta_cluster_destroy(ctx, &again);
    CU_ASSERT(pta_ctx_memory(ctx).live_blocks == 0);
    pta_ctx_destroy(&ctx);
}

#define FILE_OF(rest) "{\"partita_cluster\": 1, " rest "}"
#define HOSTS         "\"hosts\": [{\"name\": \"a\"}, {\"name\": \"b\"}]"

static const struct {
    const char *text, *says;
} refused[] = {
    {"{", "lab.json: line 1"},
    {"[]", "expected an object"},
    {"{\"partita_cluster\": 2, " HOSTS "}", "partita_cluster"},
    {FILE_OF("\"hosts\": []"), "hosts has 0 entries"},
    {FILE_OF("\"name\": \"x\""), "hosts"},
    {FILE_OF(HOSTS ", \"speed\": 3"), "speed"},
    {FILE_OF("\"hosts\": [{\"name\": \"a\"}, {\"name\": \"a\"}]"),
     "both called \"a\""},
    {FILE_OF("\"hosts\": [{\"name\": \"a\", \"board\": \"b\"}]"),
     "hosts[0]: board \"b\""},
    {FILE_OF("\"hosts\": [{\"name\": \"a\", \"message_us\": -1}]"),
     "hosts[0]: message_us is -1, expected 0 to"},
    {FILE_OF("\"hosts\": [{\"name\": \"a\", \"mesage_us\": 1}]"), "mesage_us"},
    {FILE_OF("\"hosts\": [{\"name\": \"a\", \"machine\": \"m\", \"cores\": 2},"
             "{\"name\": \"b\", \"machine\": \"m\", \"cores\": 3}]"),
     "hosts[1]: cores is 3, machine \"m\" has 2"},
    {FILE_OF(HOSTS ", \"costs\": {\"rate_mbit\": 0}"), "costs: rate_mbit is 0"},
    {FILE_OF(HOSTS ", \"pairs\": [{\"from\": \"a\", \"to\": \"c\"}]"),
     "pairs[0]: to \"c\""},
    {FILE_OF(HOSTS ", \"pairs\": [{\"from\": \"a\", \"to\": \"a\"}]"),
     "pair of hosts 0 and 0"},
    {FILE_OF(HOSTS ", \"boards\": {}"), "boards is empty"},
    {FILE_OF(HOSTS ", \"boards\": {\"p\": 3}"), "boards.p: expected an object"},
    {FILE_OF(HOSTS ", \"boards\": {\"p\": {\"budget\": {\"dsp\": 101}}}"),
     "dsp"},
    {FILE_OF(HOSTS ", \"boards\": {\"p\": {\"has\": {\"uram\": 1}}}"), "uram"},
    {FILE_OF(HOSTS ", \"boards\": {\"p\": {\"clock_mhz\": 0}}"), "clock_mhz"},
    {FILE_OF("\"hosts\": [{\"name\": \"a\", \"count\": 4096}, "
             "{\"name\": \"b\", \"count\": 4096}]"),
     "hosts has 8192 entries"},
};

static void test_refused(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        pta_ctx *ctx = pta_ctx_create();
        pta_cluster *c;
        pta_status status = parse(ctx, refused[i].text, &c);
        CU_ASSERT(status == PTA_ERR_FORMAT && c == NULL);
        if (strstr(pta_ctx_error(ctx), refused[i].says) == NULL) {
            printf("\n%s\n", pta_ctx_error(ctx));
            CU_FAIL("says something else");
        }
        CU_ASSERT(pta_ctx_memory(ctx).live_blocks == 0);
        pta_ctx_destroy(&ctx);
    }
}

static void test_budget(void)
{
    static const char *const bad[] = {"dsp",     "dsp=",   "dsp=0", "dsp=101",
                                      "uram=20", "dsp=9x", "=3",    "dsp=1;"};
    pta_ctx *ctx = pta_ctx_create();
    pta_cluster *c;
    CU_ASSERT_FATAL(parse(ctx, lab, &c) == PTA_OK);
    CU_ASSERT(pta_cluster_set_shares(ctx, c, "lut=60,dsp=95") == PTA_OK);
    CU_ASSERT(c->kinds[0].shares.lut == 60 && c->kinds[1].shares.dsp == 95);
    CU_ASSERT(c->kinds[0].shares.ff == 50);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT(pta_cluster_set_shares(ctx, c, bad[i]) == PTA_ERR_USAGE);
    }
    pta_cluster_destroy(ctx, &c);
    pta_ctx_destroy(&ctx);
}

static void test_faults(void)
{
    for (uint32_t every = 1; every < 60; every++) {
        pta_ctx *ctx = pta_ctx_create();
        pta_cluster *c;
        pta_ctx_set_faults(ctx, every, 0);
        if (parse(ctx, lab, &c) == PTA_OK) {
            pta_cluster_destroy(ctx, &c);
        }
        CU_ASSERT(c == NULL);
        CU_ASSERT(pta_ctx_memory(ctx).live_blocks == 0);
        pta_ctx_destroy(&ctx);
    }
}

static const unit_test tests[] = {
    {"defaults", test_defaults},  {"a file, round trip", test_file},
    {"refusals", test_refused},   {"--budget", test_budget},
    {"every fault", test_faults},
};

UNIT_MAIN("cluster", tests)
