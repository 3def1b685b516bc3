#!/usr/bin/env bash
# mpi_launch/board/provision and install against boards that are folders: ssh and
# the board's commands are played by scripts that say in a log what they did.
source "$(dirname "$0")/lib.sh" "$@"
provision=$source/mpi_launch/board/provision
log=$work/log
export log work
mkdir fake

# fake NAME: standard input is what it does after it has said so.
fake() {
    { echo '#!/bin/bash'; echo 'echo "$(basename "$0") $*" >>"$log"'; cat; } >"fake/$1"
    chmod +x "fake/$1"
}
# Runs the command on the "host" in its folder, with its own root.
fake ssh <<'SH'
while [[ $1 == -* ]]; do shift 2; done
host=${1#*@}
[[ -d $work/$host ]] || { echo "ssh: $host: unknown" >&2; exit 255; }
cd "$work/$host" && PARTITA_INSTALL_ROOT=$work/$host/root exec bash -c "$2"
SH
fake sudo <<'SH'
[[ $1 == -n ]] && shift
[[ ! -e no_sudo ]] || { echo "sudo: a password is required" >&2; exit 1; }
exec "$@"
SH
fake dpkg-query <<'SH'
[[ ${!#} != dtc && ${!#} != device-tree-compiler ]] && echo 'install ok installed'
SH
fake id <<<'echo 0'
fake uname <<<'echo 5.15.19-xilinx'
fake make <<<'touch "$2/u-dma-buf.ko"'
fake modprobe <<'SH'
sys=$PARTITA_INSTALL_ROOT/sys/class/u-dma-buf/udmabuf0
case $1 in
    -r) rm -r "$sys" ;;
    u-dma-buf) [[ ! -e $PARTITA_INSTALL_ROOT/no_cma ]] || exit 0
        mkdir -p "$sys"
        sed 's/.*=//' "$PARTITA_INSTALL_ROOT/etc/modprobe.d/u-dma-buf.conf" >"$sys/size" ;;
esac
SH
fake getent <<<'exit 2'
for name in apt-get cmake depmod dtc systemctl groupadd usermod udevadm; do
    fake $name </dev/null
done
fake partita <<<'echo "FPGA       operating"'
mkdir udmabuf && touch udmabuf/u-dma-buf.c

make_host() {
    mkdir -p "$1/root/sys/class/fpga_manager/fpga0" \
        "$1/root/lib/modules/5.15.19-xilinx/build"
    touch "$1"/root/sys/class/fpga_manager/fpga0/{firmware,flags}
}
try() { PATH=$work/fake:$PATH timeout 60 "$provision" "$@" >out 2>err; }
did() { grep -qE -- "$1" "$log" || problem "the log lacks \"$1\""; }
did_not() { ! grep -qE -- "$1" "$log" || problem "the log has \"$1\""; }

# Wrong use.
for words in "" "board1" "--buffer 0 u@b" "--buffer x u@b" "--udmabuf /none u@b" \
    "--fast u@b" "u@b;reboot" "--buffer"; do
    # shellcheck disable=SC2086
    try $words
    [[ $? == 2 ]] || problem "\"$words\": exit 2 expected"
    grep -q '^provision: ' err || problem "\"$words\": no message"
done

# A dry run says all and does nothing.
: >"$log"
make_host b1
try --dry-run --udmabuf udmabuf xilinx@b1 xilinx@b2 || problem "dry run"
[[ ! -s $log ]] || problem "a dry run ran something"
says 'ssh xilinx@b1 .*board/install.*--user.*xilinx'
says 'ssh xilinx@b2 partita.*board.*status'

PATH=$work/fake:$PATH PARTITA_INSTALL_ROOT=$work/b1/root works \
    "$source/mpi_launch/board/install" --dry-run --user xilinx
says '^\+ modprobe u-dma-buf'
says '^\+ write /etc/udev/rules.d/99-partita.rules'
did_not '^(apt-get|cmake|modprobe|systemctl|usermod) '
[[ ! -e b1/root/etc ]] || problem "a dry run wrote something"

# Two boards, one of them without an FPGA manager.
make_host b2
rm b2/root/sys/class/fpga_manager/fpga0/firmware
try --buffer 32 --udmabuf udmabuf --hostfile hosts xilinx@b1 xilinx@b2 xilinx@b3
[[ $? == 1 ]] || problem "exit 1 expected"
grep -q 'is this a PYNQ image' err || problem "b2: no reason"
grep -q 'not ready: xilinx@b2 xilinx@b3' err || problem "who is not ready"
[[ $(<hosts) == "b1 slots=1" ]] || problem "hostfile: $(<hosts)"
did '^apt-get install .*device-tree-compiler$'
did '^cmake --install'
did '^depmod -a 5.15.19-xilinx'
did '^usermod -aG partita xilinx'
did '^systemctl enable partita-overlay'
did '^partita board status'
cmp -s b1/root/etc/udev/rules.d/99-partita.rules \
    "$source/mpi_launch/board/99-partita.rules" || problem "udev rule"
[[ $(<b1/root/sys/class/u-dma-buf/udmabuf0/size) == 33554432 ]] || problem "32 MiB"
[[ -f b1/root/lib/modules/5.15.19-xilinx/extra/u-dma-buf.ko ]] || problem "module"
[[ -x b1/partita/mpi_launch/board/install && ! -e b1/partita/.git ]] ||
    problem "sources"

# Again: the module is there, the memory is not touched; then it is resized.
: >"$log"
try --buffer 32 xilinx@b1 || problem "again"
did_not '^(make|modprobe -r|depmod)'
! grep -q '^+ write' out || problem "written again"
try --buffer 8 xilinx@b1 || problem "resized"
did '^modprobe -r u-dma-buf'
[[ $(<b1/root/sys/class/u-dma-buf/udmabuf0/size) == 8388608 ]] || problem "8 MiB"

# What can be missing on a board.
make_host b4
rmdir b4/root/lib/modules/5.15.19-xilinx/build
try xilinx@b4 && problem "no headers"
grep -q 'needs the headers of kernel 5.15.19-xilinx' err || problem "b4: no reason"
make_host b5
touch b5/no_sudo
try xilinx@b5 && problem "no sudo"
grep -q 'xilinx@b5: the sudo failed' err || problem "b5: no reason"
make_host b6
touch b6/root/no_cma
try --udmabuf udmabuf xilinx@b6 && problem "no CMA"
grep -q 'is the CMA pool large enough' err || problem "b6: no reason"

# The overlay has the addresses of the driver.
for which in CORE DMA; do
    address=$(sed -nE "s/#define PTA_${which}_ADDRESS +(0x[0-9A-F]+)u/\1/p" \
        "$source/hls/driver/regs.h" | tr A-F a-f)
    grep -q "reg = <$address " "$source/mpi_launch/board/partita.dts" ||
        problem "partita.dts: $which is not at $address"
done
finish
