/*
 * Datasets written piece by piece: created at their full size, filled row
 * block by row block, so that results need not be held in memory.
 */
#include "h5/h5_priv.h"

static hid_t file_type(pta_h5_type type)
{
    switch (type) {
    case PTA_H5_F32:
        return H5T_IEEE_F32LE;
    case PTA_H5_I32:
        return H5T_STD_I32LE;
    case PTA_H5_I64:
        return H5T_STD_I64LE;
    }
    return H5I_INVALID_HID;
}

static hid_t memory_type(pta_h5_type type)
{
    switch (type) {
    case PTA_H5_F32:
        return H5T_NATIVE_FLOAT;
    case PTA_H5_I32:
        return H5T_NATIVE_INT32;
    case PTA_H5_I64:
        return H5T_NATIVE_INT64;
    }
    return H5I_INVALID_HID;
}

static bool create(const pta_h5 *file, const char *dataset, pta_h5_type type,
                   int32_t rank, const int64_t *dim)
{
    hsize_t extent[PTA_H5_MAX_DIMS];
    PTA_ASSERT(rank >= 1 && rank <= PTA_H5_MAX_DIMS);
    for (int32_t i = 0; i < rank; i++) {
        extent[i] = (hsize_t)dim[i];
    }
    hid_t space = H5Screate_simple(rank, extent, NULL);
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    (void)H5Pset_create_intermediate_group(links, 1);
    hid_t id = H5Dcreate2(file->id, dataset, file_type(type), space, links,
                          H5P_DEFAULT, H5P_DEFAULT);
    bool good = id >= 0 && H5Dclose(id) >= 0;
    H5Pclose(links);
    H5Sclose(space);
    return good;
}

pta_status pta_h5_create_dataset(pta_ctx *ctx, pta_h5 *file,
                                 const char *dataset, pta_h5_type type,
                                 int32_t rank, const int64_t *dim)
{
    if (pta_ctx_fault(ctx) || !create(file, dataset, type, rank, dim)) {
        return pta_fail(ctx, PTA_ERR_IO,
                        "%s: dataset %s cannot be created (disk full?)",
                        file->path, dataset);
    }
    return PTA_OK;
}

static bool write_slab(hid_t id, hid_t space, hid_t type,
                       const pta_h5_slab *slab, const void *values)
{
    hsize_t start[PTA_H5_MAX_DIMS], count[PTA_H5_MAX_DIMS];
    for (int32_t i = 0; i < slab->rank; i++) {
        start[i] = (hsize_t)slab->start[i];
        count[i] = (hsize_t)slab->block[i];
    }
    hid_t memory = H5Screate_simple(slab->rank, count, NULL);
    bool good = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count,
                                    NULL) >= 0 &&
                H5Dwrite(id, type, memory, space, H5P_DEFAULT, values) >= 0;
    H5Sclose(memory);
    return good;
}

pta_status pta_h5_write_rows(pta_ctx *ctx, pta_h5 *file, const char *dataset,
                             pta_h5_type type, int64_t first, int64_t n,
                             const void *values)
{
    pta_h5_info info;
    PTA_TRY(pta_h5_dataset_info(ctx, file, dataset, &info));
    PTA_ASSERT(info.rank >= 1 && first >= 0 && first <= info.dim[0] - n);
    if (n == 0) {
        return PTA_OK;
    }
    pta_h5_slab slab = pta_h5_slab_rows(&info, first, n);
    hid_t id = H5Dopen2(file->id, dataset, H5P_DEFAULT);
    hid_t space = H5Dget_space(id);
    bool good = !pta_ctx_fault(ctx) &&
                write_slab(id, space, memory_type(type), &slab, values);
    H5Sclose(space);
    good = H5Dclose(id) >= 0 && good;
    return good ? PTA_OK
                : pta_fail(ctx, PTA_ERR_IO,
                           "%s: dataset %s cannot be written (disk full?)",
                           file->path, dataset);
}
