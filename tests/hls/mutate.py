#!/usr/bin/env python3
"""Changes one operator, bound or constant of a block at a time, and counts how
many of these mutants the block's test notices. Survivors are printed.

    mutate.py PROGRAM BLOCK FILE... [--count 20] [--seed 1] [--rtl DIR] [--work DIR]

PROGRAM is the built test (hls_test_...), FILE names of hls/rtl to change. Mutants
that do not build are not counted. Exits 1 if less than 95 % are noticed."""
import argparse
import pathlib
import random
import re
import shutil
import subprocess
import sys

RULES = [(r" == ", " != "), (r" != ", " == "), (r" && ", " || "),
         (r" \|\| ", " && "), (r" \+ ", " - "), (r" - ", " + "),
         (r" > ", " >= "), (r" >= ", " > "), (r" < ", " <= "),
         (r" \* ", " + "), (r">>>", ">>"), (r" << ", " >> "),
         (r"1'b0", "1'b1"), (r"1'b1", "1'b0"), (r"!(?=[a-z(])", ""),
         (r"(?<![\w'])0(?=[;:,)\]])", "1"), (r"(?<![\w'])1(?=[;:,)\] ])", "2")]


def sites(text):
    """Every (start, end, replacement) in the body, comments and ports left out."""
    body = text.index(");\n", text.index("module "))
    for line in re.finditer(r".+\n", text[body:]):
        code = line[0].split("//")[0]
        if "genvar" in code or re.match(r"\s*for .*genvar", code):
            continue
        for pattern, new in RULES:
            for m in re.finditer(pattern, code):
                at = body + line.start()
                yield at + m.start(), at + m.end(), new


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("block")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    here = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--rtl", type=pathlib.Path, default=here / "hls/rtl")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("mutants"))
    o = parser.parse_args()
    o.work.mkdir(parents=True, exist_ok=True)

    every = [(f, s) for f in o.files for s in sites((o.rtl / f).read_text())]
    random.Random(o.seed).shuffle(every)
    killed, survivors = 0, []
    for name, (start, end, new) in every:
        if killed + len(survivors) == o.count:
            break
        rtl = o.work / f"rtl_{o.block}"
        shutil.rmtree(rtl, ignore_errors=True)
        shutil.copytree(o.rtl, rtl)
        text = (rtl / name).read_text()
        (rtl / name).write_text(text[:start] + new + text[end:])
        done = subprocess.run(
            [o.program.resolve(), o.block, "--rtl", rtl, "--work", o.work,
             "--seed", str(o.seed)], capture_output=True)
        if done.returncode == 3:
            continue
        if done.returncode == 77:
            return 77
        if done.returncode != 0:
            killed += 1
            print(f"noticed {name} at {start}", flush=True)
            continue
        row = text.count("\n", 0, start) + 1
        survivors.append(f"{name}:{row}: {text[start:end]!r} to {new!r} in "
                         f"{text.splitlines()[row - 1].strip()}")
        print("survived", survivors[-1], flush=True)
    total = killed + len(survivors)
    print(f"{o.block}: {killed} of {total} mutants noticed")
    return total == 0 or killed < 0.95 * total


sys.exit(main())
