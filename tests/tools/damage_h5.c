/*
 * Damages one dataset or attribute of an HDF5 file, for tests of bad input:
 *
 *     damage_h5 FILE nan DATASET      element 0 becomes NaN
 *     damage_h5 FILE flip DATASET     element 0 changes its sign
 *     damage_h5 FILE ints DATASET     the same shape, of int32
 *     damage_h5 FILE texts DATASET    the same shape, of strings
 *     damage_h5 FILE short DATASET    the first axis loses a row
 *     damage_h5 FILE drop DATASET     gone
 *     damage_h5 FILE attr NAME        attribute NAME of the root is gone
 *     damage_h5 FILE garble NAME      attribute NAME becomes "{"
 */
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "damage_h5: %s\n", what);
        exit(1);
    }
}

/* Reads all, changes element 0, writes all. */
static void change_first(hid_t file, const char *name, int to_nan)
{
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    must(set >= 0, name);
    hid_t space = H5Dget_space(set);
    hssize_t n = H5Sget_simple_extent_npoints(space);
    float *values = calloc((size_t)n, sizeof *values);
    must(values != NULL && H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL,
                                   H5P_DEFAULT, values) >= 0,
         "read");
    values[0] = to_nan ? (float)NAN : -values[0];
    must(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                  values) >= 0,
         "write");
    free(values);
    H5Sclose(space);
    H5Dclose(set);
}

/* The same name and shape, but of `type` or a row shorter; all zero. */
static void replace(hid_t file, const char *name, hid_t type, hsize_t shorter)
{
    hsize_t dims[H5S_MAX_RANK];
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    must(set >= 0, name);
    hid_t space = H5Dget_space(set);
    int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    must(rank >= 1 && dims[0] > shorter, "shape");
    dims[0] -= shorter;
    H5Sclose(space);
    H5Dclose(set);
    must(H5Ldelete(file, name, H5P_DEFAULT) >= 0, "delete");
    space = H5Screate_simple(rank, dims, NULL);
    set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT,
                     H5P_DEFAULT);
    must(set >= 0, "create");
    H5Dclose(set);
    H5Sclose(space);
}

static void garble(hid_t file, const char *name)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    must(H5Adelete(file, name) >= 0, name);
    hid_t attr =
        H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    must(attr >= 0 && H5Awrite(attr, type, "{") >= 0, "attribute");
    H5Aclose(attr);
    H5Sclose(space);
    H5Tclose(type);
}

int main(int argc, char **argv)
{
    must(argc == 4, "usage: damage_h5 FILE HOW NAME");
    const char *how = argv[2], *name = argv[3];
    hid_t file = H5Fopen(argv[1], H5F_ACC_RDWR, H5P_DEFAULT);
    must(file >= 0, argv[1]);
    if (strcmp(how, "nan") == 0 || strcmp(how, "flip") == 0) {
        change_first(file, name, strcmp(how, "nan") == 0);
    } else if (strcmp(how, "ints") == 0) {
        replace(file, name, H5T_STD_I32LE, 0);
    } else if (strcmp(how, "texts") == 0) {
        replace(file, name, H5T_C_S1, 0);
    } else if (strcmp(how, "short") == 0) {
        replace(file, name, H5T_IEEE_F32LE, 1);
    } else if (strcmp(how, "drop") == 0) {
        must(H5Ldelete(file, name, H5P_DEFAULT) >= 0, name);
    } else if (strcmp(how, "attr") == 0) {
        must(H5Adelete(file, name) >= 0, name);
    } else if (strcmp(how, "garble") == 0) {
        garble(file, name);
    } else {
        must(0, how);
    }
    must(H5Fclose(file) >= 0, "close");
    return 0;
}
