# What the tests in a lab share; after tests/cli/lib.sh. A lab of the test's own,
# called $lab_name, goes down at the end. Skipped (77) where namespaces or shaped
# links are not allowed.
lab=$source/mpi_launch/lab
lab_name=t$$

skip() { echo "SKIP: $*"; exit 77; }
[[ $(id -u) == 0 ]] || skip "a lab needs root"
command -v ip >/dev/null && command -v tc >/dev/null || skip "needs iproute2"
unshare --net --uts sh -c 'ip link add p0 type veth peer name p1 &&
    ip link add sw type bridge && tc qdisc add dev p0 root tbf rate 1gbit \
    burst 256kb latency 50ms' 2>err ||
    skip "no namespaces, veth, bridge or tbf here: $(tail -1 err)"
trap 'end_labs; rm -rf "$work"' EXIT
end_labs() { "$lab" down --name "$lab_name" >/dev/null; }

raise() { # N [OPTIONS]: the test's own lab
    works "$lab" up "$@" --name "$lab_name"
}
