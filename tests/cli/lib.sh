# What the tests of the command line share. Run by CTest as
#     SCRIPT PARTITA MPI_LAUNCH_RUN TOOLS_FOLDER SOURCE_FOLDER
# in a folder of its own, which is removed at the end.
set -u
partita=$1 launch=$2 tools=$3 source=$4
export OPENBLAS_NUM_THREADS=1
unset PARTITA_DATA PARTITA_BITS PARTITA_CONFIG
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0

problem() {
    echo "FAILED: $*" >&2
    sed 's/^/    /' "$work/out" "$work/err" >&2
    failed=1
}

# The script's last line.
finish() {
    [[ $failed == 0 ]] && echo "all as expected"
    exit "$failed"
}

# works COMMAND...: exit 0; output in $work/out, $work/err.
works() {
    timeout 60 "$@" >"$work/out" 2>"$work/err" || problem "exit $?: $*"
}

# fails CODE PATTERN COMMAND...: exit CODE within 20 seconds, and one message
# "partita: ..." that matches PATTERN.
fails() {
    local code=$1 pattern=$2 got
    shift 2
    timeout 20 "$@" >"$work/out" 2>"$work/err"
    got=$?
    [[ $got == "$code" ]] || problem "exit $got, expected $code: $*"
    local said
    said=$(grep -c '^partita: ' "$work/err")
    [[ $said == 1 ]] || problem "$said messages, expected one: $*"
    grep -qE "^partita: .*($pattern)" "$work/err" ||
        problem "no message that matches \"$pattern\": $*"
}

# says PATTERN: the last command's standard output matches.
says() { grep -qE -- "$1" "$work/out" || problem "output lacks \"$1\""; }

# json FILE EXPRESSION: a Python expression over the object j is true.
json() {
    python3 -c 'import json,sys; j=json.load(open(sys.argv[1])); sys.exit(0 if eval(sys.argv[2]) else 1)' \
        "$1" "$2" || problem "$1: not so: $2"
}

# absent FILE...: none of these is there, under its name or a temporary one.
absent() {
    local file
    for file in "$@"; do
        compgen -G "$file*" >/dev/null && problem "$file was left behind"
    done
    return 0
}

# A network of two dense layers, 20 -> 12 -> 5, and a plan for three boards.
make_net() {
    "$tools/make_dense_net" net.h5 1 20x12x5 || exit 1
    "$partita" plan net.h5 --cut fc1=neuron:2,output -o net.plan.json \
        >/dev/null || exit 1
}
