#!/usr/bin/env bash
# One rank of three fails while loading: all end, one message names it.
source "$(dirname "$0")/lib.sh" "$@"
make_net
# as_rank R COMMANDS: a launcher in which rank R first does these.
as_rank() {
    printf '#!/usr/bin/env bash\nif [[ $OMPI_COMM_WORLD_RANK == %s ]]; then\n%s\nfi\nexec "$@"\n' \
        "$1" "$2" >starter
    chmod +x starter
}
run=("$launch" -np 3 ./starter "$partita" run net.plan.json
    --data random:100:1 --check --json r.json --output r.csv)

mkdir away && cp net.plan.json away
# Its folder has no model: rank 0 sends the slice.
as_rank 2 'cd away'
works "${run[@]}"
json r.json 'j["bit_exact"] == j["samples"] == 100'
rm r.json r.csv

# Its model is another one, of other weights, damaged.
"$tools/make_dense_net" away/net.h5 1 20x13x5
fails 1 'rank 2: net\.h5: .*not the model' "${run[@]}"
"$tools/make_dense_net" away/net.h5 2 20x12x5
fails 1 'rank 2: .*net\.h5: board 2 .*weights differ' "${run[@]}"
head -c 3000 net.h5 >away/net.h5
fails 1 'rank 2: net\.h5' "${run[@]}"
cp net.h5 away/net.h5
"$tools/damage_h5" away/net.h5 nan /model_weights/output/output/bias:0
fails 1 'rank 2: .*net\.h5.*output' "${run[@]}"
absent r.json r.csv

# What no digest protects, --check finds: exit 1, and results that say so.
python3 - <<'PY'
import json
plan = json.load(open("net.plan.json"))
del plan["slices"]
json.dump(plan, open("hand.plan.json", "w"))
PY
cp net.plan.json sealed && cp hand.plan.json net.plan.json
"$tools/make_dense_net" away/net.h5 2 20x12x5
timeout 20 "$launch" -np 3 ./starter "$partita" check net.plan.json \
    --data random:100:1 --json r.json >out 2>err
[[ $? == 1 ]] || problem "check: exit 1 expected"
json r.json 'j["bit_exact"] < 100 and j["first_difference"]["sample"] == 0'
says 'first difference: sample 0: .*on the way'
cp sealed net.plan.json
rm r.json

# It was given another option, or dies before and while it takes part.
as_rank 1 'export PARTITA_DEVICE=nosuch'
fails 2 'rank 1: .*nosuch' "${run[@]}"
as_rank 2 'exit 5'
timeout 20 "${run[@]}" >out 2>err
code=$?
[[ $code != 0 && $code != 124 ]] || problem "a rank that exits: exit $code"
as_rank 2 '(sleep 0.3; kill -9 $$) &'
timeout 30 "$launch" -np 3 ./starter "$partita" run net.plan.json \
    --data random:100000000:1 --output r.csv >out 2>err
code=$?
[[ $code != 0 && $code != 124 ]] || problem "a killed rank: exit $code"
[[ ! -e r.csv && ! -e r.json ]] || problem "a partial result"
finish
