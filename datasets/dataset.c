/*
 * Opens data sets by name and hands out their rows. What a named set holds is
 * in mnist.c, nsl_kdd.c and unsw_nb15.c, the user's own files in user.c.
 */
#include "datasets/dataset_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"

enum { DIGEST_BYTES = 1 << 20, SHAPE_TEXT = 128, NAME_TEXT = 32 };

static const pta_named_set *const named_sets[] = {
    &pta_set_mnist, &pta_set_nsl_kdd, &pta_set_unsw_nb15};

void pta_shape_text(int32_t rank, const int32_t *dim, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int32_t i = 0; i < rank && used < size; i++) {
        int n = snprintf(text + used, size - used, "%s%d", i == 0 ? "" : "x",
                         (int)dim[i]);
        used += n > 0 ? (size_t)n : 0;
    }
}

/* Is `word` one of the words of `list`, which a blank each separates? */
static bool list_has(const char *list, const char *word)
{
    size_t n = strlen(word);
    while (*list != '\0') {
        size_t length = strcspn(list, " ");
        if (length == n && strncmp(list, word, n) == 0) {
            return true;
        }
        list += length + (list[length] == ' ');
    }
    return false;
}

/* ---- named sets ---- */

static pta_status check_named(pta_ctx *ctx, const pta_named_set *set,
                              const char *split, const pta_dataset_want *inputs,
                              int32_t n_inputs)
{
    if (!list_has(set->splits, split)) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "data set %s: no split '%s'; there are: %s", set->name,
                        split, set->splits);
    }
    if (n_inputs != 1) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "data set %s serves models with one input, not %d",
                        set->name, (int)n_inputs);
    }
    char shape[SHAPE_TEXT];
    pta_shape_text(inputs->rank, inputs->dim, shape, sizeof shape);
    if (!list_has(set->shapes, shape)) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "data set %s: model input '%s' has shape %s; the set "
                        "serves: %s",
                        set->name, inputs->input, shape, set->shapes);
    }
    return PTA_OK;
}

static pta_status open_named(pta_ctx *ctx, const char *name, const char *split,
                             const pta_dataset_want *inputs, int64_t limit,
                             pta_dataset *data)
{
    for (size_t i = 0; i < sizeof named_sets / sizeof *named_sets; i++) {
        const pta_named_set *set = named_sets[i];
        if (strcmp(set->name, name) == 0) {
            PTA_TRY(check_named(ctx, set, split, inputs, data->n_inputs));
            data->split = pta_strdup(ctx, split);
            if (data->split == NULL) {
                return PTA_ERR_NOMEM;
            }
            return set->open(ctx, limit, data);
        }
    }
    return pta_fail(
        ctx, PTA_ERR_USAGE,
        "unknown data set '%s'; there are: mnist, nsl-kdd, "
        "unsw-nb15, random:N:SEED, and files ending in .h5 or .hdf5",
        name);
}

/* ---- random:N:SEED ---- */

static bool parse_count(const char **text, uint64_t *value)
{
    if (**text < '0' || **text > '9') {
        return false;
    }
    char *end = NULL;
    errno = 0;
    *value = strtoull(*text, &end, 10);
    *text = end;
    return errno == 0;
}

static pta_status open_random(pta_ctx *ctx, const char *text, int64_t limit,
                              pta_dataset *data)
{
    const char *at = text + strlen("random:");
    uint64_t rows = 0;
    bool good = parse_count(&at, &rows) && *at++ == ':' &&
                parse_count(&at, &data->seed) && *at == '\0';
    if (!good || rows == 0 || rows > INT64_MAX) {
        return pta_fail(ctx, PTA_ERR_USAGE,
                        "data set '%s': expected random:N:SEED with N >= 1",
                        text);
    }
    data->rows = (int64_t)rows < limit ? (int64_t)rows : limit;
    data->is_random = true;
    data->split = pta_strdup(ctx, "");
    return data->split == NULL ? PTA_ERR_NOMEM : PTA_OK;
}

pta_status pta_dataset_read_random(pta_dataset *data, pta_ctx *ctx,
                                   int32_t input, int64_t lo, int64_t hi,
                                   int64_t first, int64_t n, int64_t *raw)
{
    if (!data->is_random) {
        return pta_fail(ctx, PTA_ERR_USAGE, "data set %s is not random",
                        data->set);
    }
    PTA_ASSERT(input >= 0 && input < data->n_inputs && lo <= hi);
    PTA_ASSERT(first >= 0 && n >= 0 && first <= data->rows - n);
    uint64_t skipped = 0; /* draws of the inputs before this one */
    for (int32_t i = 0; i < input; i++) {
        skipped += (uint64_t)data->counts[i];
    }
    int64_t count = data->counts[input];
    for (int64_t r = 0; r < n; r++) {
        /* A draw moves the state by the increment of splitmix64 (rng.h). */
        uint64_t state = data->seed + (uint64_t)(first + r) +
                         skipped * UINT64_C(0x9e3779b97f4a7c15);
        for (int64_t e = 0; e < count; e++) {
            raw[r * count + e] = pta_rng_range(&state, lo, hi);
        }
    }
    return PTA_OK;
}

/* ---- open, read, close ---- */

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), n_end = strlen(end);
    return n > n_end && strcmp(text + n - n_end, end) == 0;
}

static pta_status open_kind(pta_ctx *ctx, const char *text, const char *split,
                            const pta_dataset_want *inputs, int64_t limit,
                            pta_dataset *data)
{
    if (ends_in(text, ".h5") || ends_in(text, ".hdf5")) {
        return pta_user_open(ctx, text, inputs, limit, data);
    }
    if (strncmp(text, "random:", 7) == 0) {
        return open_random(ctx, text, limit, data);
    }
    char name[NAME_TEXT];
    const char *colon = strchr(text, ':');
    size_t n = colon == NULL ? strlen(text) : (size_t)(colon - text);
    (void)snprintf(name, sizeof name, "%.*s", n < 99 ? (int)n : 99, text);
    if (colon != NULL) {
        split = colon + 1;
    }
    PTA_TRY(open_named(ctx, name, split == NULL ? "test" : split, inputs, limit,
                       data));
    data->set[n] = '\0';
    return PTA_OK;
}

static pta_status set_counts(pta_ctx *ctx, const pta_dataset_want *inputs,
                             int32_t n_inputs, pta_dataset *data)
{
    PTA_TRY_ALLOC(ctx, data->counts, n_inputs);
    data->n_inputs = n_inputs;
    for (int32_t i = 0; i < n_inputs; i++) {
        data->counts[i] = 1;
        for (int32_t k = 0; k < inputs[i].rank; k++) {
            data->counts[i] *= inputs[i].dim[k];
        }
    }
    return PTA_OK;
}

pta_status pta_dataset_open(pta_ctx *ctx, const char *text, const char *split,
                            const pta_dataset_want *inputs, int32_t n_inputs,
                            int64_t limit, pta_dataset **out)
{
    pta_dataset *data = NULL;
    PTA_TRY_ALLOC(ctx, data, 1);
    limit = limit <= 0 ? INT64_MAX : limit;
    data->set = pta_strdup(ctx, text);
    pta_status status = data->set == NULL ? PTA_ERR_NOMEM : PTA_OK;
    if (status == PTA_OK) {
        status = set_counts(ctx, inputs, n_inputs, data);
    }
    if (status == PTA_OK) {
        status = open_kind(ctx, text, split, inputs, limit, data);
    }
    if (status != PTA_OK) {
        pta_dataset_close(ctx, &data);
        return status;
    }
    *out = data;
    return PTA_OK;
}

const char *pta_dataset_set(const pta_dataset *data)
{
    return data->set;
}

const char *pta_dataset_split(const pta_dataset *data)
{
    return data->split;
}

int64_t pta_dataset_rows(const pta_dataset *data)
{
    return data->rows;
}

bool pta_dataset_is_random(const pta_dataset *data)
{
    return data->is_random;
}

const int32_t *pta_dataset_labels(const pta_dataset *data)
{
    return data->labels;
}

pta_status pta_dataset_read(pta_dataset *data, pta_ctx *ctx, int32_t input,
                            int64_t first, int64_t n, float *values)
{
    if (data->is_random) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "data set %s has raw integers, no float values",
                        data->set);
    }
    PTA_ASSERT(input >= 0 && input < data->n_inputs);
    PTA_ASSERT(first >= 0 && n >= 0 && first <= data->rows - n);
    return data->read(data, ctx, input, first, n, values);
}

/* Hosts are little-endian, as the digest wants it (docs/architecture.md). */
pta_status pta_dataset_digest(pta_dataset *data, pta_ctx *ctx,
                              char hex[PTA_SHA256_HEX])
{
    int64_t row_bytes = data->counts[0] * (int64_t)sizeof(float);
    int64_t chunk = row_bytes < DIGEST_BYTES ? DIGEST_BYTES / row_bytes : 1;
    float *values = NULL;
    PTA_TRY_ALLOC(ctx, values, chunk * data->counts[0]);
    pta_sha256 hash;
    pta_sha256_init(&hash);
    pta_status status = PTA_OK;
    for (int64_t at = 0; at < data->rows && status == PTA_OK; at += chunk) {
        int64_t n = data->rows - at < chunk ? data->rows - at : chunk;
        status = pta_dataset_read(data, ctx, 0, at, n, values);
        if (status == PTA_OK) {
            pta_sha256_update(&hash, values, (size_t)(n * row_bytes));
        }
    }
    pta_free(ctx, values);
    if (status == PTA_OK) {
        uint8_t digest[PTA_SHA256_BYTES];
        pta_sha256_final(&hash, digest);
        pta_sha256_hex(digest, hex);
    }
    return status;
}

void pta_dataset_close(pta_ctx *ctx, pta_dataset **data)
{
    if (*data == NULL) {
        return;
    }
    if ((*data)->close != NULL) {
        (*data)->close(ctx, (*data)->kind);
    } else {
        pta_free(ctx, (*data)->kind);
    }
    pta_free(ctx, (*data)->counts);
    pta_free(ctx, (*data)->labels);
    pta_free(ctx, (*data)->split);
    pta_free(ctx, (*data)->set);
    pta_free(ctx, *data);
    *data = NULL;
}
