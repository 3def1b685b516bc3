/* Writable weight memories of block tests: wired to pta_regs_mem as in a core,
 * loaded with one set of weights and then with another. See harness.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness_priv.h"

/* ---- drawing ---- */

void hls_memory(hls_case *c, char port, const char *param, int32_t bits)
{
    if (c->n_mem == HLS_MEMORIES) {
        fprintf(stderr, "harness: more than %d memories\n", HLS_MEMORIES);
        exit(1);
    }
    c->mem[c->n_mem++] = (hls_mem){.port = port, .param = param, .bits = bits};
}

void hls_second_set(hls_case *c)
{
    for (int32_t k = 0; k < c->n_out; k++) {
        hls_stream *s = &c->out[k];
        hls_pack_stream(c, s, 0);
        memset(s->data, 0,
               (size_t)s->count * (size_t)s->vectors * sizeof *s->data);
    }
    c->set = 1;
}

static int32_t lanes(const hls_mem *m)
{
    return hls_ceil(m->bits, 32);
}

static void fail(const char *path, const char *what)
{
    fprintf(stderr, "harness: %s: %s\n", path, what);
    exit(1);
}

/* A line of hex as lanes of 32 bits. */
static void parse_word(uint32_t *word, const char *line, size_t digits)
{
    for (size_t i = 0; i < digits; i++) {
        const char *hex = "0123456789abcdef";
        const char *at = strchr(hex, line[digits - 1 - i]);
        uint32_t value = at == NULL ? 0 : (uint32_t)(at - hex);
        word[i / 8] |= value << (i % 8 * 4);
    }
}

/* Reads a memory's file of one set back. */
static void read_set(hls_case *c, hls_mem *m, int set)
{
    char path[4096];
    hls_file_path(c, m->param, set, path, sizeof path);
    FILE *f = fopen(path, "r");
    size_t n = (size_t)lanes(m), room = 8 * n + 3;
    char *line = malloc(room);
    if (f == NULL || line == NULL) {
        fail(path, "not readable");
    }
    m->words = 0;
    while (fgets(line, (int)room, f) != NULL) {
        size_t words = (size_t)m->words++ + 1;
        m->sets[set] = realloc(m->sets[set], words * n * sizeof **m->sets);
        if (m->sets[set] == NULL) {
            fail(path, "out of memory");
        }
        uint32_t *word = m->sets[set] + (words - 1) * n;
        memset(word, 0, n * sizeof *word);
        parse_word(word, line, strcspn(line, "\n"));
    }
    free(line);
    fclose(f);
}

void hls_memories_read(hls_case *c)
{
    for (int32_t m = 0; c->set == 1 && m < c->n_mem; m++) {
        read_set(c, &c->mem[m], 0);
        read_set(c, &c->mem[m], 1);
    }
}

void hls_memories_free(hls_case *c)
{
    for (int32_t m = 0; m < c->n_mem; m++) {
        free(c->mem[m].sets[0]);
        free(c->mem[m].sets[1]);
    }
}

/* ---- the top ---- */

static void write_tied(FILE *f, const hls_case *c)
{
    fputs(",\n        .mem_read(1'b0), .mem_address(32'd0)", f);
    for (int32_t m = 0; m < c->n_mem; m++) {
        char p = c->mem[m].port;
        fprintf(f,
                ",\n        .%c_write(1'b0), .%c_data({%d{1'b0}}), "
                ".%c_q()",
                p, p, c->mem[m].bits, p);
    }
}

void hls_memories_ports(FILE *f, const hls_case *c)
{
    int i = c->index;
    if (c->n_mem > 0 && c->set == 0) {
        write_tied(f, c);
        return;
    }
    for (int32_t m = 0; m < c->n_mem; m++) {
        char p = c->mem[m].port;
        if (m == 0) {
            fprintf(f, ",\n        .mem_read(read%d), .mem_address(at%d)", i,
                    i);
        }
        fprintf(f,
                ",\n        .%c_write(write%d && select%d == %d), "
                ".%c_data(data%d[%d:0]), .%c_q(q%d_%d)",
                p, i, i, m, p, i, c->mem[m].bits - 1, p, i, m);
    }
}

void hls_memories_write(FILE *f, const hls_case *c)
{
    int32_t n = 0;
    for (int32_t m = 0; m < c->n_mem; m++) {
        int32_t k = lanes(&c->mem[m]);
        n = k > n ? k : n;
    }
    if (c->set == 0) {
        return;
    }
    int i = c->index;
    fprintf(f,
            "    wire read%d, write%d;\n    wire [31:0] at%d;\n"
            "    wire [15:0] select%d;\n    wire [%d:0] data%d;\n",
            i, i, i, i, 32 * n - 1, i);
    for (int32_t m = 0; m < c->n_mem; m++) {
        fprintf(f, "    wire [%d:0] q%d_%d;\n", c->mem[m].bits - 1, i, m);
    }
    fprintf(f, "    pta_regs_mem #(.N_MEM(%d), .LANES(%d), .MEM_DEPTH({",
            c->n_mem, n);
    for (int32_t m = c->n_mem - 1; m >= 0; m--) {
        fprintf(f, "32'd%d%s", c->mem[m].words, m > 0 ? ", " : "}), ");
    }
    fputs(".MEM_LANES({", f);
    for (int32_t m = c->n_mem - 1; m >= 0; m--) {
        fprintf(f, "16'd%d%s", lanes(&c->mem[m]), m > 0 ? ", " : "})");
    }
    fprintf(f,
            ") mem%d (\n        .clk(clk), .rst(rst), .busy(1'b0), "
            ".put(mem_put[%d]), .word(mem_word[9:0]), .data(mem_data),\n"
            "        .refused(), .working(mem_working[%d]), "
            ".crc(mem_crc[%d +: 32]), .mem_select(select%d),\n"
            "        .mem_address(at%d), .mem_write(write%d), "
            ".mem_read(read%d), .mem_data(data%d), .mem_q(",
            i, i, i, 32 * i, i, i, i, i, i);
    for (int32_t m = 0; m < c->n_mem - 1; m++) {
        fprintf(f, "select%d == %d ? q%d_%d : ", i, m, i, m);
    }
    fprintf(f, "q%d_%d));\n", i, c->n_mem - 1);
}

/* ---- loading ---- */

enum {
    SELECT = 0x200 / 4,
    ADDRESS = 0x204 / 4,
    COMMAND = 0x208 / 4,
    WINDOW = 0x400 / 4
};

static void clock_once(const hls_model *model, void *self)
{
    model->eval(self, 0, 0);
    model->eval(self, 1, 0);
}

static void put(const hls_model *model, void *self, hls_ports *p, int i,
                uint32_t word, uint32_t data)
{
    p->mem_put[i / 32] |= UINT32_C(1) << (i % 32);
    *p->mem_word = word;
    *p->mem_data = data;
    clock_once(model, self);
    p->mem_put[i / 32] = 0;
}

static void load(const hls_model *model, void *self, hls_ports *p,
                 const hls_case *c, int32_t m, int set, bool write)
{
    uint32_t n = (uint32_t)lanes(&c->mem[m]);
    put(model, self, p, c->index, SELECT, (uint32_t)m);
    put(model, self, p, c->index, ADDRESS, 0);
    uint32_t total = write ? (uint32_t)c->mem[m].words * n : 0;
    for (uint32_t i = 0; i < total; i++) {
        put(model, self, p, c->index, WINDOW + i % n, c->mem[m].sets[set][i]);
    }
    clock_once(model, self);
    put(model, self, p, c->index, COMMAND, 1);
}

static uint32_t crc_of(const hls_mem *m, int set)
{
    uint32_t crc = UINT32_MAX;
    for (int32_t i = 0; i < m->words * lanes(m); i++) {
        for (int b = 0; b < 32; b++) {
            uint32_t bit = (crc ^ m->sets[set][i] >> b) & 1;
            crc = crc >> 1 ^ (bit != 0 ? UINT32_C(0xEDB88320) : 0);
        }
    }
    return ~crc;
}

static bool any_working(const hls_ports *p, const hls_case *cases, int n_cases)
{
    for (int i = 0; i < n_cases; i++) {
        uint32_t working = p->mem_working[i / 32] >> (i % 32) & 1;
        if (cases[i].set == 1 && working != 0) {
            return true;
        }
    }
    return false;
}

void hls_memories_load(const hls_model *model, void *self, hls_ports *p,
                       hls_case *cases, int n_cases, int set, bool write)
{
    for (int32_t m = 0; m < HLS_MEMORIES; m++) {
        for (int i = 0; i < n_cases; i++) {
            if (cases[i].set == 1 && m < cases[i].n_mem) {
                load(model, self, p, &cases[i], m, set, write);
            }
        }
        while (any_working(p, cases, n_cases)) {
            clock_once(model, self);
        }
        for (int i = 0; i < n_cases; i++) {
            hls_case *c = &cases[i];
            if (c->set == 0 || m >= c->n_mem) {
                continue;
            }
            uint32_t crc = crc_of(&c->mem[m], set);
            if (p->mem_crc[i] != crc) {
                fprintf(stderr,
                        "FAILED pta_%s geometry %d, memory %s, set %d: "
                        "CRC %08" PRIx32 ", expected %08" PRIx32 "\n",
                        c->block, c->index, c->mem[m].param, set, p->mem_crc[i],
                        crc);
                c->errors++;
            }
        }
    }
    for (int i = 0; i < n_cases; i++) {
        for (int32_t k = 0; cases[i].set == 1 && k < cases[i].n_out; k++) {
            hls_stream *s = &cases[i].out[k];
            s->beats = s->sets[set];
        }
    }
}
