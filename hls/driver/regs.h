/*
 * Registers: the map of docs/accelerators.md and AXI DMA's simple mode (PG021).
 * The driver, the simulated core and the Vivado scripts share this file.
 */
#ifndef PTA_HLS_REGS_H
#define PTA_HLS_REGS_H

/* Where Vivado places the two AXI4-Lite windows on the chip. */
#define PTA_DMA_ADDRESS  0x40400000u
#define PTA_DMA_BYTES    0x10000u
#define PTA_CORE_ADDRESS 0x43C00000u
#define PTA_CORE_BYTES   0x1000u

/* ---- core ---- */

#define PTA_REG_MAGIC         0x000u
#define PTA_REG_VERSION       0x004u
#define PTA_REG_CAPABILITIES  0x008u
#define PTA_REG_CLOCK         0x00Cu
#define PTA_REG_SLICE_DIGEST  0x010u /* 4 words */
#define PTA_REG_WEIGHT_DIGEST 0x020u /* 4 words */
#define PTA_REG_CONTROL       0x100u
#define PTA_REG_STATUS        0x104u
#define PTA_REG_SAMPLES       0x108u
#define PTA_REG_ERRORS        0x10Cu
#define PTA_REG_CYCLES        0x110u /* the low word latches the high one */
#define PTA_REG_STALLS_IN     0x118u
#define PTA_REG_STALLS_OUT    0x120u
#define PTA_REG_FIRST         0x128u
#define PTA_REG_FREE          0x130u
#define PTA_REG_SPAN          0x138u
#define PTA_REG_MEM_SELECT    0x200u
#define PTA_REG_MEM_ADDRESS   0x204u
#define PTA_REG_MEM_COMMAND   0x208u
#define PTA_REG_MEM_CRC       0x20Cu
#define PTA_REG_MEM_DATA      0x400u /* 256 words */

#define PTA_CORE_MAGIC 0x50544131u /* "PTA1" */
#define PTA_CORE_MAJOR 1u

#define PTA_CAP_RAM    (1u << 0)
#define PTA_CAP_CRC    (1u << 1)
#define PTA_CAP_REUSED (1u << 2)
#define PTA_CAP_HLS4ML (1u << 3)

#define PTA_CONTROL_START (1u << 0)
#define PTA_CONTROL_RESET (1u << 1)
#define PTA_CONTROL_CLEAR (1u << 2)

#define PTA_STATUS_IDLE  (1u << 0)
#define PTA_STATUS_BUSY  (1u << 1)
#define PTA_STATUS_DONE  (1u << 2)
#define PTA_STATUS_ERROR (1u << 3)
#define PTA_STATUS_CRC   (1u << 4)

#define PTA_ERRORS_EARLY   (1u << 0)
#define PTA_ERRORS_MISSING (1u << 1)
#define PTA_ERRORS_START   (1u << 2)
#define PTA_ERRORS_WRITE   (1u << 3)

/* ---- AXI DMA: a channel's base plus its register ---- */

#define PTA_DMA_MM2S    0x00u /* memory to stream: input of the core */
#define PTA_DMA_S2MM    0x30u /* stream to memory: output of the core */
#define PTA_DMA_CR      0x00u
#define PTA_DMA_SR      0x04u
#define PTA_DMA_ADDR    0x18u
#define PTA_DMA_ADDR_HI 0x1Cu
#define PTA_DMA_LENGTH  0x28u

#define PTA_DMA_LENGTH_BITS 26
#define PTA_DMA_LENGTH_MAX  ((1u << PTA_DMA_LENGTH_BITS) - 1)

#define PTA_DMA_CR_RUN     (1u << 0)
#define PTA_DMA_CR_RESET   (1u << 2)
#define PTA_DMA_CR_IOC_IRQ (1u << 12)
#define PTA_DMA_CR_ERR_IRQ (1u << 14)

#define PTA_DMA_SR_HALTED   (1u << 0)
#define PTA_DMA_SR_IDLE     (1u << 1)
#define PTA_DMA_SR_SG       (1u << 3)
#define PTA_DMA_SR_INTERNAL (1u << 4)
#define PTA_DMA_SR_SLAVE    (1u << 5)
#define PTA_DMA_SR_DECODE   (1u << 6)
#define PTA_DMA_SR_ERRORS   (0x7u << 4)
#define PTA_DMA_SR_IOC      (1u << 12)
#define PTA_DMA_SR_ERR      (1u << 14)

#endif
