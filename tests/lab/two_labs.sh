#!/usr/bin/env bash
# Two labs side by side, bit-exact runs in both, crashes, and nothing left behind.
# Skipped (77) where namespaces or shaped links are not allowed.
source "$(dirname "$0")/../cli/lib.sh" "$@"
source "$(dirname "$0")/lib.sh"
a=ta$$ b=tb$$ c=tc$$ # labs of this test alone
end_labs() { for l in $a $b $c; do "$lab" down --name "$l" >/dev/null; done; }

# What a lab could leave behind, outside and in its own name.
traces() {
    ip -o link | awk '{ print $2 }'
    ip route
    cat /etc/hosts
    { ls /run/netns; ls -d /run/partita-lab/* "${TMPDIR:-/tmp}"/partita-lab-*
      ps -e -o args; } 2>/dev/null | grep -E "$a|$b|$c"
}
traces | grep -v traces >before

works "$lab" up 5 --name $a --rate 1gbit
works "$lab" up 3 --name $b --rate 100mbit
works "$lab" up 5 --name $a --rate 1gbit # again
works "$lab" status
says "$a: 5 hosts $a-b0 .* rate 1gbit" && says "$b: 3 hosts .* rate 100mbit"
[[ $(grep -E "$a|$b" out | grep -o '10\.77\.[0-9]*' | sort -u | wc -l) == 2 ]] ||
    problem "two address ranges expected"

# A host has its own name, address, link and folder.
works "$lab" enter $a-b3 sh -c 'hostname; ip -4 addr show dev eth0; tc qdisc
    echo "$TMPDIR"; getent hosts '$a-b1
says "^$a-b3\$" && says '10\.77\.[0-9]+\.4/24' && says 'tbf .* rate 1Gbit' &&
    says "partita-lab-$a\..*/$a-b3" && says "10\.77\.[0-9]+\.2 +$a-b1"
works "$lab" enter $b-b0 tc qdisc show dev eth0
says 'rate 100Mbit'
works "$lab" up 3 --name $b --rate 200mbit
works ip netns exec pta-$b-switch tc qdisc show dev port2
says 'rate 200Mbit'

# The same integers as on this host, in every lab, at every number of ranks.
make_net
works "$partita" run net.plan.json --data random:3000:5 --json here.json
for how in "$a 5" "$b 3" "$b 2" "$b 5"; do
    read -r name ranks <<<"$how"
    works "$launch" --lab "$name" -np "$ranks" "$partita" check net.plan.json \
        --data random:3000:5 --json there.json
    grep -q 'mpi_yield_when_idle 1' err || (($(nproc) >= ranks)) ||
        problem "$how: no yielding"
    python3 - <<'PY' || problem "$how: not the same integers"
import json, sys
here, there = json.load(open("here.json")), json.load(open("there.json"))
sys.exit(here["digest"] != there["digest"] or there["bit_exact"] != 3000)
PY
done
works env PARTITA_LAB=$b "$launch" -np 3 hostname
[[ $(sort -u out | xargs) == "$b-b0 $b-b1 $b-b2" ]] || problem "three hosts expected"
# Called on a host, it starts from there.
works "$lab" enter $b-b1 "$launch" --lab $b -np 3 hostname
[[ $(sort -u out | xargs) == "$b-b0 $b-b1 $b-b2" ]] || problem "three hosts expected"

# A run is killed the hard way: the lab goes down with what is left of it.
"$launch" --lab $a -np 3 "$partita" run net.plan.json --data random:100000000:1 \
    >out 2>err &
victim=$!
rank_there() { ps -o args= -p "$(ip netns pids pta-$a-b2 | paste -sd, -)" | grep -q '^[^ ]*partita run'; }
for ((i = 0; i < 100; i++)); do
    ! rank_there 2>/dev/null || break
    sleep 0.1
done
rank_there || problem "no rank on $a-b2"
timeout 20 "$lab" up 4 --name $a >out 2>err && problem "raised anew under a run"
grep -q 'something runs in it' err || problem "it does not say why"
kill -STOP $(ip netns pids pta-$a-b2) # a rank that will not end by itself
kill -9 $victim
works "$lab" down --name $a
works "$lab" down --name $a # again
says "$a is not up"

# Half a lab: a host is missing, or up was killed.
ip netns del pta-$b-b1
"$lab" status --name $b >out 2>err && problem "a broken lab is called up"
says 'broken'
works "$lab" up 3 --name $b
works "$launch" --lab $b -np 3 hostname
setsid "$lab" up 40 --name $c >/dev/null 2>&1 &
sleep 0.3
kill -9 -- -$! 2>/dev/null
wait 2>/dev/null
works "$lab" up 2 --name $c
works "$launch" --lab $c -np 2 hostname

# Wrong use.
refused() { # CODE PATTERN COMMAND...
    timeout 20 "${@:3}" >out 2>err
    [[ $? == "$1" ]] && grep -qE "$2" err || problem "expected $1, $2: ${*:3}"
}
refused 2 'from 1 to 250' "$lab" up 0 --name $c
refused 2 '1gbit' "$lab" up 2 --name $c --rate fast
refused 2 'letters' "$lab" up 2 --name a/b
refused 1 'no host' "$lab" enter nosuch-b0 true
refused 1 'not up' "$launch" --lab nosuch -np 2 hostname
refused 1 'no such hostfile' env PARTITA_HOSTFILE=nosuch PARTITA_LAB= "$launch" -np 2 hostname
if command -v setpriv >/dev/null; then
    refused 1 'needs root' setpriv --reuid 65534 --clear-groups "$lab" up 2
fi

works "$lab" down --name $b
works "$lab" down --name $c
traces | grep -v traces >after
diff before after >out || problem "left behind"
finish
