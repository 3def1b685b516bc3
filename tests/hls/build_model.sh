#!/usr/bin/env bash
# Builds DIR/model.so from DIR/hls_top.sv and the blocks in RTL. Verilator's own
# runtime and header, most of a compiler's work, are compiled once and kept in
# CACHE. HLS_OPTIMIZE: -O1, or -O0 for short runs (with a CACHE of its own). Exits
# 77 without Verilator.
set -euo pipefail

usage="usage: build_model.sh RTL DIR CACHE"
[ $# -eq 3 ] || { echo "$usage" >&2; exit 2; }
rtl=$1 dir=$2 cache=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

for tool in verilator g++; do
    command -v "$tool" >/dev/null || {
        echo "skipped: $tool is not installed" >&2
        exit 77
    }
done
root=$(verilator --getenv VERILATOR_ROOT)
flags=("${HLS_OPTIMIZE:--O1}" -fPIC -fvisibility=hidden -fvisibility-inlines-hidden -w
       -DVM_TRACE=0 -DVM_COVERAGE=0 -DVM_SC=0
       "-I$root/include" "-I$root/include/vltstd")

mkdir -p "$cache"
(
    flock 9
    for part in verilated verilated_threads; do
        [ -e "$cache/$part.o" ] && continue
        g++ "${flags[@]}" -c "$root/include/$part.cpp" -o "$cache/$part.tmp"
        mv "$cache/$part.tmp" "$cache/$part.o"
    done
    if [ ! -e "$cache/verilated.h.gch" ]; then
        g++ "${flags[@]}" -x c++-header "$root/include/verilated.h" \
            -o "$cache/header.tmp"
        mv "$cache/header.tmp" "$cache/verilated.h.gch"
    fi
) 9>"$cache/lock"

rm -rf "$dir/obj"
verilator --cc -O3 --x-assign unique --x-initial unique -Wall -Wno-WIDTH \
    -Wno-UNUSED -Wno-DECLFILENAME -Wno-VARHIDDEN \
    -Wno-PINCONNECTEMPTY -y "$rtl" --prefix Vhls_top --top-module hls_top \
    -Mdir "$dir/obj" "$dir/hls_top.sv"
sources=("$dir"/obj/*.cpp)
for source in "${sources[@]}" "$here/model.cpp"; do
    printf '#include "%s"\n' "$source"
done >"$dir/obj/all.cxx"
g++ "${flags[@]}" -include "$cache/verilated.h" -I"$dir/obj" -I"$here" \
    -c "$dir/obj/all.cxx" -o "$dir/obj/all.o"
g++ -shared -o "$dir/model.so" "$dir/obj/all.o" "$cache/verilated.o" \
    "$cache/verilated_threads.o" -Wl,-Bsymbolic -lpthread -latomic
