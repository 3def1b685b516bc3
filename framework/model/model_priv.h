/*
 * What the files of framework/model share. The way of a model:
 *
 *   file --structure.c--> structure text --structure.c--> pta_structure
 *        --slots.c--> which dataset is which layer's weight
 *        --network.c--> calls of layers, in topological order
 *        --layers.c, conv.c, reshape.c, activation.c--> raw nodes
 *        --canonical.c--> the graph of ir/graph.h
 *
 * weights.c reads the datasets, keras.c is the public face. A rank without the
 * file starts at the structure text, so that there is one path.
 */
#ifndef PTA_MODEL_MODEL_PRIV_H
#define PTA_MODEL_MODEL_PRIV_H

#include "h5/h5.h"
#include "ir/build.h"
#include "ir/weights.h"
#include "model/keras.h"
#include "json/json.h"

/* ---- pool.c: memory that is freed together ---- */

typedef struct pta_pool {
    struct pta_pool_block *last;
} pta_pool;

/** Zeroed bytes, alive until pta_pool_free; NULL without memory. */
void *pta_pool_alloc(pta_ctx *ctx, pta_pool *pool, size_t count, size_t size);
char *pta_pool_print(pta_ctx *ctx, pta_pool *pool, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void pta_pool_free(pta_ctx *ctx, pta_pool *pool);

#define PTA_TRY_POOL(ctx, pool, ptr, count)                                    \
    do {                                                                       \
        (ptr) = pta_pool_alloc((ctx), (pool), (size_t)(count), sizeof *(ptr)); \
        if ((ptr) == NULL) {                                                   \
            return PTA_ERR_NOMEM;                                              \
        }                                                                      \
    } while (0)

/* ---- structure.c ---- */

/** A weight in the file. */
typedef struct pta_stored {
    const char *group;   /* top-level layer that owns it */
    const char *name;    /* as weight_names has it: "fc1/kernel:0" */
    const char *dtype;   /* "float32" */
    const char *dataset; /* "model_weights/fc1/fc1/kernel:0" */
    pta_shape shape;
} pta_stored;

typedef struct pta_structure {
    json_t *root;   /* owned; strings point into it */
    json_t *config; /* owned; model_config, parsed */
    const char *config_text;
    const char *keras_version;
    int32_t keras_major;
    int32_t n_stored;
    pta_stored *stored; /* in the pool */
} pta_structure;

/** The structure text of a file (pta_free). */
pta_status PTA_MUST_CHECK pta_structure_read(pta_ctx *ctx, const pta_h5 *file,
                                             char **text);
pta_status PTA_MUST_CHECK pta_structure_parse(pta_ctx *ctx, pta_pool *pool,
                                              const char *text,
                                              pta_structure *out);
void pta_structure_free(pta_structure *structure);
void pta_structure_digest(const pta_structure *structure,
                          char digest[PTA_SHA256_HEX]);

/* ---- the reader ---- */

/** Weights behind one key of pta_weights: a kernel with its bias, a
 * BatchNormalization, or the two folded together. NULL: has none. */
typedef struct pta_source {
    const char *layer; /* for messages */
    const pta_stored *kernel, *bias;
    const char *norm; /* BatchNormalization layer, or NULL */
    const pta_stored *gamma, *beta, *mean, *variance;
    double epsilon;
} pta_source;

/** Where one weight of one layer lies. */
typedef struct pta_slot {
    const char *layer; /* path: "OUTER/INNER" */
    const char *role;  /* "kernel", "bias", "gamma", ... */
    bool trainable;
    const pta_stored *stored;
} pta_slot;

typedef struct pta_reader {
    pta_ctx *ctx; /* borrowed */
    pta_form form;
    pta_pool pool;
    pta_structure structure;
    int32_t n_slots;
    pta_slot *slots; /* owned */
    int32_t n_sources;
    pta_source *sources; /* owned */
    pta_graph *graph;    /* owned */
} pta_reader;

/** Structure text to canonical graph and sources. On failure the reader holds
 * nothing. */
pta_status PTA_MUST_CHECK pta_reader_open(pta_ctx *ctx, const char *text,
                                          pta_form form, pta_reader *reader);
void pta_reader_close(pta_ctx *ctx, pta_reader *reader);

/** Key of a source, adding it unless an equal one is there. */
pta_status PTA_MUST_CHECK pta_source_key(pta_reader *reader,
                                         const pta_source *source,
                                         int32_t *key);

/* ---- slots.c ---- */

/** Maps the file's datasets to the layers' weights, as Keras loads them: by
 * order within the group of a top-level layer. */
pta_status PTA_MUST_CHECK pta_slots_assign(pta_reader *reader);
const pta_slot *pta_slot_find(const pta_reader *reader, const char *layer,
                              const char *role);

/* ---- network.c ---- */

/** Emits the nodes of the model and its outputs, nested models flattened. */
pta_status PTA_MUST_CHECK pta_network_read(pta_reader *reader);

/** True for Sequential, Functional and Model. */
bool pta_class_is_network(const char *class_name);

/** Layers of a network's config (some old Sequential files: the config itself);
 * NULL if it has none. */
json_t *pta_network_layers(const json_t *config);

/* ---- layers.c: one call of one layer ---- */

typedef struct pta_call {
    const char *class_name;
    const char *name;  /* of the node: outer names and call number included */
    const char *layer; /* path by which its weights are found */
    const json_t *config;
    int32_t n_in;
    const int32_t *in; /* nodes */
} pta_call;

#define PTA_MAX_ROLES 5

typedef struct pta_class {
    const char *name;
    pta_status (*emit)(pta_reader *reader, const pta_call *call, int32_t *node);
    const char *roles[PTA_MAX_ROLES]; /* weights in Keras' order */
    int variant;                      /* meaning is the emit function's */
} pta_class;

/** NULL if the class is not supported. */
const pta_class *pta_class_find(const char *class_name);

/** PTA_ERR_UNSUPPORTED for a class that pta_class_find does not know. */
pta_status pta_class_refuse(pta_ctx *ctx, const char *layer,
                            const char *class_name);

/** Emits the nodes of a call; *node is the one with its result. */
pta_status PTA_MUST_CHECK pta_call_emit(pta_reader *reader,
                                        const pta_call *call, int32_t *node);

/** Emits a model input; `batch_shape` includes the batch axis. */
pta_status PTA_MUST_CHECK pta_input_emit(pta_reader *reader, const char *name,
                                         const json_t *batch_shape,
                                         int32_t *node);

/** PTA_ERR_UNSUPPORTED unless the layer computes in float32. */
pta_status PTA_MUST_CHECK pta_dtype_check(pta_ctx *ctx, const char *layer,
                                          const json_t *config);

/* ---- call.c: reading a layer's config, adding its nodes ---- */

/** Fails with "layer "NAME": ...". */
pta_status pta_call_fail(pta_reader *reader, const pta_call *call,
                         pta_status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

pta_status PTA_MUST_CHECK pta_call_int(pta_reader *reader, const pta_call *call,
                                       const char *key, int32_t lo, int32_t hi,
                                       int32_t *out);
bool pta_call_bool(const pta_call *call, const char *key, bool absent);

/** A number; `absent` when the key is missing or null. */
pta_status PTA_MUST_CHECK pta_call_number(pta_reader *reader,
                                          const pta_call *call, const char *key,
                                          double absent, double *out);

/** One or two numbers for height and width: n or [n] with one axis, n or
 * [a, b] with two; `absent` for a missing or null key. With one axis out[1] is
 * 1. Values are 1..32767. */
pta_status PTA_MUST_CHECK pta_call_pair(pta_reader *reader,
                                        const pta_call *call, const char *key,
                                        int32_t axes, const int32_t absent[2],
                                        int32_t out[2]);

/** The input's node; its rank must be lo..hi. */
pta_status PTA_MUST_CHECK pta_call_input(pta_reader *reader,
                                         const pta_call *call, int32_t lo,
                                         int32_t hi, pta_node *out);

/** The stored weight, checked to have this shape and float32 elements. */
pta_status PTA_MUST_CHECK pta_call_weight(pta_reader *reader,
                                          const pta_call *call,
                                          const char *role, int32_t rank,
                                          const int32_t *dim,
                                          const pta_stored **out);

/** Sets shape and view. */
pta_status PTA_MUST_CHECK pta_call_shape(pta_reader *reader,
                                         const pta_call *call, int32_t rank,
                                         const int32_t *dim, pta_node *node);

/** Adds `node`, named after the call, reading the call's inputs unless it has
 * inputs of its own. */
pta_status PTA_MUST_CHECK pta_call_add(pta_reader *reader, const pta_call *call,
                                       pta_node *node, int32_t *index);

/* ---- emitters, by class ---- */

/** Applies config.activation to node *index: on the node, or as a node
 * "NAME/ACTIVATION" whose index replaces *index (activation.c). */
pta_status PTA_MUST_CHECK pta_activation_apply(pta_reader *reader,
                                               const pta_call *call,
                                               int32_t *index);

pta_status pta_emit_activation(pta_reader *, const pta_call *, int32_t *);
pta_status pta_emit_dense(pta_reader *, const pta_call *, int32_t *);
pta_status pta_emit_conv(pta_reader *, const pta_call *, int32_t *);
pta_status pta_emit_depthwise(pta_reader *, const pta_call *, int32_t *);
pta_status pta_emit_separable(pta_reader *, const pta_call *, int32_t *);
pta_status pta_emit_pool(pta_reader *, const pta_call *, int32_t *);
pta_status pta_emit_global_pool(pta_reader *, const pta_call *, int32_t *);
pta_status pta_emit_norm(pta_reader *, const pta_call *, int32_t *);
pta_status pta_emit_reshape(pta_reader *, const pta_call *, int32_t *);
pta_status pta_emit_flatten(pta_reader *, const pta_call *, int32_t *);
pta_status pta_emit_permute(pta_reader *, const pta_call *, int32_t *);
pta_status pta_emit_zeropad(pta_reader *, const pta_call *, int32_t *);
pta_status pta_emit_merge(pta_reader *, const pta_call *, int32_t *);
pta_status pta_emit_concat(pta_reader *, const pta_call *, int32_t *);
pta_status pta_emit_nothing(pta_reader *, const pta_call *, int32_t *);

/* ---- canonical.c ---- */

/** Folds BatchNormalizations, merges ReLUs, drops what no output needs. */
pta_status PTA_MUST_CHECK pta_canonical(pta_reader *reader);

/* ---- keras.c, weights.c ---- */

struct pta_model {
    pta_h5 *file;
    char *structure; /* owned */
    char digest[PTA_SHA256_HEX];
    pta_reader reader;
    pta_weights weights;
};

/** pta_weights.read over the model's file. */
pta_status pta_model_read_weights(pta_weights *self, pta_ctx *ctx, int32_t node,
                                  pta_weight_role role, pta_weight_part part,
                                  double *values);

#endif
