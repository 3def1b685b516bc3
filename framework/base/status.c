/* Names and texts of status codes, from PTA_STATUS_MAP. */
#include "base/status.h"

#include <stddef.h>

static const struct {
    const char *name, *text;
} table[PTA_STATUS_COUNT] = {
#define PTA_STATUS_ROW(code, text) {#code, text},
    PTA_STATUS_MAP(PTA_STATUS_ROW)
#undef PTA_STATUS_ROW
};

const char *pta_status_name(pta_status status)
{
    return (size_t)status < PTA_STATUS_COUNT ? table[status].name : "PTA_ERR_?";
}

const char *pta_status_text(pta_status status)
{
    return (size_t)status < PTA_STATUS_COUNT ? table[status].text
                                             : "unknown status";
}
