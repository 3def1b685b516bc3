/*
 * Reuse factors and what they cost. DSP and BRAM18 are those of published HLS
 * reports (a jet tagger of PYNQ_IA: eight of eight equal); LUT and FF are a line
 * through the same report's layers and at best within a factor of two; HLS
 * counts 3 to 5 times what is there after synthesis.
 */
#include "partition/estimate_hls4ml.h"

bool pta_hls4ml_reuse_valid(int64_t n_in, int64_t n_out, int64_t reuse)
{
    int64_t least = n_in < reuse ? n_in : reuse;
    if (reuse < 1 || n_in * n_out % reuse != 0 ||
        (reuse > n_in && reuse % n_in != 0)) {
        return false;
    }
    int64_t multipliers = (n_in * n_out + least - 1) / least;
    return reuse >= n_in || multipliers % n_out == 0;
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* LUT per multiplier and bit, FF likewise: 64 to 128 multipliers of 16 bits took
 * 9,890 to 12,691 LUT and 13,616 FF. */
static pta_folding matrix(int64_t n_in, int64_t n_out, int64_t positions,
                          int64_t width, int64_t reuse)
{
    int64_t multipliers = ceil_div(n_in * n_out, reuse);
    int64_t brams = reuse > 1 ? ceil_div(width * multipliers, 36) : 0;
    int64_t wide = width > 18 ? 2 : 1;
    return (pta_folding){
        .fold = {.pe = (int32_t)(multipliers < INT32_MAX ? multipliers
                                                         : INT32_MAX),
                 .simd = 1,
                 .memory = PTA_MEMORY_BLOCK},
        .interval = positions * reuse,
        .fill = positions == 1 ? (reuse + 5 > 20 ? reuse + 5 : 20) : 20,
        .span = positions == 1 ? 0 : positions * reuse,
        .resources = {.lut = 500 + multipliers * width * 7,
                      .ff = 500 + multipliers * width * 6,
                      .dsp = width < 9 ? 0 : multipliers * wide,
                      .bram18 = brams}};
}

static pta_status hls4ml_foldings(pta_estimator *self, pta_ctx *ctx,
                                  const pta_slice *slice, int32_t step,
                                  pta_foldings *out)
{
    const pta_step *s = &slice->steps[step];
    pta_view in = slice->values[s->in[0]].view,
             view = slice->values[s->out].view;
    (void)self;
    int64_t positions = (int64_t)view.h * view.w, n_in = s->weights.cols;
    int64_t n_out = view.c, width = s->weights.format.width;
    if (s->op == PTA_STEP_DENSE) {
        positions = 1;
        n_in = pta_view_count(in);
        n_out = pta_view_count(view);
    } else if (s->op == PTA_STEP_CONV) {
        n_in = (int64_t)s->window.kh * s->window.kw * in.c;
    } else { /* one value of each channel a cycle, in LUTs */
        pta_folding f = {.fold = {.pe = 1, .simd = 1},
                         .interval = positions,
                         .fill = 2,
                         .span = positions > 1 ? positions : 0,
                         .resources = {.lut = 20 * n_out, .ff = 20 * n_out}};
        return pta_foldings_add(ctx, out, &f);
    }
    for (int64_t reuse = 1; reuse <= n_in * n_out; reuse++) {
        if (pta_hls4ml_reuse_valid(n_in, n_out, reuse)) {
            pta_folding f = matrix(n_in, n_out, positions, width, reuse);
            PTA_TRY(pta_foldings_add(ctx, out, &f));
        }
    }
    return PTA_OK;
}

pta_status pta_estimate_hls4ml_create(pta_ctx *ctx, pta_estimator **out)
{
    pta_estimator *e;
    PTA_TRY_ALLOC(ctx, e, 1);
    *e = (pta_estimator){
        .name = "hls4ml",
        .describes = "hls4ml, resource strategy, as Vivado HLS reports it",
        .error = "DSP and BRAM equal on 8 of 8 published figures; LUT and FF "
                 "within a factor of 2; after implementation 3 to 5 times less",
        .shell = {.lut = 2000, .ff = 2500},
        .shell_latency = 23, /* 139-116 of the published AXI wrapper */
        .foldings = hls4ml_foldings};
    *out = e;
    return PTA_OK;
}

void pta_estimate_hls4ml_destroy(pta_ctx *ctx, pta_estimator **estimator)
{
    pta_free(ctx, *estimator);
    *estimator = NULL;
}
