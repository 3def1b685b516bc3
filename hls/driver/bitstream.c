/* Bitstreams by what they hold: see bitstream.h. */
#include "hls/driver/bitstream.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hls/gen/identity.h"

#define DEPTH 2 /* folders within the folder: one per board, perhaps one more */

void pta_core_names_of(const pta_slice *slice, pta_core_names *names)
{
    pta_slice_identity(slice, false, names->rom);
    pta_slice_identity(slice, true, names->ram);
    size_t used = 0;
    names->formats[0] = '\0';
    for (int32_t i = 0; i < slice->n_steps; i++) {
        char formats[PTA_STEP_FORMATS];
        size_t room = sizeof names->formats - used;
        pta_step_formats(slice, &slice->steps[i], formats);
        int n = snprintf(names->formats + used, room, "%s: %s\n",
                         slice->steps[i].name, formats);
        if (n < 0 || (size_t)n >= room) {
            names->formats[used] = '\0';
            return;
        }
        used += (size_t)n;
    }
}

void pta_bitstream_free(pta_ctx *ctx, pta_bitstream *b)
{
    pta_manifest_destroy(ctx, &b->manifest);
}

/* ---- search ---- */

typedef struct search {
    const char *name;    /* of the core */
    const char *formats; /* of its steps; NULL: not asked */
    bool found;
    pta_bitstream *out;
    char other[1024]; /* core of the same layers in other formats; "": none */
} search;

/* The first layer in which a core with writable weights is another; nothing if
 * it is of other layers. */
static void compare_formats(search *s, const char *path, const pta_manifest *m)
{
    const char *ours = s->formats, *differs = NULL;
    const pta_manifest_layer *theirs = NULL;
    for (int32_t i = 0; i < m->n_layers && *ours != '\0'; i++) {
        const pta_manifest_layer *l = &m->layers[i];
        size_t n = strlen(l->name), line = strcspn(ours, "\n");
        if (strncmp(ours, l->name, n) != 0 || ours[n] != ':') {
            return;
        }
        if (differs == NULL &&
            (line != n + 2 + strlen(l->formats) ||
             strncmp(ours + n + 2, l->formats, line - n - 2) != 0)) {
            differs = ours;
            theirs = l;
        }
        ours += line + 1;
    }
    if (differs != NULL && *ours == '\0') {
        snprintf(s->other, sizeof s->other,
                 "; the core of %s takes weights of other formats: layer %s: "
                 "%s; the plan has %.*s",
                 path, theirs->name, theirs->formats,
                 (int)(strcspn(differs, "\n") - strlen(theirs->name) - 2),
                 differs + strlen(theirs->name) + 2);
    }
}

static pta_status look_at(pta_ctx *ctx, search *s, const char *folder)
{
    char path[PTA_PATH_BYTES];
    pta_manifest *m;
    PTA_TRY(pta_path(ctx, path, "%s/" PTA_MANIFEST_FILE, folder));
    if (access(path, F_OK) != 0) {
        return PTA_OK;
    }
    PTA_TRY(pta_manifest_read(ctx, path, &m));
    if (strcmp(m->slice_digest, s->name) != 0) {
        if (m->ram && s->formats != NULL && s->other[0] == '\0') {
            compare_formats(s, path, m);
        }
        pta_manifest_destroy(ctx, &m);
        return PTA_OK;
    }
    s->found = true;
    s->out->manifest = m;
    memcpy(s->out->manifest_path, path, sizeof path);
    pta_status status =
        pta_path(ctx, s->out->bit_path, "%s/%s.bit", folder, m->top);
    if (status != PTA_OK) {
        pta_bitstream_free(ctx, s->out);
    }
    return status;
}

static pta_status walk(pta_ctx *ctx, search *s, const char *folder, int depth)
{
    struct dirent **list;
    pta_status status = look_at(ctx, s, folder);
    int n = status == PTA_OK && !s->found && depth > 0
                ? scandir(folder, &list, NULL, alphasort)
                : -1;
    if (n < 0) {
        return status; /* a file, or nothing to read */
    }
    for (int i = 0; i < n; i++) {
        char path[PTA_PATH_BYTES];
        const char *name = list[i]->d_name;
        if (status == PTA_OK && !s->found && name[0] != '.') {
            status = pta_path(ctx, path, "%s/%s", folder, name);
            status = status == PTA_OK ? walk(ctx, s, path, depth - 1) : status;
        }
        free(list[i]);
    }
    free(list);
    return status;
}

pta_status pta_bitstream_find(pta_ctx *ctx, const char *folder,
                              const pta_core_names *names, pta_bitstream *out)
{
    search s = {.name = names->rom, .out = out};
    PTA_TRY(walk(ctx, &s, folder, DEPTH));
    if (!s.found) {
        s.name = names->ram;
        s.formats = names->formats;
        PTA_TRY(walk(ctx, &s, folder, DEPTH));
    }
    if (s.found) {
        return PTA_OK;
    }
    return pta_fail(ctx, PTA_ERR_NOT_FOUND,
                    "%s: has no core of slice %.32s (with writable weights: "
                    "%.32s); partita build makes it%s",
                    folder, names->rom, names->ram, s.other);
}

/* ---- what rank 0 sent ---- */

pta_status pta_bitstream_cache(pta_ctx *ctx, char path[PTA_PATH_BYTES])
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache != NULL && cache[0] == '/') {
        return pta_path(ctx, path, "%s/partita/bitstreams", cache);
    }
    if (home == NULL || home[0] == '\0') {
        return pta_fail(ctx, PTA_ERR_NOT_FOUND,
                        "neither HOME nor XDG_CACHE_HOME is set");
    }
    return pta_path(ctx, path, "%s/.cache/partita/bitstreams", home);
}

/* Through another name, so that no rank of this host reads half a file. */
static pta_status put(pta_ctx *ctx, const char *folder, const char *name,
                      const char *ending, const void *bytes, size_t n)
{
    char path[PTA_PATH_BYTES], part[PTA_PATH_BYTES];
    PTA_TRY(pta_path(ctx, path, "%s/%s%s", folder, name, ending));
    PTA_TRY(pta_path(ctx, part, "%s.tmp-%ld", path, (long)getpid()));
    pta_status status = pta_bytes_write(ctx, part, true, bytes, n);
    if (status == PTA_OK && rename(part, path) != 0) {
        status = pta_fail(ctx, PTA_ERR_IO, "%s: cannot be renamed", part);
    }
    if (status != PTA_OK) {
        (void)unlink(part);
    }
    return status;
}

pta_status pta_bitstream_keep(pta_ctx *ctx, const char *manifest,
                              const void *bit, size_t bit_bytes)
{
    char cache[PTA_PATH_BYTES], folder[PTA_PATH_BYTES];
    pta_manifest *m;
    PTA_TRY(pta_bitstream_cache(ctx, cache));
    PTA_TRY(pta_manifest_parse(ctx, manifest, "manifest of rank 0", &m));
    pta_status status = pta_path(ctx, folder, "%s/%s", cache, m->slice_digest);
    if (status == PTA_OK && strchr(m->top, '/') != NULL) {
        status =
            pta_fail(ctx, PTA_ERR_FORMAT,
                     "manifest of rank 0: top \"%s\" is no module", m->top);
    }
    if (status == PTA_OK) {
        status = pta_folder_make(ctx, folder);
    }
    if (status == PTA_OK && bit_bytes > 0) {
        status = put(ctx, folder, m->top, ".bit", bit, bit_bytes);
    }
    if (status == PTA_OK) {
        status =
            put(ctx, folder, PTA_MANIFEST_FILE, "", manifest, strlen(manifest));
    }
    pta_manifest_destroy(ctx, &m);
    return status;
}
