/*
 * Writes a user's data set of seeded inputs:
 *
 *     make_uniform OUT.h5 ROWS SEED HIGH 32x32x3
 *
 * Dataset x [ROWS, 32, 32, 3] of float32, uniform in [0, HIGH), row after row from
 * splitmix64. For networks whose own data is not at hand.
 */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#define MAX_DIMS 8

static void die(const char *what)
{
    fprintf(stderr, "make_uniform: %s\n", what);
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        die("usage: make_uniform OUT.h5 ROWS SEED HIGH 32x32x3");
    }
    hsize_t dims[MAX_DIMS] = {strtoull(argv[2], NULL, 10)};
    int n_dims = 1;
    size_t row = 1;
    for (char *word = strtok(argv[5], "x"); word != NULL && n_dims < MAX_DIMS;
         word = strtok(NULL, "x")) {
        dims[n_dims] = strtoull(word, NULL, 10);
        row *= dims[n_dims++];
    }
    uint64_t rng = strtoull(argv[3], NULL, 10);
    double high = atof(argv[4]);
    size_t n = (size_t)dims[0] * row;
    float *values = malloc((n + 1) * sizeof *values);
    if (n == 0 || values == NULL) {
        die("no rows, or no memory for them");
    }
    for (size_t i = 0; i < n; i++) {
        values[i] =
            (float)(high * (double)(pta_rng_next(&rng) >> 40) * 0x1p-24);
    }
    hid_t file = H5Fcreate(argv[1], H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(n_dims, dims, NULL);
    hid_t set = H5Dcreate2(file, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT,
                           H5P_DEFAULT, H5P_DEFAULT);
    if (file < 0 || set < 0 ||
        H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) <
            0 ||
        H5Dclose(set) < 0 || H5Fclose(file) < 0) {
        die("cannot write the file");
    }
    H5Sclose(space);
    free(values);
    return 0;
}
