#!/usr/bin/env bash
# Wrong use: exit 2, one message that names option, value and valid set.
source "$(dirname "$0")/lib.sh" "$@"
make_net

works "$partita" --version
says '^partita [0-9]+\.[0-9]+'
works "$partita" --help
for verb in info plan show run check build fetch scale simulate tune; do
    says "^  $verb "
done
for verb in info plan show run check build fetch scale simulate tune; do
    works "$partita" "$verb" --help
    says "^usage: partita $verb "
done

timeout 10 "$partita" >out 2>err
[[ $? == 2 ]] || problem "no verb"
for verb in info plan show run check build fetch scale simulate tune; do
    grep -q "^  $verb " err || problem "no verb: $verb is not listed"
done
fails 2 '"tuna" is not a verb' "$partita" tuna net.h5

fails 2 '--bits: "1" .* from 2 to 32' "$partita" plan net.h5 --bits 1
fails 2 '--nonsense: unknown option; plan knows .*--bits' \
    "$partita" plan net.h5 --nonsense
fails 2 'MODEL is missing' "$partita" plan
fails 2 'PARTITA_BITS: bits: "x"' env PARTITA_BITS=x "$partita" plan net.h5
fails 2 'give only one' "$partita" plan net.h5 --calibrate mnist --ranges a
fails 2 'makes 3 boards, --boards asks for 5' \
    "$partita" plan net.h5 --cut fc1=neuron:2,output --boards 5
fails 2 '--mode: "fast" .*latency\|throughput' \
    "$launch" -np 2 "$partita" run net.plan.json --mode fast
fails 2 '--data is missing' "$launch" -np 2 "$partita" run net.plan.json
fails 2 'nosuch.*(fixed|float)' "$launch" -np 3 \
    "$partita" run net.plan.json --data random:10:1 --device nosuch
fails 2 'expected|\.csv|\.h5' "$partita" run net.plan.json \
    --data random:10:1 --output result.txt
fails 2 'mnist, nsl-kdd, unsw-nb15' "$partita" fetch nosuch
absent result.txt net.json

# A set without a direct address is the user's to fetch: exit 3.
HOME=$work/home XDG_DATA_HOME=$work/home timeout 20 \
    "$partita" fetch nsl-kdd --output "$work/sets" >out 2>err
[[ $? == 3 ]] || problem "fetch nsl-kdd: exit 3 expected"
says 'https://'
says 'KDDTest'
finish
