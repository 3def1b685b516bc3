#!/usr/bin/env bash
# partita build: folders, files and figures; what it refuses, and that a failed
# build leaves nothing.
source "$(dirname "$0")/lib.sh" "$@"
make_net

works "$partita" build net.plan.json -o built --json build.json
says '^board +layers .*LUT .*DSP .*latency +interval'
says 'fc1 +dense +20 +6 '
json build.json 'len(j["boards"]) == 3 and j["folder"] == "built"'
json build.json 'all(b["manifest"]["interval"] > 0 for b in j["boards"])'
for board in 0 1 2; do
    json built/board$board/manifest.json "j['board'] == $board"
    # Every file is listed with its SHA-256, and nothing else is there.
    python3 - built/board$board <<'PY' || problem "board$board: files differ from the manifest"
import hashlib, json, os, sys
folder = sys.argv[1]
files = json.load(open(folder + "/manifest.json"))["files"]
assert sorted(os.listdir(folder)) == sorted([f["name"] for f in files] + ["manifest.json"])
for f in files:
    assert hashlib.sha256(open(folder + "/" + f["name"], "rb").read()).hexdigest() == f["sha256"]
PY
done
grep -q 'fc1_mvu' built/board0/pta_top.sv || problem "no layer fc1 in board0"

# The same plan, the same bytes; again over an earlier build.
works "$partita" build net.plan.json -o again
diff -r built again >diff || problem "a second build differs"
works "$partita" build net.plan.json -o built
diff -r built again >diff || problem "a build over an earlier one differs"
works "$partita" plan --like net.plan.json net.h5 --cut output -o two.plan.json
works "$partita" build two.plan.json -o built
[[ ! -e built/board2 ]] || problem "a board of the earlier build stayed"
works "$partita" build two.plan.json
[[ -e two.build/board0/manifest.json ]] || problem "no default folder"

# Writable weights: another core, known by its program alone.
works "$partita" build net.plan.json -o ram --weights ram
json ram/board0/manifest.json 'j["ram"] and j["memories"][0]["writable"]'
json again/board0/manifest.json 'not j["ram"] and not j["memories"][0]["writable"]'
grep -q 'RAM(1)' ram/board0/pta_top.sv || problem "no RAM in the core"

# Refusals leave no folder.
works "$partita" plan net.h5 --profile hls4ml -o hls4ml.plan.json
fails 1 'hls4ml.*--profile exact' "$partita" build hls4ml.plan.json -o refused
works "$partita" plan net.h5 --bits 30 -o wide.plan.json
fails 1 "board 0: layer 'fc1': products of 30 x 30 bits.*25 x 18" \
    "$partita" build wide.plan.json -o refused
fails 1 'nosuch.plan.json' "$partita" build nosuch.plan.json -o refused
fails 2 '--weights: "flash"' "$partita" build net.plan.json --weights flash
absent refused
mkdir -p mine/board1 && echo precious >mine/board1/notes
fails 1 'mine/board1.*not replaced' "$partita" build net.plan.json -o mine
[[ $(ls mine mine/board1) == $'mine:\nboard1\n\nmine/board1:\nnotes' ]] ||
    problem "a foreign folder was touched"
fails 1 '/dev/null' "$partita" build net.plan.json -o /dev/null/x

# --report, with a Yosys that says what it is told: counts, kept for the next
# time, complaints, and none at all.
export XDG_CACHE_HOME=$work/cache
mkdir -p bin
cat >bin/yosys <<'YOSYS'
#!/bin/sh
[ "$1" = -V ] && { echo "Yosys 9.9 (a fake)"; exit 0; }
[ -e pta_top.sv ] || exit 1
echo called >>"$CALLS"
cat "$SAYS"
YOSYS
chmod +x bin/yosys
cat >counts <<'LOG'
   Number of cells:                 99
     DSP48E1                         3
     FDRE                           50
     LUT6                         1000
     RAM32M                         10
     RAMB36E1                        2

Latest arrival time in 'pta_top' is 2340:
LOG
export SAYS=$work/counts CALLS=$work/calls
report() { PATH=$work/bin:$PATH "$partita" build two.plan.json -o reported --report --json r.json; }
export -f report
export partita work
works bash -c report
says 'Yosys 9.9'
says '^board0 +1,040 +40 +50 +3 +2\.0 .* 2\.3 +yes'
json r.json 'j["boards"][0]["report"]["lut"] == 1040 and j["boards"][0]["report"]["bram18"] == 4'
json r.json 'abs(j["boards"][0]["report"]["percent"]["lut"] - 100 * 7040 / 53200) < 1e-6'
works bash -c report
[[ $(wc -l <calls) == 1 ]] || problem "synthesised $(wc -l <calls) times, expected once"
sed -i 's/ 9.9 / 9.10 /' bin/yosys
sed -i 's/LUT6  *1000/LUT6 40000/' counts
works bash -c report
says '^board0 +40,040 .*too much LUT'
sed -i 's/ 9.10 / 9.11 /' bin/yosys
echo "Warning: Identifier 'x' is implicitly declared." >>counts
fails 1 'board 0: --report: yosys: .*implicitly declared' bash -c report
fails 1 'Yosys is needed \(package yosys\)' env PATH=/nonexistent "$partita" \
    build two.plan.json -o unreported --report
absent unreported

# The device: unknown options are named.
fails 2 'stall=x.*stall=0..99' "$launch" -np 3 "$partita" run net.plan.json \
    --data random:4:1 --device rtl:stall=x
finish
