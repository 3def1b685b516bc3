/* Block tests of the plumbing and the element-wise blocks. */
#include "harness.h"

static void copy(const hls_stream *x, hls_stream *y)
{
    for (int64_t i = 0; i < (int64_t)x->count * x->vectors; i++) {
        y->data[i] = x->data[i];
    }
}

/* W bits through, as one element a beat. */
static void draw_plain(hls_case *c, int64_t latency, int64_t interval)
{
    int32_t w = (int32_t)hls_param(c, "W", 1, 60);
    c->samples = 200;
    hls_stream *x = hls_in(c, "in", 1, 1, w, c->samples);
    hls_stream *y = hls_out(c, "out", 1, 1, w, c->samples);
    hls_fill(c, x, false);
    copy(x, y);
    c->latency = latency;
    c->interval = interval;
}

static void draw_skid(hls_case *c)
{
    draw_plain(c, 1, 1);
}

static void draw_fifo(hls_case *c)
{
    int64_t depth = hls_param(c, "DEPTH", 1, 70);
    int64_t block = hls_param(c, "BLOCK", 0, 1);
    draw_plain(c, block ? 3 : 1, depth == 1 ? 2 : 1);
}

static const hls_block blocks[] = {{"skid", draw_skid}, {"fifo", draw_fifo}};

int main(int argc, char **argv)
{
    return hls_main(argc, argv, blocks, sizeof blocks / sizeof blocks[0]);
}
