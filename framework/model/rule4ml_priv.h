/* Features of a network, by the names that rule4ml's configurations give them. */
#ifndef PTA_MODEL_RULE4ML_PRIV_H
#define PTA_MODEL_RULE4ML_PRIV_H

#include "model/rule4ml.h"

/** Value of "dense_inputs_mean", "relu_count", ... PTA_ERR_UNSUPPORTED for a name
 * that is none. */
pta_status PTA_MUST_CHECK pta_rule4ml_feature(pta_ctx *ctx, const char *label,
                                              const pta_rule4ml_query *query,
                                              double *value);

#endif
