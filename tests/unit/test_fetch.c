/*
 * Fetching sets: from a local HTTP server that misbehaves, and from folders.
 * The MNIST training files are not in the repository; where they are absent
 * the last step of a whole fetch is a 404, and that is what is expected.
 */
#include "unit.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "datasets/fetch.h"
#include "datasets/files.h"
#include "datasets/gz.h"
#include "http_server.h"
#include "scratch.h"

#define LABELS "t10k-labels-idx1-ubyte"
#define IMAGES "t10k-images-idx3-ubyte"

static pta_ctx *ctx;
static http_server server;
static char said[8192];

static void say(void *user, const char *line)
{
    (void)user;
    size_t used = strlen(said);
    (void)snprintf(said + used, sizeof said - used, "%s\n", line);
}

static void says(const char *text)
{
    if (strstr(pta_ctx_error(ctx), text) == NULL) {
        printf("\n'%s' does not say '%s'\n", pta_ctx_error(ctx), text);
        CU_FAIL("wrong message");
    }
}

/* A new, empty folder to fetch into, and files in <folder>/<set>. */
static const char *new_out(char path[SCRATCH_PATH])
{
    static int n = 0;
    char name[32];
    (void)snprintf(name, sizeof name, "out-%d", n++);
    return scratch_path(path, name);
}

static int count(const char *out, const char *set)
{
    char path[2 * SCRATCH_PATH];
    (void)snprintf(path, sizeof path, "%s/%s", out, set);
    DIR *folder = opendir(path);
    int n = 0;
    for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;) {
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return n;
}

/* Which of MNIST's files `out` holds, each checked; 0 to 4. */
static int whole_files(const char *out)
{
    int32_t n = 0;
    int good = 0;
    const pta_file *file = pta_files_of("mnist", &n);
    for (int32_t i = 0; i < n; i++) {
        char path[2 * SCRATCH_PATH];
        uint8_t *data = NULL;
        size_t bytes = 0;
        (void)snprintf(path, sizeof path, "%s/mnist/%s.gz", out, file[i].name);
        if (pta_gz_read(ctx, path, PTA_FILES_MAX_BYTES, &data, &bytes) ==
            PTA_OK) {
            CU_ASSERT_PTR_EQUAL(pta_files_identify("mnist", data, bytes),
                                &file[i]);
            good++;
        }
        pta_free(ctx, data);
    }
    return good;
}

static pta_status from_server(const char *kind, const char *out)
{
    char url[128];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/%s", server.port,
                   kind);
    said[0] = '\0';
    pta_fetch_options options = {.url = url, .out = out, .say = say};
    return pta_fetch(ctx, "mnist", &options);
}

/* ---- over HTTP ---- */

static void test_http_good(void)
{
    char out[SCRATCH_PATH];
    pta_status status = from_server("good", new_out(out));
    bool absent = status != PTA_OK;
    if (absent) { /* the repository's: the training files are not here */
        CU_ASSERT_EQUAL(status, PTA_ERR_IO);
        says("404");
        says("train-images");
        printf("(test files only) ");
    }
    int whole = whole_files(out);
    CU_ASSERT_EQUAL(count(out, "mnist"), whole); /* and nothing else */
    CU_ASSERT_EQUAL(whole, absent ? 2 : 4);
    if (absent) {
        return;
    }
    /* A second time nothing is fetched. */
    UNIT_OK(ctx, from_server("none", out));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, IMAGES ": already there"));
}

/* Two files come, the third is a 404. */
static void half_fetched(const char *kind)
{
    char out[SCRATCH_PATH];
    CU_ASSERT_EQUAL(from_server(kind, new_out(out)), PTA_ERR_IO);
    says("404");
    says("train-images");
    CU_ASSERT_EQUAL(whole_files(out), 2);
    CU_ASSERT_EQUAL(count(out, "mnist"), 2);
}

static void test_http_redirect(void)
{
    half_fetched("redirect");
}

static void refused(const char *kind, pta_status status, const char *text)
{
    char out[SCRATCH_PATH];
    CU_ASSERT_EQUAL(from_server(kind, new_out(out)), status);
    says(text);
    CU_ASSERT_EQUAL(count(out, "mnist"), 0);
}

static void test_http_refused(void)
{
    refused("none", PTA_ERR_IO, "404");
    refused("cut", PTA_ERR_IO, "http://127.0.0.1");
    refused("short", PTA_ERR_FORMAT, "truncated");
    refused("wrong", PTA_ERR_NOT_FOUND, "is " LABELS);
    refused("page", PTA_ERR_FORMAT, "not the published file");
    refused("hangup", PTA_ERR_IO, "http://127.0.0.1");
    char out[SCRATCH_PATH];
    pta_fetch_options options = {.url = "http://127.0.0.1:1",
                                 .out = new_out(out)};
    CU_ASSERT_EQUAL(pta_fetch(ctx, "mnist", &options), PTA_ERR_IO);
    options.url = "file:///etc";
    CU_ASSERT_EQUAL(pta_fetch(ctx, "mnist", &options), PTA_ERR_USAGE);
    says("http://");
}

/* A file damaged since is replaced, not kept. */
static void test_http_repairs(void)
{
    char out[SCRATCH_PATH], folder[2 * SCRATCH_PATH], path[3 * SCRATCH_PATH];
    (void)mkdir(new_out(out), 0777);
    (void)snprintf(folder, sizeof folder, "%s/mnist", out);
    (void)mkdir(folder, 0777);
    (void)snprintf(path, sizeof path, "%s/" LABELS ".gz", folder);
    UNIT_OK(ctx, pta_gz_write(ctx, path, (const uint8_t *)"old", 3));
    CU_ASSERT_EQUAL(from_server("tests", out), PTA_ERR_IO);
    CU_ASSERT_EQUAL(whole_files(out), 2);
}

/* Without curl, wget; without both, a word about it. */
static void test_programs(void)
{
    char bin[SCRATCH_PATH], wget[SCRATCH_PATH];
    char *path = pta_strdup(ctx, getenv("PATH"));
    (void)mkdir(scratch_path(bin, "bin"), 0777);
    (void)setenv("PATH", bin, 1);
    refused("good", PTA_ERR_IO, "needs the program curl or wget");
    if (access("/usr/bin/wget", X_OK) == 0 &&
        symlink("/usr/bin/wget", scratch_path(wget, "bin/wget")) == 0) {
        half_fetched("tests");
        refused("none", PTA_ERR_IO, "404");
        refused("short", PTA_ERR_FORMAT, "truncated");
    } else {
        printf("wget skipped: there is none ");
    }
    (void)setenv("PATH", path, 1);
    pta_free(ctx, path);
}

/* ---- from a folder ---- */

static pta_status from_folder(const char *set, const char *from,
                              const char *out)
{
    said[0] = '\0';
    pta_fetch_options options = {.from = from, .out = out, .say = say};
    return pta_fetch(ctx, set, &options);
}

/* Plain and gzipped, in the folder and in <folder>/mnist. */
static void test_from_folder(void)
{
    char out[SCRATCH_PATH], from[SCRATCH_PATH], path[SCRATCH_PATH];
    CU_ASSERT_EQUAL(
        from_folder("mnist", PTA_SOURCE_DIR "/datasets", new_out(out)),
        PTA_ERR_NOT_FOUND);
    says("train-images-idx3-ubyte[.gz]");
    CU_ASSERT_EQUAL(whole_files(out), 2);
    CU_ASSERT_EQUAL(count(out, "mnist"), 2);

    uint8_t *data = NULL;
    size_t n = 0;
    UNIT_OK(ctx,
            pta_gz_read(ctx, PTA_SOURCE_DIR "/datasets/mnist/" IMAGES ".gz",
                        PTA_FILES_MAX_BYTES, &data, &n));
    (void)mkdir(scratch_path(from, "from"), 0777);
    scratch_write(path, "from/" IMAGES, data, n);
    CU_ASSERT_EQUAL(from_folder("mnist", from, new_out(out)),
                    PTA_ERR_NOT_FOUND);
    says(LABELS);
    CU_ASSERT_EQUAL(whole_files(out), 1);

    data[n - 1] ^= 1; /* one pixel */
    scratch_write(path, "from/" IMAGES, data, n);
    CU_ASSERT_EQUAL(from_folder("mnist", from, new_out(out)), PTA_ERR_FORMAT);
    says(path);
    says("not the published file");
    CU_ASSERT_EQUAL(count(out, "mnist"), 0);
    pta_free(ctx, data);
    CU_ASSERT_EQUAL(from_folder("mnist", "/no/such/folder", out),
                    PTA_ERR_NOT_FOUND);
}

/* Names swapped, larger file absent: the set is complete all the same. */
static void test_from_folder_swapped(void)
{
    const pta_file *file =
        pta_files_named("unsw-nb15", "UNSW_NB15_testing-set.csv");
    char *found = NULL, from[SCRATCH_PATH], path[SCRATCH_PATH];
    char out[SCRATCH_PATH];
    uint8_t *data = NULL;
    size_t n = 0;
    if (pta_files_read(ctx, file, &found, &data, &n) != PTA_OK) {
        printf("skipped: %s ", pta_ctx_error(ctx));
        return;
    }
    (void)mkdir(scratch_path(from, "swapped"), 0777);
    scratch_write(path, "swapped/UNSW_NB15_training-set.csv", data, n);
    UNIT_OK(ctx, from_folder("unsw-nb15", from, new_out(out)));
    CU_ASSERT_EQUAL(count(out, "unsw-nb15"), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "works without it"));
    pta_free(ctx, data);
    pta_free(ctx, found);
}

/* The disk fills up while the file is installed: nothing stays. */
static void test_full_disk(void)
{
    char out[SCRATCH_PATH];
    struct rlimit before, tight;
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    tight = before;
    tight.rlim_cur = 100000;
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &tight), 0);
    pta_status status =
        from_folder("mnist", PTA_SOURCE_DIR "/datasets", new_out(out));
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &before), 0);
    CU_ASSERT_EQUAL(status, PTA_ERR_IO);
    says("cannot write");
    says(IMAGES);
    CU_ASSERT_EQUAL(count(out, "mnist"), 0);
}

static void test_bad_folder(void)
{
    char path[SCRATCH_PATH];
    scratch_write(path, "a-file", "x", 1);
    CU_ASSERT_EQUAL(from_folder("mnist", PTA_SOURCE_DIR "/datasets", path),
                    PTA_ERR_IO);
    says(path);
}

/* ---- by hand ---- */

static void test_by_hand(void)
{
    pta_fetch_options options = {.out = scratch_folder()};
    static const char *const sets[] = {"nsl-kdd", "unsw-nb15"};
    for (int i = 0; i < 2; i++) {
        char *text = NULL;
        CU_ASSERT_EQUAL(pta_fetch(ctx, sets[i], &options), PTA_ERR_UNSUPPORTED);
        says("https://");
        UNIT_OK(ctx, pta_fetch_by_hand(ctx, sets[i], scratch_folder(), &text));
        int32_t n = 0;
        const pta_file *file = pta_files_of(sets[i], &n);
        for (int32_t k = 0; k < n; k++) {
            CU_ASSERT_PTR_NOT_NULL(strstr(text, file[k].name));
            CU_ASSERT_PTR_NOT_NULL(strstr(text, file[k].sha256));
        }
        CU_ASSERT_PTR_NOT_NULL(strstr(text, "https://"));
        CU_ASSERT_PTR_NOT_NULL(strstr(text, scratch_folder()));
        pta_free(ctx, text);
    }
    CU_ASSERT_EQUAL(pta_fetch(ctx, "cifar", &options), PTA_ERR_USAGE);
    says("'cifar'");
}

static void test_balance(void)
{
    CU_ASSERT_EQUAL(pta_ctx_memory(ctx).live_blocks, 0);
}

int main(void)
{
    static const unit_test tests[] = {
        {"http: good", test_http_good},
        {"http: redirect", test_http_redirect},
        {"http: refused", test_http_refused},
        {"http: a damaged file is replaced", test_http_repairs},
        {"http: curl or wget", test_programs},
        {"from a folder", test_from_folder},
        {"from a folder, names swapped", test_from_folder_swapped},
        {"full disk", test_full_disk},
        {"out is a file", test_bad_folder},
        {"by hand", test_by_hand},
        {"memory balance", test_balance},
    };
    (void)unsetenv("PARTITA_FETCH_URL");
    (void)setenv("no_proxy", "127.0.0.1", 1);
    ctx = pta_ctx_create();
    server = http_start();
    int code = unit_main("fetch", tests, sizeof tests / sizeof *tests);
    http_stop(&server);
    scratch_remove();
    pta_ctx_destroy(&ctx);
    return code;
}
