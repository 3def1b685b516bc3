/*
 * The context: allocator, last error, log sink and fault injection.
 *
 * There is no global state in Partita; what would be global lives here, and
 * every function that can allocate, fail or speak takes a context. One context
 * belongs to one thread.
 */
#ifndef PTA_BASE_CTX_H
#define PTA_BASE_CTX_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/status.h"

typedef struct pta_ctx pta_ctx;

/** Creates a context; NULL if there is no memory. Destroy it last. */
pta_ctx *pta_ctx_create(void);

/** Destroys a context and sets the pointer to NULL; accepts NULL. */
void pta_ctx_destroy(pta_ctx **ctx);

/** The MPI rank and size that log lines carry; 0 of 1 until set. */
void pta_ctx_set_rank(pta_ctx *ctx, int rank, int size);
int pta_ctx_rank(const pta_ctx *ctx);
int pta_ctx_size(const pta_ctx *ctx);

/* ---- errors ---- */

/**
 * Stores the detail of a failure and returns `status`, so that a function can
 * end in `return pta_fail(ctx, PTA_ERR_IO, "%s: %s", path, strerror(errno))`.
 * A later failure replaces an earlier one. Texts are cut at 1,023 bytes.
 */
pta_status pta_fail(pta_ctx *ctx, pta_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Puts "prefix: " in front of the stored detail; returns `status`. */
pta_status pta_fail_in(pta_ctx *ctx, pta_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Detail of the last failure; "" if there was none. Borrowed. */
const char *pta_ctx_error(const pta_ctx *ctx);
void pta_ctx_clear_error(pta_ctx *ctx);

/* ---- memory ---- */

/**
 * `count` objects of `size` bytes, zeroed, 64-byte aligned. NULL (with the
 * error stored) when there is no memory or the product overflows. A count of 0
 * gives a valid pointer.
 */
void *pta_calloc(pta_ctx *ctx, size_t count, size_t size);

/** Grows or shrinks; the old block stays valid when NULL is returned. */
void *pta_realloc(pta_ctx *ctx, void *block, size_t bytes);
void pta_free(pta_ctx *ctx, void *block);
char *pta_strdup(pta_ctx *ctx, const char *text);

/** Allocates into `ptr` or returns PTA_ERR_NOMEM from the function. */
#define PTA_TRY_ALLOC(ctx, ptr, count)                                         \
    do {                                                                       \
        (ptr) = pta_calloc((ctx), (size_t)(count), sizeof *(ptr));             \
        if ((ptr) == NULL) {                                                   \
            return PTA_ERR_NOMEM;                                              \
        }                                                                      \
    } while (0)

/** Blocks and bytes alive, and calls of the allocator so far. */
typedef struct pta_memory {
    size_t live_blocks;
    size_t live_bytes;
    size_t calls;
} pta_memory;

pta_memory pta_ctx_memory(const pta_ctx *ctx);

/* ---- fault injection (tests) ---- */

/**
 * Makes every `every`-th possible failure happen (allocation, file, message);
 * 0 switches it off. `seed` chooses which of the first `every` is the first.
 */
void pta_ctx_set_faults(pta_ctx *ctx, uint32_t every, uint64_t seed);

/** True when the fault injector wants this operation to fail. */
bool pta_ctx_fault(pta_ctx *ctx);

/* ---- log ---- */

typedef enum pta_log_level {
    PTA_LOG_WARN,
    PTA_LOG_INFO,
    PTA_LOG_DEBUG
} pta_log_level;

/** `line` carries the rank already and has no line end. */
typedef void (*pta_log_sink)(void *user, pta_log_level level, const char *line);

/** NULL (the default) keeps the library silent. */
void pta_ctx_set_log(pta_ctx *ctx, pta_log_sink sink, void *user);
void pta_log(pta_ctx *ctx, pta_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** States what the code itself guarantees; input is checked with a status. */
#define PTA_ASSERT(cond)                                                       \
    do {                                                                       \
        if (!(cond)) {                                                         \
            pta_assert_failed(#cond, __FILE__, __LINE__);                      \
        }                                                                      \
    } while (0)

_Noreturn void pta_assert_failed(const char *cond, const char *file, int line);

#endif
