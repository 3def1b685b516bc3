#!/usr/bin/env bash
# Reads every #include and fails on an edge that docs/architecture.md does not
# allow. Usage: include_rules.sh [SOURCE_DIR]
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"

# folder: folders whose headers it may include (its own always)
declare -A may=(
    [framework/base]=""
    [framework/json]="base"
    [framework/h5]="base"
    [framework/ir]="base"
    [framework/model]="base h5 json ir"
    [framework/quant]="base json ir kernels"
    [framework/plan]="base json ir"
    [framework/partition]="base json ir plan"
    [framework/runtime]="base ir plan kernels"
    [framework/cli]="base h5 json ir model quant plan partition runtime datasets kernels hls"
    [framework/simulate]="base json ir model plan runtime datasets cli"
    [kernels]=""
    [datasets]="base h5"
    [hls/driver]="base ir plan kernels runtime/device.h hls"
    [hls/gen]="base json ir plan kernels runtime/device.h hls"
    [hls/sim]="base ir plan kernels runtime/device.h hls"
)
# third-party header: the folders that are its home
declare -A home=(
    [hdf5.h]="framework/h5 tests"
    [mpi.h]="framework/runtime framework/cli framework/simulate tests bench"
    [cblas.h]="kernels bench tests"
    [jansson.h]="framework/json tests"
    [zlib.h]="datasets tests"
)

bad=0
complain() { echo "include rule broken: $1"; bad=1; }

while IFS=: read -r file include; do
    folder=${file%/*}
    name=${folder##*/}
    quoted='' system=''
    if [[ $include =~ include[[:space:]]*\"([^\"]+)\" ]]; then
        quoted=${BASH_REMATCH[1]}
    elif [[ $include =~ include[[:space:]]*\<([^\>]+)\> ]]; then
        system=${BASH_REMATCH[1]}
    fi
    if [[ -n $quoted ]]; then
        target=${quoted%%/*}
        [[ $quoted == */* ]] || continue          # beside its source
        [[ $quoted == partita/* ]] && continue    # shared with everyone
        # tests may look inside a folder
        if [[ $quoted == *_priv.h && $name != "$target" &&
              $folder != tests* ]]; then
            complain "$file: $quoted is private to its folder"
        fi
        case $folder in tests* | bench*) continue ;; esac
        [[ $name == "$target" ]] && continue
        allowed=" ${may[$folder]-UNKNOWN} "
        [[ $allowed == *" $target "* || $allowed == *" $quoted "* ]] ||
            complain "$file: may not include $quoted"
    elif [[ -n $system && -n ${home[$system]-} ]]; then
        fits=no
        for place in ${home[$system]}; do
            [[ $folder == "$place" || $folder == "$place"/* ]] && fits=yes
        done
        [[ $fits == yes ]] || complain "$file: <$system> belongs to ${home[$system]}"
        [[ $system == cblas.h && $folder == kernels && $file != *_blas.c ]] &&
            complain "$file: <cblas.h> belongs to kernels/*_blas.c"
        [[ $system == mpi.h && $file == */device* ]] &&
            complain "$file: devices are free of MPI"
    fi
done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include' --include='*.[ch]' --exclude-dir='.*' \
             framework kernels datasets hls bench tests |
         sed -E 's/^([^:]+):[0-9]+:/\1:/')
((bad == 0)) && echo "include rules hold"
exit "$bad"
