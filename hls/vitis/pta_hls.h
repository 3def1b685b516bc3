// The arithmetic and the layers of Partita in the C++ of Vitis HLS: what
// kernels/ computes, bit for bit, as streaming functions.
//
// A layer reads the elements of one sample from its input streams, in order, and
// writes those of its output; it keeps what it needs in arrays of fixed size.
// L is a struct of constants that says which layer it is (slice.cpp). Sums are
// exact in 64 bits; V is the type in which a result is aligned and rounded, 64
// bits where they provably suffice, else 128.
#ifndef PTA_HLS_H
#define PTA_HLS_H

#include "pta_vendor.h"

namespace pta
{

// ---- numbers: kernels/number.c ----

enum rounding { TRN, TRN_ZERO, RND, RND_ZERO, RND_INF, RND_MIN_INF, RND_CONV };
enum overflow { WRAP, SAT, SAT_SYM, SAT_ZERO };

// fixed<W, ...> or ufixed: raw integers of W bits; F fraction bits.
template <int W_, int F_, bool SIGNED_, rounding Q_, overflow O_>
struct format {
    static const int W = W_, F = F_;
    static const bool SIGNED = SIGNED_;
    static const rounding Q = Q_;
    static const overflow O = O_;
    static int64_t max()
    {
        return (int64_t(1) << (SIGNED ? W - 1 : W)) - 1;
    }
    static int64_t min()
    {
        return !SIGNED ? 0 : O == SAT_SYM ? -max() : -max() - 1;
    }
};

template <class T> int64_t wrapped(uint64_t value)
{
    uint64_t low = value & (~uint64_t(0) >> (64 - T::W));
    uint64_t sign = uint64_t(1) << (T::W - 1);
    return T::SIGNED && (low & sign) != 0 ? int64_t(low) - int64_t(sign << 1)
                                          : int64_t(low);
}

template <class T, class V> int64_t into_range(V value)
{
#pragma HLS INLINE
    if (T::O == WRAP) {
        return wrapped<T>(low_word(value));
    }
    if (value >= V(T::min()) && value <= V(T::max())) {
        return (int64_t)value;
    }
    if (T::O == SAT_ZERO) {
        return 0;
    }
    return value < V(0) ? T::min() : T::max();
}

// Whether to go up from the floor; `half` compares the dropped part with 1/2.
template <class T>
bool rounds_up(bool negative, int half, bool exact, bool odd)
{
#pragma HLS INLINE
    if (exact) {
        return false;
    }
    switch (T::Q) {
    case TRN:
        return false;
    case TRN_ZERO:
        return negative;
    case RND:
        return half >= 0;
    case RND_ZERO:
        return half > 0 || (half == 0 && negative);
    case RND_INF:
        return half > 0 || (half == 0 && !negative);
    case RND_MIN_INF:
        return half > 0;
    default:
        return half > 0 || (half == 0 && odd);
    }
}

template <class T, class V>
int64_t round_rest(V floor, V rest, V den, bool negative)
{
#pragma HLS INLINE
    V above = rest - (den - rest);
    int half = above > V(0) ? 1 : above < V(0) ? -1 : 0;
    bool up = rounds_up<T>(negative, half, rest == V(0),
                           (low_word(floor) & 1) != 0);
    return into_range<T, V>(up ? V(floor + V(1)) : floor);
}

// The raw integer of T nearest to value * 2^-SHIFT LSBs.
template <class T, int SHIFT, class V> int64_t convert(V value)
{
#pragma HLS INLINE
    if (SHIFT <= 0) {
        const int LEFT = SHIFT < -34 ? 0 : -SHIFT;
        if (SHIFT < -34) { // beyond any format, unless it is 0
            if (T::O == WRAP || value == V(0)) {
                return 0;
            }
            return into_range<T, int64_t>(value < V(0) ? -(int64_t(1) << 40)
                                                       : int64_t(1) << 40);
        }
        return into_range<T, V>(V(value * (V(1) << LEFT)));
    }
    bool negative = value < V(0);
    if (SHIFT > 126) { // below a quarter LSB: only the sign matters
        value = value > V(0) ? V(1) : negative ? V(-1) : V(0);
    }
    const int DROP = SHIFT > 126 ? 2 : SHIFT < 1 ? 1 : SHIFT;
    V den = V(1) << DROP;
    return round_rest<T, V>(V(value >> DROP), V(value & V(den - V(1))), den,
                            negative);
}

template <class T, class V> int64_t convert_quotient(V num, V den)
{
#pragma HLS INLINE
    V floor = num / den, rest = num % den;
    if (rest < V(0)) {
        floor = floor - V(1);
        rest = rest + den;
    }
    return round_rest<T, V>(floor, rest, den, num < V(0));
}

// The same of num / count * 2^-SHIFT, for an average.
template <class T, int SHIFT, class V> int64_t convert_average(V num, int count)
{
#pragma HLS INLINE
    if (count == 1) {
        return convert<T, SHIFT, V>(num);
    }
    // Round to odd: no comparison with an even number changes.
    for (int i = 90; i < SHIFT; i++) {
        num = V(num >> 1) | V(num & V(1));
    }
    const int RIGHT = SHIFT < 0 ? 0 : SHIFT > 90 ? 90 : SHIFT;
    const int LEFT = SHIFT > 0 ? 0 : SHIFT < -64 ? 64 : -SHIFT;
    if (LEFT > 0) { // what this limit changes is out of range anyway
        V limit = V(1) << (int(8 * sizeof(V)) > 64 ? 62 : 62 - LEFT);
        num = num > limit ? limit : num < -limit ? V(-limit) : num;
    }
    num = num * (V(1) << LEFT);
    return convert_quotient<T, V>(num, V(V(count) << RIGHT));
}

// What happens to an exact result at the end of a layer: activation, one
// conversion.
enum activation { NONE, RELU, RELU_MAX };

template <class T, int SHIFT, class V, activation ACT, int64_t ACT_MAX>
struct finish {
    static int64_t apply(int64_t sum)
    {
#pragma HLS INLINE
        if (ACT != NONE && sum < 0) {
            sum = 0;
        }
        if (ACT == RELU_MAX && sum > ACT_MAX) {
            sum = ACT_MAX;
        }
        return convert<T, SHIFT, V>(V(sum));
    }
};

// A partial sum leaves as it is.
struct partial {
    static int64_t apply(int64_t sum)
    {
        return sum;
    }
};

// ---- between bus and streams: hls/driver/format.h ----

// COUNT elements of BYTES bytes, from the low end of 64-bit words.
template <class X, int BYTES, bool SIGNED, int COUNT>
void unpack(hls::stream<beat> &in, hls::stream<X> &out)
{
    const int PER = 8 / BYTES, BITS = 8 * BYTES;
    uint64_t word = 0;
    for (int i = 0; i < COUNT; i++) {
#pragma HLS PIPELINE II = 1
        if (i % PER == 0) {
            beat b = in.read();
            word = low_word(b.data);
        }
        uint64_t low = word & (~uint64_t(0) >> (64 - BITS));
        uint64_t sign = uint64_t(1) << (BITS - 1);
        int64_t value = SIGNED && (low & sign) != 0
                            ? int64_t(low | ~(sign | (sign - 1)))
                            : int64_t(low);
        out.write(X(value));
        word = BITS < 64 ? word >> (BITS % 64) : 0;
    }
}

// `last`: the tensor ends the transfer.
template <class X, int BYTES, int COUNT>
void pack(hls::stream<X> &in, hls::stream<beat> &out, bool last)
{
    const int PER = 8 / BYTES, BITS = 8 * BYTES;
    uint64_t word = 0;
    for (int i = 0; i < COUNT; i++) {
#pragma HLS PIPELINE II = 1
        uint64_t low = uint64_t(int64_t(in.read())) & (~uint64_t(0) >> (64 - BITS));
        word |= low << (BITS * (i % PER));
        if (i % PER == PER - 1 || i == COUNT - 1) {
            beat b;
            b.data = word;
            b.keep = 0xff;
            b.strb = 0xff;
            b.last = last && i == COUNT - 1;
            out.write(b);
            word = 0;
        }
    }
}

// ---- weighted sums: kernels/dense.c, conv.c, act.c ----

template <class L>
void dense(hls::stream<typename L::x> &in, hls::stream<typename L::y> &out,
           const typename L::w weights[L::M][L::N],
           const typename L::b bias[L::M])
{
#pragma HLS ARRAY_PARTITION variable = weights cyclic factor = L::PE dim = 1
    typename L::x input[L::N];
    for (int i = 0; i < L::N; i++) {
#pragma HLS PIPELINE II = 1
        input[i] = in.read();
    }
    for (int row = 0; row < L::M; row += L::PE) {
        int64_t sum[L::PE];
#pragma HLS ARRAY_PARTITION variable = sum complete
        for (int p = 0; p < L::PE; p++) {
#pragma HLS UNROLL
            sum[p] = row + p < L::M ? int64_t(bias[row + p]) : 0;
        }
        for (int i = 0; i < L::N; i++) {
#pragma HLS PIPELINE II = 1
            for (int p = 0; p < L::PE; p++) {
#pragma HLS UNROLL
                if (row + p < L::M) {
                    sum[p] += int64_t(weights[row + p][i]) * int64_t(input[i]);
                }
            }
        }
        for (int p = 0; p < L::PE; p++) {
            if (row + p < L::M) {
                out.write(typename L::y(L::finish::apply(sum[p])));
            }
        }
    }
}

// The image of one sample.
template <class L>
void read_image(hls::stream<typename L::x> &in,
                typename L::x image[L::H * L::W][L::C])
{
    for (int i = 0; i < L::H * L::W; i++) {
        for (int c = 0; c < L::C; c++) {
#pragma HLS PIPELINE II = 1
            image[i][c] = in.read();
        }
    }
}

template <class L>
void conv(hls::stream<typename L::x> &in, hls::stream<typename L::y> &out,
          const typename L::w weights[L::M][L::KH * L::KW * L::C],
          const typename L::b bias[L::M])
{
#pragma HLS ARRAY_PARTITION variable = weights cyclic factor = L::PE dim = 1
    typename L::x image[L::H * L::W][L::C];
    read_image<L>(in, image);
    for (int oh = 0; oh < L::OH; oh++) {
        for (int ow = 0; ow < L::OW; ow++) {
            for (int row = 0; row < L::M; row += L::PE) {
                int64_t sum[L::PE];
#pragma HLS ARRAY_PARTITION variable = sum complete
                for (int p = 0; p < L::PE; p++) {
#pragma HLS UNROLL
                    sum[p] = row + p < L::M ? int64_t(bias[row + p]) : 0;
                }
                for (int cell = 0; cell < L::KH * L::KW; cell++) {
                    const int h = oh * L::SH - L::PT + cell / L::KW * L::DH;
                    const int w = ow * L::SW - L::PL + cell % L::KW * L::DW;
                    const bool real = h >= 0 && h < L::H && w >= 0 && w < L::W;
                    for (int c = 0; c < L::C; c++) {
#pragma HLS PIPELINE II = 1
                        int64_t x = real ? int64_t(image[h * L::W + w][c]) : 0;
                        for (int p = 0; p < L::PE; p++) {
#pragma HLS UNROLL
                            if (row + p < L::M) {
                                sum[p] +=
                                    int64_t(weights[row + p][cell * L::C + c]) *
                                    x;
                            }
                        }
                    }
                }
                for (int p = 0; p < L::PE; p++) {
                    if (row + p < L::M) {
                        out.write(typename L::y(L::finish::apply(sum[p])));
                    }
                }
            }
        }
    }
}

// Output channel ci * MULT + m.
template <class L>
void depthwise(hls::stream<typename L::x> &in, hls::stream<typename L::y> &out,
               const typename L::w weights[L::M][L::KH * L::KW],
               const typename L::b bias[L::M])
{
    typename L::x image[L::H * L::W][L::C];
    read_image<L>(in, image);
    for (int oh = 0; oh < L::OH; oh++) {
        for (int ow = 0; ow < L::OW; ow++) {
            for (int row = 0; row < L::M; row++) {
                int64_t sum = bias[row];
                for (int cell = 0; cell < L::KH * L::KW; cell++) {
#pragma HLS PIPELINE II = 1
                    const int h = oh * L::SH - L::PT + cell / L::KW * L::DH;
                    const int w = ow * L::SW - L::PL + cell % L::KW * L::DW;
                    if (h >= 0 && h < L::H && w >= 0 && w < L::W) {
                        sum += int64_t(weights[row][cell]) *
                               int64_t(image[h * L::W + w][row / L::MULT]);
                    }
                }
                out.write(typename L::y(L::finish::apply(sum)));
            }
        }
    }
}

template <class L>
void scale_shift(hls::stream<typename L::x> &in,
                 hls::stream<typename L::y> &out,
                 const typename L::w scale[L::M][1],
                 const typename L::b shift[L::M])
{
    for (int i = 0; i < L::COUNT / L::M; i++) {
        for (int c = 0; c < L::M; c++) {
#pragma HLS PIPELINE II = 1
            int64_t sum =
                int64_t(scale[c][0]) * int64_t(in.read()) + int64_t(shift[c]);
            out.write(typename L::y(L::finish::apply(sum)));
        }
    }
}

// ---- pooling: kernels/pool.c; padded cells do not exist ----

template <class L>
void pool(hls::stream<typename L::x> &in, hls::stream<typename L::y> &out)
{
    typename L::x image[L::H * L::W][L::C];
    read_image<L>(in, image);
    for (int oh = 0; oh < L::OH; oh++) {
        for (int ow = 0; ow < L::OW; ow++) {
            for (int c = 0; c < L::C; c++) {
                int64_t most = 0, sum = 0;
                int count = 0;
                for (int cell = 0; cell < L::KH * L::KW; cell++) {
#pragma HLS PIPELINE II = 1
                    const int h = oh * L::SH - L::PT + cell / L::KW * L::DH;
                    const int w = ow * L::SW - L::PL + cell % L::KW * L::DW;
                    if (h >= 0 && h < L::H && w >= 0 && w < L::W) {
                        int64_t x = image[h * L::W + w][c];
                        most = count == 0 || x > most ? x : most;
                        sum += x;
                        count++;
                    }
                }
                out.write(typename L::y(L::finish::apply(
                    most, sum, count == 0 ? 1 : count)));
            }
        }
    }
}

struct maximum_of {
    static int64_t apply(int64_t most, int64_t, int)
    {
        return most;
    }
};

template <class T, int SHIFT, class V> struct average_of {
    static int64_t apply(int64_t, int64_t sum, int count)
    {
#pragma HLS INLINE
        return convert_average<T, SHIFT, V>(V(sum), count);
    }
};

// ---- element by element: kernels/act.c, curve.c ----

// x >= THRESHOLD ? min(x, MAX) : ALPHA * (x - THRESHOLD); UP and DOWN align.
template <class L>
void relu(hls::stream<typename L::x> &in, hls::stream<typename L::y> &out)
{
    typedef typename L::v V;
    for (int i = 0; i < L::COUNT; i++) {
#pragma HLS PIPELINE II = 1
        V x = V(int64_t(in.read())), value;
        if (x < V(int64_t(L::THRESHOLD))) {
            value = V((x - V(int64_t(L::THRESHOLD))) * V(int64_t(L::ALPHA))) *
                    (V(1) << L::DOWN);
        } else {
            value = x * (V(1) << L::UP);
            if (L::HAS_MAX) {
                V max = V(int64_t(L::MAX)) * (V(1) << L::DOWN);
                value = value > max ? max : value;
            }
        }
        out.write(
            typename L::y(convert<typename L::format, L::SHIFT, V>(value)));
    }
}

template <class L>
void lookup(hls::stream<typename L::x> &in, hls::stream<typename L::y> &out,
            const typename L::y table[L::SIZE])
{
    for (int i = 0; i < L::COUNT; i++) {
#pragma HLS PIPELINE II = 1
        out.write(table[int(int64_t(in.read()) - L::X_MIN)]);
    }
}

// clip(x / SLOPE + 1/2, 0, 1) where a table would be too large: the value is
// num / (2 SLOPE 2^F), num in 0 .. 2 SLOPE 2^F.
template <class L>
void hard_sigmoid(hls::stream<typename L::x> &in,
                  hls::stream<typename L::y> &out)
{
    for (int i = 0; i < L::COUNT; i++) {
        wide den = wide(2 * L::SLOPE) * (wide(1) << L::DOWN);
        wide num = wide(int64_t(in.read())) * wide(2) * (wide(1) << L::UP) +
                   wide(L::SLOPE) * (wide(1) << L::DOWN);
        num = num < wide(0) ? wide(0) : num > den ? den : num;
        // at most 2^60 units of the output
        num = num * (wide(1) << (L::Y_FRAC > 0 ? L::Y_FRAC : 0));
        den = den * (wide(1) << (L::Y_FRAC > 0 ? 0 : -L::Y_FRAC));
        out.write(
            typename L::y(convert_quotient<typename L::format, wide>(num, den)));
    }
}

// ---- moving elements: kernels/shape.c ----

// Output axis i is input axis PERM_i.
template <class L>
void permute(hls::stream<typename L::x> &in, hls::stream<typename L::x> &out)
{
    typename L::x image[L::COUNT];
    const int dim[3] = {L::H, L::W, L::C};
    const int step[3] = {L::W * L::C, L::C, 1};
    for (int i = 0; i < L::COUNT; i++) {
#pragma HLS PIPELINE II = 1
        image[i] = in.read();
    }
    for (int i = 0; i < L::COUNT; i++) {
#pragma HLS PIPELINE II = 1
        const int a2 = i % dim[L::PERM2];
        const int a1 = i / dim[L::PERM2] % dim[L::PERM1];
        const int a0 = i / dim[L::PERM2] / dim[L::PERM1];
        out.write(image[a0 * step[L::PERM0] + a1 * step[L::PERM1] +
                        a2 * step[L::PERM2]]);
    }
}

template <class L>
void pad(hls::stream<typename L::x> &in, hls::stream<typename L::x> &out)
{
    for (int h = 0; h < L::OH; h++) {
        for (int w = 0; w < L::OW; w++) {
            for (int c = 0; c < L::C; c++) {
#pragma HLS PIPELINE II = 1
                const bool real = h >= L::PT && h < L::PT + L::H &&
                                  w >= L::PL && w < L::PL + L::W;
                typename L::x x = 0;
                if (real) {
                    x = in.read();
                }
                out.write(x);
            }
        }
    }
}

// Rows from FIRST_H and channels from FIRST_C.
template <class L>
void crop(hls::stream<typename L::x> &in, hls::stream<typename L::x> &out)
{
    for (int h = 0; h < L::H; h++) {
        for (int w = 0; w < L::W; w++) {
            for (int c = 0; c < L::C; c++) {
#pragma HLS PIPELINE II = 1
                typename L::x x = in.read();
                if (h >= L::FIRST_H && h < L::FIRST_H + L::OH &&
                    c >= L::FIRST_C && c < L::FIRST_C + L::OC) {
                    out.write(x);
                }
            }
        }
    }
}

// Element i of the output is element from[i] of the input.
template <class L>
void gather(hls::stream<typename L::x> &in, hls::stream<typename L::x> &out,
            const int from[L::OUT])
{
    typename L::x buffer[L::COUNT];
    for (int i = 0; i < L::COUNT; i++) {
#pragma HLS PIPELINE II = 1
        buffer[i] = in.read();
    }
    for (int i = 0; i < L::OUT; i++) {
#pragma HLS PIPELINE II = 1
        out.write(buffer[from[i]]);
    }
}

// A value that nobody reads.
template <class X, int COUNT> void drain(hls::stream<X> &in)
{
    for (int i = 0; i < COUNT; i++) {
#pragma HLS PIPELINE II = 1
        (void)in.read();
    }
}

} // namespace pta

#endif
