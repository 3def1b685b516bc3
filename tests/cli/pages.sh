#!/usr/bin/env bash
# The pages of scale and show in a real browser, on a phone and on a desk, light
# and dark: nothing wider than the screen, no text cut, on another or illegible,
# no complaint of the browser, every stage named. Needs chromium (setup --tests).
source "$(dirname "$0")/lib.sh" "$@"
browser=$(command -v chromium || command -v chromium-browser ||
    command -v google-chrome) || {
    echo "no chromium here (./setup --tests): the pages are not looked at"
    exit 77
}

# browse WIDTH SCHEME OPTION... FILE: its output in dom; what the page itself is
# blamed for in $work/err.
browse() {
    local width=$1 scheme=1 # of blink's PreferredColorScheme: 0 dark, 1 light
    [[ $2 == dark ]] && scheme=0
    shift 2
    timeout 60 "$browser" --headless=new --no-sandbox --disable-gpu \
        --hide-scrollbars --user-data-dir="$work/chromium" \
        --enable-logging=stderr --window-size="$width,900" \
        --blink-settings=preferredColorScheme=$scheme "$@" >dom 2>log
    grep 'CONSOLE' log >"$work/err"
}

# look FILE WIDTH SCHEME: asks pages.js, appended to the page, what it sees in a
# frame (no window of chromium's is as narrow as a phone).
look() {
    { cat "$1"; echo "<script>"; cat "$source/tests/cli/pages.js"
      echo "</script>"; } >seen.html
    cat >frame.html <<HTML
<!doctype html><body style="margin:0"><script>
addEventListener("message", e => document.body.append("seen:" + e.data + ":seen"))
</script><iframe src="seen.html" width="$2" height="900" style="border:0">
HTML
    browse 1400 "$3" --virtual-time-budget=10000 --dump-dom \
        "file://$work/frame.html" &&
        problem "$1: the browser complains"
    python3 - "$2" "$3" >"$work/out" <<'PY' || problem "$1, $2 wide, $3"
import html, json, re, sys
found = re.search(r"seen:({.*?}):seen", open("dom").read(), re.S)
if not found:
    sys.exit("nothing was drawn")
j = json.loads(html.unescape(found[1]))
wrong = j.pop("problems")
print(j, *wrong[:9], sep="\n")
sys.exit(len(wrong) > 0 or j["width"] != int(sys.argv[1]) or
         j["page"] > j["width"] or j["dark"] != (sys.argv[2] == "dark") or
         j["svgs"] < 3 or j["texts"] < 20)
PY
}

# A chain of named layers, cut by hand, and scaled.
"$tools/make_dense_net" deep.h5 1 300x120x64x64x32x32x16x5 || exit 1
works "$partita" plan deep.h5 --cut fc1=neuron:3,fc2,fc4=input:2,fc5,output \
    -o deep.plan.json
works "$partita" show deep.plan.json --html plan.html
cat >predicted.csv <<'CSV'
compute,model,cut,mode,micro_batch,figure,measured,predicted,ratio,spread_percent,verdict
wait,deep,"fc1,output",latency,1,latency_us,120.0,110.5,0.921,3.0,good
hosts,deep,"fc1=neuron:2,output",latency,1,latency_us,350.0,420.0,1.200,3.0,MISSED
hosts,deep,"fc1",throughput,64,throughput_per_s,5000.0,5100.0,1.020,3.0,good
hosts,deep,"fc1",throughput,64,throughput_per_s,5.0,9100.0,1820,33.0,unsteady
CSV
works "$partita" scale deep.h5 --boards 1,2,3,5,16,1024 --plan-boards 5 \
    --rates 100mbit,1gbit --micro-batch 1,16 --html study.html \
    --measured predicted.csv
grep -q 'aria-label="Latency, p50"' study.html || problem "no prediction is shown"
works "$partita" scale deep.plan.json --boards 8 --html one.html
for layer in fc1 fc2 fc3 fc4 fc5 fc6 output; do
    for page in plan study one; do
        grep -q "\b$layer\b" $page.html || problem "$page.html lacks $layer"
    done
done
for stage in 0 1 2 3 4; do
    grep -q "<b>stage $stage</b>" one.html || problem "one.html: stage $stage"
done
for page in plan study one; do
    look $page.html 400 dark
    look $page.html 1280 light
done
browse 1280 light --screenshot="$work/page.png" "file://$work/study.html"
[[ $(stat -c %s page.png) -gt 10000 ]] || problem "no picture"
finish
