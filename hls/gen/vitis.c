/*
 * Vitis HLS output: top level, streams between layers, files. See vitis.h.
 *
 * A value is a stream from the step that makes it to the one that reads it; a
 * value with several readers goes through a fork. A function reads all of a
 * sample before it needs the next one, so nothing can deadlock where streams
 * hold a whole sample: behind forks, before merges, and at the bus if several
 * tensors follow each other there. All others are short.
 */
#include "hls/gen/vitis.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "hls/driver/format.h"
#include "hls/driver/regs.h"
#include "ir/format.h"
#include "vitis_priv.h"

#define SHORT_STREAM 4

/* ---- names and types ---- */

void pta_vitis_name(const pta_vitis *v, int32_t step, char name[PTA_VITIS_NAME])
{
    char layer[PTA_VITIS_NAME - 16];
    int32_t node = v->slice->steps[step].node;
    pta_identifier(v->params->graph->nodes[node].name, layer, sizeof layer);
    snprintf(name, PTA_VITIS_NAME, "s%d_%s", (int)step, layer);
}

const char *pta_vitis_type(pta_dtype dtype)
{
    return dtype == PTA_S8    ? "int8_t"
           : dtype == PTA_S16 ? "int16_t"
           : dtype == PTA_S32 ? "int32_t"
                              : "int64_t";
}

const char *pta_vitis_wide(int32_t bits, int32_t shift)
{
    int32_t left = shift < 0 && shift >= -34 ? -shift : 0;
    int32_t right = shift > 126 ? 2 : shift > 0 ? shift : 0;
    return bits + left <= 62 && right <= 60 ? "int64_t" : "pta::wide";
}

int32_t pta_vitis_bits(uint64_t magnitude)
{
    int32_t bits = 0;
    for (; magnitude > 0; magnitude >>= 1) {
        bits++;
    }
    return bits;
}

void pta_vitis_add_format(pta_script *script, pta_format format)
{
    pta_script_add(script, "pta::format<%d, %d, %s, pta::%s, pta::%s>",
                   format.width, pta_format_frac(format),
                   format.is_signed ? "true" : "false",
                   pta_rounding_name((pta_rounding)format.rounding),
                   pta_overflow_name((pta_overflow)format.overflow));
}

/* ---- values and their streams ---- */

int32_t pta_vitis_root(const pta_slice *slice, int32_t value)
{
    int32_t alias = slice->values[value].alias_of;
    return alias >= 0 ? alias : value;
}

static const pta_value *value_of(const pta_vitis *v, int32_t value)
{
    return &v->slice->values[value];
}

static void stream_name(int32_t root, int32_t branch, char *name)
{
    if (branch < 0) {
        snprintf(name, PTA_VITIS_NAME, "v%d", (int)root);
    } else {
        snprintf(name, PTA_VITIS_NAME, "v%d_%d", (int)root, (int)branch);
    }
}

void pta_vitis_take(pta_vitis *v, int32_t value, char name[PTA_VITIS_NAME])
{
    int32_t root = pta_vitis_root(v->slice, value);
    int32_t branch = v->taken[root]++;
    stream_name(root, v->uses[root] > 1 ? branch : -1, name);
}

static void count_uses(pta_vitis *v)
{
    const pta_slice *s = v->slice;
    for (int32_t i = 0; i < s->n_steps; i++) {
        for (int32_t k = 0; k < s->steps[i].n_in; k++) {
            v->uses[pta_vitis_root(s, s->steps[i].in[k])]++;
        }
    }
    for (int32_t i = 0; i < s->n_outputs; i++) {
        v->uses[pta_vitis_root(s, s->outputs[i])]++;
    }
}

/* Whether a value waits for another one on its way. */
static bool waits(const pta_vitis *v, int32_t root)
{
    const pta_slice *s = v->slice;
    bool found = v->uses[root] > 1;
    for (int32_t i = 0; i < s->n_steps; i++) {
        for (int32_t k = 0; s->steps[i].n_in > 1 && k < s->steps[i].n_in; k++) {
            found = found || pta_vitis_root(s, s->steps[i].in[k]) == root;
        }
    }
    for (int32_t i = 0; s->n_inputs > 1 && i < s->n_inputs; i++) {
        found = found || s->inputs[i] == root;
    }
    for (int32_t i = 0; s->n_outputs > 1 && i < s->n_outputs; i++) {
        found = found || pta_vitis_root(s, s->outputs[i]) == root;
    }
    return found;
}

static void declare(pta_vitis *v, int32_t root, int32_t branch)
{
    const pta_value *value = value_of(v, root);
    char name[PTA_VITIS_NAME];
    stream_name(root, branch, name);
    int64_t depth = waits(v, root) ? pta_view_count(value->view) : SHORT_STREAM;
    pta_script_add(&v->calls,
                   "    hls::stream<%s> %s(\"%s\");\n"
                   "#pragma HLS STREAM variable = %s depth = %" PRId64 "\n",
                   pta_vitis_type(value->dtype), name, name, name, depth);
}

/* A value that was just made: its streams are declared before, and here given
 * to several readers, or to none. */
static void add_fork(pta_vitis *v, int32_t root)
{
    const pta_value *value = value_of(v, root);
    const char *type = pta_vitis_type(value->dtype);
    int64_t count = pta_view_count(value->view);
    int32_t n = v->uses[root];
    if (n == 0) {
        pta_script_add(&v->calls, "    pta::drain<%s, %" PRId64 ">(v%d);\n",
                       type, count, (int)root);
    }
    if (n < 2) {
        return;
    }
    pta_script_add(&v->layers, "static void fork_v%d(hls::stream<%s> &in",
                   (int)root, type);
    pta_script_add(&v->calls, "    fork_v%d(v%d", (int)root, (int)root);
    for (int32_t i = 0; i < n; i++) {
        pta_script_add(&v->layers, ", hls::stream<%s> &out%d", type, (int)i);
        pta_script_add(&v->calls, ", v%d_%d", (int)root, (int)i);
    }
    pta_script_add(&v->calls, ");\n");
    pta_script_add(&v->layers,
                   ")\n{\n    for (int i = 0; i < %" PRId64
                   "; i++) {\n#pragma HLS PIPELINE II = 1\n"
                   "        %s x = in.read();\n",
                   count, type);
    for (int32_t i = 0; i < n; i++) {
        pta_script_add(&v->layers, "        out%d.write(x);\n", (int)i);
    }
    pta_script_add(&v->layers, "    }\n}\n\n");
}

static bool is_made(const pta_slice *s, int32_t value)
{
    bool made = false;
    for (int32_t i = 0; i < s->n_inputs; i++) {
        made = made || s->inputs[i] == value;
    }
    for (int32_t i = 0; i < s->n_steps; i++) {
        made = made || s->steps[i].out == value;
    }
    return made;
}

static void declare_all(pta_vitis *v)
{
    for (int32_t i = 0; i < v->slice->n_values; i++) {
        if (value_of(v, i)->alias_of < 0 && is_made(v->slice, i)) {
            declare(v, i, -1);
            for (int32_t k = 0; v->uses[i] > 1 && k < v->uses[i]; k++) {
                declare(v, i, k);
            }
        }
    }
}

/* ---- the bus ---- */

static void add_inputs(pta_vitis *v)
{
    const pta_slice *s = v->slice;
    pta_script_add(&v->layers,
                   "static void read_inputs(hls::stream<pta::beat> &in");
    for (int32_t i = 0; i < s->n_inputs; i++) {
        pta_script_add(&v->layers, ", hls::stream<%s> &x%d",
                       pta_vitis_type(value_of(v, s->inputs[i])->dtype),
                       (int)i);
    }
    pta_script_add(&v->layers, ")\n{\n");
    pta_script_add(&v->calls, "    read_inputs(s_axis");
    for (int32_t i = 0; i < s->n_inputs; i++) {
        const pta_value *x = value_of(v, s->inputs[i]);
        pta_script_add(&v->layers,
                       "    pta::unpack<%s, %zu, %s, %" PRId64 ">(in, x%d);\n",
                       pta_vitis_type(x->dtype), pta_bus_element_bytes(x),
                       x->format.is_signed ? "true" : "false",
                       pta_view_count(x->view), (int)i);
        pta_script_add(&v->calls, ", v%d", (int)s->inputs[i]);
    }
    pta_script_add(&v->layers, "}\n\n");
    pta_script_add(&v->calls, ");\n");
    for (int32_t i = 0; i < s->n_inputs; i++) {
        add_fork(v, s->inputs[i]);
    }
}

static void add_outputs(pta_vitis *v)
{
    const pta_slice *s = v->slice;
    pta_script_add(&v->layers,
                   "static void write_outputs(hls::stream<pta::beat> &out, "
                   "bool last");
    pta_script_add(&v->calls, "    write_outputs(m_axis, last");
    for (int32_t i = 0; i < s->n_outputs; i++) {
        char name[PTA_VITIS_NAME];
        pta_vitis_take(v, s->outputs[i], name);
        pta_script_add(&v->layers, ", hls::stream<%s> &y%d",
                       pta_vitis_type(value_of(v, s->outputs[i])->dtype),
                       (int)i);
        pta_script_add(&v->calls, ", %s", name);
    }
    pta_script_add(&v->layers, ")\n{\n");
    for (int32_t i = 0; i < s->n_outputs; i++) {
        const pta_value *y = value_of(v, s->outputs[i]);
        pta_script_add(&v->layers,
                       "    pta::pack<%s, %zu, %" PRId64 ">(y%d, out, %s);\n",
                       pta_vitis_type(y->dtype), pta_bus_element_bytes(y),
                       pta_view_count(y->view), (int)i,
                       i + 1 == s->n_outputs ? "last" : "false");
    }
    pta_script_add(&v->layers, "}\n\n");
    pta_script_add(&v->calls, ");\n");
}

/* ---- files ---- */

static void add_head(const pta_vitis *v, pta_script *s, const char *what)
{
    pta_script_add(s,
                   "// %s: %s of board %d\n// Slice %s\n"
                   "// Generated; see docs/outputs.md.\n",
                   v->params->generator, what, (int)v->slice->board,
                   v->params->slice_digest);
}

static pta_status save_header(const pta_vitis *v, const char *folder)
{
    pta_script s;
    pta_script_begin(&s, v->ctx);
    add_head(v, &s, "constants");
    pta_script_add(&s,
                   "#ifndef SLICE_H\n#define SLICE_H\n\n"
                   "#include \"pta_vendor.h\"\n\n"
                   "#define PTA_CORE board%d\n"
                   "#define PTA_IN_BYTES %zu  // of a sample on the bus\n"
                   "#define PTA_OUT_BYTES %zu\n\n"
                   "// Words 0 to 11 of the register map's page 0: magic, "
                   "version, capabilities,\n// clock, slice digest, weight "
                   "digest (0: weights are part of the code).\n"
                   "#define PTA_PAGE_WORDS 16\n"
                   "static const uint32_t pta_page[PTA_PAGE_WORDS] = {\n"
                   "    0x%08xu, 0x%08xu, 0x%08xu, %uu,\n    ",
                   (int)v->slice->board, pta_bus_in_bytes(v->slice),
                   pta_bus_out_bytes(v->slice), PTA_CORE_MAGIC,
                   PTA_CORE_MAJOR << 16, 0u, v->params->clock_hz);
    for (int i = 0; i < 4; i++) {
        pta_script_add(&s, "0x%.8su, ", v->params->slice_digest + 8 * i);
    }
    pta_script_add(&s, "\n    0, 0, 0, 0, 0, 0, 0, 0};\n\n"
                       "void PTA_CORE(hls::stream<pta::beat> &s_axis, "
                       "hls::stream<pta::beat> &m_axis,\n"
                       "              uint32_t samples, "
                       "uint32_t page[PTA_PAGE_WORDS]);\n\n#endif\n");
    return pta_script_save(&s, folder, "slice.h");
}

static const char top_text[] =
    "void PTA_CORE(hls::stream<pta::beat> &s_axis, "
    "hls::stream<pta::beat> &m_axis,\n"
    "              uint32_t samples, uint32_t page[PTA_PAGE_WORDS])\n"
    "{\n"
    "#pragma HLS INTERFACE axis port = s_axis\n"
    "#pragma HLS INTERFACE axis port = m_axis\n"
    "#pragma HLS INTERFACE s_axilite port = page offset = 0x040 bundle = "
    "control\n"
    "#pragma HLS INTERFACE s_axilite port = samples offset = 0x108 bundle = "
    "control\n"
    "#pragma HLS INTERFACE s_axilite port = return bundle = control\n"
    "    for (int i = 0; i < PTA_PAGE_WORDS; i++) {\n"
    "        page[i] = pta_page[i];\n"
    "    }\n"
    "    for (uint32_t n = 0; n < samples; n++) {\n"
    "#pragma HLS LOOP_TRIPCOUNT min = 1 max = 1024\n"
    "        sample(s_axis, m_axis, n + 1 == samples);\n"
    "    }\n"
    "}\n";

static pta_status save_slice(pta_vitis *v, const char *folder)
{
    pta_script s;
    pta_script_begin(&s, v->ctx);
    add_head(v, &s, "the slice");
    pta_script_add(&s,
                   "#include \"slice.h\"\n#include \"pta_hls.h\"\n"
                   "#include \"weights.h\"\n\n%s"
                   "static void sample(hls::stream<pta::beat> &s_axis,\n"
                   "                   hls::stream<pta::beat> &m_axis, "
                   "bool last)\n{\n#pragma HLS DATAFLOW\n%s}\n\n%s",
                   v->layers.text, v->calls.text, top_text);
    return pta_script_save(&s, folder, "slice.cpp");
}

static pta_status save_copy(const pta_vitis *v, const char *folder,
                            const char *name)
{
    char from[64], top[32];
    pta_script s;
    snprintf(from, sizeof from, "vitis/%s", name);
    snprintf(top, sizeof top, "board%d", (int)v->slice->board);
    pta_script_begin(&s, v->ctx);
    pta_script_add_file(&s, from, top);
    return pta_script_save(&s, folder, name);
}

static pta_status save_all(pta_vitis *v, const char *folder)
{
    static const char *const copies[] = {"pta_hls.h", "pta_vendor.h", "tb.cpp",
                                         "vitis.tcl"};
    if (v->layers.status != PTA_OK || v->calls.status != PTA_OK) {
        return PTA_ERR_NOMEM;
    }
    PTA_TRY(save_header(v, folder));
    PTA_TRY(save_slice(v, folder));
    PTA_TRY(pta_script_save(&v->weights, folder, "weights.h"));
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
        PTA_TRY(save_copy(v, folder, copies[i]));
    }
    return PTA_OK;
}

/* ---- the whole ---- */

static pta_status refuse(pta_ctx *ctx, const pta_slice *slice,
                         const pta_vitis_params *params)
{
    if (slice->is_float) {
        return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                        "Vitis: board %d: the slice is made of floats",
                        (int)slice->board);
    }
    for (int32_t i = 0; i < slice->n_steps; i++) {
        const pta_step *step = &slice->steps[i];
        if (step->hls4ml.used || step->op == PTA_STEP_SOFTMAX) {
            return pta_fail(ctx, PTA_ERR_UNSUPPORTED,
                            "Vitis: layer %s: of the hls4ml profile; use "
                            "--hls4ml",
                            params->graph->nodes[step->node].name);
        }
    }
    return PTA_OK;
}

static pta_status generate(pta_vitis *v, const char *folder)
{
    PTA_TRY_ALLOC(v->ctx, v->uses, v->slice->n_values);
    PTA_TRY_ALLOC(v->ctx, v->taken, v->slice->n_values);
    add_head(v, &v->weights, "weights");
    pta_script_add(&v->weights, "#include <stdint.h>\n\n");
    count_uses(v);
    declare_all(v);
    add_inputs(v);
    for (int32_t i = 0; i < v->slice->n_steps; i++) {
        if (v->slice->steps[i].op >= PTA_STEP_ADD &&
            v->slice->steps[i].op <= PTA_STEP_CONCAT) {
            pta_vitis_merge(v, i);
        } else {
            pta_vitis_layer(v, i);
        }
        add_fork(v, v->slice->steps[i].out);
    }
    add_outputs(v);
    return save_all(v, folder);
}

pta_status pta_vitis_write(pta_ctx *ctx, const pta_slice *slice,
                           const pta_vitis_params *params, const char *folder)
{
    PTA_TRY(refuse(ctx, slice, params));
    PTA_TRY(pta_vitis_samples(ctx, slice, params->n_samples, folder));
    pta_vitis v = {.ctx = ctx, .slice = slice, .params = params};
    pta_script_begin(&v.layers, ctx);
    pta_script_begin(&v.weights, ctx);
    pta_script_begin(&v.calls, ctx);
    pta_status status = generate(&v, folder);
    pta_script_free(&v.layers);
    pta_script_free(&v.weights);
    pta_script_free(&v.calls);
    pta_free(ctx, v.uses);
    pta_free(ctx, v.taken);
    return status;
}
