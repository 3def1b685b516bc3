/* Simulated cores as shared objects: see cache.h. */
#include "hls/sim/cache.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "build_priv.h"
#include "hls/driver/files.h"

pta_status pta_cache_folder(pta_ctx *ctx, const char *what,
                            char folder[PTA_PATH_BYTES])
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache != NULL && cache[0] == '/') {
        PTA_TRY(pta_path(ctx, folder, "%s/partita/%s", cache, what));
    } else if (home != NULL && home[0] == '/') {
        PTA_TRY(pta_path(ctx, folder, "%s/.cache/partita/%s", home, what));
    } else {
        return pta_fail(ctx, PTA_ERR_NOT_FOUND,
                        "neither XDG_CACHE_HOME nor HOME says where to keep "
                        "simulated cores and reports");
    }
    return pta_folder_make(ctx, folder);
}

static void hash_text(pta_sha256 *hash, const char *text, size_t bytes)
{
    uint64_t length = bytes;
    pta_sha256_update(hash, &length, sizeof length);
    pta_sha256_update(hash, text, bytes);
}

/* Every memory lies beside the library; a damaged one would give other weights
 * without a word. */
static pta_status check_memories(pta_ctx *ctx, const pta_sim_design *design,
                                 const char *folder)
{
    for (int32_t i = 0; i < design->n_files; i++) {
        const pta_sim_file *file = &design->files[i];
        char path[PTA_PATH_BYTES], *bytes;
        size_t n;
        if (pta_sim_is_rtl(file)) {
            continue;
        }
        PTA_TRY(pta_path(ctx, path, "%s/%s", folder, file->name));
        PTA_TRY(pta_bytes_read(ctx, path, &bytes, &n));
        bool same = n == file->bytes && memcmp(bytes, file->text, n) == 0;
        pta_free(ctx, bytes);
        if (!same) {
            return pta_fail(ctx, PTA_ERR_MISMATCH,
                            "%s: is not the memory it was built from; delete "
                            "its folder",
                            path);
        }
    }
    return PTA_OK;
}

static pta_status load(pta_ctx *ctx, const char *folder, pta_sim_model *model)
{
    PTA_TRY(pta_path(ctx, model->path, "%s/core.so", folder));
    /* Privately, so that no two cores' symbols meet; and kept, because a C++
     * runtime that is unloaded leaves its emergency memory behind. */
    model->handle = dlopen(model->path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (model->handle == NULL) {
        return pta_fail(ctx, PTA_ERR_DEVICE, "simulated core: %s", dlerror());
    }
    model->ops = dlsym(model->handle, "pta_shim");
    if (model->ops == NULL) {
        pta_sim_model_close(model);
        return pta_fail(ctx, PTA_ERR_MISMATCH, "%s: no simulated core",
                        model->path);
    }
    return PTA_OK;
}

/* With the lock held: whoever comes second finds the folder. */
static pta_status find_or_build(pta_ctx *ctx, const pta_sim_design *design,
                                const pta_sim_tools *tools, const char *cache,
                                const char *key, pta_sim_model *model)
{
    char folder[PTA_PATH_BYTES], library[PTA_PATH_BYTES];
    PTA_TRY(pta_path(ctx, folder, "%s/%s", cache, key));
    PTA_TRY(pta_path(ctx, library, "%s/core.so", folder));
    model->built = access(library, R_OK) != 0;
    if (model->built) {
        PTA_TRY(pta_sim_build(ctx, design, tools, cache, key));
    }
    PTA_TRY(check_memories(ctx, design, folder));
    return load(ctx, folder, model);
}

static void design_key(const pta_sim_design *design, const pta_sim_tools *tools,
                       char key[PTA_SHA256_HEX])
{
    uint8_t digest[PTA_SHA256_BYTES];
    pta_sha256 hash;
    pta_sha256_init(&hash);
    hash_text(&hash, tools->identity, strlen(tools->identity));
    hash_text(&hash, design->top, strlen(design->top));
    for (int32_t i = 0; i < design->n_files; i++) {
        const pta_sim_file *file = &design->files[i];
        hash_text(&hash, file->name, strlen(file->name));
        hash_text(&hash, file->text, file->bytes);
    }
    pta_sha256_final(&hash, digest);
    pta_sha256_hex(digest, key);
}

pta_status pta_sim_model_open(pta_ctx *ctx, const pta_sim_design *design,
                              pta_sim_model *model)
{
    char cache[PTA_PATH_BYTES], path[PTA_PATH_BYTES], key[PTA_SHA256_HEX];
    pta_sim_tools tools;
    *model = (pta_sim_model){.handle = NULL};
    PTA_TRY(pta_cache_folder(ctx, "sim", cache));
    PTA_TRY(pta_sim_tools_find(ctx, &tools));
    design_key(design, &tools, key);
    pta_status status = pta_path(ctx, path, "%s/%s.lock", cache, key);
    int lock =
        status == PTA_OK ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (lock < 0 || flock(lock, LOCK_EX) != 0) {
        status = pta_fail(ctx, PTA_ERR_IO, "%s: cannot be locked", path);
    } else {
        status = find_or_build(ctx, design, &tools, cache, key, model);
    }
    if (lock >= 0) {
        close(lock);
    }
    pta_sim_tools_free(ctx, &tools);
    return status;
}

void pta_sim_model_close(pta_sim_model *model)
{
    if (model->handle != NULL) {
        dlclose(model->handle);
    }
    *model = (pta_sim_model){.handle = NULL};
}
