/*
 * HDF5 files: open, look around, read parts of datasets, write results. The
 * one home of <hdf5.h>; nothing of it shows here.
 *
 * Reading is by hyperslab and unbuffered: the sieve buffer is off, so a rank
 * that reads its columns of a matrix does not read whole rows. HDF5's own error
 * printing is off; every failure is a status whose text names file and object.
 * Serial HDF5: one thread, and every rank opens the file for itself.
 */
#ifndef PTA_H5_H5_H
#define PTA_H5_H5_H

#include "base/ctx.h"

#define PTA_H5_MAX_DIMS 8

typedef struct pta_h5 pta_h5;

/**
 * Opens for reading. PTA_ERR_IO: cannot be opened; PTA_ERR_FORMAT: not an HDF5
 * file, or a damaged or truncated one.
 */
pta_status PTA_MUST_CHECK pta_h5_open(pta_ctx *ctx, const char *path,
                                      pta_h5 **out);

/**
 * Opens the file and looks at it with `look` in a child process first: HDF5
 * 1.10 crashes or loops on some damaged files, which nothing but another
 * process survives. PTA_ERR_FORMAT if the child was killed by a signal or took
 * 20 seconds; PTA_OK otherwise, whatever `look` found: do it again here.
 */
typedef pta_status (*pta_h5_look)(pta_ctx *ctx, const pta_h5 *file);
pta_status PTA_MUST_CHECK pta_h5_probe(pta_ctx *ctx, const char *path,
                                       pta_h5_look look);

/** Creates a file for writing, replacing what is there. */
pta_status PTA_MUST_CHECK pta_h5_create(pta_ctx *ctx, const char *path,
                                        pta_h5 **out);

/**
 * Closes a written file and tells whether all of it reached the disk (a full
 * disk shows here). Frees in any case; sets NULL; accepts NULL.
 */
pta_status PTA_MUST_CHECK pta_h5_finish(pta_ctx *ctx, pta_h5 **file);

/** Closes without asking; sets NULL; accepts NULL. */
void pta_h5_close(pta_ctx *ctx, pta_h5 **file);

const char *pta_h5_path(const pta_h5 *file);

/** Bytes of dataset elements read so far, as they are stored in the file. */
uint64_t pta_h5_bytes_read(const pta_h5 *file);

/* ---- objects ---- */

/** True if the object (group or dataset) exists, with every group above it. */
bool pta_h5_exists(const pta_h5 *file, const char *object);
bool pta_h5_is_group(const pta_h5 *file, const char *object);

/** A list of names, freed by pta_h5_names_free. */
typedef struct pta_h5_names {
    int32_t n;
    char **name;
} pta_h5_names;

/** Members of a group, by name. */
pta_status PTA_MUST_CHECK pta_h5_list(pta_ctx *ctx, const pta_h5 *file,
                                      const char *group, pta_h5_names *out);
void pta_h5_names_free(pta_ctx *ctx, pta_h5_names *names);

/* ---- attributes; object "/" is the file itself ---- */

bool pta_h5_has_attr(const pta_h5 *file, const char *object, const char *attr);

/** One string, of fixed or variable length; *out is the caller's (pta_free). */
pta_status PTA_MUST_CHECK pta_h5_attr_string(pta_ctx *ctx, const pta_h5 *file,
                                             const char *object,
                                             const char *attr, char **out);

/** A list of strings. An empty list may be of any type (h5py writes one as
 * float64). */
pta_status PTA_MUST_CHECK pta_h5_attr_strings(pta_ctx *ctx, const pta_h5 *file,
                                              const char *object,
                                              const char *attr,
                                              pta_h5_names *out);

/* ---- datasets ---- */

typedef enum pta_h5_kind { PTA_H5_FLOAT, PTA_H5_INT, PTA_H5_OTHER } pta_h5_kind;

typedef struct pta_h5_info {
    pta_h5_kind kind;
    size_t elem_bytes;
    int32_t rank; /* 0: a scalar */
    int64_t dim[PTA_H5_MAX_DIMS];
} pta_h5_info;

pta_status PTA_MUST_CHECK pta_h5_dataset_info(pta_ctx *ctx, const pta_h5 *file,
                                              const char *dataset,
                                              pta_h5_info *out);

/** Elements start + i * stride + j per axis, i < count, j < block. Blocks do
 * not overlap (stride >= block, or count 1). */
typedef struct pta_h5_slab {
    int32_t rank;
    int64_t start[PTA_H5_MAX_DIMS];
    int64_t stride[PTA_H5_MAX_DIMS];
    int64_t count[PTA_H5_MAX_DIMS];
    int64_t block[PTA_H5_MAX_DIMS];
} pta_h5_slab;

/** The whole dataset. */
pta_h5_slab pta_h5_slab_all(const pta_h5_info *info);

/** Rows [first, first + n) of the first axis. */
pta_h5_slab pta_h5_slab_rows(const pta_h5_info *info, int64_t first, int64_t n);

/** Elements of a slab. */
int64_t pta_h5_slab_count(const pta_h5_slab *slab);

/**
 * Reads a slab in C-order, converted. PTA_ERR_FORMAT: the dataset is not of
 * numbers (f32, f64) or not of integers (i32, i64), or an integer does not fit
 * 32 bits; PTA_ERR_RANGE: the slab leaves the dataset; PTA_ERR_IO: reading
 * failed. No more memory than HDF5's conversion buffer (1 MiB).
 */
pta_status PTA_MUST_CHECK pta_h5_read_f32(pta_ctx *ctx, pta_h5 *file,
                                          const char *dataset,
                                          const pta_h5_slab *slab,
                                          float *values);
pta_status PTA_MUST_CHECK pta_h5_read_f64(pta_ctx *ctx, pta_h5 *file,
                                          const char *dataset,
                                          const pta_h5_slab *slab,
                                          double *values);
pta_status PTA_MUST_CHECK pta_h5_read_i32(pta_ctx *ctx, pta_h5 *file,
                                          const char *dataset,
                                          const pta_h5_slab *slab,
                                          int32_t *values);
pta_status PTA_MUST_CHECK pta_h5_read_i64(pta_ctx *ctx, pta_h5 *file,
                                          const char *dataset,
                                          const pta_h5_slab *slab,
                                          int64_t *values);

/** Writes a new dataset of `rank` axes, whole, little-endian; groups above it
 * are made as needed. */
pta_status PTA_MUST_CHECK pta_h5_write_f32(pta_ctx *ctx, pta_h5 *file,
                                           const char *dataset, int32_t rank,
                                           const int64_t *dim,
                                           const float *values);
pta_status PTA_MUST_CHECK pta_h5_write_f64(pta_ctx *ctx, pta_h5 *file,
                                           const char *dataset, int32_t rank,
                                           const int64_t *dim,
                                           const double *values);
pta_status PTA_MUST_CHECK pta_h5_write_i32(pta_ctx *ctx, pta_h5 *file,
                                           const char *dataset, int32_t rank,
                                           const int64_t *dim,
                                           const int32_t *values);
pta_status PTA_MUST_CHECK pta_h5_write_i64(pta_ctx *ctx, pta_h5 *file,
                                           const char *dataset, int32_t rank,
                                           const int64_t *dim,
                                           const int64_t *values);

/* ---- datasets written piece by piece (rows.c) ---- */

typedef enum pta_h5_type { PTA_H5_F32, PTA_H5_I32, PTA_H5_I64 } pta_h5_type;

/** Creates a dataset of `rank` >= 1 axes at its full size, little-endian;
 * groups above it are made as needed. Rows not written read as 0. */
pta_status PTA_MUST_CHECK pta_h5_create_dataset(pta_ctx *ctx, pta_h5 *file,
                                                const char *dataset,
                                                pta_h5_type type, int32_t rank,
                                                const int64_t *dim);

/** Writes rows [first, first + n) of such a dataset; `values` are float,
 * int32_t or int64_t as `type` says, C-order. */
pta_status PTA_MUST_CHECK pta_h5_write_rows(pta_ctx *ctx, pta_h5 *file,
                                            const char *dataset,
                                            pta_h5_type type, int64_t first,
                                            int64_t n, const void *values);

/** Creates a group, and those above it. */
pta_status PTA_MUST_CHECK pta_h5_create_group(pta_ctx *ctx, pta_h5 *file,
                                              const char *group);

/** Writes a list of strings, perhaps empty, as an attribute. */
pta_status PTA_MUST_CHECK pta_h5_write_attr_strings(
    pta_ctx *ctx, pta_h5 *file, const char *object, const char *attr, int32_t n,
    const char *const *texts);

/** Writes a string attribute on "/" or an object. */
pta_status PTA_MUST_CHECK pta_h5_write_attr_string(pta_ctx *ctx, pta_h5 *file,
                                                   const char *object,
                                                   const char *attr,
                                                   const char *text);

#endif
