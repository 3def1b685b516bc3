/* The context: allocator, last error, log sink and fault injection. */
#include "base/ctx.h"

#include <stdio.h>
#include <string.h>

#include "base/rng.h"

#define ERROR_BYTES 1024
#define BLOCK_ALIGN 64

struct pta_ctx {
    int rank, size;
    char error[ERROR_BYTES];
    pta_memory memory;
    pta_log_sink sink;
    void *sink_user;
    uint32_t fault_every, fault_in;
};

/* Precedes every block; one alignment unit, so that blocks stay aligned. */
typedef struct block_head {
    size_t bytes;
} block_head;

static block_head *head_of(void *block)
{
    return (block_head *)(void *)((char *)block - BLOCK_ALIGN);
}

pta_ctx *pta_ctx_create(void)
{
    pta_ctx *ctx = calloc(1, sizeof *ctx);
    if (ctx != NULL) {
        ctx->size = 1;
    }
    return ctx;
}

void pta_ctx_destroy(pta_ctx **ctx)
{
    free(*ctx);
    *ctx = NULL;
}

void pta_ctx_set_rank(pta_ctx *ctx, int rank, int size)
{
    ctx->rank = rank;
    ctx->size = size;
}

int pta_ctx_rank(const pta_ctx *ctx)
{
    return ctx->rank;
}

int pta_ctx_size(const pta_ctx *ctx)
{
    return ctx->size;
}

/* ---- errors ---- */

pta_status pta_fail(pta_ctx *ctx, pta_status status, const char *format, ...)
{
    /* Through a copy: an argument may be the stored text itself. */
    char text[ERROR_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(ctx->error, text, sizeof text);
    return status;
}

pta_status pta_fail_in(pta_ctx *ctx, pta_status status, const char *format, ...)
{
    char text[ERROR_BYTES];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : (size_t)n;
    if (used + 3 < sizeof text) { /* room for ": " and some detail */
        memcpy(text + used, ": ", 2);
        memcpy(text + used + 2, ctx->error, sizeof text - used - 2);
        text[sizeof text - 1] = '\0';
    }
    memcpy(ctx->error, text, sizeof text);
    return status;
}

const char *pta_ctx_error(const pta_ctx *ctx)
{
    return ctx->error;
}

void pta_ctx_clear_error(pta_ctx *ctx)
{
    ctx->error[0] = '\0';
}

/* ---- memory ---- */

static void *no_memory(pta_ctx *ctx, size_t bytes)
{
    (void)pta_fail(ctx, PTA_ERR_NOMEM, "out of memory (%zu bytes)", bytes);
    return NULL;
}

void *pta_calloc(pta_ctx *ctx, size_t count, size_t size)
{
    ctx->memory.calls++;
    if (size != 0 && count > (SIZE_MAX / 2) / size) {
        return no_memory(ctx, SIZE_MAX);
    }
    size_t bytes = count * size;
    size_t padded = (bytes + BLOCK_ALIGN - 1) / BLOCK_ALIGN * BLOCK_ALIGN;
    void *base = pta_ctx_fault(ctx)
                     ? NULL
                     : aligned_alloc(BLOCK_ALIGN, padded + BLOCK_ALIGN);
    if (base == NULL) {
        return no_memory(ctx, bytes);
    }
    memset(base, 0, padded + BLOCK_ALIGN);
    ((block_head *)base)->bytes = bytes;
    ctx->memory.live_blocks++;
    ctx->memory.live_bytes += bytes;
    return (char *)base + BLOCK_ALIGN;
}

void *pta_realloc(pta_ctx *ctx, void *block, size_t bytes)
{
    void *grown = pta_calloc(ctx, bytes, 1);
    if (grown != NULL && block != NULL) {
        size_t old = head_of(block)->bytes;
        memcpy(grown, block, old < bytes ? old : bytes);
        pta_free(ctx, block);
    }
    return grown;
}

void pta_free(pta_ctx *ctx, void *block)
{
    if (block != NULL) {
        ctx->memory.live_blocks--;
        ctx->memory.live_bytes -= head_of(block)->bytes;
        free(head_of(block));
    }
}

char *pta_strdup(pta_ctx *ctx, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = pta_calloc(ctx, bytes, 1);
    if (copy != NULL) {
        memcpy(copy, text, bytes);
    }
    return copy;
}

pta_memory pta_ctx_memory(const pta_ctx *ctx)
{
    return ctx->memory;
}

/* ---- fault injection ---- */

void pta_ctx_set_faults(pta_ctx *ctx, uint32_t every, uint64_t seed)
{
    ctx->fault_every = every;
    ctx->fault_in =
        every == 0 ? 0 : (uint32_t)(pta_rng_next(&seed) % every) + 1;
}

bool pta_ctx_fault(pta_ctx *ctx)
{
    if (ctx->fault_every == 0 || --ctx->fault_in != 0) {
        return false;
    }
    ctx->fault_in = ctx->fault_every;
    return true;
}

/* ---- log ---- */

void pta_ctx_set_log(pta_ctx *ctx, pta_log_sink sink, void *user)
{
    ctx->sink = sink;
    ctx->sink_user = user;
}

void pta_log(pta_ctx *ctx, pta_log_level level, const char *format, ...)
{
    if (ctx->sink == NULL) {
        return;
    }
    char line[ERROR_BYTES];
    int n =
        ctx->size > 1 ? snprintf(line, sizeof line, "rank %d: ", ctx->rank) : 0;
    va_list args;
    va_start(args, format);
    vsnprintf(line + n, sizeof line - (size_t)n, format, args);
    va_end(args);
    ctx->sink(ctx->sink_user, level, line);
}

void pta_assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "%s:%d: defect in Partita: %s does not hold\n", file, line,
            cond);
    abort();
}
