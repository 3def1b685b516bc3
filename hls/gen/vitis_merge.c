/*
 * Vitis HLS output: steps with several inputs, each a function of its own in
 * slice.cpp. Operands are aligned exactly, the result is converted once.
 */
#include <inttypes.h>

#include "ir/format.h"
#include "kernels/merge.h"
#include "vitis_priv.h"

typedef struct join {
    pta_vitis *v;
    const pta_step *step;
    const pta_value *y;
    char name[PTA_VITIS_NAME];
    int32_t frac; /* of the exact result */
    const char *wide;
} join;

static const pta_value *operand(const join *j, int32_t i)
{
    return &j->v->slice->values[j->step->in[i]];
}

static int32_t frac_of(const join *j, int32_t i)
{
    return pta_format_frac(operand(j, i)->format);
}

/* As pta_merge_init of kernels/merge.c, which the fixed device has passed. */
static void measure(join *j)
{
    const pta_step *step = j->step;
    bool is_mul = step->op == PTA_STEP_MUL;
    int32_t sum = 0, most = frac_of(j, 0), product = 0, widest = 0;
    for (int32_t i = 0; i < step->n_in; i++) {
        int32_t f = frac_of(j, i);
        sum += f;
        most = f > most ? f : most;
        product += operand(j, i)->format.width + 1;
    }
    j->frac = is_mul ? sum : most;
    if (step->act == PTA_ACT_RELU_MAX && step->acc_frac > j->frac) {
        j->frac = step->acc_frac;
    }
    for (int32_t i = 0; i < step->n_in; i++) {
        int32_t bits =
            operand(j, i)->format.width + 1 + j->frac - frac_of(j, i);
        widest = bits > widest ? bits : widest;
    }
    int32_t n_bits = pta_vitis_bits((uint64_t)step->n_in);
    int32_t bits = is_mul ? product + j->frac - sum : widest + n_bits;
    if (step->act == PTA_ACT_RELU_MAX) {
        int32_t limit = pta_vitis_bits((uint64_t)step->act_max_raw) + n_bits +
                        j->frac - step->acc_frac;
        bits = limit > bits ? limit : bits;
    }
    int32_t shift = j->frac - pta_format_frac(j->y->format);
    bool is_average = step->op == PTA_STEP_AVERAGE;
    j->wide = is_average && (shift < -20 || shift + n_bits > 58)
                  ? "pta::wide"
                  : pta_vitis_wide(bits, shift);
}

static void add_head(const join *j)
{
    const char *node = j->v->params->graph->nodes[j->step->node].name;
    pta_script *s = &j->v->layers;
    pta_script_add(s, "// %s, %" PRId64 " elements\nstatic void %s(", node,
                   pta_view_count(j->y->view), j->name);
    for (int32_t i = 0; i < j->step->n_in; i++) {
        pta_script_add(s, "hls::stream<%s> &in%d, ",
                       pta_vitis_type(operand(j, i)->dtype), (int)i);
    }
    pta_script_add(s, "hls::stream<%s> &out)\n{\n    typedef ",
                   pta_vitis_type(j->y->dtype));
    pta_vitis_add_format(s, j->y->format);
    pta_script_add(s, " T;\n");
}

static void add_call(const join *j)
{
    pta_script_add(&j->v->calls, "    %s(", j->name);
    for (int32_t i = 0; i < j->step->n_in; i++) {
        char from[PTA_VITIS_NAME];
        pta_vitis_take(j->v, j->step->in[i], from);
        pta_script_add(&j->v->calls, "%s, ", from);
    }
    pta_script_add(&j->v->calls, "v%d);\n", (int)j->step->out);
}

/* One operand, and what it does to the value. */
static void add_operand(const join *j, int32_t i)
{
    pta_script *s = &j->v->layers;
    int32_t up = j->step->op == PTA_STEP_MUL ? 0 : j->frac - frac_of(j, i);
    pta_script_add(s,
                   "        V x%d = V(int64_t(in%d.read())) * (V(1) << %d);\n",
                   (int)i, (int)i, (int)up);
    if (i == 0) {
        pta_script_add(s, "        V value = x0;\n");
    } else if (j->step->op == PTA_STEP_MAXIMUM) {
        pta_script_add(s, "        value = x%d > value ? x%d : value;\n",
                       (int)i, (int)i);
    } else {
        pta_script_add(s, "        value = value %s x%d;\n",
                       j->step->op == PTA_STEP_SUB   ? "-"
                       : j->step->op == PTA_STEP_MUL ? "*"
                                                     : "+",
                       (int)i);
    }
}

static void add_value(const join *j)
{
    const pta_step *step = j->step;
    pta_script *s = &j->v->layers;
    int32_t sum = 0, count = step->op == PTA_STEP_AVERAGE ? step->n_in : 1;
    for (int32_t i = 0; i < step->n_in; i++) {
        add_operand(j, i);
        sum += frac_of(j, i);
    }
    if (step->op == PTA_STEP_MUL) {
        pta_script_add(s, "        value = value * (V(1) << %d);\n",
                       (int)(j->frac - sum));
    }
    if (step->act != PTA_ACT_NONE) {
        pta_script_add(s, "        value = value < V(0) ? V(0) : value;\n");
    }
    if (step->act == PTA_ACT_RELU_MAX) {
        pta_script_add(
            s,
            "        V most = V(INT64_C(%" PRId64 ")) * (V(1) << %d) * V(%d);\n"
            "        value = value > most ? most : value;\n",
            step->act_max_raw, (int)(j->frac - step->acc_frac), (int)count);
    }
    int32_t shift = j->frac - pta_format_frac(j->y->format);
    pta_script_add(s, "        out.write(%s(pta::convert%s<T, %d, V>(value",
                   pta_vitis_type(j->y->dtype), count > 1 ? "_average" : "",
                   (int)shift);
    pta_script_add(s, count > 1 ? ", %d)));\n" : ")));\n", (int)count);
}

static void add_join(const join *j)
{
    pta_script *s = &j->v->layers;
    pta_script_add(s,
                   "    typedef %s V;\n    for (int i = 0; i < %" PRId64
                   "; i++) {\n#pragma HLS PIPELINE II = 1\n",
                   j->wide, pta_view_count(j->y->view));
    add_value(j);
    pta_script_add(s, "    }\n}\n\n");
}

/* `outer` times the inner elements of every input. */
static void add_concat(const join *j)
{
    pta_script *s = &j->v->layers;
    pta_view y = j->y->view;
    int64_t outer = j->step->axis == 0   ? 1
                    : j->step->axis == 1 ? y.h
                                         : (int64_t)y.h * y.w;
    pta_script_add(s, "    for (int o = 0; o < %" PRId64 "; o++) {\n", outer);
    for (int32_t i = 0; i < j->step->n_in; i++) {
        int32_t shift = frac_of(j, i) - pta_format_frac(j->y->format);
        pta_script_add(s,
                       "        for (int i = 0; i < %" PRId64 "; i++) {\n"
                       "#pragma HLS PIPELINE II = 1\n"
                       "            out.write(%s(pta::convert<T, %d, %s>(\n"
                       "                int64_t(in%d.read()))));\n        }\n",
                       pta_view_count(operand(j, i)->view) / outer,
                       pta_vitis_type(j->y->dtype), (int)shift,
                       pta_vitis_wide(operand(j, i)->format.width + 1, shift),
                       (int)i);
    }
    pta_script_add(s, "    }\n}\n\n");
}

void pta_vitis_merge(pta_vitis *v, int32_t index)
{
    join j = {.v = v, .step = &v->slice->steps[index]};
    j.y = &v->slice->values[j.step->out];
    pta_vitis_name(v, index, j.name);
    add_head(&j);
    if (j.step->op == PTA_STEP_CONCAT) {
        add_concat(&j);
    } else {
        measure(&j);
        add_join(&j);
    }
    add_call(&j);
}
