/* Devices by name: the one place that knows them all. */
#include "runtime/device.h"

#include <string.h>

pta_status pta_device_find(pta_ctx *ctx, const char *text,
                           const pta_device_ops **ops, const char **options)
{
    const pta_device_ops *const known[] = {&pta_device_fixed, &pta_device_blas,
                                           &pta_device_float};
    const char *colon = strchr(text, ':');
    size_t length = colon != NULL ? (size_t)(colon - text) : strlen(text);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i]->name) == length &&
            strncmp(known[i]->name, text, length) == 0) {
            *ops = known[i];
            *options = colon != NULL ? colon + 1 : NULL;
            return PTA_OK;
        }
    }
    return pta_fail(ctx, PTA_ERR_USAGE,
                    "unknown device \"%.*s\": expected fixed, blas or float",
                    (int)length, text);
}
