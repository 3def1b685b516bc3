/*
 * Which dataset of the file is which weight of which layer.
 *
 * Keras itself loads by order, so order is what counts: the file lists, for
 * each top-level layer, its trainable weights and then the others; for a nested
 * model both lists run over its layers. The last part of a dataset's name must
 * agree, so a file of another making is refused rather than misread.
 */
#include <string.h>

#include "model/model_priv.h"

static pta_status slot_add(pta_reader *r, const char *layer, const char *role,
                           bool trainable)
{
    pta_slot *grown = pta_realloc(r->ctx, r->slots,
                                  ((size_t)r->n_slots + 1) * sizeof *r->slots);
    if (grown == NULL) {
        return PTA_ERR_NOMEM;
    }
    r->slots = grown;
    grown[r->n_slots++] = (pta_slot){layer, role, trainable, NULL};
    return PTA_OK;
}

/* Flags of a layer's config that leave a weight out. */
static bool has_role(const json_t *config, const char *role)
{
    const char *flag = strcmp(role, "bias") == 0    ? "use_bias"
                       : strcmp(role, "gamma") == 0 ? "scale"
                       : strcmp(role, "beta") == 0  ? "center"
                                                    : NULL;
    return flag == NULL || !json_is_false(json_object_get(config, flag));
}

/* Slots of one layer, those that train or those that do not. */
static pta_status gather_layer(pta_reader *r, const json_t *config,
                               const char *layer, const char *class_name,
                               bool trainable)
{
    const pta_class *class = pta_class_find(class_name);
    if (class == NULL) {
        return pta_class_refuse(r->ctx, layer, class_name);
    }
    bool trains = !json_is_false(json_object_get(config, "trainable"));
    for (int i = 0; i < PTA_MAX_ROLES && class->roles[i] != NULL; i++) {
        const char *role = class->roles[i];
        bool moving = strncmp(role, "moving_", 7) == 0;
        if (has_role(config, role) && (trains && !moving) == trainable) {
            PTA_TRY(slot_add(r, layer, role, trainable));
        }
    }
    return PTA_OK;
}

static pta_status gather(pta_reader *r, const json_t *item, const char *outer,
                         bool trainable, int depth)
{
    const char *class_name, *name;
    json_t *config = json_object_get(item, "config");
    PTA_TRY(pta_json_string(r->ctx, item, "model_config: layer", "class_name",
                            &class_name));
    PTA_TRY(pta_json_string(r->ctx, config, class_name, "name", &name));
    char *path = outer == NULL
                     ? pta_pool_print(r->ctx, &r->pool, "%s", name)
                     : pta_pool_print(r->ctx, &r->pool, "%s/%s", outer, name);
    if (path == NULL) {
        return PTA_ERR_NOMEM;
    }
    if (!pta_class_is_network(class_name)) {
        return gather_layer(r, config, path, class_name, trainable);
    }
    if (depth > 16) {
        return pta_fail(r->ctx, PTA_ERR_UNSUPPORTED,
                        "layer \"%s\": models are nested too deep", path);
    }
    size_t i;
    json_t *inner;
    json_array_foreach(pta_network_layers(config), i, inner)
    {
        PTA_TRY(gather(r, inner, path, trainable, depth + 1));
    }
    return PTA_OK;
}

/* "fc1/kernel:0" is the kernel; Keras 3 calls a depthwise kernel plain
 * "kernel". */
static bool name_has_role(const char *name, const char *role)
{
    const char *slash = strrchr(name, '/');
    const char *last = slash == NULL ? name : slash + 1;
    size_t n = strcspn(last, ":");
    return (strlen(role) == n && strncmp(last, role, n) == 0) ||
           (strcmp(role, "depthwise_kernel") == 0 && n == strlen("kernel") &&
            strncmp(last, "kernel", n) == 0);
}

/* Gives slots [first, n_slots) the datasets of group `name`, in order. */
static pta_status assign_group(pta_reader *r, const char *name, int32_t first)
{
    const pta_structure *s = &r->structure;
    int32_t slot = first, n_found = 0;
    for (int32_t i = 0; i < s->n_stored; i++) {
        const pta_stored *stored = &s->stored[i];
        if (strcmp(stored->group, name) != 0) {
            continue;
        }
        n_found++;
        if (slot == r->n_slots) {
            continue;
        }
        if (!name_has_role(stored->name, r->slots[slot].role)) {
            return pta_fail(r->ctx, PTA_ERR_FORMAT,
                            "layer \"%s\": expected its %s, found dataset %s",
                            r->slots[slot].layer, r->slots[slot].role,
                            stored->dataset);
        }
        r->slots[slot++].stored = stored;
    }
    if (n_found != r->n_slots - first) {
        return pta_fail(r->ctx, PTA_ERR_FORMAT,
                        "layer \"%s\": expected %d weights, the file has %d",
                        name, r->n_slots - first, n_found);
    }
    return PTA_OK;
}

pta_status pta_slots_assign(pta_reader *r)
{
    size_t i;
    json_t *item;
    json_t *config = json_object_get(r->structure.config, "config");
    json_array_foreach(pta_network_layers(config), i, item)
    {
        int32_t first = r->n_slots;
        PTA_TRY(gather(r, item, NULL, true, 0));
        PTA_TRY(gather(r, item, NULL, false, 0));
        const char *name = json_string_value(
            json_object_get(json_object_get(item, "config"), "name"));
        PTA_TRY(assign_group(r, name, first));
    }
    return PTA_OK;
}

const pta_slot *pta_slot_find(const pta_reader *r, const char *layer,
                              const char *role)
{
    for (int32_t i = 0; i < r->n_slots; i++) {
        if (strcmp(r->slots[i].layer, layer) == 0 &&
            strcmp(r->slots[i].role, role) == 0) {
            return &r->slots[i];
        }
    }
    return NULL;
}
