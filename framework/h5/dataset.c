/*
 * Datasets: shape and type, reading a hyperslab with conversion, writing whole
 * arrays. Bytes read are counted as stored, which is what a rank costs the disk.
 */
#include "h5/h5_priv.h"

/* An open dataset. */
typedef struct dataset {
    hid_t id, type, space;
    pta_h5_info info;
} dataset;

static void dataset_close(dataset *d)
{
    if (d->space >= 0) {
        H5Sclose(d->space);
    }
    if (d->type >= 0) {
        H5Tclose(d->type);
    }
    if (d->id >= 0) {
        H5Dclose(d->id);
    }
}

static pta_h5_kind kind_of(hid_t type)
{
    switch ((int)H5Tget_class(type)) {
    case H5T_FLOAT:
        return PTA_H5_FLOAT;
    case H5T_INTEGER:
        return PTA_H5_INT;
    default:
        return PTA_H5_OTHER;
    }
}

static bool info_fill(dataset *d)
{
    hsize_t dim[PTA_H5_MAX_DIMS];
    d->info.kind = kind_of(d->type);
    d->info.elem_bytes = H5Tget_size(d->type);
    int rank = H5Sget_simple_extent_ndims(d->space);
    if (rank < 0 || rank > PTA_H5_MAX_DIMS ||
        H5Sget_simple_extent_dims(d->space, dim, NULL) < 0) {
        return false;
    }
    d->info.rank = rank;
    for (int i = 0; i < rank; i++) {
        if (dim[i] > INT64_MAX) {
            return false;
        }
        d->info.dim[i] = (int64_t)dim[i];
    }
    return true;
}

static pta_status dataset_open(pta_ctx *ctx, const pta_h5 *file,
                               const char *name, dataset *d)
{
    *d = (dataset){.id = H5Dopen2(file->id, name, H5P_DEFAULT),
                   .type = H5I_INVALID_HID,
                   .space = H5I_INVALID_HID};
    if (d->id < 0) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: dataset %s is missing or damaged", file->path,
                        name);
    }
    d->type = H5Dget_type(d->id);
    d->space = H5Dget_space(d->id);
    if (d->type < 0 || d->space < 0 || !info_fill(d)) {
        dataset_close(d);
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: dataset %s has a damaged type or shape",
                        file->path, name);
    }
    return PTA_OK;
}

pta_status pta_h5_dataset_info(pta_ctx *ctx, const pta_h5 *file,
                               const char *name, pta_h5_info *out)
{
    dataset d;
    PTA_TRY(dataset_open(ctx, file, name, &d));
    *out = d.info;
    dataset_close(&d);
    return PTA_OK;
}

pta_h5_slab pta_h5_slab_all(const pta_h5_info *info)
{
    pta_h5_slab slab = {.rank = info->rank};
    for (int32_t i = 0; i < info->rank; i++) {
        slab.stride[i] = info->dim[i] > 0 ? info->dim[i] : 1;
        slab.count[i] = 1;
        slab.block[i] = info->dim[i];
    }
    return slab;
}

pta_h5_slab pta_h5_slab_rows(const pta_h5_info *info, int64_t first, int64_t n)
{
    pta_h5_slab slab = pta_h5_slab_all(info);
    slab.start[0] = first;
    slab.stride[0] = n > 0 ? n : 1;
    slab.block[0] = n;
    return slab;
}

int64_t pta_h5_slab_count(const pta_h5_slab *slab)
{
    int64_t count = 1;
    for (int32_t i = 0; i < slab->rank; i++) {
        count *= slab->count[i] * slab->block[i];
    }
    return count;
}

static bool slab_inside(const pta_h5_slab *slab, const pta_h5_info *info)
{
    if (slab->rank != info->rank) {
        return false;
    }
    for (int32_t i = 0; i < slab->rank; i++) {
        int64_t n = info->dim[i];
        int64_t start = slab->start[i], block = slab->block[i];
        int64_t count = slab->count[i], stride = slab->stride[i];
        if (start < 0 || block < 0 || count < 1 || start > n ||
            block > n - start) {
            return false;
        }
        /* The last block must end inside; divide, so nothing overflows. */
        if (count > 1 && (stride < block || stride < 1 ||
                          (n - start - block) / stride < count - 1)) {
            return false;
        }
    }
    return true;
}

static bool slab_select(hid_t space, const pta_h5_slab *slab)
{
    hsize_t start[PTA_H5_MAX_DIMS], stride[PTA_H5_MAX_DIMS];
    hsize_t count[PTA_H5_MAX_DIMS], block[PTA_H5_MAX_DIMS];
    if (slab->rank == 0) {
        return true;
    }
    for (int32_t i = 0; i < slab->rank; i++) {
        start[i] = (hsize_t)slab->start[i];
        count[i] = (hsize_t)slab->count[i];
        block[i] = (hsize_t)slab->block[i];
        stride[i] = count[i] > 1 ? (hsize_t)slab->stride[i] : block[i];
    }
    return H5Sselect_hyperslab(space, H5S_SELECT_SET, start, stride, count,
                               block) >= 0;
}

static bool slab_transfer(const dataset *d, const pta_h5_slab *slab,
                          hid_t memory_type, void *values)
{
    hsize_t n = (hsize_t)pta_h5_slab_count(slab);
    hid_t memory = H5Screate_simple(1, &n, NULL);
    bool ok =
        memory >= 0 && slab_select(d->space, slab) &&
        H5Dread(d->id, memory_type, memory, d->space, H5P_DEFAULT, values) >= 0;
    if (memory >= 0) {
        H5Sclose(memory);
    }
    return ok;
}

static pta_status slab_read(pta_ctx *ctx, pta_h5 *file, const char *name,
                            const dataset *d, const pta_h5_slab *slab,
                            hid_t memory_type, void *values)
{
    bool integers = H5Tget_class(memory_type) == H5T_INTEGER;
    if (d->info.kind == PTA_H5_OTHER ||
        (integers && d->info.kind != PTA_H5_INT)) {
        return pta_fail(ctx, PTA_ERR_FORMAT, "%s: dataset %s does not hold %s",
                        file->path, name, integers ? "integers" : "numbers");
    }
    if (!slab_inside(slab, &d->info)) {
        return pta_fail(ctx, PTA_ERR_RANGE,
                        "%s: dataset %s is smaller than the part asked for",
                        file->path, name);
    }
    int64_t n = pta_h5_slab_count(slab);
    if (n == 0) {
        return PTA_OK;
    }
    if (pta_ctx_fault(ctx) || !slab_transfer(d, slab, memory_type, values)) {
        return pta_fail(ctx, PTA_ERR_IO, "%s: dataset %s cannot be read",
                        file->path, name);
    }
    file->bytes_read += (uint64_t)n * d->info.elem_bytes;
    return PTA_OK;
}

static pta_status read_as(pta_ctx *ctx, pta_h5 *file, const char *name,
                          const pta_h5_slab *slab, hid_t memory_type,
                          void *values)
{
    dataset d;
    PTA_TRY(dataset_open(ctx, file, name, &d));
    pta_status status =
        slab_read(ctx, file, name, &d, slab, memory_type, values);
    dataset_close(&d);
    return status;
}

pta_status pta_h5_read_f32(pta_ctx *ctx, pta_h5 *file, const char *name,
                           const pta_h5_slab *slab, float *values)
{
    return read_as(ctx, file, name, slab, H5T_NATIVE_FLOAT, values);
}

pta_status pta_h5_read_f64(pta_ctx *ctx, pta_h5 *file, const char *name,
                           const pta_h5_slab *slab, double *values)
{
    return read_as(ctx, file, name, slab, H5T_NATIVE_DOUBLE, values);
}

pta_status pta_h5_read_i64(pta_ctx *ctx, pta_h5 *file, const char *name,
                           const pta_h5_slab *slab, int64_t *values)
{
    return read_as(ctx, file, name, slab, H5T_NATIVE_INT64, values);
}

/* Through 64 bits, because HDF5 would clamp silently. */
pta_status pta_h5_read_i32(pta_ctx *ctx, pta_h5 *file, const char *name,
                           const pta_h5_slab *slab, int32_t *values)
{
    int64_t n = pta_h5_slab_count(slab);
    int64_t *wide;
    PTA_TRY_ALLOC(ctx, wide, n);
    pta_status status = pta_h5_read_i64(ctx, file, name, slab, wide);
    for (int64_t i = 0; status == PTA_OK && i < n; i++) {
        if (wide[i] < INT32_MIN || wide[i] > INT32_MAX) {
            status = pta_fail(ctx, PTA_ERR_FORMAT,
                              "%s: dataset %s: %lld does not fit 32 bits",
                              file->path, name, (long long)wide[i]);
        }
        values[i] = (int32_t)wide[i];
    }
    pta_free(ctx, wide);
    return status;
}

static bool write_whole(const pta_h5 *file, const char *name, int32_t rank,
                        const int64_t *dim, hid_t file_type, hid_t memory_type,
                        const void *values)
{
    hsize_t extent[PTA_H5_MAX_DIMS];
    PTA_ASSERT(rank <= PTA_H5_MAX_DIMS);
    for (int32_t i = 0; i < rank; i++) {
        extent[i] = (hsize_t)dim[i];
    }
    hid_t space = H5Screate_simple(rank, extent, NULL);
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    (void)H5Pset_create_intermediate_group(links, 1);
    hid_t id = H5Dcreate2(file->id, name, file_type, space, links, H5P_DEFAULT,
                          H5P_DEFAULT);
    bool ok = id >= 0 && H5Dwrite(id, memory_type, H5S_ALL, H5S_ALL,
                                  H5P_DEFAULT, values) >= 0;
    if (id >= 0) {
        ok = H5Dclose(id) >= 0 && ok;
    }
    H5Pclose(links);
    H5Sclose(space);
    return ok;
}

static pta_status write_as(pta_ctx *ctx, pta_h5 *file, const char *name,
                           int32_t rank, const int64_t *dim, hid_t file_type,
                           hid_t memory_type, const void *values)
{
    if (pta_ctx_fault(ctx) ||
        !write_whole(file, name, rank, dim, file_type, memory_type, values)) {
        return pta_fail(ctx, PTA_ERR_IO,
                        "%s: dataset %s cannot be written (disk full?)",
                        file->path, name);
    }
    return PTA_OK;
}

pta_status pta_h5_write_f32(pta_ctx *ctx, pta_h5 *file, const char *name,
                            int32_t rank, const int64_t *dim,
                            const float *values)
{
    return write_as(ctx, file, name, rank, dim, H5T_IEEE_F32LE,
                    H5T_NATIVE_FLOAT, values);
}

pta_status pta_h5_write_f64(pta_ctx *ctx, pta_h5 *file, const char *name,
                            int32_t rank, const int64_t *dim,
                            const double *values)
{
    return write_as(ctx, file, name, rank, dim, H5T_IEEE_F64LE,
                    H5T_NATIVE_DOUBLE, values);
}

pta_status pta_h5_write_i32(pta_ctx *ctx, pta_h5 *file, const char *name,
                            int32_t rank, const int64_t *dim,
                            const int32_t *values)
{
    return write_as(ctx, file, name, rank, dim, H5T_STD_I32LE, H5T_NATIVE_INT32,
                    values);
}

pta_status pta_h5_write_i64(pta_ctx *ctx, pta_h5 *file, const char *name,
                            int32_t rank, const int64_t *dim,
                            const int64_t *values)
{
    return write_as(ctx, file, name, rank, dim, H5T_STD_I64LE, H5T_NATIVE_INT64,
                    values);
}
