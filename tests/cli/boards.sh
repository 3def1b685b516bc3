#!/usr/bin/env bash
# run --device board over three boards, each a folder of its rank: bitstreams
# found, sent, loaded, and answered by the simulated cores ($5: a partita whose
# chip's bus is tests/hls/chip_simulated.c). Needs Verilator.
source "$(dirname "$0")/lib.sh" "$@"
boards=$5
command -v verilator >/dev/null && command -v g++ >/dev/null ||
    { echo "SKIP: needs verilator and g++"; exit 77; }
# Simulated cores are kept between runs of this test.
export XDG_CACHE_HOME=$tools/boards_cache PARTITA_TEST_CORES=$work/cores
mkdir -p "$XDG_CACHE_HOME"
rm -rf "$XDG_CACHE_HOME/partita/bitstreams"

bytes() { printf '%b' "$1"; }

# Attributes and memory that a load writes; the IO PLL at 1 GHz.
make_board() {
    local manager=$1/sys/class/fpga_manager/fpga0
    mkdir -p "$1"/{dev,run,lib/firmware} "$manager"
    echo operating >"$manager/state"
    : >"$manager/flags"
    : >"$manager/firmware"
    truncate -s $((0xF8010000)) "$1/dev/mem"
    bytes '\x00\x40\x01\x00' |
        dd of="$1/dev/mem" bs=4 seek=$((0xF8000108 / 4)) conv=notrunc status=none
}

# A bitstream for each core of a build: header, part, one word.
make_bits() {
    local folder
    for folder in "$1"/board*; do
        bytes '\x00\x09\x0f\xf0\x0f\xf0\x0f\xf0\x0f\xf0\x00\x00\x01' >"$folder/pta_top.bit"
        bytes 'b\x00\x0c7z020clg400\x00e\x00\x00\x00\x04\xaa\x99\x55\x66' \
            >>"$folder/pta_top.bit"
    done
}

cat >rank <<'SH'
#!/bin/sh
cd "b$OMPI_COMM_WORLD_RANK" && exec "$@"
SH
cat >board <<'SH'
#!/bin/sh
exec "$launch" -np "${n:-3}" ./rank "$boards" "$@"
SH
chmod +x rank board
export launch boards
run() { # PLAN BUILDS: on the boards, and on the host
    # The first time, the simulated cores are built.
    timeout 200 ./board run "$work/$1" --data random:40:7 --check \
        --micro-batch 8 --device board:root=. --bitstreams "$2" \
        --json "$work/board.json" >out 2>err || problem "exit $?: board run $*"
    works "$launch" -np 3 "$partita" run "$1" --data random:40:7 --json host.json
    json board.json "j['bit_exact'] == 40 and j['device'].startswith('board')"
    json board.json "all(s['cycles'] is not None for s in j['stages'])"
    json board.json "j['digest'] == json.load(open('host.json'))['digest']"
}
fails_with() { # CODE PATTERN PLAN BUILDS
    fails "$1" "$2" ./board run "$work/$3" --data random:40:7 \
        --device board:root=. --bitstreams "$4"
}

"$tools/make_dense_net" net.h5 1 20x12x5 || exit 1
"$tools/make_dense_net" other.h5 2 20x12x5 || exit 1
"$partita" plan net.h5 --bits 8 --cut fc1=neuron:2,output -o net.plan.json >out || exit 1
"$partita" plan other.h5 --bits 8 --cut fc1=neuron:2,output -o other.plan.json >out ||
    exit 1
for i in 0 1 2; do make_board "b$i"; done
works "$partita" build net.plan.json -o cores/rom
cp -r cores/rom b0/rom

# Only rank 0 has the build; nobody has a bitstream, then all have.
fails_with 1 'pta_top.bit: No such file' net.plan.json rom
make_bits b0/rom
n=2 fails_with 2 '2 ranks for 3 boards: --device board takes one rank' net.plan.json rom
fails_with 1 'none: has no core of slice' net.plan.json none
fails_with 1 'rom: has no core of slice' other.plan.json rom
absent b0/run/partita/slice
run net.plan.json rom
for i in 0 1 2; do
    digest=$(sed -nE 's/.*"slice_digest": "([0-9a-f]+)".*/\1/p' "cores/rom/board$i/manifest.json")
    [[ $(head -c 32 "b$i/run/partita/slice") == "${digest:0:32}" ]] ||
        problem "board $i holds another slice"
    cmp -s <(bytes '\x66\x55\x99\xaa') "b$i/lib/firmware/partita.bin" ||
        problem "board $i: partita.bin"
done

# Loaded: the FPGA is left alone, and no bitstream is needed any more.
touch -d '2020-01-01' b?/lib/firmware/partita.bin
rm b0/rom/*/pta_top.bit
run net.plan.json rom
[[ -z $(find b?/lib/firmware -name partita.bin -newermt 2020-02-01) ]] ||
    problem "loaded again"

# On one board: its smoke test by the manifest's known answer and with the plan,
# and a load by the plan's board.
works "$boards" board smoke --root b1 --manifest cores/rom/board1/manifest.json \
    --json smoke.json
json smoke.json "j['answer_checked']"
says 'the core answers, as the fixed device does'
sed -E 's/("known_answer": ").{4}/\10bad/' cores/rom/board1/manifest.json >wrong.json
fails 1 'answer to the known sample has SHA-256 .*0bad' "$boards" board smoke \
    --root b1 --manifest wrong.json
works "$boards" board smoke --root b2 --manifest cores/rom/board2/manifest.json \
    --plan net.plan.json --json smoke.json
json smoke.json "j['answer_checked'] and j['interval_cycles'] > 0"
json smoke.json "[b['samples'] for b in j['batches']] == [1, 8, 64, 512]"
fails 1 'no board has the slice' "$boards" board smoke --root b2 \
    --manifest cores/rom/board2/manifest.json --plan other.plan.json
make_bits b0/rom
works "$boards" board load b0/rom/board1/pta_top.bit --root b0 --plan net.plan.json --board 1
cmp -s b0/run/partita/slice b1/run/partita/slice || problem "load --plan: another slice"
fails 2 'net.plan.json has boards 0 to 2' "$boards" board load x.bit \
    --root b0 --plan net.plan.json --board 3

# Writable weights: one hardware, two networks.
works "$partita" build net.plan.json --weights ram -o cores/ram
cp -r cores/ram b0/ram
make_bits b0/ram
run net.plan.json ram
first=$(cat b0/run/partita/slice)
works "$boards" board smoke --root b0 --manifest cores/ram/board0/manifest.json --json smoke.json
json smoke.json "not j['answer_checked']"
says 'its weights can be written: --plan loads and checks them'
run other.plan.json ram
[[ $(cat b0/run/partita/slice) == "$first" ]] || problem "other weights were loaded as hardware"
# Sums as wide as the core's stay so wide, whatever the weights.
sed -E '/"fc1"/s/("acc_bits": )[0-9]+/\130/' net.plan.json >like.plan.json
works "$partita" plan other.h5 --like like.plan.json -o wide.plan.json
grep -q '"fc1": .*"acc_bits": 30' wide.plan.json || problem "acc_bits was lowered"
sed -E '/"fc1"/s/("weight": ")fixed<8,0>/\1fixed<8,1>/' other.plan.json >like.plan.json
works "$partita" plan other.h5 --like like.plan.json -o wide.plan.json
mv b0/rom rom.away
fails_with 1 'takes weights of other formats: layer fc1: .*weights fixed<8,0.*the plan has .*weights fixed<8,1' \
    wide.plan.json ram

finish
