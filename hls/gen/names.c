/*
 * Names in a generated core: instances from their layer and block ("fc1_mvu"),
 * wires from the instance that drives them, memories from instance and role.
 */
#include <stdio.h>
#include <string.h>

#include "gen_priv.h"

const char *pta_gen_file_param(pta_memory_role role)
{
    static const char *const names[] = {"W_FILE", "B_FILE", "S_FILE", "A_FILE",
                                        "FILE", "P_FILE"};
    return names[role];
}

const char *pta_gen_value_name(const pta_gen *gen, int32_t value,
                               char text[PTA_GEN_NAME])
{
    const pta_graph *graph = gen->options->graph;
    int32_t node = gen->slice->values[value].node;
    if (graph != NULL && node >= 0 && node < graph->n_nodes) {
        snprintf(text, PTA_GEN_NAME, "%s", graph->nodes[node].name);
    } else {
        snprintf(text, PTA_GEN_NAME, "node%d", (int)node);
    }
    return text;
}

/* "fc1_mvu", "gearbox3" (plumbing); the second of a name gets its number. */
static void name_instance(const pta_gen *gen, int32_t block)
{
    const pta_block *b = &gen->design->blocks[block];
    char *name = gen->instances[block];
    char layer[PTA_GEN_NAME / 2]; /* longer names are cut, and stay unique */
    if (b->step < 0) {
        snprintf(name, PTA_GEN_NAME, "%s%d", pta_block_name(b->kind),
                 (int)block);
        return;
    }
    pta_identifier(gen->slice->steps[b->step].name, layer, sizeof layer);
    snprintf(name, PTA_GEN_NAME, "%s_%s", layer, pta_block_name(b->kind));
    for (int32_t i = 0; i < block; i++) {
        if (strcmp(name, gen->instances[i]) == 0) {
            snprintf(name, PTA_GEN_NAME, "%s_%s_%d", layer,
                     pta_block_name(b->kind), (int)block);
            return;
        }
    }
}

static void name_wires(const pta_gen *gen)
{
    const pta_design *d = gen->design;
    for (int32_t i = 0; i < d->n_inputs; i++) {
        snprintf(gen->wires[d->inputs[i].stream], PTA_GEN_NAME, "input%d",
                 (int)i);
    }
    for (int32_t b = 0; b < d->n_blocks; b++) {
        const pta_block *block = &d->blocks[b];
        for (int32_t k = 0; k < block->n_out; k++) {
            char *wire = gen->wires[block->out[k]];
            if (block->n_out == 1) {
                snprintf(wire, PTA_GEN_NAME + 8, "%s", gen->instances[b]);
            } else {
                snprintf(wire, PTA_GEN_NAME + 8, "%s_out%d", gen->instances[b],
                         (int)k);
            }
        }
    }
}

static bool is_writable(const pta_block_memory *memory)
{
    return memory->memory == PTA_MEMORY_RAM;
}

/* In the order of blocks, those that can be written first. */
static void list_memories(pta_gen *gen, bool writable)
{
    static const char letters[] = {'w', 'b', 's', 'a', 't', 'p'};
    for (int32_t b = 0; b < gen->design->n_blocks; b++) {
        const pta_block *block = &gen->design->blocks[b];
        for (int32_t i = 0; i < block->n_memories; i++) {
            const pta_block_memory *m = &block->memories[i];
            if (is_writable(m) == writable) {
                pta_gen_memory *memory = &gen->memories[gen->n_memories++];
                memory->block = b;
                memory->index = i;
                snprintf(memory->file, sizeof memory->file, "%s_%c.hex",
                         gen->instances[b], letters[m->role]);
            }
        }
    }
}

int32_t pta_gen_memory_of(const pta_gen *gen, int32_t block, int32_t index)
{
    int32_t i = 0;
    while (gen->memories[i].block != block || gen->memories[i].index != index) {
        i++;
    }
    return i;
}

pta_status pta_gen_names(pta_gen *gen)
{
    pta_ctx *ctx = gen->ctx;
    const pta_design *d = gen->design;
    int32_t n_memories = 0;
    for (int32_t b = 0; b < d->n_blocks; b++) {
        n_memories += d->blocks[b].n_memories;
    }
    PTA_TRY_ALLOC(ctx, gen->instances, d->n_blocks);
    PTA_TRY_ALLOC(ctx, gen->wires, d->n_streams);
    PTA_TRY_ALLOC(ctx, gen->memories, n_memories);
    for (int32_t b = 0; b < d->n_blocks; b++) {
        name_instance(gen, b);
    }
    name_wires(gen);
    list_memories(gen, true);
    gen->n_writable = gen->n_memories;
    list_memories(gen, false);
    return PTA_OK;
}
