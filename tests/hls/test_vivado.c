/*
 * The Vivado output: generated for a small core, then run by tclsh against strict
 * stubs (vivado_stubs.tcl), with mutations (vivado_test.tcl).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hls/driver/files.h"
#include "hls/gen/script.h"
#include "hls/gen/vivado.h"
#include "unit/scratch.h"
#include "unit/unit.h"

static char names[][16] = {"board0.sv", "pta_skid.sv", "fc1_weights.hex",
                           "board0.ys"};
static pta_manifest_file files[] = {
    {names[0], ""}, {names[1], ""}, {names[2], ""}, {names[3], ""}};

static pta_manifest small_manifest(void)
{
    static char generator[] = "partita test", top[] = "board0";
    return (pta_manifest){.generator = generator,
                          .top = top,
                          .slice_digest = "00ff",
                          .clock_hz = 100000000,
                          .n_files = 4,
                          .files = files};
}

static pta_status write_core(pta_ctx *ctx, const char *folder)
{
    char path[PTA_PATH_BYTES];
    pta_manifest manifest = small_manifest();
    for (int32_t i = 0; i < manifest.n_files; i++) {
        PTA_TRY(pta_path(ctx, path, "%s/%s", folder, files[i].name));
        PTA_TRY(pta_bytes_write(ctx, path, true, "//\n", 3));
    }
    return pta_vivado_write(ctx, &manifest, folder);
}

static void test_stubs(void)
{
    char command[4 * SCRATCH_PATH];
    const char *folder = scratch_folder();
    pta_ctx *ctx = pta_ctx_create();
    UNIT_OK(ctx, write_core(ctx, folder));
    snprintf(command, sizeof command,
             "tclsh " PTA_SOURCE_DIR
             "/tests/hls/vivado_test.tcl %s " PTA_SOURCE_DIR
             "/hls/driver/regs.h board0",
             folder);
    CU_ASSERT_EQUAL(system(command), 0);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

/* The same manifest gives the same bytes. */
static void test_deterministic(void)
{
    char path[PTA_PATH_BYTES];
    const char *folder = scratch_folder();
    char *text[2] = {NULL, NULL};
    size_t n[2] = {0, 0};
    pta_ctx *ctx = pta_ctx_create();
    for (int i = 0; i < 2; i++) {
        UNIT_OK(ctx, write_core(ctx, folder));
        UNIT_OK(ctx, pta_path(ctx, path, "%s/vivado.tcl", folder));
        UNIT_OK(ctx, pta_bytes_read(ctx, path, &text[i], &n[i]));
        CU_ASSERT_PTR_NULL(strstr(text[i], folder));
    }
    CU_ASSERT_TRUE(n[0] == n[1] && memcmp(text[0], text[1], n[0]) == 0);
    pta_free(ctx, text[0]);
    pta_free(ctx, text[1]);
    pta_ctx_destroy(&ctx);
}

static void test_errors(void)
{
    static char other[] = "other";
    pta_ctx *ctx = pta_ctx_create();
    pta_manifest manifest = small_manifest();
    CU_ASSERT_EQUAL(pta_vivado_write(ctx, &manifest, "/nowhere"),
                    PTA_ERR_NOT_FOUND);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "/nowhere/vivado.tcl"));
    manifest.top = other;
    CU_ASSERT_EQUAL(pta_vivado_write(ctx, &manifest, "."), PTA_ERR_MISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(pta_ctx_error(ctx), "other.sv"));
    pta_script s;
    pta_script_begin(&s, ctx);
    pta_script_add(&s, "%d", 1);
    pta_script_add_file(&s, "vivado/nothing.tcl", NULL);
    CU_ASSERT_EQUAL(pta_script_save(&s, ".", "x"), PTA_ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
    pta_ctx_destroy(&ctx);
}

static void test_identifier(void)
{
    char out[8];
    pta_identifier("fc1/relu-6", out, sizeof out);
    CU_ASSERT_STRING_EQUAL(out, "fc1_rel");
    pta_identifier("1x", out, sizeof out);
    CU_ASSERT_STRING_EQUAL(out, "_1x");
}

static const unit_test tests[] = {{"stubs", test_stubs},
                                  {"deterministic", test_deterministic},
                                  {"errors", test_errors},
                                  {"identifier", test_identifier}};

int main(void)
{
    if (system("command -v tclsh >/dev/null") != 0) {
        puts("skipped: no tclsh (./setup --tests installs it)");
        return 77;
    }
    int code = unit_main("vivado", tests, sizeof tests / sizeof *tests);
    scratch_remove();
    return code;
}
