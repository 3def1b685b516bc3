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
json p.json 'all(j["layers"][x]["fold"]["pe"] > 0 for x in ("fc1", "output"))'
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
says 'its error: .*published figures'
fails 2 'estimator: "guess" is not one of analytic, synthesis, hls4ml, rule4ml=DIR' \
    "$partita" plan "$small" --objective throughput --estimator guess
fails 1 'rule4ml=nowhere: no LUT.config.json' \
    "$partita" plan "$small" --objective throughput --estimator rule4ml=nowhere
mkdir bin && ln -s "$(command -v env)" bin
fails 1 'Yosys is needed' env PATH="$work/bin" \
    "$partita" plan "$small" --bits 8 --objective throughput \
    --estimator synthesis -o none.json
absent none.json

# The page needs nothing else, and is well formed.
works "$partita" show w.json --html page.html
page_is() {
    python3 - "$1" <<'END' || problem "page.html: $1"
import html.parser, re, sys
text = open("page.html").read()
class Page(html.parser.HTMLParser):
    open_tags, seen = [], {}
    def handle_starttag(self, tag, attrs):
        self.seen[tag] = self.seen.get(tag, 0) + 1
        if tag not in ("meta", "br"):
            self.open_tags.append(tag)
    def handle_startendtag(self, tag, attrs):
        self.seen[tag] = self.seen.get(tag, 0) + 1
    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag, tag
page = Page()
page.feed(text)
tests = {"well formed": not page.open_tags,
         "self-contained": not re.search("https?:|<script|<link|src=", text),
         "one picture a board, time line, cuts": page.seen["svg"] == 7,
         "rows of alternatives": page.seen["tr"] == 6,
         "light and dark": "prefers-color-scheme:dark" in text}
sys.exit(0 if tests[sys.argv[1]] else 1)
END
}
for what in 'well formed' self-contained 'one picture a board, time line, cuts' \
    'rows of alternatives' 'light and dark'; do
    page_is "$what"
done
fails 1 'has 5 boards, the cluster "lab" 3|has 5 boards' "$partita" show w.json \
    --html none.html --cluster lab.json
absent none.html

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
