/* The devices in hardware, which the runtime does not know by itself. */
#ifndef PTA_CLI_DEVICES_H
#define PTA_CLI_DEVICES_H

#include "runtime/device.h"

extern const pta_device_ops *const pta_devices[]; /* ends with NULL */

#endif
