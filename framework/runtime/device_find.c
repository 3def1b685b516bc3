/* Devices by name. */
#include <stdio.h>
#include <string.h>

#include "runtime/device.h"

static const pta_device_ops *find(const pta_device_ops *const *known,
                                  const char *name, size_t length)
{
    for (; known != NULL && *known != NULL; known++) {
        if (strlen((*known)->name) == length &&
            strncmp((*known)->name, name, length) == 0) {
            return *known;
        }
    }
    return NULL;
}

static pta_status unknown(pta_ctx *ctx, const pta_device_ops *const *more,
                          const char *name, size_t length)
{
    char others[128] = "";
    for (; more != NULL && *more != NULL; more++) {
        size_t used = strlen(others);
        snprintf(others + used, sizeof others - used, ", %s", (*more)->name);
    }
    return pta_fail(ctx, PTA_ERR_USAGE,
                    "unknown device \"%.*s\": expected fixed, blas, float%s",
                    (int)length, name, others);
}

pta_status pta_device_find_in(pta_ctx *ctx, const pta_device_ops *const *more,
                              const char *text, const pta_device_ops **ops,
                              const char **options)
{
    const pta_device_ops *const host[] = {&pta_device_fixed, &pta_device_blas,
                                          &pta_device_float, NULL};
    const char *colon = strchr(text, ':');
    size_t length = colon != NULL ? (size_t)(colon - text) : strlen(text);
    const pta_device_ops *found = find(host, text, length);
    found = found != NULL ? found : find(more, text, length);
    if (found == NULL) {
        return unknown(ctx, more, text, length);
    }
    *ops = found;
    *options = colon != NULL ? colon + 1 : NULL;
    return PTA_OK;
}

pta_status pta_device_find(pta_ctx *ctx, const char *text,
                           const pta_device_ops **ops, const char **options)
{
    return pta_device_find_in(ctx, NULL, text, ops, options);
}
