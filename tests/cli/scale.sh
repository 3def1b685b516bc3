#!/usr/bin/env bash
# Modelled time, traces, the scaling study, and simulation against them.
source "$(dirname "$0")/lib.sh" "$@"
make_net

# Modelled time is beside host time, and does not depend on the ranks.
for ranks in 1 2 3; do
    works "$launch" -np "$ranks" "$partita" run net.plan.json \
        --data random:300:1 --cluster pynq --micro-batch 16 --depth 4 \
        --json "run$ranks.json"
done
python3 - <<'PY' || problem "modelled time depends on the ranks"
import json, sys
m = [json.load(open(f"run{n}.json")) for n in (1, 2, 3)]
sys.exit(any(j["modelled"] != m[0]["modelled"] or j["digest"] != m[0]["digest"]
             for j in m) or not m[0]["modelled"]["latency_us"] > 100)
PY
works "$launch" -np 3 "$partita" run net.plan.json --data random:300:1 \
    --mode latency --cluster pynq --json run.json --trace trace.json
json run.json 'j["stages"][0]["modelled"]["wire_us"] > 0 and j["device"] == "fixed"'
# Two wires one after the other, each send 40 + 30 + receive 40.
json run.json '220 < j["modelled"]["latency_us"] < 2000'
json trace.json 'sum(e["ph"] == "X" for e in j["traceEvents"]) > 1000'
json trace.json '{e["name"] for e in j["traceEvents"]} >= {"wait", "compute", "send", "batch", "wire", "port"}'
json trace.json 'all(e["dur"] >= 0 and e["ts"] >= 0 for e in j["traceEvents"] if e["ph"] == "X")'

# Stages that wait take their time, and check nothing.
works "$launch" -np 3 "$partita" run net.plan.json --data random:100:1 \
    --compute wait --mode latency --json wait.json
json wait.json 'j["digest"] is None and j["device"] == "wait"'
json wait.json 'j["latency_us"]["p50"] > 60 and j["stages"][0]["cycles"] > 0'
fails 2 'leave out --check' "$partita" run net.plan.json --data random:9:1 \
    --compute wait --check

# A cluster with too few hosts, and one that is none.
printf '{"partita_cluster": 1, "hosts": [{"name": "a"}]}' >one.json
fails 2 'one.json: 1 hosts, 3 boards' "$partita" run net.plan.json \
    --data random:9:1 --cluster one.json
fails 1 'nosuch.json' "$partita" scale net.plan.json --cluster nosuch.json

# The study.
works "$partita" scale net.plan.json --boards 3,6,7 --micro-batch 1,16 \
    --html s.html --csv s.csv --json s.json
says 'one plan; more boards are more copies'
json s.json '[p["used"] for p in j["points"]] == [3, 3, 6, 6, 6, 6]'
json s.json 'not j["planned_anew"] and all(p["efficiency"] == 1 for p in j["points"][:2])'
json s.json 'all(p["throughput"]["throughput_per_s"] <= min(c for c in p["ceilings_per_s"].values() if c) * 1.001 for p in j["points"])'
[[ $(wc -l <s.csv) == 7 ]] || problem "s.csv: 7 lines expected"
grep -q '<svg' s.html || problem "s.html has no plot"
grep -qE 'https?://|nan|<script' s.html && problem "s.html is not self-contained"
works "$partita" scale net.h5 --boards 1,2 --json s.json
says 'planned anew'
json s.json 'j["planned_anew"] and [p["stages"] for p in j["points"]] == [1, 2]'
# Slower links, packed messages: more and less of them.
works "$partita" scale net.h5 --boards 1,2,3,24 --plan-boards 3 --bits 10 \
    --rates 100mbit,1gbit --json s.json
json s.json '[p["rate_mbit"] for p in j["points"]] == [100, 1000] * 4'
json s.json '[p["used"] for p in j["points"][1::2]] == [1, 2, 3, 24]'
json s.json 'all(a["latency"]["latency_us"] >= b["latency"]["latency_us"] for a, b in zip(j["points"][::2], j["points"][1::2]))'
json s.json 'all(p["floors_us"][f] <= p["latency"]["latency_us"] for p in j["points"] for f in ("boards", "network"))'
json s.json 'all(s["layers"] and abs(s["bus"] + s["wire"] + s["wait"] - 1) < 1e-6 and s["wait"] > -1e-3 for p in j["points"][2:] for s in p["shares_of_stages"])'
works "$partita" scale net.h5 --boards 3 --bits 10 --wire packed --rates 100mbit \
    --json packed.json
python3 -c 'import json, sys
a, b = (json.load(open(f))["points"] for f in ("s.json", "packed.json"))
sys.exit(a[4]["latency"]["latency_us"] <= b[0]["latency"]["latency_us"])' ||
    problem "packed messages are no faster"
fails 1 's.csv: no steady row' "$partita" scale net.h5 --measured s.csv
fails 2 '--rates: "1gbit,5": expected' "$partita" scale net.h5 --rates 1gbit,5
works "$partita" scale net.plan.json --boards 3 --host --limit 64 --json s.json
json s.json 'j["points"][0]["host"]["latency_us"]["p50"] > 0'
fails 2 '--boards 2: .* needs 3' "$partita" scale net.plan.json --boards 2
fails 2 '--boards: "3,2": expected' "$partita" scale net.plan.json --boards 3,2

# Simulation: the same to the last digit, and as modelled within 10 %.
if ! command -v smpirun >/dev/null ||
    [[ ! -r $(dirname "$partita")/partita-simulated.so ]]; then
    echo "simulate is not tested: no SimGrid (./setup --simulate)"
    fails 1 'setup --simulate' "$partita" simulate net.plan.json --boards 3
    finish
fi
for mode in latency throughput; do
    for boards in 3 7; do
        works "$partita" simulate net.plan.json --boards $boards --mode $mode \
            --json a.json
        works "$partita" simulate net.plan.json --boards $boards --mode $mode \
            --json b.json
        cmp -s a.json b.json || problem "$mode, $boards boards: not the same twice"
        json a.json 'abs(j["latency_us"]["p50"] / j["modelled"]["latency_us"] - 1) < 0.1'
        json a.json 'abs(j["throughput_per_s"] / j["modelled"]["throughput_per_s"] - 1) < 0.1'
    done
done
works "$partita" scale net.plan.json --boards 3,7 --simulate --json s.json
json s.json 'all(abs(p["simulated"]["latency_us"]["p50"] / p["latency"]["latency_us"] - 1) < 0.1 for p in j["points"])'
json s.json 'all(p["simulated"]["throughput_per_s"] > 0 for p in j["points"])'
works "$partita" simulate net.plan.json --boards 40 --ports 8 --json a.json
json a.json 'j["copies"] == 13 and j["idle_ranks"] == 1 and j["digest"] is None'
works "$partita" simulate net.plan.json --boards 3 --data random:300:1 \
    --samples 300 --json a.json --trace t.json
python3 -c 'import json, sys
a, b = json.load(open("a.json")), json.load(open("run1.json"))
sys.exit(a["digest"] != b["digest"])' || problem "numerics on: another digest"
json t.json 'any("simulated time" in e["args"].get("name", "") for e in j["traceEvents"])'
fails 2 'needs 3 boards, --boards says 2' \
    "$partita" simulate net.plan.json --boards 2
# Stopped on the way, it leaves nothing.
mkdir left
TMPDIR=$PWD/left fails 1 'stopped by signal 15' timeout --preserve-status 0.5 \
    "$partita" simulate net.plan.json --boards 3 --samples 10000000
[[ -z $(ls left) ]] || problem "a stopped simulate leaves $(ls left)"

# Measured pairs count: 300 us more to the second board than a port has.
python3 -c 'import json
hosts = [{"name": f"h{i}"} for i in range(9)]
pairs = [{"from": "h0", "to": "h1", "latency_us": 330, "rate_mbit": 5},
         {"from": "h0", "to": "h8", "latency_us": 9, "rate_mbit": 5}]
json.dump({"partita_cluster": 1, "hosts": hosts, "pairs": pairs}, open("pairs.json", "w"))'
works "$partita" simulate net.plan.json --boards 3 --mode latency --json plain.json
works "$partita" simulate net.plan.json --boards 3 --mode latency \
    --cluster pairs.json --json a.json
python3 -c 'import json, sys
a, b = (json.load(open(f))["latency_us"]["p50"] for f in ("plain.json", "a.json"))
sys.exit(not 300 < b - a < 600)' || problem "the pair's latency is not in"
json a.json 'abs(j["latency_us"]["p50"] / j["modelled"]["latency_us"] - 1) < 0.1'
works "$partita" simulate net.plan.json --boards 9 --ports 4 --cluster pairs.json \
    --json a.json --wire packed
json a.json '0 < j["busiest"]["uplink"]["share"] < 1'
works "$partita" simulate net.plan.json --boards 9 --ports 4 --cluster pairs.json
says 'not used +1 measured pairs'
says 'link between switches'

# Killed, it leaves no simulator behind.
mkdir tmp
TMPDIR=$work/tmp "$partita" simulate net.plan.json --boards 300 --samples 100000000 \
    >out 2>err &
mine=$!
running() { pgrep -f "smpimain.*$work/tmp" >/dev/null; }
for _ in {1..100}; do running && break; sleep 0.1; done
running || problem "the simulator has not begun"
kill -9 $mine && wait $mine 2>/dev/null
for _ in {1..100}; do running || break; sleep 0.1; done
running && problem "the simulator goes on after its parent was killed"
finish
