// The vendor's streams and wide integers, or, where they are absent (g++ without
// Vitis HLS), just as much of them as slice.cpp needs.
#ifndef PTA_VENDOR_H
#define PTA_VENDOR_H

#include <stdint.h>

#if defined(__has_include)
#if __has_include("ap_axi_sdata.h")
#define PTA_VENDOR 1
#endif
#endif

#ifdef PTA_VENDOR

#include "ap_axi_sdata.h"
#include "ap_int.h"
#include "hls_stream.h"

namespace pta
{
typedef ap_int<128> wide;
typedef ap_axiu<64, 0, 0, 0> beat;
inline uint64_t low_word(const wide &value)
{
    return ap_uint<64>(value).to_uint64();
}
inline uint64_t low_word(const ap_uint<64> &value)
{
    return value.to_uint64();
}
inline uint64_t low_word(int64_t value)
{
    return uint64_t(value);
}
} // namespace pta

#else

#include <assert.h>
#include <deque>

namespace hls
{
// A stream without a limit: in C simulation one function runs after another.
template <class T, int DEPTH = 0> class stream
{
  public:
    explicit stream(const char * = "")
    {
    }
    bool empty() const
    {
        return queue.empty();
    }
    T read()
    {
        assert(!queue.empty());
        T value = queue.front();
        queue.pop_front();
        return value;
    }
    void write(const T &value)
    {
        queue.push_back(value);
    }

  private:
    stream(const stream &);
    stream &operator=(const stream &);
    std::deque<T> queue;
};
} // namespace hls

namespace pta
{
__extension__ typedef __int128 wide;
struct beat {
    uint64_t data;
    uint8_t keep, strb;
    bool last;
};
inline uint64_t low_word(wide value)
{
    return uint64_t(value);
}
inline uint64_t low_word(uint64_t value)
{
    return value;
}
inline uint64_t low_word(int64_t value)
{
    return uint64_t(value);
}
} // namespace pta

#endif
#endif
