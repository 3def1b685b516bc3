#!/usr/bin/env bash
# partita build: the outputs for other tools, as a user asks for them.
source "$(dirname "$0")/lib.sh" "$@"

make_net
works "$partita" plan net.h5 --like net.plan.json --cut fc1=input:2,output -o cut.plan.json
works "$partita" build cut.plan.json --vivado --vitis --keras --hls4ml -o all --json all.json
for board in 0 1 2; do
    for file in manifest.json vivado.tcl board.v slice.cpp slice.h weights.h pta_hls.h \
        pta_vendor.h tb.cpp vitis.tcl samples.bin slice.h5 hls4ml.h5 hls4ml.json \
        hls4ml_build.py; do
        [[ -s all/board$board/$file ]] || problem "all/board$board/$file is missing"
    done
done

# The parts of an input split give sums, the last board the answer.
works "$partita" info all/board0/slice.h5
says "fc1 +dense +\[12\]"
json all/board0/hls4ml.json \
    "(lambda p: p['result'] == p['accum'])(j['HLSConfig']['LayerName']['fc1']['Precision'])"
json all/board2/hls4ml.json \
    "(lambda p: p['result'] != p['accum'])(j['HLSConfig']['LayerName']['output']['Precision'])"

# A slice is a model again: it can be planned and run.
works "$partita" plan all/board2/slice.h5 --profile hls4ml -o slice.plan.json
works "$launch" -np 1 "$partita" run slice.plan.json --data random:20:3 --check

if command -v g++ >/dev/null; then
    for board in 0 1 2; do
        works g++ -std=c++14 -Wall -Wno-unknown-pragmas -I"all/board$board" \
            "all/board$board/slice.cpp" "all/board$board/tb.cpp" -o bench
        works ./bench "all/board$board/samples.bin"
        says "1000 samples, 1000 bit-exact"
    done
fi
if command -v tclsh >/dev/null; then
    works tclsh "$source/tests/hls/vivado_test.tcl" all/board0 \
        "$source/hls/driver/regs.h" pta_top
fi

# Same plan, same bytes.
works "$partita" build cut.plan.json --vivado --vitis --hls4ml -o again
for file in vivado.tcl slice.cpp weights.h samples.bin hls4ml.json; do
    cmp -s "all/board1/$file" "again/board1/$file" || problem "$file differs"
done

# What our blocks cannot do can still leave for another tool, and only then.
works "$partita" plan net.h5 --profile hls4ml --cut fc1=neuron:2,output -o h.plan.json
fails 1 'profile "hls4ml"' "$partita" build h.plan.json -o none
fails 1 'profile "hls4ml"' "$partita" build h.plan.json --hls4ml --vivado -o none
absent none
works "$partita" build h.plan.json --hls4ml --keras -o h
grep -q "board 0 has no core" err || problem "it is not said that there is no core"
[[ -s h/board2/hls4ml.json && -s h/board2/slice.h5 ]] || problem "h/board2 is not there"
[[ -e h/board2/manifest.json ]] && problem "h/board2 has a core"
works "$partita" build h.plan.json --hls4ml -o h # over the earlier one
timeout 20 "$partita" build h.plan.json --vitis -o none >out 2>err
[[ $? == 1 ]] || problem "an hls4ml plan became Vitis C++"
grep -q 'layer fc1: of the hls4ml profile' err || problem "not said why"
absent none

finish
