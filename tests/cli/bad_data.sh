#!/usr/bin/env bash
# Data that cannot be read or does not fit, and results that cannot be written.
source "$(dirname "$0")/lib.sh" "$@"
make_net
run() { "$launch" -np 3 "$partita" run net.plan.json --output r.csv "$@"; }
export -f run
export launch partita
try() { fails "$1" "$2" bash -c 'run "$@"' run "${@:3}"; }

"$tools/make_uniform" ok.h5 500 1 1 20
try 1 'nosuch\.h5' --data nosuch.h5
try 1 'mnist.*\[?20' --data mnist
try 2 'sets|mnist' --data nosuch
try 2 'random' --data random:x:1
"$tools/make_uniform" wide.h5 50 1 1 21
try 1 'wide\.h5.*21' --data wide.h5
cp ok.h5 bad.h5 && truncate -s 9000 bad.h5
try 1 'bad\.h5' --data bad.h5
cp ok.h5 bad.h5 && "$tools/damage_h5" bad.h5 texts /x
try 1 'bad\.h5.*x' --data bad.h5
cp ok.h5 bad.h5 && "$tools/damage_h5" bad.h5 drop /x
try 1 'bad\.h5' --data bad.h5
cp ok.h5 bad.h5 && "$tools/damage_h5" bad.h5 nan /x
try 1 'bad\.h5' --data bad.h5
echo text >bad.h5
try 1 'bad\.h5' --data bad.h5
mkdir -p sets/mnist && head -c 5000 "$source/datasets/mnist/t10k-images-idx3-ubyte.gz" \
    >sets/mnist/t10k-images-idx3-ubyte.gz
cp "$source/datasets/mnist/t10k-labels-idx1-ubyte.gz" sets/mnist
cp "$source/datasets/mnist_seed.h5" "$source/datasets/mnist_seed.ranges.json" .
"$partita" plan mnist_seed.h5 -o seed.json >/dev/null
PARTITA_DATA=$work/sets fails 1 't10k-images' "$launch" -np 2 "$partita" run \
    seed.json --data mnist --output r.csv
absent r.csv

# Results that cannot be written.
fails 1 'nowhere/r\.csv' "$launch" -np 2 "$partita" run net.plan.json \
    --data ok.h5 --output nowhere/r.csv
fails 1 '/dev/full' "$launch" -np 2 "$partita" run net.plan.json \
    --data ok.h5 --json /dev/full
[[ -c /dev/full ]] || problem "/dev/full was replaced"
fails 1 '/dev/full' "$partita" plan net.h5 -o /dev/full
cat >limited <<'END'
#!/usr/bin/env bash
# Rank 0 may write files of 8 KiB, as on a disk that is full then.
trap '' XFSZ
[[ $OMPI_COMM_WORLD_RANK == 0 ]] && ulimit -f 8
exec "$@"
END
chmod +x limited
for name in r.csv r.h5; do
    OMPI_MCA_btl=tcp,self fails 1 "$name" "$launch" -np 3 ./limited "$partita" \
        run net.plan.json --data random:3000:1 --output $name
    absent $name
done
# Stopped in the middle: nothing stays.
for signal in INT TERM; do
    "$launch" -np 1 "$partita" run net.plan.json --data random:50000000:1 \
        --output r.csv >out 2>err &
    until compgen -G 'r.csv.*' >part || [[ ! -d /proc/$! ]]; do sleep 0.1; done
    [[ -s part ]] || problem "no r.csv.* while it runs"
    kill -$signal $!
    wait $! && problem "exit 0 after SIG$signal"
    absent r.csv
done
# A disk that is full, where one may be mounted.
cat >mounted <<'END'
mkdir -p disk && mount -t tmpfs -o size=16k none disk || exit 77
"$@"
code=$?
ls disk >left
exit $code
END
if unshare -m bash mounted true 2>/dev/null; then
    for name in disk/r.csv disk/r.h5; do
        fails 1 "$name" unshare -m bash mounted "$launch" -np 3 "$partita" \
            run net.plan.json --data random:3000:1 --output $name
        [[ -s left ]] && problem "left on the disk: $(cat left)"
    done
else
    echo "no disk can be mounted here: that part is left out"
fi
finish
