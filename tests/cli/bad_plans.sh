#!/usr/bin/env bash
# Plans that do not fit: the model, the boards, the ranks, themselves.
source "$(dirname "$0")/lib.sh" "$@"
make_net
data=(--data random:50:1 --output r.csv)

# A plan for another model: of other shape, and of the same shape but weights.
"$tools/make_dense_net" other.h5 1 20x13x5
sed 's/net\.h5/other.h5/' net.plan.json >other.json
fails 1 'other\.h5: not the model that other\.json was made for' "$launch" -np 3 \
    "$partita" run other.json "${data[@]}"
"$tools/make_dense_net" twin.h5 2 20x12x5
sed 's/net\.h5/twin.h5/' net.plan.json >twin.json
fails 1 'twin\.h5: board 0 .*weights differ' "$launch" -np 3 \
    "$partita" run twin.json "${data[@]}"
fails 1 'other\.h5: not the model' "$partita" show other.json
sed -i 's/other\.h5/gone.h5/' other.json
fails 1 'gone\.h5' "$launch" -np 2 "$partita" run other.json "${data[@]}"

# Too many parts, boards, and cuts that cannot be.
fails 1 'fc1.*12|12.*fc1' "$partita" plan net.h5 --cut fc1=neuron:13,output -o n.json
fails 1 'fc1.*20|20.*fc1' "$partita" plan net.h5 --cut fc1=input:21,output -o n.json
fails 1 '[0-9]+' "$partita" plan net.h5 --boards 400 -o n.json
fails 1 'nosuch' "$partita" plan net.h5 --cut nosuch=neuron:2 -o n.json
fails 2 'sideways' "$partita" plan net.h5 --cut fc1=sideways:2,output -o n.json
fails 1 'fc1' "$partita" plan net.h5 --cut fc1=rows:2,output -o n.json
fails 1 'fc1.*12|12.*fc1' "$partita" plan net.h5 --cut fc1=neuron:5/5/6,output -o n.json
absent n.json

# The wrong number of ranks, when it matters.
fails 2 '2 ranks for 3 boards' "$launch" -np 2 \
    "$partita" run net.plan.json --exact-ranks "${data[@]}"
fails 2 '4 ranks for 3 boards' "$launch" -np 4 \
    "$partita" run net.plan.json --exact-ranks "${data[@]}"
works "$launch" -np 3 "$partita" run net.plan.json --exact-ranks "${data[@]}"
rm r.csv

# Damaged plan files.
head -c 200 net.plan.json >p.json
fails 1 'p\.json: line [0-9]+' "$launch" -np 2 "$partita" run p.json "${data[@]}"
sed 's/"fc1": {"out": "fixed<16/"fc1": {"out": "fixed<99/' net.plan.json >p.json
fails 1 'p\.json.*fc1' "$partita" show p.json
sed 's/"split": "neuron"/"split": "diagonal"/' net.plan.json >p.json
fails 1 'p\.json.*diagonal' "$partita" show p.json
sed 's/"parts": \[6, 6\]/"parts": [6, 7]/' net.plan.json >p.json
fails 1 'fc1' "$partita" show p.json
sed 's/"profile"/"profil"/' net.plan.json >p.json
fails 1 'p\.json.*profil' "$partita" show p.json
fails 1 'nosuch\.json' "$launch" -np 3 "$partita" run nosuch.json "${data[@]}"
python3 - <<'PY'
import json
plan = json.load(open("net.plan.json"))
del plan["slices"]
json.dump(plan, open("hand.json", "w"))
plan["layers"]["fc1"]["acc_bits"] = 12
plan["layers"]["fc1"]["partial"] = "int32"
json.dump(plan, open("p.json", "w"))
PY
works "$partita" run hand.json "${data[@]}"
rm r.csv
fails 1 'p\.json: layers\.fc1: acc_bits is 12' "$partita" run p.json "${data[@]}"
echo '[]' >p.json
fails 1 'p\.json' "$partita" show p.json

# Formats: no ranges, ranges of another file, a width that cannot hold.
rm net.ranges.json
fails 1 'net\.h5: .*--calibrate' "$partita" plan net.h5 -o n.json
"$tools/make_dense_net" net.h5 1 20x12x5
fails 1 'layer fc1: .*widest width .* is [0-9]+ bits' \
    "$partita" plan net.h5 --bits 32 -o n.json
cp "$source/datasets/mnist_fcnn.ranges.json" net.ranges.json
fails 1 'net\.ranges\.json: ' "$partita" plan net.h5 -o n.json
sed -i 's/"output"/"outptu"/' net.ranges.json
fails 1 'net\.ranges\.json: .*output' "$partita" plan net.h5 -o n.json
absent n.json r.csv
finish
