/* The generator: see generate.h. Here the parts meet; the top level is printed
 * in top.c, memories are filled in memories.c. */
#include "hls/gen/generate.h"

#include <string.h>

#include "gen_priv.h"
#include "hls/driver/files.h"
#include "hls/driver/format.h"
#include "hls/gen/identity.h"
#include "hls/gen/known_answer.h"

#define CLOCK_HZ 100000000u

/* ---- what the manifest says ---- */

static const char *op_name(pta_step_op op)
{
    static const char *const names[] = {
        "dense",   "conv",    "dwconv",  "scale_shift", "maxpool",
        "avgpool", "relu",    "sigmoid", "tanh",        "hard_sigmoid",
        "softmax", "permute", "zeropad", "add",         "sub",
        "mul",     "average", "maximum", "concat",      "crop"};
    return names[op];
}

static void add_resources(pta_resources *sum, const pta_resources *r)
{
    sum->lut += r->lut;
    sum->lutram += r->lutram;
    sum->ff += r->ff;
    sum->dsp += r->dsp;
    sum->bram18 += r->bram18;
}

static bool holds_weights(const pta_block *block)
{
    for (int32_t i = 0; i < block->n_memories; i++) {
        if (block->memories[i].role == PTA_ROLE_WEIGHTS ||
            block->memories[i].role == PTA_ROLE_SCALE) {
            return true;
        }
    }
    return false;
}

pta_manifest_layer pta_gen_layer(const pta_gen *gen, int32_t index)
{
    const pta_step *step = &gen->slice->steps[index];
    pta_view out = gen->slice->values[step->out].view;
    pta_manifest_layer l = {.fold = {.pe = 0}};
    l.name = step->name;
    l.op = (char *)(uintptr_t)op_name(step->op);
    if (step->weighted) {
        bool is_image = step->op != PTA_STEP_DENSE;
        l.outputs = step->weights.rows;
        l.inputs = step->weights.cols;
        l.positions = is_image ? (int64_t)out.h * out.w : 1;
        l.fold = gen->folds[index];
    }
    for (int32_t b = 0; b < gen->design->n_blocks; b++) {
        const pta_block *block = &gen->design->blocks[b];
        if (block->step == index) {
            add_resources(&l.resources, &block->resources);
            l.steps = block->steps > l.steps ? block->steps : l.steps;
            if (holds_weights(block) && l.positions > 0) {
                l.reuse = block->steps / l.positions;
            }
        }
    }
    return l;
}

static pta_status copy_text(pta_ctx *ctx, const char *text, char **out)
{
    *out = pta_strdup(ctx, text);
    return *out == NULL ? PTA_ERR_NOMEM : PTA_OK;
}

static pta_status describe_layers(const pta_gen *gen, pta_manifest *m)
{
    PTA_TRY_ALLOC(gen->ctx, m->layers, gen->slice->n_steps);
    m->n_layers = gen->slice->n_steps;
    for (int32_t i = 0; i < m->n_layers; i++) {
        pta_manifest_layer l = pta_gen_layer(gen, i);
        const char *name = l.name, *op = l.op;
        char formats[PTA_STEP_FORMATS];
        l.name = l.op = NULL;
        m->layers[i] = l;
        PTA_TRY(copy_text(gen->ctx, name, &m->layers[i].name));
        PTA_TRY(copy_text(gen->ctx, op, &m->layers[i].op));
        pta_step_formats(gen->slice, &gen->slice->steps[i], formats);
        PTA_TRY(copy_text(gen->ctx, formats, &m->layers[i].formats));
    }
    return PTA_OK;
}

static pta_status describe_tensors(const pta_gen *gen, const int32_t *values,
                                   const pta_design_port *ports, int32_t n,
                                   pta_manifest_tensor **out, int32_t *n_out)
{
    pta_manifest_tensor *list;
    size_t offset = 0;
    PTA_TRY_ALLOC(gen->ctx, list, n);
    *out = list;
    *n_out = n;
    for (int32_t i = 0; i < n; i++) {
        const pta_value *v = &gen->slice->values[values[i]];
        char name[PTA_GEN_NAME];
        list[i] = (pta_manifest_tensor){
            .width = gen->design->streams[ports[i].stream].width,
            .frac = pta_format_frac(v->format),
            .is_signed = gen->design->streams[ports[i].stream].is_signed,
            .partial = v->partial,
            .element_bytes = ports[i].bytes,
            .elements = pta_region_count(&v->region),
            .offset = offset,
            .bytes = 8 * (size_t)ports[i].words};
        offset += list[i].bytes;
        PTA_TRY(copy_text(gen->ctx, pta_gen_value_name(gen, values[i], name),
                          &list[i].name));
    }
    return PTA_OK;
}

static pta_status describe_memories(const pta_gen *gen, pta_manifest *m)
{
    PTA_TRY_ALLOC(gen->ctx, m->memories, gen->n_memories);
    m->n_memories = gen->n_memories;
    for (int32_t i = 0; i < gen->n_memories; i++) {
        const pta_gen_memory *from = &gen->memories[i];
        const pta_block *block = &gen->design->blocks[from->block];
        pta_core_memory core = {from->file, from->words.n_words,
                                from->words.lanes, from->words.data};
        m->memories[i] =
            (pta_manifest_memory){.layer = block->step,
                                  .role = block->memories[from->index].role,
                                  .writable = i < gen->n_writable,
                                  .words = from->words.n_words,
                                  .word_bits = from->words.word_bits,
                                  .lanes = from->words.lanes,
                                  .crc = pta_core_memory_crc(&core)};
        PTA_TRY(copy_text(gen->ctx, from->file, &m->memories[i].file));
    }
    return PTA_OK;
}

static pta_status describe(const pta_gen *gen, pta_manifest *m)
{
    const pta_slice *slice = gen->slice;
    const pta_design *d = gen->design;
    const char *generator = gen->options->generator;
    m->board = slice->board;
    m->engine = d->engine;
    m->ram = gen->n_writable > 0;
    memcpy(m->slice_digest, gen->slice_digest, PTA_SHA256_HEX);
    memcpy(m->weight_digest, gen->weight_digest, PTA_SHA256_HEX);
    m->clock_hz = gen->options->clock_hz;
    m->latency = d->latency;
    m->interval = d->interval;
    m->in_bytes = pta_bus_in_bytes(slice);
    m->out_bytes = pta_bus_out_bytes(slice);
    m->resources = d->resources;
    PTA_TRY(copy_text(gen->ctx, generator != NULL ? generator : "partita",
                      &m->generator));
    PTA_TRY(copy_text(gen->ctx, PTA_TOP_NAME, &m->top));
    PTA_TRY(describe_tensors(gen, slice->inputs, d->inputs, d->n_inputs,
                             &m->inputs, &m->n_inputs));
    PTA_TRY(describe_tensors(gen, slice->outputs, d->outputs, d->n_outputs,
                             &m->outputs, &m->n_outputs));
    PTA_TRY(describe_layers(gen, m));
    PTA_TRY(describe_memories(gen, m));
    return gen->options->blank
               ? PTA_OK
               : pta_known_answer(gen->ctx, slice, m, m->known_answer);
}

/* ---- memories ---- */

/* A core is known by its weights or takes any; half of each is neither. */
static pta_status check_kinds(const pta_gen *gen)
{
    for (int32_t i = gen->n_writable;
         gen->n_writable > 0 && i < gen->n_memories; i++) {
        const pta_block *block = &gen->design->blocks[gen->memories[i].block];
        pta_memory_role role = block->memories[gen->memories[i].index].role;
        if (role != PTA_ROLE_ALPHA && role != PTA_ROLE_TABLE &&
            role != PTA_ROLE_PROGRAM) {
            return pta_fail(gen->ctx, PTA_ERR_UNSUPPORTED,
                            "layer '%s' has ROM weights, others RAM: expected "
                            "one kind in a core",
                            gen->slice->steps[block->step].name);
        }
    }
    return PTA_OK;
}

static pta_status fill_memories(pta_gen *gen)
{
    for (int32_t i = 0; i < gen->n_memories; i++) {
        pta_gen_memory *m = &gen->memories[i];
        const pta_block *block = &gen->design->blocks[m->block];
        const pta_block_memory *b = &block->memories[m->index];
        bool blank = gen->options->blank && i < gen->n_writable;
        pta_status status =
            blank ? pta_words_open(gen->ctx, b->words, b->word_bits, &m->words)
                  : pta_memory_fill(gen->ctx, gen->slice, gen->design, m->block,
                                    m->index, &m->words);
        if (status != PTA_OK) {
            return pta_fail_in(gen->ctx, status, "layer '%s'",
                               gen->slice->steps[block->step].name);
        }
    }
    return check_kinds(gen);
}

/* Memories the generated core hands over, writable ones for the driver. */
static pta_status keep_writable(pta_gen *gen, pta_generated *g)
{
    PTA_TRY_ALLOC(gen->ctx, g->memories, gen->n_writable);
    g->n_memories = gen->n_writable;
    for (int32_t i = 0; i < gen->n_writable; i++) {
        pta_words *w = &gen->memories[i].words;
        g->memories[i] = (pta_core_memory){g->manifest.memories[i].file,
                                           w->n_words, w->lanes, w->data};
        w->data = NULL; /* g's now */
    }
    return PTA_OK;
}

/* ---- files ---- */

static pta_status add_file(pta_ctx *ctx, pta_generated *g, const char *name,
                           char *text, size_t bytes)
{
    pta_manifest_file *listed = &g->manifest.files[g->n_files];
    pta_sha256 hash;
    uint8_t digest[PTA_SHA256_BYTES];
    pta_sha256_init(&hash);
    pta_sha256_update(&hash, text, bytes);
    pta_sha256_final(&hash, digest);
    pta_sha256_hex(digest, listed->sha256);
    g->files[g->n_files] = (pta_sim_file){.text = text, .bytes = bytes};
    g->n_files++;
    g->manifest.n_files = g->n_files;
    PTA_TRY(copy_text(ctx, name, &listed->name));
    g->files[g->n_files - 1].name = listed->name;
    return PTA_OK;
}

static bool of_weights(const pta_gen *gen, const pta_gen_memory *m)
{
    pta_memory_role role =
        gen->design->blocks[m->block].memories[m->index].role;
    return role != PTA_ROLE_TABLE && role != PTA_ROLE_PROGRAM;
}

/* Hex texts, in a list that add_file takes over, and their digest. */
static pta_status print_memories(pta_gen *gen, pta_sim_file *texts)
{
    pta_sha256 hash;
    uint8_t digest[PTA_SHA256_BYTES];
    pta_sha256_init(&hash);
    for (int32_t i = 0; i < gen->n_memories; i++) {
        char *text;
        PTA_TRY(pta_words_hex(gen->ctx, &gen->memories[i].words, &text,
                              &texts[i].bytes));
        texts[i].text = text;
        if (of_weights(gen, &gen->memories[i])) {
            pta_sha256_update(&hash, text, texts[i].bytes);
        }
    }
    pta_sha256_final(&hash, digest);
    pta_sha256_hex(digest, gen->weight_digest);
    return PTA_OK;
}

static pta_status take_memories(const pta_gen *gen, pta_generated *g,
                                pta_sim_file *texts)
{
    for (int32_t i = 0; i < gen->n_memories; i++) {
        char *text = (char *)(uintptr_t)texts[i].text;
        texts[i].text = NULL;
        PTA_TRY(
            add_file(gen->ctx, g, gen->memories[i].file, text, texts[i].bytes));
    }
    return PTA_OK;
}

static pta_status take_rtl(pta_ctx *ctx, pta_generated *g, pta_rtl_file *rtl,
                           int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        char *text = rtl[i].text;
        rtl[i].text = NULL;
        PTA_TRY(add_file(ctx, g, rtl[i].name, text, rtl[i].bytes));
    }
    return PTA_OK;
}

/* Room for all files first, then the top level, its blocks, the memories. */
static pta_status collect_files(const pta_gen *gen, pta_generated *g,
                                pta_script *top, pta_rtl_file *rtl,
                                int32_t n_rtl, pta_sim_file *texts)
{
    pta_ctx *ctx = gen->ctx;
    int32_t room = 1 + n_rtl + gen->n_memories;
    PTA_TRY_ALLOC(ctx, g->files, room);
    PTA_TRY_ALLOC(ctx, g->manifest.files, room);
    char *text = top->text;
    top->text = NULL;
    PTA_TRY(add_file(ctx, g, PTA_TOP_NAME ".sv", text, top->length));
    PTA_TRY(take_rtl(ctx, g, rtl, n_rtl));
    return take_memories(gen, g, texts);
}

static pta_status make_files(pta_gen *gen, pta_generated *g,
                             pta_sim_file *texts)
{
    pta_script top;
    pta_rtl_file *rtl = NULL;
    int32_t n_rtl = 0;
    PTA_TRY(print_memories(gen, texts));
    pta_script_begin(&top, gen->ctx);
    pta_status status = pta_gen_top(gen, &top);
    if (status == PTA_OK) {
        status = pta_gen_rtl(gen->ctx, top.text, &rtl, &n_rtl);
    }
    if (status == PTA_OK) {
        status = collect_files(gen, g, &top, rtl, n_rtl, texts);
    }
    pta_gen_rtl_free(gen->ctx, rtl, n_rtl);
    pta_script_free(&top);
    return status;
}

/* ---- the whole ---- */

static pta_status generate(pta_gen *gen, pta_generated *g)
{
    pta_ctx *ctx = gen->ctx;
    pta_sim_file *texts;
    PTA_TRY(pta_gen_names(gen));
    PTA_TRY(fill_memories(gen));
    pta_slice_identity(gen->slice, gen->n_writable > 0, gen->slice_digest);
    PTA_TRY_ALLOC(ctx, texts, gen->n_memories);
    pta_status status = make_files(gen, g, texts);
    for (int32_t i = 0; i < gen->n_memories; i++) {
        pta_free(ctx, (void *)(uintptr_t)texts[i].text);
    }
    pta_free(ctx, texts);
    PTA_TRY(status);
    PTA_TRY(describe(gen, &g->manifest));
    return keep_writable(gen, g);
}

static void release(pta_gen *gen)
{
    for (int32_t i = 0; i < gen->n_memories; i++) {
        pta_words_close(gen->ctx, &gen->memories[i].words);
    }
    pta_free(gen->ctx, gen->instances);
    pta_free(gen->ctx, gen->wires);
    pta_free(gen->ctx, gen->memories);
}

pta_status pta_generate(pta_ctx *ctx, const pta_slice *slice,
                        const pta_fold *folds, const pta_design *design,
                        const pta_generate_options *options,
                        pta_generated **out)
{
    pta_generate_options o = *options;
    pta_gen gen = {.ctx = ctx,
                   .slice = slice,
                   .folds = folds,
                   .design = design,
                   .options = &o};
    pta_generated *g;
    o.clock_hz = o.clock_hz == 0 ? CLOCK_HZ : o.clock_hz;
    PTA_TRY_ALLOC(ctx, g, 1);
    pta_status status = generate(&gen, g);
    release(&gen);
    if (status != PTA_OK) {
        pta_generated_destroy(ctx, &g);
        return status;
    }
    *out = g;
    return PTA_OK;
}

void pta_generated_destroy(pta_ctx *ctx, pta_generated **generated)
{
    pta_generated *g = *generated;
    if (g == NULL) {
        return;
    }
    for (int32_t i = 0; i < g->n_files; i++) {
        pta_free(ctx, (void *)(uintptr_t)g->files[i].text);
    }
    for (int32_t i = 0; i < g->n_memories; i++) {
        pta_free(ctx, (void *)(uintptr_t)g->memories[i].data);
    }
    pta_free(ctx, g->files);
    pta_free(ctx, g->memories);
    pta_manifest_free(ctx, &g->manifest);
    pta_free(ctx, g);
    *generated = NULL;
}

pta_status pta_generated_write(pta_ctx *ctx, const pta_generated *g,
                               const char *folder)
{
    char path[PTA_PATH_BYTES], *text;
    for (int32_t i = 0; i < g->n_files; i++) {
        PTA_TRY(pta_path(ctx, path, "%s/%s", folder, g->files[i].name));
        PTA_TRY(pta_bytes_write(ctx, path, true, g->files[i].text,
                                g->files[i].bytes));
    }
    PTA_TRY(pta_path(ctx, path, "%s/" PTA_MANIFEST_FILE, folder));
    PTA_TRY(pta_manifest_print(ctx, &g->manifest, &text));
    pta_status status = pta_bytes_write(ctx, path, true, text, strlen(text));
    pta_free(ctx, text);
    return status;
}

pta_sim_design pta_generated_sim(const pta_generated *g)
{
    return (pta_sim_design){PTA_TOP_NAME, g->n_files, g->files};
}
