/*
 * Table of published files, and the search for them. Hashes are of the
 * uncompressed bytes, so every way of compressing them will do.
 */
#include "datasets/files.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "datasets/gz.h"

enum { FILES_PATH = 4096, FILES_LIST = 900 };

static const pta_file files[] = {
    {"mnist", "t10k-images-idx3-ubyte", 7840016,
     "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", NULL,
     false},
    {"mnist", "t10k-labels-idx1-ubyte", 10008,
     "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", NULL,
     false},
    {"mnist", "train-images-idx3-ubyte", 47040016,
     "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", NULL,
     false},
    {"mnist", "train-labels-idx1-ubyte", 60008,
     "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", NULL,
     false},
    {"nsl-kdd", "KDDTrain+.txt", 19109424,
     "1b86d2f957b33082081bba410fe129b475efebcc13c9014c3f447c8271aadf95", NULL,
     false},
    {"nsl-kdd", "KDDTest+.txt", 3441513,
     "fa46b0935342616aa83b7c2578db355b6a7aaabbc492248172c7a1e8b7ab8f84", NULL,
     false},
    {"unsw-nb15", "UNSW_NB15_testing-set.csv", 15380800,
     "734fe6642edf758f7c94d7d9149426b49d202fe8e7bf0bef47392489c3c0a559",
     "7ec02e7e44d72bd265716b33fda0c7f2188b658e3a4ae1aa2c4b306134cd818c", false},
    {"unsw-nb15", "UNSW_NB15_training-set.csv", 32293018,
     "bec7dd5ec88dc2a0ccc7a07879d338395ed7421750f675fd0339e07dfe0648fa", NULL,
     true},
};
enum { N_FILES = sizeof files / sizeof *files };

const pta_file *pta_files_of(const char *set, int32_t *n_files)
{
    const pta_file *first = NULL;
    *n_files = 0;
    for (int32_t i = 0; i < N_FILES; i++) {
        if (strcmp(files[i].set, set) == 0) {
            first = first == NULL ? &files[i] : first;
            (*n_files)++;
        }
    }
    return first;
}

const pta_file *pta_files_named(const char *set, const char *name)
{
    for (int32_t i = 0; i < N_FILES; i++) {
        if (strcmp(files[i].set, set) == 0 &&
            strcmp(files[i].name, name) == 0) {
            return &files[i];
        }
    }
    PTA_ASSERT(false); /* callers name files of the table */
    return NULL;
}

/* ---- search ---- */

typedef struct files_search {
    const pta_file *file;
    char path[FILES_PATH];   /* of the file, once found */
    char looked[FILES_LIST]; /* folders tried, for the message */
} files_search;

static bool files_is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* True when the file is in root/<folder>; `root` NULL is passed over. */
static bool files_try(files_search *search, const char *root,
                      const char *folder)
{
    if (root == NULL || *root == '\0') {
        return false;
    }
    const char *slash = *folder == '\0' ? "" : "/";
    const char *ends[] = {".gz", ""};
    for (int i = 0; i < 2; i++) {
        int n = snprintf(search->path, FILES_PATH, "%s%s%s/%s%s", root, slash,
                         folder, search->file->name, ends[i]);
        if (n > 0 && n < FILES_PATH && files_is_file(search->path)) {
            return true;
        }
    }
    size_t used = strlen(search->looked);
    (void)snprintf(search->looked + used, FILES_LIST - used, "%s%s%s%s",
                   used == 0 ? "" : ", ", root, slash, folder);
    return false;
}

static bool files_search_roots(files_search *search, const char *fetched)
{
    const char *set = search->file->set;
    const char *given = getenv("PARTITA_DATA");
    return files_try(search, given, set) || files_try(search, given, "") ||
           files_try(search, fetched, set) ||
           files_try(search, "../shared/datasets", set) ||
           files_try(search, "datasets", set)
#ifdef PTA_SOURCE_DIR
           || files_try(search, PTA_SOURCE_DIR "/../shared/datasets", set) ||
           files_try(search, PTA_SOURCE_DIR "/datasets", set)
#endif
#ifdef PTA_DATADIR
           || files_try(search, PTA_DATADIR, set)
#endif
        ;
}

pta_status pta_files_find(pta_ctx *ctx, const pta_file *file, char **path)
{
    char *fetched = NULL;
    pta_status status = pta_files_fetch_folder(ctx, &fetched);
    if (status != PTA_OK && status != PTA_ERR_NOT_FOUND) { /* no home is fine */
        return status;
    }
    files_search *search = pta_calloc(ctx, 1, sizeof *search);
    if (search == NULL) {
        pta_free(ctx, fetched);
        return PTA_ERR_NOMEM;
    }
    search->file = file;
    status = PTA_OK;
    if (files_search_roots(search, fetched)) {
        char *found = pta_strdup(ctx, search->path);
        status = found == NULL ? PTA_ERR_NOMEM : PTA_OK;
        *path = found == NULL ? *path : found;
    } else {
        status = pta_fail(ctx, PTA_ERR_NOT_FOUND,
                          "%s: no file %s[.gz]; try 'partita fetch %s' or set "
                          "PARTITA_DATA; looked in %s",
                          file->set, file->name, file->set, search->looked);
    }
    pta_free(ctx, fetched);
    pta_free(ctx, search);
    return status;
}

pta_status pta_files_fetch_folder(pta_ctx *ctx, char **path)
{
    const char *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    char text[FILES_PATH];
    int n = -1;
    if (data != NULL && *data == '/') { /* relative ones are void, says XDG */
        n = snprintf(text, sizeof text, "%s/partita", data);
    } else if (home != NULL && *home != '\0') {
        n = snprintf(text, sizeof text, "%s/.local/share/partita", home);
    }
    if (n < 0 || (size_t)n >= sizeof text) {
        return pta_fail(ctx, PTA_ERR_NOT_FOUND,
                        "no folder for data sets: neither XDG_DATA_HOME nor "
                        "HOME is set");
    }
    char *copy = pta_strdup(ctx, text);
    if (copy == NULL) {
        return PTA_ERR_NOMEM;
    }
    *path = copy;
    return PTA_OK;
}

/* ---- contents ---- */

pta_status pta_files_read(pta_ctx *ctx, const pta_file *file, char **path,
                          uint8_t **data, size_t *n_bytes)
{
    char *found = NULL;
    PTA_TRY(pta_files_find(ctx, file, &found));
    pta_status status =
        pta_gz_read(ctx, found, PTA_FILES_MAX_BYTES, data, n_bytes);
    if (status != PTA_OK) {
        pta_free(ctx, found);
        return status;
    }
    *path = found;
    return PTA_OK;
}

static bool files_is(const pta_file *file, const char *hex)
{
    return strcmp(hex, file->sha256) == 0 ||
           (file->sha256_lf != NULL && strcmp(hex, file->sha256_lf) == 0);
}

static void files_hash(const uint8_t *data, size_t n_bytes,
                       char hex[PTA_SHA256_HEX])
{
    pta_sha256 hash;
    uint8_t digest[PTA_SHA256_BYTES];
    pta_sha256_init(&hash);
    pta_sha256_update(&hash, data, n_bytes);
    pta_sha256_final(&hash, digest);
    pta_sha256_hex(digest, hex);
}

const pta_file *pta_files_identify(const char *set, const uint8_t *data,
                                   size_t n_bytes)
{
    char hex[PTA_SHA256_HEX];
    files_hash(data, n_bytes, hex);
    for (int32_t i = 0; i < N_FILES; i++) {
        if (strcmp(files[i].set, set) == 0 && files_is(&files[i], hex)) {
            return &files[i];
        }
    }
    return NULL;
}

pta_status pta_files_foreign(pta_ctx *ctx, const pta_file *file,
                             const char *path)
{
    return pta_fail(ctx, PTA_ERR_FORMAT,
                    "%s: not the published file: %s has %zu bytes, "
                    "uncompressed, and SHA-256 %s",
                    path, file->name, file->n_bytes, file->sha256);
}
