/* NSL-KDD: KDDTrain+ and KDDTest+, 121 values a row, five classes. */
#include <string.h>

#include "datasets/encode.h"
#include "datasets/files.h"
#include "datasets/nsl_kdd_table.h"

#define LENGTH(array) ((int32_t)(sizeof(array) / sizeof *(array)))

static const pta_table table = {
    .n_fields = 43,
    .n_values = 121,
    .n_columns = LENGTH(pta_nsl_kdd_columns),
    .columns = pta_nsl_kdd_columns,
    .n_nominal = LENGTH(pta_nsl_kdd_nominal),
    .nominal = pta_nsl_kdd_nominal,
    .n_labels = LENGTH(pta_nsl_kdd_labels),
    .labels = pta_nsl_kdd_labels,
    .label = PTA_NSL_KDD_LABEL,
};

/* The hash comes before the rows are cut up but counts after them: a bad row
 * is reported by its line. */
static pta_status nsl_kdd_open(pta_ctx *ctx, int64_t limit, pta_dataset *data)
{
    bool train = strcmp(data->split, "train") == 0;
    const pta_file *file =
        pta_files_named("nsl-kdd", train ? "KDDTrain+.txt" : "KDDTest+.txt");
    char *path = NULL;
    uint8_t *bytes = NULL;
    size_t n_bytes = 0;
    PTA_TRY(pta_files_read(ctx, file, &path, &bytes, &n_bytes));
    bool published = pta_files_identify("nsl-kdd", bytes, n_bytes) == file;
    pta_status status = pta_encode(ctx, &table, path, (char *)bytes, n_bytes,
                                   NULL, limit, data);
    if (status == PTA_OK && !published) {
        status = pta_files_foreign(ctx, file, path);
    }
    pta_free(ctx, bytes);
    pta_free(ctx, path);
    return status;
}

const pta_named_set pta_set_nsl_kdd = {
    .name = "nsl-kdd",
    .splits = "train test",
    .shapes = "11x11x1 11x11 121",
    .open = nsl_kdd_open,
};
