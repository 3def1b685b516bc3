/*
 * UNSW-NB15: 64 values a row, ten classes.
 *
 * The published pair has 175,341 training and 82,332 test rows. Where only the
 * smaller file is present it is split by feature vector, so that equal rows
 * stay on one side: FNV-1a 64 of the text of columns 2 to 43. Copies swap the
 * file names, so a file is known by its hash, not by its name.
 */
#include <string.h>

#include "datasets/encode.h"
#include "datasets/files.h"
#include "datasets/unsw_nb15_table.h"

#define LENGTH(array) ((int32_t)(sizeof(array) / sizeof *(array)))

static const pta_table table = {
    .n_fields = 45,
    .n_values = 64,
    .n_columns = LENGTH(pta_unsw_nb15_columns),
    .columns = pta_unsw_nb15_columns,
    .n_nominal = LENGTH(pta_unsw_nb15_nominal),
    .nominal = pta_unsw_nb15_nominal,
    .n_labels = LENGTH(pta_unsw_nb15_labels),
    .labels = pta_unsw_nb15_labels,
    .label = PTA_UNSW_NB15_LABEL,
    .has_header = true,
};

static uint64_t fnv1a(uint64_t key, const char *text)
{
    for (; *text != '\0'; text++) {
        key = (key ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    }
    return key;
}

/* Key 0 to 6 training, 7 validation, 8 and 9 test. */
static bool in_part(const pta_csv *row, const char *split)
{
    uint64_t key = UINT64_C(0xcbf29ce484222325);
    for (int32_t i = 1; i < 43; i++) {
        key = fnv1a(i == 1 ? key : fnv1a(key, ","), row->field[i]);
    }
    unsigned part = (unsigned)((key >> 32) % 10);
    const char *of = part < 7 ? "train" : part == 7 ? "validation" : "test";
    return strcmp(of, split) == 0;
}

/* A file present; `path` and `bytes` are owned. */
typedef struct unsw_file {
    char *path;
    uint8_t *bytes;
    size_t n_bytes;
    const pta_file *is; /* what it is by its hash; NULL: foreign */
} unsw_file;

static void unsw_free(pta_ctx *ctx, unsw_file *file)
{
    pta_free(ctx, file->bytes);
    pta_free(ctx, file->path);
}

static pta_status unsw_load(pta_ctx *ctx, const pta_file *named,
                            unsw_file *file)
{
    PTA_TRY(
        pta_files_read(ctx, named, &file->path, &file->bytes, &file->n_bytes));
    file->is = pta_files_identify("unsw-nb15", file->bytes, file->n_bytes);
    return PTA_OK;
}

/* Rows of the split from what is present; `larger` may be absent. */
static pta_status unsw_encode(pta_ctx *ctx, const unsw_file *smaller,
                              const unsw_file *larger, int64_t limit,
                              pta_dataset *data)
{
    bool train = strcmp(data->split, "train") == 0;
    bool whole = larger->bytes != NULL;
    if (whole && strcmp(data->split, "validation") == 0) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "data set unsw-nb15: the published pair (%s is there) "
                        "has no split 'validation'",
                        larger->path);
    }
    const unsw_file *from = whole && train ? larger : smaller;
    return pta_encode(ctx, &table, from->path, (char *)from->bytes,
                      from->n_bytes, whole ? NULL : in_part, limit, data);
}

/* A foreign file: a bad row says more about it than a wrong hash. */
static pta_status unsw_refuse(pta_ctx *ctx, const unsw_file *file,
                              const pta_file *named, pta_dataset *data)
{
    PTA_TRY(pta_encode(ctx, &table, file->path, (char *)file->bytes,
                       file->n_bytes, NULL, 1, data));
    return pta_files_foreign(ctx, named, file->path);
}

static pta_status unsw_choose(pta_ctx *ctx, const pta_file *named,
                              unsw_file file[2], int64_t limit,
                              pta_dataset *data)
{
    for (int i = 0; i < 2; i++) {
        if (file[i].bytes != NULL && file[i].is == NULL) {
            return unsw_refuse(ctx, &file[i], &named[i], data);
        }
    }
    const unsw_file none = {0};
    int smaller = file[0].is == &named[0]   ? 0
                  : file[1].is == &named[0] ? 1
                                            : -1;
    if (smaller < 0) {
        return pta_fail(ctx, PTA_ERR_NOT_FOUND,
                        "unsw-nb15: the file of 82,332 rows is missing (there "
                        "is only %s); try 'partita fetch unsw-nb15'",
                        file[0].bytes != NULL ? file[0].path : file[1].path);
    }
    const unsw_file *other = &file[1 - smaller];
    return unsw_encode(ctx, &file[smaller],
                       other->is == &named[1] ? other : &none, limit, data);
}

static pta_status unsw_open(pta_ctx *ctx, int64_t limit, pta_dataset *data)
{
    int32_t n = 0;
    const pta_file *named = pta_files_of("unsw-nb15", &n);
    PTA_ASSERT(n == 2); /* the smaller file, the larger one */
    unsw_file file[2] = {{0}, {0}};
    pta_status status = unsw_load(ctx, &named[1], &file[1]);
    pta_status first = PTA_OK;
    if (status == PTA_OK || status == PTA_ERR_NOT_FOUND) {
        first = unsw_load(ctx, &named[0], &file[0]);
        /* One of the two is enough to go on with. */
        status = first == PTA_ERR_NOT_FOUND ? status : first;
    }
    if (status == PTA_OK) {
        status = unsw_choose(ctx, named, file, limit, data);
    }
    unsw_free(ctx, &file[1]);
    unsw_free(ctx, &file[0]);
    return status;
}

const pta_named_set pta_set_unsw_nb15 = {
    .name = "unsw-nb15",
    .splits = "train validation test",
    .shapes = "64x1 64",
    .open = unsw_open,
};
