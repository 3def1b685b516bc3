/*
 * Fetches sets: from known addresses, from an address given, or from a folder.
 * Every way ends in the same three steps: uncompress, compare the hash,
 * install.
 */
#include "datasets/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datasets/download.h"
#include "datasets/files.h"
#include "datasets/gz.h"

enum { FETCH_PATH = 4096, FETCH_TEXT = 4096, FETCH_MIRRORS = 2 };

/* Where a set is to be had: page for a person, addresses for a program. */
typedef struct fetch_source {
    const char *set;
    const char *page;
    const char *hint; /* what to take on the page */
    const char *mirrors[FETCH_MIRRORS];
} fetch_source;

static const fetch_source sources[] = {
    {"mnist",
     "http://yann.lecun.com/exdb/mnist/",
     "the four .gz files",
     {"https://ossci-datasets.s3.amazonaws.com/mnist",
      "https://storage.googleapis.com/cvdf-datasets/mnist"}},
    {"nsl-kdd",
     "https://www.unb.ca/cic/datasets/nsl.html",
     "the page asks for a name and gives NSL-KDD.zip",
     {NULL, NULL}},
    {"unsw-nb15",
     "https://research.unsw.edu.au/projects/unsw-nb15-dataset",
     "folder \"CSV Files\", then \"Training and Testing Sets\"",
     {NULL, NULL}},
};

typedef struct fetch_job {
    pta_ctx *ctx;
    const pta_fetch_options *options;
    const fetch_source *source;
    const pta_file *file;    /* the current one */
    char folder[FETCH_PATH]; /* <out>/<set> */
    char target[FETCH_PATH]; /* <out>/<set>/NAME.gz */
} fetch_job;

static pta_status fetch_find_source(pta_ctx *ctx, const char *set,
                                    const fetch_source **source)
{
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        if (strcmp(sources[i].set, set) == 0) {
            *source = &sources[i];
            return PTA_OK;
        }
    }
    return pta_fail(ctx, PTA_ERR_USAGE,
                    "unknown data set '%s'; sets to fetch: mnist, nsl-kdd, "
                    "unsw-nb15",
                    set);
}

static pta_status fetch_join(pta_ctx *ctx, char out[FETCH_PATH],
                             const char *folder, const char *name,
                             const char *end)
{
    int n = snprintf(out, FETCH_PATH, "%s/%s%s", folder, name, end);
    if (n < 0 || n >= FETCH_PATH) {
        return pta_fail(ctx, PTA_ERR_RANGE, "%s: path too long", folder);
    }
    return PTA_OK;
}

static void fetch_say(const fetch_job *job, const char *what, const char *from)
{
    if (job->options->say != NULL) {
        char line[FETCH_TEXT];
        (void)snprintf(line, sizeof line, "%s: %s%s%s", job->file->name, what,
                       *from == '\0' ? "" : " ", from);
        job->options->say(job->options->user, line);
    }
}

/* Creates a folder and those above it. */
static pta_status fetch_make_folder(pta_ctx *ctx, const char *path)
{
    char text[FETCH_PATH];
    (void)snprintf(text, sizeof text, "%s", path);
    for (char *at = text + 1; *at != '\0'; at++) {
        if (*at == '/') {
            *at = '\0';
            (void)mkdir(text, 0777);
            *at = '/';
        }
    }
    struct stat info;
    if (mkdir(text, 0777) != 0 && errno != EEXIST) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: %s", path, strerror(errno));
    }
    if (stat(text, &info) != 0 || !S_ISDIR(info.st_mode)) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: not a folder", path);
    }
    return PTA_OK;
}

/* Uncompressed bytes of the file at `path`, if they are the published ones. */
static pta_status fetch_verified(const fetch_job *job, const char *path,
                                 uint8_t **data, size_t *n_bytes)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    PTA_TRY(pta_gz_read(job->ctx, path, PTA_FILES_MAX_BYTES, &bytes, &n));
    const pta_file *is = pta_files_identify(job->file->set, bytes, n);
    if (is != job->file) {
        pta_free(job->ctx, bytes);
        return is == NULL
                   ? pta_files_foreign(job->ctx, job->file, path)
                   : pta_fail(job->ctx, PTA_ERR_NOT_FOUND, "%s: is %s, not %s",
                              path, is->name, job->file->name);
    }
    *data = bytes;
    *n_bytes = n;
    return PTA_OK;
}

static pta_status fetch_install(const fetch_job *job, const char *path)
{
    uint8_t *data = NULL;
    size_t n_bytes = 0;
    PTA_TRY(fetch_verified(job, path, &data, &n_bytes));
    pta_status status = pta_gz_write(job->ctx, job->target, data, n_bytes);
    pta_free(job->ctx, data);
    return status;
}

/* ---- ways to get one file ---- */

/* The file of this name, plain or gzipped, in <from> or <from>/<set>. */
static pta_status fetch_look(const fetch_job *job, const char *name,
                             char path[FETCH_PATH])
{
    char inner[FETCH_PATH];
    PTA_TRY(
        fetch_join(job->ctx, inner, job->options->from, job->file->set, ""));
    const char *folders[] = {job->options->from, inner};
    for (int i = 0; i < 4; i++) {
        PTA_TRY(fetch_join(job->ctx, path, folders[i / 2], name,
                           i % 2 == 0 ? ".gz" : ""));
        if (access(path, F_OK) == 0) {
            return PTA_OK;
        }
    }
    return pta_fail(job->ctx, PTA_ERR_NOT_FOUND, "%s: no file %s[.gz]",
                    job->options->from, name);
}

static pta_status fetch_take(const fetch_job *job, const char *name)
{
    char path[FETCH_PATH];
    PTA_TRY(fetch_look(job, name, path));
    PTA_TRY(fetch_install(job, path));
    fetch_say(job, "from", path);
    return PTA_OK;
}

/* Copies of UNSW-NB15 go round with the two names swapped, so the other names
 * of the set are tried when its own does not hold the file. */
static pta_status fetch_from_folder(const fetch_job *job)
{
    pta_status status = fetch_take(job, job->file->name);
    if (status == PTA_OK) {
        return status;
    }
    char *why = pta_strdup(job->ctx, pta_ctx_error(job->ctx));
    if (why == NULL) {
        return PTA_ERR_NOMEM;
    }
    int32_t n = 0;
    const pta_file *files = pta_files_of(job->file->set, &n);
    pta_status other = status;
    for (int32_t i = 0; i < n && other != PTA_OK; i++) {
        if (&files[i] != job->file) {
            other = fetch_take(job, files[i].name);
        }
    }
    status = other == PTA_OK ? other : pta_fail(job->ctx, status, "%s", why);
    pta_free(job->ctx, why);
    return status;
}

/* Downloads beside the target, checks, installs; the download goes either way. */
static pta_status fetch_download(const fetch_job *job, const char *base)
{
    char url[FETCH_PATH], part[FETCH_PATH];
    PTA_TRY(fetch_join(job->ctx, url, base, job->file->name, ".gz"));
    PTA_TRY(fetch_join(job->ctx, part, job->folder, ".download", ".XXXXXX"));
    int fd = mkstemp(part);
    if (fd < 0) {
        return pta_fail(job->ctx, PTA_ERR_IO, "%s: %s", part, strerror(errno));
    }
    (void)close(fd);
    fetch_say(job, "from", url);
    pta_status status = pta_download(job->ctx, url, part);
    if (status == PTA_OK) {
        status = fetch_install(job, part);
        if (status != PTA_OK) {
            (void)pta_fail_in(job->ctx, status, "%s", url);
        }
    }
    (void)unlink(part);
    return status;
}

/* Another mirror may help against all but a full disk and no memory. */
static pta_status fetch_from_mirrors(const fetch_job *job)
{
    pta_status status = PTA_ERR_UNSUPPORTED;
    for (int i = 0; i < FETCH_MIRRORS && job->source->mirrors[i]; i++) {
        status = fetch_download(job, job->source->mirrors[i]);
        if (status == PTA_OK) {
            return status;
        }
        fetch_say(job, "failed:", pta_ctx_error(job->ctx));
    }
    return status;
}

static pta_status fetch_file(fetch_job *job)
{
    const pta_fetch_options *options = job->options;
    PTA_TRY(
        fetch_join(job->ctx, job->target, job->folder, job->file->name, ".gz"));
    uint8_t *data = NULL;
    size_t n_bytes = 0;
    if (fetch_verified(job, job->target, &data, &n_bytes) == PTA_OK) {
        pta_free(job->ctx, data);
        fetch_say(job, "already there", "");
        return PTA_OK;
    }
    pta_ctx_clear_error(job->ctx);
    const char *url =
        options->url != NULL ? options->url : getenv("PARTITA_FETCH_URL");
    pta_status status = options->from != NULL ? fetch_from_folder(job)
                        : url != NULL         ? fetch_download(job, url)
                                              : fetch_from_mirrors(job);
    if (status == PTA_OK) {
        fetch_say(job, "is now", job->target);
    } else if (job->file->optional &&
               (status == PTA_ERR_NOT_FOUND || status == PTA_ERR_IO)) {
        fetch_say(job, "not there, the set works without it:",
                  pta_ctx_error(job->ctx));
        status = PTA_OK;
    }
    return status;
}

/* ---- a set ---- */

static pta_status fetch_out_folder(pta_ctx *ctx, const char *out,
                                   const char *set, char folder[FETCH_PATH])
{
    if (out != NULL) {
        return fetch_join(ctx, folder, out, set, "");
    }
    char *home = NULL;
    PTA_TRY(pta_files_fetch_folder(ctx, &home));
    pta_status status = fetch_join(ctx, folder, home, set, "");
    pta_free(ctx, home);
    return status;
}

pta_status pta_fetch(pta_ctx *ctx, const char *set,
                     const pta_fetch_options *options)
{
    fetch_job job = {.ctx = ctx, .options = options};
    PTA_TRY(fetch_find_source(ctx, set, &job.source));
    if (options->from == NULL && options->url == NULL &&
        getenv("PARTITA_FETCH_URL") == NULL && job.source->mirrors[0] == NULL) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "%s has no direct address; see %s", set,
                        job.source->page);
    }
    PTA_TRY(fetch_out_folder(ctx, options->out, set, job.folder));
    PTA_TRY(fetch_make_folder(ctx, job.folder));
    int32_t n = 0;
    const pta_file *files = pta_files_of(set, &n);
    for (int32_t i = 0; i < n; i++) {
        job.file = &files[i];
        PTA_TRY(fetch_file(&job));
    }
    return PTA_OK;
}

pta_status pta_fetch_by_hand(pta_ctx *ctx, const char *set, const char *out,
                             char **text)
{
    const fetch_source *source = NULL;
    char folder[FETCH_PATH];
    PTA_TRY(fetch_find_source(ctx, set, &source));
    PTA_TRY(fetch_out_folder(ctx, out, set, folder));
    char *page = pta_calloc(ctx, 1, FETCH_TEXT);
    if (page == NULL) {
        return PTA_ERR_NOMEM;
    }
    int32_t n = 0;
    const pta_file *files = pta_files_of(set, &n);
    int used = snprintf(page, FETCH_TEXT, "%s is at %s\n  (%s)\n", set,
                        source->page, source->hint);
    for (int32_t i = 0; i < n; i++) {
        used +=
            snprintf(page + used, (size_t)(FETCH_TEXT - used),
                     "  %s%s\n    SHA-256 %s\n", files[i].name,
                     files[i].optional ? " (optional)" : "", files[i].sha256);
    }
    (void)snprintf(page + used, (size_t)(FETCH_TEXT - used),
                   "Then, plain or gzipped, the files' folder being DIR:\n"
                   "  partita fetch %s --from DIR\n"
                   "which checks them and puts them into %.2000s\n",
                   set, folder);
    *text = page;
    return PTA_OK;
}
