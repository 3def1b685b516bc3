/* What a block test's Verilator model (model.cpp) shows the harness. */
#ifndef HLS_MODEL_H
#define HLS_MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Ports of hls_top: all streams side by side, in 32-bit words. */
typedef struct hls_ports {
    uint32_t *in_data, *in_valid, *in_ready;
    uint32_t *out_data, *out_valid, *out_ready;
    uint32_t *mem_put, *mem_word, *mem_data; /* writes of weight memories */
    uint32_t *mem_working, *mem_crc;
} hls_ports;

/** Registers start as random bits drawn from the seed; 0: as zeros. */
void *hls_model_open(int seed, hls_ports *ports);
void hls_model_eval(void *model, int clk, int rst);
void hls_model_close(void *model);

#ifdef __cplusplus
}
#endif
#endif
