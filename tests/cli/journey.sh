#!/usr/bin/env bash
# What a user does, from the model to the predictions.
source "$(dirname "$0")/lib.sh" "$@"
model=$source/datasets/mnist_fcnn.h5

works "$partita" info "$model" --json info.json
says '^fc1 +dense +\[16\] +12,560'
json info.json 'j["parameters"] == 12730 and j["macs"] == 12704'

works "$partita" plan "$model" --bits 16 --cut fc1=neuron:4,output -o my.json
works "$partita" show my.json --json show.json
says 'source +0 +1568'
json show.json 'len(j["boards"]) == 5 and sum(b["macs"] for b in j["boards"]) == 12704'

# One digest, whatever the ranks, the device and the mode.
works "$launch" -np 5 "$partita" check my.json --data mnist --json check.json \
    --output p.csv
json check.json 'j["bit_exact"] == j["samples"] == 10000 and j["ranks"] == 5'
json check.json 'abs(j["accuracy"] - j["float_accuracy"]) <= 0.0005'
json check.json 'j["accuracy"] > 0.95 and j["argmax_differs"] <= 10'
json check.json 'j["first_difference"] is None and len(j["stages"]) == 5'
json check.json 'j["modelled"] == {"latency_us": None, "throughput_per_s": None}'
json check.json 'all(s["cycles"] is None and s["compute_us"] > 0 for s in j["stages"])'
json check.json 'j["latency_us"]["p50"] <= j["latency_us"]["p99"] <= j["latency_us"]["max"]'
json check.json 'all(s["samples"] == 10000 and s["compute_us"] < 1000 for s in j["stages"])'
[[ $(wc -l <p.csv) == 10001 ]] || problem "p.csv: 10,001 lines expected"
for how in "1 fixed latency" "2 blas throughput" "3 fixed latency"; do
    read -r ranks device mode <<<"$how"
    works "$launch" -np "$ranks" "$partita" run my.json --data mnist \
        --device "$device" --mode "$mode" --limit 10000 --json run.json
    python3 - <<'PY' || problem "$how: another digest"
import json, sys
a, b = json.load(open("check.json")), json.load(open("run.json"))
sys.exit(a["digest"] != b["digest"] or b["bit_exact"] is not None)
PY
done
# More rows than rank 0 holds encoded at a time: the clocks are of all of them.
works "$launch" -np 2 "$partita" run my.json --data random:50000:1 --json run.json
json run.json 'all(s["samples"] == 50000 for s in j["stages"])'
json run.json 'j["stages"][0]["total_bytes_in"] == 50000 * 1568'
works "$launch" -np 2 "$partita" run my.json --data mnist --device float \
    --json run.json
json run.json 'j["digest"] is None and abs(j["accuracy"] - 0.9524) < 0.002'

# A plan for two boards on seven ranks: three copies, one idle rank.
works "$partita" plan "$model" --boards 2 -o two.json
works "$launch" -np 7 "$partita" run two.json --data random:500:7 --check \
    --json run.json
json run.json 'j["copies"] == 3 and j["idle_ranks"] == 1 and j["accuracy"] is None'
json run.json 'j["bit_exact"] == 500'

# W bits a value in messages: the same integers in fewer bytes.
works "$partita" plan "$model" --bits 10 --cut fc1=neuron:3,output -o ten.json
sed 's/"input": {"out": "fixed<10,[0-9-]*>"/"input": {"out": "ufixed<8,1>"/' ten.json >e.json
works "$partita" plan "$model" --like e.json -o eight.json
for name in ten eight; do
    for wire in plain packed; do
        works "$launch" -np 4 "$partita" run $name.json --data mnist --limit 3000 \
            --check --wire $wire --json $wire.json
    done
    python3 - <<'PY' || problem "$name: packed messages differ, or are no shorter"
import json, sys
plain, packed = json.load(open("plain.json")), json.load(open("packed.json"))
bytes_in = lambda j: j["stages"][1]["bytes_in"]
sys.exit(plain["digest"] != packed["digest"] or packed["bit_exact"] != 3000
         or bytes_in(packed) > 0.65 * bytes_in(plain))
PY
done
fails 1 'options differ' "$launch" -np 2 sh -c \
    'PARTITA_WIRE=$([ $OMPI_COMM_WORLD_RANK = 1 ] && echo packed || echo plain) \
    exec "$@"' sh "$partita" run ten.json --data mnist --limit 9

# Results as HDF5; options from a file; what it prints, it reads.
printf 'bits = 8\ncut = fc1=paired:5\noutput = eight.json\n' >options
works "$partita" plan "$model" --config options --print-config
says '^bits = 8$'
works "$partita" plan "$model" --config options
works "$launch" -np 2 "$partita" run eight.json --data mnist --limit 64 \
    --check --output p.h5
[[ $(head -c 4 p.h5 | tail -c 3) == HDF ]] || problem "p.h5 is not HDF5"

# Formats edited by hand are proved and digested anew.
sed 's/"fc1": {"out": "fixed<16,6>"/"fc1": {"out": "fixed<10,6>"/' my.json >e.json
fails 1 'weights differ|digest' "$partita" run e.json --data mnist --limit 9
works "$partita" plan "$model" --like e.json -o edited.json
grep -q '"fixed<10,6>"' edited.json || problem "the edit is lost"
works "$launch" -np 3 "$partita" run edited.json --data mnist --check

# Weight formats of the user's own are the reference's too.
sed 's/"weight": "fixed<16,2>"/"weight": "fixed<9,1,TRN,WRAP>"/' my.json >w.json
works "$partita" plan "$model" --like w.json -o edited.json
[[ $(grep -c 'fixed<9,1,TRN,WRAP>' edited.json) == 2 ]] || problem "the edit is lost"
works "$launch" -np 3 "$partita" run edited.json --data mnist --limit 500 --check

# The user's own data: calibration, labels left out.
"$tools/make_uniform" own.h5 200 1 1 784 || problem make_uniform
works "$partita" plan "$model" --calibrate own.h5 --save-ranges own.ranges.json \
    --cut fc1=input:3,output -o own.json
json own.ranges.json 'j["rows"] == 200 and set(j["ranges"]) == {"input", "fc1", "output"}'
works "$launch" -np 4 "$partita" check own.json --data own.h5 --json run.json
json run.json 'j["bit_exact"] == 200 and j["accuracy"] is None'
json run.json 'all(l["nonzero"] >= 0.05 and l["saturated"] <= 0.05 for l in j["layers"])'
# Formats of inputs a hundred times smaller saturate, and the report says where.
"$tools/make_uniform" small.h5 50 1 0.01 784 || problem make_uniform
works "$partita" plan "$model" --calibrate small.h5 -o small.json
works "$launch" -np 1 "$partita" run small.json --data own.h5 --check --json run.json
json run.json 'j["bit_exact"] == 200'
json run.json '[l["layer"] for l in j["layers"]] == ["input", "fc1", "output"]'
json run.json '0.97 < j["layers"][0]["saturated"] < 1 and j["layers"][1]["saturated"] < 0.05'
sed 's/fixed<16,1>/fixed<16,-3>/' small.json >narrow.json
works "$partita" plan "$model" --like narrow.json -o edited.json
works "$launch" -np 1 "$partita" run edited.json --data own.h5 --check
says '^layer +format +non-zero % +saturated %'
says '^input +fixed<16,-5> +[0-9.]+ +98\.'
says '^fc1 +fixed<16,-3> +[0-9.]+ +[2-9][0-9]\.'
works "$partita" plan "$model" --calibrate mnist:test -o test.json
grep -q 'warning: calibrating on the test rows' err || problem "no warning"

# Ranks above cores, and nobody yields.
if [[ $(id -u) == 0 ]]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
works mpirun --oversubscribe --mca mpi_yield_when_idle 0 \
    -np $(($(nproc) + 1)) "$partita" run two.json --data random:4:1
[[ $(grep -c 'warning: .*yield_when_idle' err) == 1 ]] ||
    problem "one warning about yielding expected"
finish
