#!/usr/bin/env bash
# Every network and kind of cut of acceptance/one_digest over five hosts of a lab:
# the digests are those of one CPU.
source "$(dirname "$0")/../cli/lib.sh" "$@"
source "$(dirname "$0")/lib.sh"
raise 5
PARTITA_LAB=$lab_name "$source/tests/acceptance/one_digest.py" \
    --partita "$partita" --launch "$launch" >out 2>err || problem "one_digest.py"
tail -5 out
finish
