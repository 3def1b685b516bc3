/* Folders of a build, under names of their own until all is well: build.h. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/build.h"
#include "hls/driver/files.h"

static pta_status failed(pta_ctx *ctx, const char *path)
{
    return pta_fail(ctx, PTA_ERR_IO, "%s: %s", path, strerror(errno));
}

static pta_status remove_entries(pta_ctx *ctx, DIR *folder, const char *path)
{
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        char inner[PTA_PATH_BYTES];
        struct stat what;
        if (strcmp(entry->d_name, ".") == 0 ||
            strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        PTA_TRY(pta_path(ctx, inner, "%s/%s", path, entry->d_name));
        if (lstat(inner, &what) == 0 && S_ISDIR(what.st_mode)) {
            PTA_TRY(pta_folder_remove(ctx, inner));
        } else if (unlink(inner) != 0) {
            return failed(ctx, inner);
        }
    }
    return PTA_OK;
}

pta_status pta_folder_remove(pta_ctx *ctx, const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return failed(ctx, path);
    }
    pta_status status = remove_entries(ctx, folder, path);
    closedir(folder);
    PTA_TRY(status);
    return rmdir(path) == 0 ? PTA_OK : failed(ctx, path);
}

/* ---- the boards of a build ---- */

static pta_status final_folder(pta_ctx *ctx, const pta_build_folders *f,
                               int32_t board, char path[PTA_PATH_BYTES])
{
    return pta_path(ctx, path, "%s/board%d", f->dir, (int)board);
}

pta_status pta_build_folder(pta_ctx *ctx, const pta_build_folders *f,
                            int32_t board, char path[PTA_PATH_BYTES])
{
    return pta_path(ctx, path, "%s/board%d.tmp-%ld", f->dir, (int)board,
                    (long)getpid());
}

/* Whether something is there; it must be an earlier build's: a core, or a
 * slice for another tool. */
static pta_status look(pta_ctx *ctx, const char *path, bool *there)
{
    static const char *const marks[] = {PTA_MANIFEST_FILE, "slice.h5",
                                        "slice.cpp", "hls4ml.json"};
    char mark[PTA_PATH_BYTES];
    bool is_build = false;
    *there = access(path, F_OK) == 0;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        PTA_TRY(pta_path(ctx, mark, "%s/%s", path, marks[i]));
        is_build = is_build || access(mark, F_OK) == 0;
    }
    if (*there && !is_build) {
        return pta_fail(ctx, PTA_ERR_IO,
                        "%s: exists and holds no " PTA_MANIFEST_FILE
                        "; it is not replaced",
                        path);
    }
    return PTA_OK;
}

pta_status pta_build_begin(pta_ctx *ctx, const char *dir, int32_t n_boards,
                           pta_build_folders *f)
{
    *f = (pta_build_folders){dir, n_boards, access(dir, F_OK) != 0};
    for (int32_t b = 0; b < n_boards; b++) {
        char path[PTA_PATH_BYTES];
        bool there;
        PTA_TRY(final_folder(ctx, f, b, path));
        PTA_TRY(look(ctx, path, &there));
    }
    return pta_folder_make(ctx, dir);
}

/* Boards beyond this build's, of an earlier one with more. */
static pta_status remove_rest(pta_ctx *ctx, const pta_build_folders *f)
{
    for (int32_t b = f->n_boards;; b++) {
        char path[PTA_PATH_BYTES];
        bool there;
        PTA_TRY(final_folder(ctx, f, b, path));
        PTA_TRY(look(ctx, path, &there));
        if (!there) {
            return PTA_OK;
        }
        PTA_TRY(pta_folder_remove(ctx, path));
    }
}

pta_status pta_build_commit(pta_ctx *ctx, const pta_build_folders *f)
{
    for (int32_t b = 0; b < f->n_boards; b++) {
        char from[PTA_PATH_BYTES], to[PTA_PATH_BYTES];
        bool there;
        PTA_TRY(pta_build_folder(ctx, f, b, from));
        PTA_TRY(final_folder(ctx, f, b, to));
        PTA_TRY(look(ctx, to, &there));
        if (there) {
            PTA_TRY(pta_folder_remove(ctx, to));
        }
        if (rename(from, to) != 0) {
            return failed(ctx, to);
        }
    }
    return remove_rest(ctx, f);
}

void pta_build_abandon(pta_ctx *ctx, const pta_build_folders *f)
{
    char path[PTA_PATH_BYTES];
    for (int32_t b = 0; b < f->n_boards; b++) {
        if (pta_build_folder(ctx, f, b, path) == PTA_OK &&
            access(path, F_OK) == 0 && pta_folder_remove(ctx, path) != PTA_OK) {
            pta_log(ctx, PTA_LOG_WARN, "%s: cannot be removed", path);
        }
    }
    if (f->made) {
        (void)rmdir(f->dir);
    }
}
