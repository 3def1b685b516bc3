/* Memory that is freed together: names and lists of the model reader. */
#include <stdarg.h>
#include <stdio.h>

#include "model/model_priv.h"

struct pta_pool_block {
    struct pta_pool_block *previous;
    void *memory; /* owned */
};

void *pta_pool_alloc(pta_ctx *ctx, pta_pool *pool, size_t count, size_t size)
{
    struct pta_pool_block *block = pta_calloc(ctx, 1, sizeof *block);
    if (block == NULL) {
        return NULL;
    }
    block->memory = pta_calloc(ctx, count, size);
    if (block->memory == NULL) {
        pta_free(ctx, block);
        return NULL;
    }
    block->previous = pool->last;
    pool->last = block;
    return block->memory;
}

char *pta_pool_print(pta_ctx *ctx, pta_pool *pool, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n < 0 ? NULL : pta_pool_alloc(ctx, pool, (size_t)n + 1, 1);
    if (text != NULL) {
        va_start(args, format);
        vsnprintf(text, (size_t)n + 1, format, args);
        va_end(args);
    }
    return text;
}

void pta_pool_free(pta_ctx *ctx, pta_pool *pool)
{
    while (pool->last != NULL) {
        struct pta_pool_block *block = pool->last;
        pool->last = block->previous;
        pta_free(ctx, block->memory);
        pta_free(ctx, block);
    }
}
