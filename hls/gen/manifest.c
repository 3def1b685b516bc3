/*
 * Manifests as JSON: see manifest.h. Each struct has one function that lists its
 * fields; the same list writes and reads, so the two cannot differ.
 */
#include "hls/gen/manifest.h"

#include <stdio.h>
#include <string.h>

#include "json/json.h"

#define MANY  65536 /* tensors, layers, memories, files: more is damage */
#define WHERE 256

/* A pass over the fields of one object; the first failure stays. */
typedef struct fields {
    pta_ctx *ctx;
    json_t *object; /* to fill or to read */
    bool reading;
    const char *where;
    pta_status status;
} fields;

/* ---- single fields ---- */

static int64_t number(fields *f, const char *key, int64_t lo, int64_t hi,
                      int64_t value)
{
    if (!f->reading) {
        json_object_set_new(f->object, key, json_integer(value));
    } else if (f->status == PTA_OK) {
        f->status =
            pta_json_int(f->ctx, f->object, f->where, key, lo, hi, &value);
    }
    return value;
}

static void field_i32(fields *f, const char *key, int32_t *value)
{
    *value = (int32_t)number(f, key, INT32_MIN, INT32_MAX, *value);
}

static void field_u32(fields *f, const char *key, uint32_t *value)
{
    *value = (uint32_t)number(f, key, 0, UINT32_MAX, *value);
}

static void field_i64(fields *f, const char *key, int64_t *value)
{
    *value = number(f, key, 0, INT64_MAX, *value);
}

static void field_size(fields *f, const char *key, size_t *value)
{
    *value = (size_t)number(f, key, 0, INT32_MAX, (int64_t)*value);
}

static void field_bool(fields *f, const char *key, bool *value)
{
    const json_t *found = json_object_get(f->object, key);
    if (!f->reading) {
        json_object_set_new(f->object, key, json_boolean(*value));
    } else if (f->status == PTA_OK && !json_is_boolean(found)) {
        f->status =
            pta_fail(f->ctx, PTA_ERR_FORMAT,
                     "%s: key \"%s\" must be true or false", f->where, key);
    } else {
        *value = json_is_true(found);
    }
}

static const char *text_of(fields *f, const char *key)
{
    const char *text = NULL;
    if (f->status == PTA_OK) {
        f->status = pta_json_string(f->ctx, f->object, f->where, key, &text);
    }
    return text;
}

static void field_text(fields *f, const char *key, char **value)
{
    if (!f->reading) {
        json_object_set_new(f->object, key, json_string(*value));
        return;
    }
    const char *text = text_of(f, key);
    if (text != NULL) {
        *value = pta_strdup(f->ctx, text);
        f->status = *value == NULL ? PTA_ERR_NOMEM : f->status;
    }
}

static void field_digest(fields *f, const char *key, char hex[PTA_SHA256_HEX])
{
    if (!f->reading) {
        json_object_set_new(f->object, key, json_string(hex));
        return;
    }
    const char *text = text_of(f, key);
    if (text != NULL && (strlen(text) != PTA_SHA256_HEX - 1 ||
                         strspn(text, "0123456789abcdef") != strlen(text))) {
        f->status = pta_fail(f->ctx, PTA_ERR_FORMAT,
                             "%s: key \"%s\" is no SHA-256 in hexadecimal",
                             f->where, key);
    } else if (text != NULL) {
        memcpy(hex, text, PTA_SHA256_HEX);
    }
}

/* One of n names; its index is the value. */
static int field_choice(fields *f, const char *key, const char *const *names,
                        int n, int value)
{
    if (!f->reading) {
        json_object_set_new(f->object, key, json_string(names[value]));
        return value;
    }
    const char *text = text_of(f, key);
    for (int i = 0; text != NULL && i < n; i++) {
        if (strcmp(text, names[i]) == 0) {
            return i;
        }
    }
    if (text != NULL) {
        f->status = pta_fail(f->ctx, PTA_ERR_FORMAT, "%s: key \"%s\" is \"%s\"",
                             f->where, key, text);
    }
    return 0;
}

/* ---- objects and arrays ---- */

typedef void field_list(fields *f, void *item);

static void field_object(fields *f, const char *key, field_list *list,
                         void *item)
{
    fields inner = *f;
    if (f->status != PTA_OK) {
        return;
    }
    if (!f->reading) {
        inner.object = json_object();
        json_object_set_new(f->object, key, inner.object);
    } else {
        inner.status =
            pta_json_object(f->ctx, f->object, f->where, key, &inner.object);
    }
    if (inner.status == PTA_OK) {
        list(&inner, item);
    }
    f->status = inner.status;
}

static void one_of_array(fields *f, const char *key, size_t i, json_t *object,
                         field_list *list, void *item)
{
    char where[WHERE];
    snprintf(where, sizeof where, "%s: %s[%zu]", f->where, key, i);
    fields inner = {f->ctx, object, f->reading, where, f->status};
    list(&inner, item);
    f->status = inner.status;
}

static void read_array(fields *f, const char *key, field_list *list,
                       size_t item_bytes, void **items, int32_t *n)
{
    json_t *array = NULL;
    f->status = pta_json_array(f->ctx, f->object, f->where, key, &array);
    size_t count = f->status == PTA_OK ? json_array_size(array) : 0;
    if (count > MANY) {
        f->status =
            pta_fail(f->ctx, PTA_ERR_FORMAT, "%s: key \"%s\" has %zu entries",
                     f->where, key, count);
    }
    if (f->status != PTA_OK) {
        return;
    }
    *items = pta_calloc(f->ctx, count, item_bytes);
    if (*items == NULL) {
        f->status = PTA_ERR_NOMEM;
        return;
    }
    *n = (int32_t)count;
    for (size_t i = 0; i < count && f->status == PTA_OK; i++) {
        one_of_array(f, key, i, json_array_get(array, i), list,
                     (char *)*items + i * item_bytes);
    }
}

static void field_array(fields *f, const char *key, field_list *list,
                        size_t item_bytes, void **items, int32_t *n)
{
    if (f->status != PTA_OK) {
        return;
    }
    if (f->reading) {
        read_array(f, key, list, item_bytes, items, n);
        return;
    }
    json_t *array = json_array();
    json_object_set_new(f->object, key, array);
    for (size_t i = 0; i < (size_t)*n; i++) {
        json_t *object = json_object();
        json_array_append_new(array, object);
        one_of_array(f, key, i, object, list, (char *)*items + i * item_bytes);
    }
}

/* An array whose type is kept through void *. */
#define FIELD_ARRAY(f, key, list, pointer, n)                                  \
    do {                                                                       \
        void *items_ = (pointer);                                              \
        field_array((f), (key), (list), sizeof *(pointer), &items_, (n));      \
        (pointer) = items_;                                                    \
    } while (0)

/* ---- the lists ---- */

static void list_resources(fields *f, void *item)
{
    pta_resources *r = item;
    field_i64(f, "lut", &r->lut);
    field_i64(f, "lutram", &r->lutram);
    field_i64(f, "ff", &r->ff);
    field_i64(f, "dsp", &r->dsp);
    field_i64(f, "bram18", &r->bram18);
}

static void list_tensor(fields *f, void *item)
{
    pta_manifest_tensor *t = item;
    field_text(f, "name", &t->name);
    field_i32(f, "width", &t->width);
    field_i32(f, "frac", &t->frac);
    field_bool(f, "signed", &t->is_signed);
    field_bool(f, "partial", &t->partial);
    field_i32(f, "element_bytes", &t->element_bytes);
    field_i64(f, "elements", &t->elements);
    field_size(f, "offset", &t->offset);
    field_size(f, "bytes", &t->bytes);
}

static void list_fold(fields *f, void *item)
{
    static const char *const orders[] = {"rows", "columns"};
    static const char *const memories[] = {"lut", "block", "ram"};
    pta_fold *fold = item;
    field_i32(f, "pe", &fold->pe);
    field_i32(f, "simd", &fold->simd);
    fold->order =
        (pta_fold_order)field_choice(f, "order", orders, 2, (int)fold->order);
    fold->memory = (pta_fold_memory)field_choice(f, "memory", memories, 3,
                                                 (int)fold->memory);
}

static void list_layer(fields *f, void *item)
{
    pta_manifest_layer *l = item;
    field_text(f, "name", &l->name);
    field_text(f, "op", &l->op);
    field_text(f, "formats", &l->formats);
    field_i64(f, "outputs", &l->outputs);
    field_i64(f, "inputs", &l->inputs);
    field_i64(f, "positions", &l->positions);
    field_object(f, "fold", list_fold, &l->fold);
    field_i64(f, "reuse", &l->reuse);
    field_i64(f, "steps", &l->steps);
    field_object(f, "resources", list_resources, &l->resources);
}

static void list_memory(fields *f, void *item)
{
    static const char *const roles[] = {"weights", "bias",  "scale",
                                        "alpha",   "table", "program"};
    pta_manifest_memory *m = item;
    field_text(f, "file", &m->file);
    field_i32(f, "layer", &m->layer);
    m->role = (pta_memory_role)field_choice(f, "role", roles, 6, (int)m->role);
    field_bool(f, "writable", &m->writable);
    field_u32(f, "words", &m->words);
    field_u32(f, "word_bits", &m->word_bits);
    field_u32(f, "lanes", &m->lanes);
    field_u32(f, "crc32", &m->crc);
}

static void list_file(fields *f, void *item)
{
    pta_manifest_file *file = item;
    field_text(f, "name", &file->name);
    field_digest(f, "sha256", file->sha256);
}

static void list_core(fields *f, pta_manifest *m)
{
    static const char *const engines[] = {"streaming", "reused"};
    field_text(f, "generator", &m->generator);
    field_text(f, "top", &m->top);
    field_i32(f, "board", &m->board);
    m->engine =
        (pta_engine)field_choice(f, "engine", engines, 2, (int)m->engine);
    field_bool(f, "ram", &m->ram);
    field_digest(f, "slice_digest", m->slice_digest);
    field_digest(f, "weight_digest", m->weight_digest);
    field_digest(f, "known_answer", m->known_answer);
    field_u32(f, "clock_hz", &m->clock_hz);
    field_i64(f, "latency", &m->latency);
    field_i64(f, "interval", &m->interval);
    field_size(f, "in_bytes", &m->in_bytes);
    field_size(f, "out_bytes", &m->out_bytes);
}

static void list_manifest(fields *f, void *item)
{
    pta_manifest *m = item;
    int32_t version = PTA_MANIFEST_VERSION;
    field_i32(f, "partita_manifest", &version);
    if (f->status == PTA_OK && version != PTA_MANIFEST_VERSION) {
        f->status = pta_fail(f->ctx, PTA_ERR_UNSUPPORTED,
                             "%s: manifest of version %d, expected %d; build "
                             "again",
                             f->where, version, PTA_MANIFEST_VERSION);
    }
    list_core(f, m);
    FIELD_ARRAY(f, "inputs", list_tensor, m->inputs, &m->n_inputs);
    FIELD_ARRAY(f, "outputs", list_tensor, m->outputs, &m->n_outputs);
    FIELD_ARRAY(f, "layers", list_layer, m->layers, &m->n_layers);
    FIELD_ARRAY(f, "memories", list_memory, m->memories, &m->n_memories);
    field_object(f, "resources", list_resources, &m->resources);
    FIELD_ARRAY(f, "files", list_file, m->files, &m->n_files);
}

/* ---- whole manifests ---- */

pta_status pta_manifest_print(pta_ctx *ctx, const pta_manifest *manifest,
                              char **text)
{
    pta_manifest copy = *manifest; /* lists take what they could change */
    fields f = {ctx, json_object(), false, "manifest", PTA_OK};
    list_manifest(&f, &copy);
    char *dump = json_dumps(f.object, JSON_INDENT(2));
    size_t n = dump == NULL ? 0 : strlen(dump);
    char *out = dump == NULL ? NULL : pta_calloc(ctx, n + 2, 1);
    if (out != NULL) {
        memcpy(out, dump, n);
        out[n] = '\n';
    }
    free(dump);
    json_decref(f.object);
    if (out == NULL) {
        return PTA_ERR_NOMEM;
    }
    *text = out;
    return PTA_OK;
}

/* What list_manifest cannot see of one field alone. */
static pta_status check(pta_ctx *ctx, const char *path, const pta_manifest *m)
{
    for (int32_t i = 0; i < m->n_memories; i++) {
        const pta_manifest_memory *e = &m->memories[i];
        if (e->layer < 0 || e->layer >= m->n_layers ||
            e->lanes != (e->word_bits + 31) / 32) {
            return pta_fail(ctx, PTA_ERR_FORMAT,
                            "%s: memories[%d] (%s): layer %d of %d, %u lanes "
                            "of %u bits",
                            path, i, e->file, e->layer, m->n_layers, e->lanes,
                            e->word_bits);
        }
    }
    if (m->clock_hz == 0 || m->in_bytes == 0 || m->out_bytes == 0) {
        return pta_fail(ctx, PTA_ERR_FORMAT,
                        "%s: clock_hz, in_bytes and out_bytes must not be 0",
                        path);
    }
    return PTA_OK;
}

pta_status pta_manifest_parse(pta_ctx *ctx, const char *text, const char *path,
                              pta_manifest **out)
{
    json_t *root = NULL;
    pta_manifest *m;
    PTA_TRY(pta_json_parse(ctx, text, path, &root));
    m = pta_calloc(ctx, 1, sizeof *m);
    fields f = {ctx, root, true, path, m == NULL ? PTA_ERR_NOMEM : PTA_OK};
    if (m != NULL) {
        list_manifest(&f, m);
        f.status = f.status == PTA_OK ? check(ctx, path, m) : f.status;
    }
    json_decref(root);
    if (f.status != PTA_OK) {
        pta_manifest_destroy(ctx, &m);
        return f.status;
    }
    *out = m;
    return PTA_OK;
}

pta_status pta_manifest_read(pta_ctx *ctx, const char *path, pta_manifest **out)
{
    char *text;
    PTA_TRY(pta_file_read(ctx, path, &text, NULL));
    pta_status status = pta_manifest_parse(ctx, text, path, out);
    pta_free(ctx, text);
    return status;
}

void pta_manifest_free(pta_ctx *ctx, pta_manifest *m)
{
    for (int32_t i = 0; i < m->n_inputs; i++) {
        pta_free(ctx, m->inputs[i].name);
    }
    for (int32_t i = 0; i < m->n_outputs; i++) {
        pta_free(ctx, m->outputs[i].name);
    }
    for (int32_t i = 0; i < m->n_layers; i++) {
        pta_free(ctx, m->layers[i].name);
        pta_free(ctx, m->layers[i].op);
        pta_free(ctx, m->layers[i].formats);
    }
    for (int32_t i = 0; i < m->n_memories; i++) {
        pta_free(ctx, m->memories[i].file);
    }
    for (int32_t i = 0; i < m->n_files; i++) {
        pta_free(ctx, m->files[i].name);
    }
    pta_free(ctx, m->inputs);
    pta_free(ctx, m->outputs);
    pta_free(ctx, m->layers);
    pta_free(ctx, m->memories);
    pta_free(ctx, m->files);
    pta_free(ctx, m->generator);
    pta_free(ctx, m->top);
    *m = (pta_manifest){.board = 0};
}

void pta_manifest_destroy(pta_ctx *ctx, pta_manifest **manifest)
{
    if (*manifest != NULL) {
        pta_manifest_free(ctx, *manifest);
        pta_free(ctx, *manifest);
        *manifest = NULL;
    }
}

/* ---- for the driver ---- */

static void first_bytes(const char *hex, uint8_t bytes[PTA_CORE_DIGEST_BYTES])
{
    for (size_t i = 0; i < 2 * PTA_CORE_DIGEST_BYTES; i++) {
        int digit = hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10;
        bytes[i / 2] = (uint8_t)(bytes[i / 2] << 4 | digit);
    }
}

void pta_manifest_info(const pta_manifest *m, pta_core_info *info)
{
    *info = (pta_core_info){.clock_hz = m->clock_hz,
                            .latency = (uint64_t)m->latency,
                            .interval = (uint64_t)m->interval,
                            .in_bytes = m->in_bytes,
                            .out_bytes = m->out_bytes};
    first_bytes(m->slice_digest, info->slice_digest);
    first_bytes(m->weight_digest, info->weight_digest);
}

pta_status pta_manifest_folds(pta_ctx *ctx, const pta_manifest *m,
                              const pta_slice *slice, pta_fold *folds)
{
    if (m->n_layers != slice->n_steps) {
        return pta_fail(ctx, PTA_ERR_MISMATCH,
                        "the manifest has %d layers, the slice %d steps",
                        m->n_layers, slice->n_steps);
    }
    for (int32_t i = 0; i < m->n_layers; i++) {
        folds[i] = m->layers[i].fold;
    }
    return PTA_OK;
}
