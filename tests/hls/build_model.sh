#!/usr/bin/env bash
# Builds DIR/model.so from DIR/hls_top.sv and the blocks in RTL. Verilator's own
# runtime is compiled once and kept in CACHE. Exits 77 without Verilator.
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
flags=(-O1 -fPIC -fvisibility=hidden -fvisibility-inlines-hidden -w
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
) 9>"$cache/lock"

rm -rf "$dir/obj"
verilator --cc -O3 --x-assign unique --x-initial unique -Wall -Wno-WIDTH \
    -Wno-UNUSED -Wno-DECLFILENAME -Wno-VARHIDDEN \
    -Wno-PINCONNECTEMPTY -y "$rtl" --prefix Vhls_top --top-module hls_top \
    -Mdir "$dir/obj" "$dir/hls_top.sv"
sources=("$dir"/obj/*.cpp)
for source in "${sources[@]}"; do
    printf '#include "%s"\n' "$source"
done >"$dir/obj/all.cxx"
g++ "${flags[@]}" -I"$dir/obj" -I"$here" -c "$dir/obj/all.cxx" -o "$dir/obj/all.o"
g++ "${flags[@]}" -fvisibility=default -I"$dir/obj" -I"$here" \
    -c "$here/model.cpp" -o "$dir/obj/model.o"
g++ -shared -o "$dir/model.so" "$dir/obj/all.o" "$dir/obj/model.o" \
    "$cache/verilated.o" "$cache/verilated_threads.o" \
    -Wl,-Bsymbolic -lpthread -latomic
