/* The devices in hardware. */
#include "cli/devices.h"

#include "hls/driver/device_board.h"
#include "hls/gen/device_rtl.h"

const pta_device_ops *const pta_devices[] = {&pta_device_rtl, &pta_device_board,
                                             NULL};
