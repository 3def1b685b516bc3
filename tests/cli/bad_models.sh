#!/usr/bin/env bash
# Damaged and foreign model files: refused by name, before and after planning.
source "$(dirname "$0")/lib.sh" "$@"
make_net
kernel=/model_weights/fc1/fc1/kernel:0
bias=/model_weights/output/output/bias:0

# damaged NAME COMMAND...: a copy of net.h5 with its ranges, then the damage.
damaged() {
    cp net.h5 "$1" && cp net.ranges.json "${1%.h5}.ranges.json"
    shift
    "$@" || problem "could not prepare: $*"
}
cut_at() { truncate -s "$2" "$1"; }
scribble() { # over the root group, behind the superblock
    dd if=/dev/urandom of="$1" bs=1 seek=96 count=600 conv=notrunc 2>/dev/null
}

size=$(stat -c %s net.h5)
for bytes in 0 7 100 1000 $((size / 2)) $((size - 1)); do
    damaged t.h5 cut_at t.h5 "$bytes"
    fails 1 't\.h5' "$partita" plan t.h5 -o t.json
    fails 1 't\.h5' "$partita" info t.h5
done
damaged t.h5 scribble t.h5
fails 1 't\.h5' "$partita" plan t.h5 -o t.json
echo "this is no HDF5 file, but long enough to look at" >t.h5
fails 1 't\.h5' "$partita" info t.h5
works "$partita" run net.plan.json --data random:10:1 --output foreign.h5
fails 1 'foreign\.h5: .*(Keras|model_config)' "$partita" info foreign.h5
damaged t.h5 "$tools/damage_h5" t.h5 attr model_config
fails 1 't\.h5: .*model_config' "$partita" info t.h5
damaged t.h5 "$tools/damage_h5" t.h5 garble model_config
fails 1 't\.h5' "$partita" info t.h5
fails 1 'nosuch\.h5' "$partita" info nosuch.h5
mkdir folder.h5
fails 1 'folder\.h5' "$partita" info folder.h5

for how in ints texts short drop nan; do
    damaged t.h5 "$tools/damage_h5" t.h5 "$how" $kernel
    fails 1 't\.h5.*fc1|fc1.*t\.h5' "$partita" plan t.h5 -o t.json
    damaged t.h5 "$tools/damage_h5" t.h5 "$how" $bias
    fails 1 't\.h5.*output|output.*t\.h5' "$partita" plan t.h5 -o t.json
done
absent t.json

# The model goes bad after planning.
run=("$launch" -np 3 "$partita" run net.plan.json --data random:100:1
    --output r.csv --json r.json)
works "${run[@]}"
rm r.csv r.json
cp net.h5 good.h5
for how in nan flip; do
    cp good.h5 net.h5
    "$tools/damage_h5" net.h5 $how $kernel
    fails 1 'net\.h5.*(fc1|board 0)' "${run[@]}"
done
cp good.h5 net.h5
"$tools/damage_h5" net.h5 flip $bias
fails 1 'rank 2: .*net\.h5: board 2 .*weights differ' "${run[@]}"
cp good.h5 net.h5
"$tools/damage_h5" net.h5 short $kernel
fails 1 'net\.h5' "${run[@]}"
truncate -s 3000 net.h5
fails 1 'net\.h5' "${run[@]}"
absent r.csv r.json
finish
