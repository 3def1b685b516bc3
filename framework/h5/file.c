/*
 * Opens and closes HDF5 files, and looks around in them: objects and group
 * members. Called by model/ for networks and by datasets/ for samples.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "h5/h5_priv.h"

static pta_status file_new(pta_ctx *ctx, const char *path, pta_h5 **out)
{
    pta_h5 *file;
    PTA_TRY_ALLOC(ctx, file, 1);
    file->id = H5I_INVALID_HID;
    file->path = pta_strdup(ctx, path);
    if (file->path == NULL) {
        pta_free(ctx, file);
        return PTA_ERR_NOMEM;
    }
    *out = file;
    return PTA_OK;
}

/* No sieve buffer (it would read whole rows around a column), and no lock:
 * many ranks read one file, perhaps over NFS, and nobody writes it. */
static hid_t read_access(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0) {
        (void)H5Pset_sieve_buf_size(access, 0);
        (void)H5Pset_file_locking(access, false, true);
    }
    return access;
}

static pta_status file_open(pta_ctx *ctx, pta_h5 *file)
{
    if (pta_ctx_fault(ctx)) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: injected fault", file->path);
    }
    if (access(file->path, R_OK) != 0) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: %s", file->path, strerror(errno));
    }
    if (H5Fis_hdf5(file->path) <= 0) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "%s: not an HDF5 file",
                        file->path);
    }
    hid_t fapl = read_access();
    file->id = H5Fopen(file->path, H5F_ACC_RDONLY, fapl);
    if (fapl >= 0) {
        H5Pclose(fapl);
    }
    if (file->id < 0) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: the HDF5 file is damaged or truncated",
                        file->path);
    }
    return PTA_OK;
}

/* No printing by HDF5, and none of its cleaning up at exit: what is opened here
 * is closed here, and after a full disk that clean-up crashes (1.10.8). */
static void set_up_library(void)
{
    (void)H5dont_atexit();
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

pta_status pta_h5_open(pta_ctx *ctx, const char *path, pta_h5 **out)
{
    set_up_library();
    pta_h5 *file;
    PTA_TRY(file_new(ctx, path, &file));
    pta_status status = file_open(ctx, file);
    if (status != PTA_OK) {
        pta_h5_close(ctx, &file);
        return status;
    }
    *out = file;
    return PTA_OK;
}

pta_status pta_h5_create(pta_ctx *ctx, const char *path, pta_h5 **out)
{
    set_up_library();
    pta_h5 *file;
    PTA_TRY(file_new(ctx, path, &file));
    errno = 0;
    if (!pta_ctx_fault(ctx)) {
        file->id = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    }
    if (file->id < 0) {
        pta_status status =
            pta_fail(ctx, PTA_ERR_IO, "%s: cannot be created%s%s", path,
                     errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
        pta_h5_close(ctx, &file);
        return status;
    }
    *out = file;
    return PTA_OK;
}

pta_status pta_h5_finish(pta_ctx *ctx, pta_h5 **file)
{
    if (*file == NULL) {
        return PTA_OK;
    }
    pta_status status = PTA_OK;
    bool fault = pta_ctx_fault(ctx);
    /* H5Fclose alone may report success for buffered pages. */
    if (H5Fflush((*file)->id, H5F_SCOPE_LOCAL) < 0 || fault) {
        status = pta_fail(ctx, PTA_ERR_IO, "%s: writing failed (disk full?)",
                          (*file)->path);
    }
    if (H5Fclose((*file)->id) < 0 && status == PTA_OK) {
        status = pta_fail(ctx, PTA_ERR_IO, "%s: closing failed", (*file)->path);
    }
    (*file)->id = H5I_INVALID_HID;
    pta_h5_close(ctx, file);
    return status;
}

void pta_h5_close(pta_ctx *ctx, pta_h5 **file)
{
    if (*file == NULL) {
        return;
    }
    if ((*file)->id >= 0) {
        H5Fclose((*file)->id);
    }
    pta_free(ctx, (*file)->path);
    pta_free(ctx, *file);
    *file = NULL;
}

const char *pta_h5_path(const pta_h5 *file)
{
    return file->path;
}

uint64_t pta_h5_bytes_read(const pta_h5 *file)
{
    return file->bytes_read;
}

static bool object_type(const pta_h5 *file, const char *object, H5O_type_t *out)
{
    hid_t id = H5Oopen(file->id, object, H5P_DEFAULT);
    if (id < 0) {
        return false;
    }
    H5O_info_t info;
    herr_t got = H5Oget_info2(id, &info, H5O_INFO_BASIC);
    H5Oclose(id);
    *out = info.type;
    return got >= 0;
}

bool pta_h5_exists(const pta_h5 *file, const char *object)
{
    H5O_type_t type;
    return object_type(file, object, &type);
}

bool pta_h5_is_group(const pta_h5 *file, const char *object)
{
    H5O_type_t type;
    return object_type(file, object, &type) && type == H5O_TYPE_GROUP;
}

static pta_status member_name(pta_ctx *ctx, hid_t group, hsize_t index,
                              char **out)
{
    ssize_t length = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC,
                                        index, NULL, 0, H5P_DEFAULT);
    if (length < 0) {
        return PTA_ERR_FORMAT;
    }
    char *name = pta_calloc(ctx, (size_t)length + 1, 1);
    if (name == NULL) {
        return PTA_ERR_NOMEM;
    }
    H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, index, name,
                       (size_t)length + 1, H5P_DEFAULT);
    *out = name;
    return PTA_OK;
}

pta_status pta_h5_list(pta_ctx *ctx, const pta_h5 *file, const char *group,
                       pta_h5_names *out)
{
    H5G_info_t info;
    hid_t id = H5Gopen2(file->id, group, H5P_DEFAULT);
    if (id < 0 || H5Gget_info(id, &info) < 0 || info.nlinks > INT32_MAX) {
        if (id >= 0) {
            H5Gclose(id);
        }
        return pta_fail(ctx, PTA_ERR_FORMAT, "%s: group %s cannot be read",
                        file->path, group);
    }
    pta_h5_names names = {0, pta_calloc(ctx, info.nlinks, sizeof(char *))};
    pta_status status = names.name == NULL ? PTA_ERR_NOMEM : PTA_OK;
    while (status == PTA_OK && (hsize_t)names.n < info.nlinks) {
        status = member_name(ctx, id, (hsize_t)names.n, &names.name[names.n]);
        names.n += status == PTA_OK;
    }
    H5Gclose(id);
    if (status == PTA_ERR_FORMAT) {
        status =
            pta_fail(ctx, status, "%s: group %s is damaged", file->path, group);
    }
    if (status != PTA_OK) {
        pta_h5_names_free(ctx, &names);
        return status;
    }
    *out = names;
    return PTA_OK;
}

void pta_h5_names_free(pta_ctx *ctx, pta_h5_names *names)
{
    for (int32_t i = 0; i < names->n; i++) {
        pta_free(ctx, names->name[i]);
    }
    pta_free(ctx, names->name);
    *names = (pta_h5_names){0, NULL};
}

pta_status pta_h5_create_group(pta_ctx *ctx, pta_h5 *file, const char *group)
{
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    (void)H5Pset_create_intermediate_group(links, 1);
    hid_t id = H5Gcreate2(file->id, group, links, H5P_DEFAULT, H5P_DEFAULT);
    H5Pclose(links);
    if (id < 0) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: group %s cannot be created",
                        file->path, group);
    }
    H5Gclose(id);
    return PTA_OK;
}
