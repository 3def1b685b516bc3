/*
 * Writes a Keras 2 file with a dense network of seeded weights, of any size:
 *
 *     make_dense_net OUT.h5 SEED 784x1024x10
 *
 * Layers are called input, fc1, fc2, ..., output; ReLU after each but the last.
 * Weights are uniform in +-sqrt(3 / inputs), so that activations keep their
 * scale from layer to layer. A ranges file is written beside it from that
 * scale (generous, not measured). For benchmarks and tests that need a network
 * larger than the repository should hold.
 */
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#define MAX_LAYERS 64

static void die(const char *what)
{
    fprintf(stderr, "make_dense_net: %s\n", what);
    exit(1);
}

static hid_t checked(hid_t id, const char *what)
{
    if (id < 0) {
        die(what);
    }
    return id;
}

/* One fixed-length string, or an array of n of them. */
static void write_strings(hid_t object, const char *name,
                          const char *const *texts, int n, int is_array)
{
    size_t longest = 1;
    for (int i = 0; i < n; i++) {
        longest = strlen(texts[i]) > longest ? strlen(texts[i]) : longest;
    }
    char *packed = calloc((size_t)n, longest);
    for (int i = 0; i < n; i++) {
        memcpy(packed + (size_t)i * longest, texts[i], strlen(texts[i]));
    }
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, longest);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    hsize_t dims[1] = {(hsize_t)n};
    hid_t space =
        is_array ? H5Screate_simple(1, dims, NULL) : H5Screate(H5S_SCALAR);
    hid_t attribute = checked(
        H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT), name);
    if (H5Awrite(attribute, type, packed) < 0) {
        die(name);
    }
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    free(packed);
}

static void layer_name(char name[16], int layer, int n_layers)
{
    if (layer == n_layers) {
        strcpy(name, "output");
    } else {
        snprintf(name, 16, "fc%d", layer);
    }
}

static char *model_config(const int *sizes, int n_layers)
{
    char *text = calloc(1, 512 + 400 * (size_t)n_layers);
    char *at = text;
    at += sprintf(at,
                  "{\"class_name\":\"Sequential\",\"config\":{\"name\":"
                  "\"generated\",\"layers\":[{\"class_name\":\"InputLayer\","
                  "\"config\":{\"batch_input_shape\":[null,%d],\"dtype\":"
                  "\"float32\",\"name\":\"input\"}}",
                  sizes[0]);
    for (int i = 1; i <= n_layers; i++) {
        char name[16];
        layer_name(name, i, n_layers);
        at += sprintf(at,
                      ",{\"class_name\":\"Dense\",\"config\":{\"name\":\"%s\","
                      "\"dtype\":\"float32\",\"units\":%d,\"activation\":"
                      "\"%s\",\"use_bias\":true}}",
                      name, sizes[i], i < n_layers ? "relu" : "linear");
    }
    strcpy(at, "]}}");
    return text;
}

static float uniform(uint64_t *rng, double bound)
{
    double unit = (double)(pta_rng_next(rng) >> 11) * 0x1p-53;
    return (float)(bound * (2.0 * unit - 1.0));
}

/* Writes a [rows][cols] (or [cols] when rows is 0) dataset row by row. */
static void write_matrix(hid_t group, const char *path, int rows, int cols,
                         uint64_t *rng, double bound)
{
    hsize_t dims[2] = {(hsize_t)rows, (hsize_t)cols};
    int n_dims = rows > 0 ? 2 : 1;
    hid_t space = H5Screate_simple(n_dims, dims + 2 - n_dims, NULL);
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    hid_t set = checked(H5Dcreate2(group, path, H5T_IEEE_F32LE, space, links,
                                   H5P_DEFAULT, H5P_DEFAULT),
                        path);
    float *row = calloc((size_t)cols, sizeof *row);
    hsize_t count[2] = {1, (hsize_t)cols};
    hid_t memory = H5Screate_simple(1, count + 1, NULL);
    for (int r = 0; r < (rows > 0 ? rows : 1); r++) {
        for (int c = 0; c < cols; c++) {
            row[c] = uniform(rng, bound);
        }
        hsize_t start[2] = {(hsize_t)r, 0};
        if (rows > 0) {
            H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count,
                                NULL);
        }
        if (H5Dwrite(set, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, row) <
            0) {
            die("cannot write (disk full?)");
        }
    }
    free(row);
    H5Sclose(memory);
    H5Dclose(set);
    H5Pclose(links);
    H5Sclose(space);
}

static void write_layer(hid_t weights, const char *name, int inputs,
                        int outputs, uint64_t *rng)
{
    char kernel[64], bias[64];
    snprintf(kernel, sizeof kernel, "%s/kernel:0", name);
    snprintf(bias, sizeof bias, "%s/bias:0", name);
    hid_t group = checked(
        H5Gcreate2(weights, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), name);
    const char *const names[] = {kernel, bias};
    write_strings(group, "weight_names", names, 2, 1);
    write_matrix(group, kernel, inputs, outputs, rng, sqrt(3.0 / inputs));
    write_matrix(group, bias, 0, outputs, rng, 0.1);
    H5Gclose(group);
}

/* sqrt(3 / n) weights keep the root mean square of a ReLU layer's output below
 * that of its input, which is at most 1: 6 standard deviations never saturate
 * more than a few values. */
static void write_ranges(const char *model_path, int n_layers)
{
    char path[4096];
    snprintf(path, sizeof path, "%.*s.ranges.json",
             (int)(strlen(model_path) - 3), model_path);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        die(path);
    }
    fprintf(file,
            "{\"format\":\"partita-ranges\",\"version\":1,\"model\":\"%s\","
            "\"model_sha256\":\"\",\"set\":\"generated\",\"split\":\"train\","
            "\"rows\":0,\"digest\":\"\",\"ranges\":{\"input\":[0,1]",
            model_path);
    for (int i = 1; i <= n_layers; i++) {
        char name[16];
        layer_name(name, i, n_layers);
        fprintf(file, ",\"%s\":[%d,6]", name, i < n_layers ? 0 : -6);
    }
    fprintf(file, "}}\n");
    fclose(file);
}

int main(int argc, char **argv)
{
    int sizes[MAX_LAYERS + 1], n_sizes = 0;
    if (argc != 4 || strlen(argv[1]) < 4 ||
        strcmp(argv[1] + strlen(argv[1]) - 3, ".h5") != 0) {
        die("usage: make_dense_net OUT.h5 SEED 784x1024x10");
    }
    for (char *word = strtok(argv[3], "x");
         word != NULL && n_sizes <= MAX_LAYERS; word = strtok(NULL, "x")) {
        sizes[n_sizes++] = atoi(word);
    }
    if (n_sizes < 2 || n_sizes > MAX_LAYERS) {
        die("give 2 to 64 sizes, as 784x1024x10");
    }
    uint64_t rng = strtoull(argv[2], NULL, 10);
    int n_layers = n_sizes - 1;

    hid_t file = checked(
        H5Fcreate(argv[1], H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), argv[1]);
    char *config = model_config(sizes, n_layers);
    const char *const version = "2.11.0", *const backend = "tensorflow";
    const char *const config_text = config;
    write_strings(file, "keras_version", &version, 1, 0);
    write_strings(file, "backend", &backend, 1, 0);
    write_strings(file, "model_config", &config_text, 1, 0);

    hid_t weights = checked(H5Gcreate2(file, "model_weights", H5P_DEFAULT,
                                       H5P_DEFAULT, H5P_DEFAULT),
                            "model_weights");
    char names[MAX_LAYERS][16];
    const char *listed[MAX_LAYERS];
    for (int i = 1; i <= n_layers; i++) {
        layer_name(names[i - 1], i, n_layers);
        listed[i - 1] = names[i - 1];
        write_layer(weights, names[i - 1], sizes[i - 1], sizes[i], &rng);
    }
    write_strings(weights, "layer_names", listed, n_layers, 1);
    write_strings(weights, "keras_version", &version, 1, 0);
    write_strings(weights, "backend", &backend, 1, 0);
    H5Gclose(weights);
    free(config);
    if (H5Fclose(file) < 0) {
        die("cannot close the file (disk full?)");
    }
    write_ranges(argv[1], n_layers);
    return 0;
}
