/*
 * Walks model_config: Sequential and Functional, Keras 2 and Keras 3, nested to
 * any depth, and emits every call of every layer in topological order.
 *
 * A network is a list of layers and a list of calls; call k of a layer reads
 * results of other calls (refs). A call is run when all it reads is there, the
 * first such call in the file's order first. Running a nested model is walking
 * it with the outer tensors as its inputs.
 */
#include <string.h>

#include "model/model_priv.h"

#define MAX_DEPTH 16
#define MAX_NODES 100000

/* A tensor by name: result `tensor` of call `call` of `layer`. */
typedef struct ref {
    int32_t layer, call, tensor;
} ref;

typedef struct refs {
    int32_t n;
    ref *ref; /* in the pool */
} refs;

typedef struct nodes {
    int32_t n;
    int32_t *node; /* in the pool */
} nodes;

typedef struct call {
    int32_t layer, index; /* call `index` of that layer */
    refs in;
    bool done;
    nodes out;
} call;

typedef struct layer {
    const char *name, *class_name;
    json_t *config, *inbound; /* borrowed */
    int32_t first_call, n_calls;
} layer;

typedef struct network {
    const char *prefix; /* of node names: "OUTER/" or "" */
    const char *path;   /* of weights: likewise, without call numbers */
    const json_t *config;
    int depth;
    int32_t n_layers, n_calls;
    layer *layers;
    call *calls;
    refs outputs;
} network;

bool pta_class_is_network(const char *class_name)
{
    return strcmp(class_name, "Sequential") == 0 ||
           strcmp(class_name, "Functional") == 0 ||
           strcmp(class_name, "Model") == 0;
}

json_t *pta_network_layers(const json_t *config)
{
    return json_is_array(config) ? (json_t *)(uintptr_t)config
                                 : json_object_get(config, "layers");
}

static pta_status damaged(pta_reader *r, const network *net, const char *name,
                          const char *what)
{
    return pta_fail(r->ctx, PTA_ERR_FORMAT, "model_config: layer \"%s%s\": %s",
                    net->prefix, name, what);
}

/* ---- refs ---- */

static int32_t layer_index(const network *net, const char *name)
{
    for (int32_t i = 0; i < net->n_layers; i++) {
        if (strcmp(net->layers[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

static pta_status refs_add(pta_reader *r, refs *list, ref item)
{
    if ((list->n & (list->n - 1)) == 0) { /* grows at powers of two */
        ref *grown;
        PTA_TRY_POOL(r->ctx, &r->pool, grown, list->n == 0 ? 1 : 2 * list->n);
        if (list->n > 0) {
            memcpy(grown, list->ref, (size_t)list->n * sizeof *grown);
        }
        list->ref = grown;
    }
    list->ref[list->n++] = item;
    return PTA_OK;
}

/* null, or a list of nothing but null: "mask": [null, null]. */
static bool is_nothing(const json_t *value)
{
    size_t n = json_array_size(value), i = 0;
    while (i < n && json_is_null(json_array_get(value, i))) {
        i++;
    }
    return json_is_null(value) || (json_is_array(value) && i == n);
}

/* Arguments that change what a layer computes are refused by name. */
static pta_status check_kwargs(pta_reader *r, const network *net,
                               const char *reader_name, const json_t *kwargs)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)kwargs, key, value)
    {
        bool harmless = is_nothing(value) || strcmp(key, "inputs") == 0 ||
                        (strcmp(key, "training") == 0 && !json_is_true(value));
        if (!harmless) {
            return pta_fail(r->ctx, PTA_ERR_UNSUPPORTED,
                            "layer \"%s%s\": it is called with %s \"%s\", "
                            "which is not supported",
                            net->prefix, reader_name,
                            strcmp(key, "mask") == 0 ? "a mask, argument"
                                                     : "the argument",
                            key);
        }
    }
    return PTA_OK;
}

static bool is_ref(const json_t *json)
{
    return json_array_size(json) >= 3 &&
           json_is_string(json_array_get(json, 0)) &&
           json_is_integer(json_array_get(json, 1)) &&
           json_is_integer(json_array_get(json, 2));
}

static pta_status ref_read(pta_reader *r, const network *net,
                           const char *reader_name, const json_t *json,
                           refs *out)
{
    ref item = {
        .layer = layer_index(net, json_string_value(json_array_get(json, 0)))};
    json_int_t at = json_integer_value(json_array_get(json, 1));
    json_int_t tensor = json_integer_value(json_array_get(json, 2));
    if (item.layer < 0 || at < 0 || at > INT32_MAX || tensor < 0 ||
        tensor > INT32_MAX) {
        return damaged(r, net, reader_name,
                       "it reads a layer that is not "
                       "there");
    }
    item.call = (int32_t)at;
    item.tensor = (int32_t)tensor;
    PTA_TRY(check_kwargs(r, net, reader_name, json_array_get(json, 3)));
    return refs_add(r, out, item);
}

/* Collects the tensors of any nesting of lists: ["NAME", CALL, TENSOR, {...}]
 * in Keras 2 and in input_layers, {"class_name": "__keras_tensor__", ...} in
 * Keras 3. */
static pta_status refs_read(pta_reader *r, const network *net,
                            const char *reader_name, const json_t *json,
                            refs *out)
{
    if (is_ref(json)) {
        return ref_read(r, net, reader_name, json, out);
    }
    if (json_is_object(json)) {
        const json_t *history =
            json_object_get(json_object_get(json, "config"), "keras_history");
        return is_ref(history)
                   ? ref_read(r, net, reader_name, history, out)
                   : damaged(r, net, reader_name,
                             "it is called with something else than tensors");
    }
    if (!json_is_array(json)) {
        return pta_fail(r->ctx, PTA_ERR_UNSUPPORTED,
                        "layer \"%s%s\": it is called with an argument that is "
                        "not a tensor",
                        net->prefix, reader_name);
    }
    size_t i;
    json_t *item;
    json_array_foreach((json_t *)(uintptr_t)json, i, item)
    {
        PTA_TRY(refs_read(r, net, reader_name, item, out));
    }
    return PTA_OK;
}

static pta_status inbound_read(pta_reader *r, const network *net,
                               const char *reader_name, const json_t *json,
                               refs *out)
{
    if (!json_is_object(json)) {
        return refs_read(r, net, reader_name, json, out); /* Keras 2 */
    }
    const json_t *kwargs = json_object_get(json, "kwargs");
    PTA_TRY(check_kwargs(r, net, reader_name, kwargs));
    PTA_TRY(refs_read(r, net, reader_name, json_object_get(json, "args"), out));
    const json_t *inputs = json_object_get(kwargs, "inputs");
    return inputs == NULL ? PTA_OK
                          : refs_read(r, net, reader_name, inputs, out);
}

/*
 * Calls of a nested model count from 1 where Keras also counts the model's own
 * making (Keras 2; Keras 3 in output_layers only), from 0 elsewhere. Every call
 * in the file is read by something, so the greatest number tells; where it does
 * not, the versions' habit does.
 */
static void settle_nested_calls(const pta_reader *r, const network *net,
                                refs *lists, int32_t n_lists, bool is_output)
{
    for (int32_t i = 0; i < net->n_layers; i++) {
        const layer *l = &net->layers[i];
        if (!pta_class_is_network(l->class_name)) {
            continue;
        }
        int32_t base = r->structure.keras_major == 2 ||
                       (is_output && strcmp(l->class_name, "Sequential") != 0);
        for (int pass = 0; pass < 2; pass++) {
            for (int32_t k = 0; k < n_lists; k++) {
                for (int32_t j = 0; j < lists[k].n; j++) {
                    ref *item = &lists[k].ref[j];
                    if (item->layer != i) {
                        continue;
                    }
                    if (pass == 1) {
                        item->call -= base;
                    } else if (item->call == 0) {
                        base = 0;
                    } else if (item->call == l->n_calls) {
                        base = 1;
                    }
                }
            }
        }
    }
}

/* ---- reading a network ---- */

static pta_status layers_read(pta_reader *r, network *net)
{
    json_t *list = pta_network_layers(net->config);
    if (json_array_size(list) == 0) {
        return pta_fail(r->ctx, PTA_ERR_FORMAT,
                        "model_config: %s has no layers",
                        net->prefix[0] == '\0' ? "the model" : net->prefix);
    }
    PTA_TRY_POOL(r->ctx, &r->pool, net->layers, json_array_size(list));
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        layer *l = &net->layers[net->n_layers];
        l->config = json_object_get(item, "config");
        l->inbound = json_object_get(item, "inbound_nodes");
        PTA_TRY(pta_json_string(r->ctx, item, "model_config: layer",
                                "class_name", &l->class_name));
        PTA_TRY(pta_json_string(r->ctx, l->config, l->class_name, "name",
                                &l->name));
        if (layer_index(net, l->name) >= 0) {
            return damaged(r, net, l->name, "the name occurs twice");
        }
        net->n_layers++;
    }
    return PTA_OK;
}

static bool is_input(const layer *l)
{
    return strcmp(l->class_name, "InputLayer") == 0;
}

/* Sequential: each layer is called once, on the one before it. A model without
 * InputLayer reads layer -1, its given input. */
static pta_status chain_calls(pta_reader *r, network *net)
{
    PTA_TRY_POOL(r->ctx, &r->pool, net->calls, net->n_layers);
    for (int32_t i = 0; i < net->n_layers; i++) {
        net->layers[i].first_call = i;
        net->layers[i].n_calls = 1;
        call *c = &net->calls[net->n_calls++];
        *c = (call){.layer = i};
        if (i > 0 || !is_input(&net->layers[0])) {
            PTA_TRY(refs_add(r, &c->in, (ref){.layer = i - 1}));
        }
    }
    return refs_add(r, &net->outputs, (ref){.layer = net->n_layers - 1});
}

static pta_status count_calls(pta_reader *r, network *net)
{
    int32_t n_calls = 0;
    for (int32_t i = 0; i < net->n_layers; i++) {
        layer *l = &net->layers[i];
        l->first_call = n_calls;
        l->n_calls = is_input(l) ? 1 : (int32_t)json_array_size(l->inbound);
        n_calls += l->n_calls;
        if (n_calls > MAX_NODES) {
            return damaged(r, net, l->name, "the model has too many calls");
        }
    }
    net->n_calls = n_calls;
    PTA_TRY_POOL(r->ctx, &r->pool, net->calls, n_calls);
    return PTA_OK;
}

static pta_status graph_calls(pta_reader *r, network *net)
{
    refs *lists;
    PTA_TRY(count_calls(r, net));
    PTA_TRY_POOL(r->ctx, &r->pool, lists, net->n_calls);
    for (int32_t i = 0; i < net->n_layers; i++) {
        const layer *l = &net->layers[i];
        for (int32_t k = 0; k < l->n_calls; k++) {
            call *c = &net->calls[l->first_call + k];
            *c = (call){.layer = i, .index = k};
            if (!is_input(l)) {
                PTA_TRY(inbound_read(r, net, l->name,
                                     json_array_get(l->inbound, (size_t)k),
                                     &lists[l->first_call + k]));
            }
        }
    }
    settle_nested_calls(r, net, lists, net->n_calls, false);
    for (int32_t i = 0; i < net->n_calls; i++) {
        net->calls[i].in = lists[i];
    }
    PTA_TRY(refs_read(r, net, "", json_object_get(net->config, "output_layers"),
                      &net->outputs));
    settle_nested_calls(r, net, &net->outputs, 1, true);
    return PTA_OK;
}

static pta_status network_read(pta_reader *r, const char *class_name,
                               network *net)
{
    if (net->depth > MAX_DEPTH) {
        return pta_fail(r->ctx, PTA_ERR_UNSUPPORTED,
                        "model \"%s\": models are nested too deep",
                        net->prefix);
    }
    PTA_TRY(layers_read(r, net));
    return strcmp(class_name, "Sequential") == 0 ? chain_calls(r, net)
                                                 : graph_calls(r, net);
}

/* ---- inputs ---- */

/* Input layers in the model's order. */
static pta_status input_layers(pta_reader *r, const network *net, refs *out)
{
    const json_t *listed = json_object_get(net->config, "input_layers");
    if (listed != NULL) {
        PTA_TRY(refs_read(r, net, "", listed, out));
    } else if (is_input(&net->layers[0])) {
        PTA_TRY(refs_add(r, out, (ref){0, 0, 0}));
    }
    for (int32_t i = 0; i < out->n; i++) {
        const layer *l = &net->layers[out->ref[i].layer];
        if (!is_input(l)) {
            return damaged(r, net, l->name, "an input that is no InputLayer");
        }
    }
    return PTA_OK;
}

static pta_status call_set(pta_reader *r, call *c, int32_t node)
{
    PTA_TRY_POOL(r->ctx, &r->pool, c->out.node, 1);
    c->out.node[0] = node;
    c->out.n = 1;
    c->done = true;
    return PTA_OK;
}

static const json_t *batch_shape(const json_t *config)
{
    const json_t *shape = json_object_get(config, "batch_input_shape");
    return shape != NULL ? shape : json_object_get(config, "batch_shape");
}

/* A Sequential without InputLayer: the shape stands elsewhere. */
static pta_status bare_input(pta_reader *r, const network *net, int32_t *node)
{
    const layer *l = &net->layers[0];
    const json_t *shape = batch_shape(l->config);
    if (shape == NULL) {
        shape = json_object_get(net->config, "build_input_shape");
    }
    char *name = pta_pool_print(r->ctx, &r->pool, "%s_input", l->name);
    return name == NULL ? PTA_ERR_NOMEM : pta_input_emit(r, name, shape, node);
}

/* Binds the inputs to `given`, or makes the model's own inputs. */
static pta_status inputs_bind(pta_reader *r, network *net, const nodes *given,
                              int32_t *bare)
{
    refs inputs = {0, NULL};
    PTA_TRY(input_layers(r, net, &inputs));
    int32_t n = inputs.n == 0 ? 1 : inputs.n;
    if (given != NULL && given->n != n) {
        return pta_fail(r->ctx, PTA_ERR_FORMAT,
                        "model \"%s\" has %d inputs, but is called with %d",
                        net->prefix, n, given->n);
    }
    if (inputs.n == 0) {
        *bare = given != NULL ? given->node[0] : -1;
        return given != NULL ? PTA_OK : bare_input(r, net, bare);
    }
    for (int32_t i = 0; i < n; i++) {
        const layer *l = &net->layers[inputs.ref[i].layer];
        int32_t node;
        if (given != NULL) {
            node = given->node[i];
        } else {
            PTA_TRY(pta_dtype_check(r->ctx, l->name, l->config));
            PTA_TRY(pta_input_emit(r, l->name, batch_shape(l->config), &node));
        }
        PTA_TRY(call_set(r, &net->calls[l->first_call], node));
    }
    return PTA_OK;
}

/* ---- running calls ---- */

/* The call a ref means, or NULL for a Sequential's bare input. */
static pta_status ref_call(pta_reader *r, const network *net, const ref *item,
                           const call **out)
{
    *out = NULL;
    if (item->layer < 0) {
        return PTA_OK;
    }
    const layer *l = &net->layers[item->layer];
    if (item->call < 0 || item->call >= l->n_calls) {
        return damaged(r, net, l->name,
                       "a call of it is read that is not "
                       "there");
    }
    *out = &net->calls[l->first_call + item->call];
    return PTA_OK;
}

/* Nodes behind refs; *ready is false while a call has not run. */
static pta_status resolve(pta_reader *r, const network *net, const refs *in,
                          int32_t bare, nodes *out, bool *ready)
{
    *ready = true;
    for (int32_t i = 0; i < in->n && *ready; i++) {
        const call *c;
        PTA_TRY(ref_call(r, net, &in->ref[i], &c));
        *ready = c == NULL || c->done;
    }
    if (!*ready) {
        return PTA_OK;
    }
    PTA_TRY_POOL(r->ctx, &r->pool, out->node, in->n);
    for (out->n = 0; out->n < in->n; out->n++) {
        const ref *item = &in->ref[out->n];
        const call *c;
        PTA_TRY(ref_call(r, net, item, &c));
        if (c != NULL && item->tensor >= c->out.n) {
            return damaged(r, net, net->layers[item->layer].name,
                           "an output of it is read that is not there");
        }
        out->node[out->n] = c == NULL ? bare : c->out.node[item->tensor];
    }
    return PTA_OK;
}

static pta_status network_run(pta_reader *r, const char *class_name,
                              network *net, const nodes *given, nodes *out);

static pta_status nested_run(pta_reader *r, const network *outer,
                             const layer *l, const char *name, const char *path,
                             const nodes *in, nodes *out)
{
    network net = {.config = l->config, .depth = outer->depth + 1};
    net.prefix = pta_pool_print(r->ctx, &r->pool, "%s/", name);
    net.path = pta_pool_print(r->ctx, &r->pool, "%s/", path);
    if (net.prefix == NULL || net.path == NULL) {
        return PTA_ERR_NOMEM;
    }
    return network_run(r, l->class_name, &net, in, out);
}

static pta_status call_run(pta_reader *r, const network *net, call *c,
                           const nodes *in)
{
    const layer *l = &net->layers[c->layer];
    char number[16] = "";
    if (c->index > 0) {
        snprintf(number, sizeof number, ":%d", c->index);
    }
    char *name = pta_pool_print(r->ctx, &r->pool, "%s%s%s", net->prefix,
                                l->name, number);
    char *path = pta_pool_print(r->ctx, &r->pool, "%s%s", net->path, l->name);
    if (name == NULL || path == NULL) {
        return PTA_ERR_NOMEM;
    }
    if (pta_class_is_network(l->class_name)) {
        PTA_TRY(nested_run(r, net, l, name, path, in, &c->out));
        c->done = true;
        return PTA_OK;
    }
    pta_call one = {l->class_name, name, path, l->config, in->n, in->node};
    int32_t node;
    PTA_TRY(pta_call_emit(r, &one, &node));
    if (r->graph->n_nodes > MAX_NODES) {
        return damaged(r, net, l->name, "the model has too many layers");
    }
    return call_set(r, c, node);
}

/* Runs one pass over the calls; false in *moved: none could run. */
static pta_status calls_pass(pta_reader *r, network *net, int32_t bare,
                             bool *moved, const char **waiting)
{
    *moved = false;
    *waiting = NULL;
    for (int32_t i = 0; i < net->n_calls; i++) {
        call *c = &net->calls[i];
        if (c->done) {
            continue;
        }
        nodes in;
        bool ready;
        PTA_TRY(resolve(r, net, &c->in, bare, &in, &ready));
        if (ready) {
            PTA_TRY(call_run(r, net, c, &in));
            *moved = true;
        } else {
            *waiting = net->layers[c->layer].name;
        }
    }
    return PTA_OK;
}

static pta_status network_run(pta_reader *r, const char *class_name,
                              network *net, const nodes *given, nodes *out)
{
    int32_t bare = -1;
    bool moved, ready;
    const char *waiting;
    PTA_TRY(network_read(r, class_name, net));
    PTA_TRY(inputs_bind(r, net, given, &bare));
    do {
        PTA_TRY(calls_pass(r, net, bare, &moved, &waiting));
    } while (moved);
    if (waiting != NULL) {
        return damaged(r, net, waiting,
                       "its inputs form a loop or are never "
                       "made");
    }
    PTA_TRY(resolve(r, net, &net->outputs, bare, out, &ready));
    PTA_ASSERT(ready);
    if (out->n == 0) {
        return pta_fail(r->ctx, PTA_ERR_FORMAT, "model_config: no outputs");
    }
    return PTA_OK;
}

pta_status pta_network_read(pta_reader *r)
{
    const char *class_name, *name;
    const json_t *root = r->structure.config;
    json_t *config = json_object_get(root, "config");
    PTA_TRY(pta_json_string(r->ctx, root, "model_config", "class_name",
                            &class_name));
    if (!pta_class_is_network(class_name)) {
        return pta_fail(r->ctx, PTA_ERR_UNSUPPORTED,
                        "model_config: a %s; Sequential and Functional models "
                        "are supported",
                        class_name);
    }
    name = json_string_value(json_object_get(config, "name"));
    PTA_TRY(pta_graph_create(r->ctx, name == NULL ? "model" : name, &r->graph));
    network net = {.prefix = "", .path = "", .config = config};
    nodes out = {0, NULL};
    PTA_TRY(network_run(r, class_name, &net, NULL, &out));
    for (int32_t i = 0; i < out.n; i++) {
        PTA_TRY(pta_graph_add_output(r->ctx, r->graph, out.node[i]));
    }
    return PTA_OK;
}
