/* What the files of framework/h5 share. */
#ifndef PTA_H5_H5_PRIV_H
#define PTA_H5_H5_PRIV_H

#include <hdf5.h>

#include "h5/h5.h"

struct pta_h5 {
    char *path; /* owned */
    hid_t id;
    uint64_t bytes_read;
};

#endif
