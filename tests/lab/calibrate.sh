#!/usr/bin/env bash
# partita calibrate against a lab whose rate is known. With --rate, the rate that
# it measures must be the configured one within 10 per cent.
rates=no
[[ ${5-} == --rate ]] && rates=yes
source "$(dirname "$0")/../cli/lib.sh" "$@"
source "$(dirname "$0")/lib.sh"
raise 3
calibrate=("$launch" --lab "$lab_name" -np 3 "$partita" calibrate)

works "${calibrate[@]}" --rounds 1 -o c.json --name small
json c.json 'j["name"] == "small" and len(j["hosts"]) == 3 and len(j["pairs"]) == 6'
json c.json '[h["name"][-3:] for h in j["hosts"]] == ["-b0", "-b1", "-b2"]'
json c.json 'len({h["machine"] for h in j["hosts"]}) == 1' # they share cores
json c.json 'all(h["message_us"] > 0 and h["rate_mbit"] > 0 for h in j["hosts"])'
json c.json '"partita calibrate" in j["calibrated"]["by"]'
# What it does not measure is kept.
sed 's/"clock_mhz": 100.0/"clock_mhz": 142.0/; s/"transfer_us": 15.0/"transfer_us": 7.0/' \
    c.json >like.json
works "${calibrate[@]}" --rounds 1 --like like.json -o d.json
json d.json 'j["boards"]["pynq-z2"]["clock_mhz"] == 142'
json d.json 'all(h["transfer_us"] == 7 for h in j["hosts"])'

# A run chooses micro-batch and depth from it; what the user says stays.
make_net
run=("$launch" --lab "$lab_name" -np 3 "$partita" run net.plan.json
    --data random:2000:1 --check --json r.json)
works "${run[@]}" --cluster c.json
json r.json 'j["bit_exact"] == 2000 and (j["micro_batch"], j["depth"]) != (64, 16)'
works "${run[@]}" --cluster c.json --micro-batch 5 --wire packed
json r.json 'j["bit_exact"] == 2000 and j["micro_batch"] == 5'
fails 1 'at-most 1: .*least latency' "${run[@]}" --cluster c.json --at-most 1
fails 2 'at-most needs --cluster' "${run[@]}" --at-most 1000

fails 1 'like.json: 3 hosts, expected .* 2 ranks' "$launch" --lab "$lab_name" -np 2 \
    "$partita" calibrate --like like.json -o e.json
fails 2 'expected one on each host' "$partita" calibrate -o e.json
fails 2 'takes options only' "$partita" calibrate e.json
fails 1 'nosuch' "${calibrate[@]}" --rounds 1 -o nosuch/e.json
absent e.json

if [[ $rates == yes ]]; then
    for rate in 1000 100; do
        raise 3 --rate ${rate}mbit
        works "${calibrate[@]}" -o c.json
        cat out
        json c.json "all(0.9 * $rate < p['rate_mbit'] < 1.1 * $rate for p in j['pairs'])"
    done
fi
finish
