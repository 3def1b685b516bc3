// Test bench: sends the samples of samples.bin through the core, all in one
// transfer, and compares every word that comes out with what the integer kernels
// of Partita computed.
//
//     tb [samples.bin]        exit code 0 if every bit is equal
//
// samples.bin, little-endian: "PTAS", version 1, n, bytes in, bytes out (32 bits
// each), then for each sample its input and its output as on the bus.
#include <stdio.h>
#include <string.h>

#include <vector>

#include "slice.h"

static bool read_exactly(FILE *file, void *to, size_t n)
{
    return fread(to, 1, n, file) == n;
}

static void send(hls::stream<pta::beat> &to, const std::vector<uint64_t> &words,
                 bool end)
{
    for (size_t i = 0; i < words.size(); i++) {
        pta::beat b;
        b.data = words[i];
        b.keep = 0xff;
        b.strb = 0xff;
        b.last = end && i + 1 == words.size();
        to.write(b);
    }
}

// Words of sample n that differ, or have TLAST where they must not.
static int compare(hls::stream<pta::beat> &from,
                   const std::vector<uint64_t> &words, bool end)
{
    int bad = 0;
    for (size_t i = 0; i < words.size(); i++) {
        if (from.empty()) {
            return bad + 1;
        }
        pta::beat b = from.read();
        bool last = end && i + 1 == words.size();
        bad += pta::low_word(b.data) != words[i] || bool(b.last) != last;
    }
    return bad;
}

static bool page_is_right(const uint32_t *page)
{
    bool right = page[0] == 0x50544131u && page[1] >> 16 == 1;
    for (int i = 0; i < PTA_PAGE_WORDS; i++) {
        right = right && page[i] == pta_page[i];
    }
    return right;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "samples.bin";
    FILE *file = fopen(path, "rb");
    uint32_t header[5];
    if (file == NULL || !read_exactly(file, header, sizeof header) ||
        memcmp(header, "PTAS", 4) != 0 || header[1] != 1 ||
        header[3] != PTA_IN_BYTES || header[4] != PTA_OUT_BYTES) {
        fprintf(stderr, "%s: not the samples of this slice\n", path);
        return 2;
    }
    uint32_t n = header[2], wrong = 0;
    std::vector<uint64_t> in(PTA_IN_BYTES / 8), out(PTA_OUT_BYTES / 8);
    std::vector<std::vector<uint64_t> > expected;
    hls::stream<pta::beat> to_core, from_core;
    for (uint32_t s = 0; s < n; s++) {
        if (!read_exactly(file, in.data(), PTA_IN_BYTES) ||
            !read_exactly(file, out.data(), PTA_OUT_BYTES)) {
            fprintf(stderr, "%s: ends in sample %u\n", path, s);
            return 2;
        }
        send(to_core, in, s + 1 == n);
        expected.push_back(out);
    }
    fclose(file);
    uint32_t page[PTA_PAGE_WORDS] = {0};
    PTA_CORE(to_core, from_core, n, page);
    for (uint32_t s = 0; s < n; s++) {
        wrong += compare(from_core, expected[s], s + 1 == n) != 0;
    }
    bool clean = to_core.empty() && from_core.empty();
    bool page_ok = page_is_right(page);
    printf("%s: %u samples, %u bit-exact%s%s\n", path, n, n - wrong,
           clean ? "" : ", words left over", page_ok ? "" : ", page 0 differs");
    return n > 0 && wrong == 0 && clean && page_ok ? 0 : 1;
}
