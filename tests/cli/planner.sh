#!/usr/bin/env bash
# The planner as a user meets it: objectives, clusters, budgets, prices of plans
# by hand, and what it says when nothing fits or an option is wrong.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
small=$source/datasets/mnist_fcnn.h5 wide=$source/datasets/mnist_wide.h5

for goal in latency throughput boards; do
    works "$partita" plan "$small" --boards 3 --bits 8 --objective $goal -o p.json
    says 'optimal under the model'
    says 'one board is better'
    says 'modelled: latency [0-9.]+ us; throughput [0-9]+/s'
done
json p.json 'len(j["stages"]) == 1'
works "$partita" show p.json

# Too large for any board: cut, and the reason said.
works "$partita" plan "$wide" --boards 5 --bits 8 --objective throughput -o w.json
says "'fc1' must be cut"
says 'optimal under the model'
json w.json 'sum(len(s.get("parts", [1])) for s in j["stages"]) == 5'
fails 1 "no plan on 3 boards: 'fc1' must be cut.*BRAM18, the budget has 216" \
    "$partita" plan "$wide" --boards 3 --bits 8 --objective boards -o none.json
absent none.json
fails 1 'no plan' "$partita" plan "$small" --bits 8 --objective latency \
    --budget bram=1,lut=12 -o none.json

# A plan by hand is priced by the same model and is no better than the best.
works "$partita" plan "$small" --cut fc1=neuron:2,output --bits 8 --score \
    --objective throughput -o hand.json
says 'the best plan has [0-9.]+ us, this one [0-9.]+ us: [0-9.]+ % more'
works "$partita" plan "$small" --bits 8 --score -o one.json
says 'limited by'

# A cluster file; one bound that is reached and one that is not.
cat >lab.json <<'END'
{"partita_cluster": 1, "costs": {"message_us": 5},
 "hosts": [{"name": "a"}, {"name": "rack", "count": 2}]}
END
works "$partita" plan "$small" --cluster lab.json --bits 8 --objective boards \
    --at-least 1000 -o p.json
says ' a +fc1'
fails 1 'reaches at least 1e\+12 samples/s: the best is' "$partita" plan \
    "$small" --cluster lab.json --bits 8 --objective boards --at-least 1e12
fails 2 'boards 4: the cluster "PYNQ-Z2 on one switch" has 3' "$partita" plan \
    "$small" --cluster lab.json --boards 4 --bits 8 --objective latency
works "$partita" plan "$small" --boards 2 --bits 16 --objective throughput \
    --estimator hls4ml -o p.json
says 'estimator hls4ml'

fails 2 'budget "dsp=0"' "$partita" plan "$small" --objective latency --budget dsp=0
fails 2 'at-least fast: expected a number' "$partita" plan "$small" \
    --objective boards --at-least fast
fails 2 'go with --objective boards' "$partita" plan "$small" \
    --objective latency --at-most 3
fails 2 'objective.*latency' "$partita" plan "$small" --objective speed
fails 1 'no.json' "$partita" plan "$small" --cluster no.json --objective latency
fails 1 'profile hls4ml' "$partita" plan "$small" --profile hls4ml --boards 2 \
    --objective latency
finish
