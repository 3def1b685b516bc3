/*
 * String attributes: one string or a list, of fixed or variable length, in
 * whatever character set and padding the writer chose (h5py, Keras, h5cc).
 */
#include <string.h>

#include "h5/h5_priv.h"

/* An open attribute with all that reading it takes. */
typedef struct attr {
    hid_t id, type, space;
    size_t elem_bytes; /* of a fixed-length string */
    bool variable;
    hssize_t n;
    H5T_class_t class_id;
} attr;

static void attr_close(attr *a)
{
    if (a->space >= 0) {
        H5Sclose(a->space);
    }
    if (a->type >= 0) {
        H5Tclose(a->type);
    }
    if (a->id >= 0) {
        H5Aclose(a->id);
    }
}

static pta_status attr_open(pta_ctx *ctx, const pta_h5 *file,
                            const char *object, const char *name, attr *a)
{
    *a = (attr){.id = H5I_INVALID_HID,
                .type = H5I_INVALID_HID,
                .space = H5I_INVALID_HID};
    a->id = H5Aopen_by_name(file->id, object, name, H5P_DEFAULT, H5P_DEFAULT);
    if (a->id >= 0) {
        a->type = H5Aget_type(a->id);
        a->space = H5Aget_space(a->id);
    }
    if (a->type < 0 || a->space < 0) {
        attr_close(a);
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: attribute %s of %s is missing or damaged",
                        file->path, name, object);
    }
    a->n = H5Sget_simple_extent_npoints(a->space);
    a->class_id = H5Tget_class(a->type);
    a->elem_bytes = H5Tget_size(a->type);
    a->variable = H5Tis_variable_str(a->type) > 0;
    return PTA_OK;
}

/* Copies the elements of a raw buffer into strings of our own. */
static pta_status attr_copy(pta_ctx *ctx, const attr *a, const char *raw,
                            pta_h5_names *names)
{
    for (hssize_t i = 0; i < a->n; i++) {
        const char *from = raw + (size_t)i * a->elem_bytes;
        size_t n_bytes;
        if (a->variable) {
            memcpy(&from, raw + (size_t)i * sizeof from, sizeof from);
            from = from == NULL ? "" : from;
            n_bytes = strlen(from);
        } else {
            n_bytes = strnlen(from, a->elem_bytes);
        }
        char *copy = pta_calloc(ctx, n_bytes + 1, 1);
        if (copy == NULL) {
            return PTA_ERR_NOMEM;
        }
        memcpy(copy, from, n_bytes);
        names->name[names->n++] = copy;
    }
    return PTA_OK;
}

static pta_status attr_read(pta_ctx *ctx, const attr *a, pta_h5_names *names)
{
    size_t step = a->variable ? sizeof(char *) : a->elem_bytes;
    char *raw = pta_calloc(ctx, (size_t)a->n, step);
    if (raw == NULL) {
        return PTA_ERR_NOMEM;
    }
    pta_status status = PTA_ERR_FORMAT;
    if (H5Aread(a->id, a->type, raw) >= 0) {
        status = attr_copy(ctx, a, raw, names);
        if (a->variable) {
            H5Dvlen_reclaim(a->type, a->space, H5P_DEFAULT, raw);
        }
    }
    pta_free(ctx, raw);
    return status;
}

pta_status pta_h5_attr_strings(pta_ctx *ctx, const pta_h5 *file,
                               const char *object, const char *name,
                               pta_h5_names *out)
{
    attr a;
    PTA_TRY(attr_open(ctx, file, object, name, &a));
    pta_status status = PTA_OK;
    pta_h5_names names = {0, NULL};
    if (a.n < 0 || a.n > INT32_MAX || (a.n > 0 && a.class_id != H5T_STRING)) {
        status = PTA_ERR_FORMAT;
    } else {
        names.name = pta_calloc(ctx, (size_t)a.n, sizeof(char *));
        status = names.name == NULL ? PTA_ERR_NOMEM : PTA_OK;
    }
    if (status == PTA_OK && a.n > 0) {
        status = attr_read(ctx, &a, &names);
    }
    attr_close(&a);
    if (status == PTA_ERR_FORMAT) {
        status = pta_fail(ctx, status,
                          "%s: attribute %s of %s is not a list of strings",
                          file->path, name, object);
    }
    if (status != PTA_OK) {
        pta_h5_names_free(ctx, &names);
        return status;
    }
    *out = names;
    return PTA_OK;
}

pta_status pta_h5_attr_string(pta_ctx *ctx, const pta_h5 *file,
                              const char *object, const char *name, char **out)
{
    pta_h5_names names;
    PTA_TRY(pta_h5_attr_strings(ctx, file, object, name, &names));
    pta_status status = PTA_OK;
    if (names.n == 1) {
        *out = names.name[0];
        names.n = 0;
    } else {
        status = pta_fail(ctx, PTA_ERR_FORMAT,
                          "%s: attribute %s of %s is not one string",
                          file->path, name, object);
    }
    pta_h5_names_free(ctx, &names);
    return status;
}

bool pta_h5_has_attr(const pta_h5 *file, const char *object, const char *name)
{
    return H5Aexists_by_name(file->id, object, name, H5P_DEFAULT) > 0;
}

pta_status pta_h5_write_attr_string(pta_ctx *ctx, pta_h5 *file,
                                    const char *object, const char *name,
                                    const char *text)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t id = H5I_INVALID_HID;
    if (H5Tset_size(type, H5T_VARIABLE) >= 0) {
        id = H5Acreate_by_name(file->id, object, name, type, space, H5P_DEFAULT,
                               H5P_DEFAULT, H5P_DEFAULT);
    }
    bool ok = id >= 0 && H5Awrite(id, type, &text) >= 0;
    if (id >= 0) {
        H5Aclose(id);
    }
    H5Sclose(space);
    H5Tclose(type);
    return ok ? PTA_OK
              : pta_fail(ctx, PTA_ERR_IO,
                         "%s: attribute %s of %s cannot be written", file->path,
                         name, object);
}

pta_status pta_h5_write_attr_strings(pta_ctx *ctx, pta_h5 *file,
                                     const char *object, const char *name,
                                     int32_t n, const char *const *texts)
{
    hsize_t dim = (hsize_t)n;
    hid_t type = H5Tcopy(H5T_C_S1);
    hid_t space = H5Screate_simple(1, &dim, NULL);
    hid_t id = H5I_INVALID_HID;
    if (H5Tset_size(type, H5T_VARIABLE) >= 0) {
        id = H5Acreate_by_name(file->id, object, name, type, space, H5P_DEFAULT,
                               H5P_DEFAULT, H5P_DEFAULT);
    }
    bool ok = id >= 0 && (n == 0 || H5Awrite(id, type, texts) >= 0);
    if (id >= 0) {
        H5Aclose(id);
    }
    H5Sclose(space);
    H5Tclose(type);
    return ok ? PTA_OK
              : pta_fail(ctx, PTA_ERR_IO,
                         "%s: attribute %s of %s cannot be written", file->path,
                         name, object);
}
