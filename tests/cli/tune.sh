#!/usr/bin/env bash
# partita tune: no answer is lost on the rows searched on, the plan holds the
# formats and is bit-exact, the same seed gives the same plan, and what is wrong
# is said.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
net=$source/datasets/mnist_fcnn.h5

works "$partita" tune "$net" --data mnist:test --seed 3 -o a.json --json r.json
says 'searched on 2,000 rows of mnist:test \(seed 3\), reported on 8,000 rows'
says '^tuned '
json r.json 'j["after"]["search_right"] >= j["search_float_right"]'
json r.json 'j["after"]["weight_bits"] <= 8 and j["after"]["activation_bits"] <= 8'
json r.json 'j["after"]["hardware"]["dsp"] <= j["before"]["hardware"]["dsp"]'
json r.json 'j["after"]["hardware"]["bram18"] < j["before"]["hardware"]["bram18"]'
json r.json 'j["untouched_float_right"] - j["after"]["untouched_right"] <= 40'
json a.json '"bits" not in j or j["bits"] == 0'
json a.json 'j["calibration"]["rows"] == 2000'

works "$partita" tune "$net" --data mnist:test --seed 3 -o b.json
cmp -s a.json b.json || problem "the same seed gave another plan"

# The report counts what the plan answers, and a cut of it is bit-exact.
works "$partita" plan "$net" --like a.json --cut fc1=neuron:2,output -o cut.json
for device in fixed blas; do
    works "$launch" -np 3 "$partita" check cut.json --data mnist \
        --device $device --json run.json
    json run.json 'j["bit_exact"] == j["samples"] == 10000'
done
python3 - <<'END' || problem "report and run count differently"
import json
r, run = json.load(open("r.json")), json.load(open("run.json"))
right = r["after"]["search_right"] + r["after"]["untouched_right"]
assert abs(run["accuracy"] - right / 10000) < 1e-9, (run["accuracy"], right)
END

# A loss that is allowed gives no wider formats.
works "$partita" tune "$net" --data mnist:test --seed 3 --loss 100 --snr 20 \
    -o wild.json --json wild_r.json
json wild_r.json 'j["search_float_right"] - j["after"]["search_right"] <= 100'
python3 - <<'END' || problem "a loss that is allowed was not used"
import json
strict, wild = json.load(open("r.json")), json.load(open("wild_r.json"))
assert wild["after"]["weight_bits"] < strict["after"]["weight_bits"]
END

fails 2 '--data SET is missing' "$partita" tune "$net"
fails 2 'random inputs have no right answers' \
    "$partita" tune "$net" --data random:100:1
fails 2 '--loss' "$partita" tune "$net" --data mnist:test --loss -1
fails 1 'no width of up to 4 bits' \
    "$partita" tune "$net" --data mnist:test --bits 4 -o none.json
absent none.json
finish
