#!/usr/bin/env python3
"""Changes one operator, bound or constant of a block of hls/rtl at a time, and
counts how many of these mutants the block's test notices.

    mutate.py BUILD [BLOCK...] [--count 20] [--seed 1] [--work DIR]
              [--resume] [--no-run] [--table FILE]

BUILD is a build tree with the tests in BUILD/tests; without BLOCK all blocks are
done, one after the other. Each mutant meets the first four geometries of its
block's test, and if it passes these, all of them; what takes ten times as long as
without the change (and a minute at least) is noticed too. Mutants that do not build
are not counted; those of equivalent_mutants.json, where the reason stands why
nobody can tell them from the block, neither. --resume leaves out what an earlier
run in the same --work noticed, --no-run all that it did not come to. --table writes
all results so far in --work as a page. Exits 1 if less than 95 % of a block's
mutants are noticed, 77 without Verilator."""
import argparse
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
RTL = HERE.parents[1] / "hls/rtl"
LEAST = 0.95

RULES = [(r" == ", " != "), (r" != ", " == "), (r" && ", " || "),
         (r" \|\| ", " && "), (r" \+ ", " - "), (r" - ", " + "),
         (r" > ", " >= "), (r" >= ", " > "), (r" < ", " <= "),
         (r" \* ", " + "), (r">>>", ">>"), (r" << ", " >> "),
         (r" >> ", " << "), (r" \^ ", " | "), (r"1'b0", "1'b1"),
         (r"1'b1", "1'b0"), (r"!(?=[a-z(])", ""), (r"~(?=[a-z(])", ""),
         (r"if \(([^()]+)\)", r"if (!(\1))"),
         (r"\? ([\w\[\]]+) : ([\w\[\]]+)", r"? \2 : \1"),
         (r"(\$clog2\([^()]*?) ?\+ ?1\)", r"\1)"),
         (r"(?<![\w':])0(?=[;:,)\]])", "1"),
         (r"(?<![\w'+])1(?=[;:,\] ])", "2")]

# Program, and the files that belong to a block and to no block before it.
BLOCKS = {
    "skid": ("hls_test_dense_blocks", ["skid"]),
    "fifo": ("hls_test_dense_blocks", ["fifo"]),
    "gearbox": ("hls_test_dense_blocks", ["gearbox"]),
    "requant": ("hls_test_dense_blocks", ["requant"]),
    "relu": ("hls_test_dense_blocks", ["relu"]),
    "scale_shift": ("hls_test_dense_blocks", ["scale_shift"]),
    "table": ("hls_test_dense_blocks", ["table", "rom"]),
    "window": ("hls_test_image_blocks", ["window", "cells"]),
    "pool_max": ("hls_test_image_blocks", ["pool_max"]),
    "pool_avg": ("hls_test_image_blocks", ["pool_avg"]),
    "depthwise": ("hls_test_image_blocks", ["depthwise"]),
    "pad": ("hls_test_image_blocks", ["pad"]),
    "fork": ("hls_test_image_blocks", ["fork"]),
    "join_binary": ("hls_test_join_blocks", ["join_binary"]),
    "concat": ("hls_test_join_blocks", ["concat"]),
    "crop": ("hls_test_join_blocks", ["crop"]),
    "permute": ("hls_test_join_blocks", ["permute"]),
    "shell_in": ("test_shell", ["shell_in"]),
    "shell_out": ("test_shell", ["shell_out"]),
    "regs": ("test_shell", ["regs"]),
    "regs_mem": ("test_shell", ["regs_mem"]),
    "ram": ("hls_test_dense_blocks scale_shift", ["ram"]),
    "mvu": ("hls_test_dense_blocks_mvu",
            ["mvu", "mvu_steps", "mvu_sums", "products", "tree"]),
    "mvu_packed": ("hls_test_dense_blocks_mvu",
                   ["mvu_packed", "products_packed"]),
    "delay": ("hls_test_dense_blocks_mvu mvu_packed", ["delay"]),
    "engine": ("hls_test_engine",
               ["engine", "engine_buffer", "engine_steps", "engine_sums"]),
}


def sites(text):
    """Every (start, end, replacement) in the body, comments and ports left out."""
    body = text.index(");\n", text.index("module "))
    for line in re.finditer(r".+\n", text[body:]):
        code = line[0].split("//")[0]
        if "genvar" in code or re.search(r"\bfor .*begin :", code):
            continue
        for pattern, new in RULES:
            for m in re.finditer(pattern, code):
                at = body + line.start()
                yield at + m.start(), at + m.end(), m.expand(new)


def line_at(text, at):
    start = text.rfind("\n", 0, at) + 1
    return text[start:text.index("\n", at)].strip()


def nth(text, at, line):
    """The how manieth of the same lines it is, from 1."""
    return [s.strip() for s in text[:at].splitlines()[:-1]].count(line) + 1


def run_group(words, env, limit):
    """(exit code, output), of all that it starts; nothing of it goes on after
    `limit` seconds (then the code is negative) or after this program."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", env=env,
                          start_new_session=True) as child:
        try:
            said = child.communicate(timeout=limit)[0]
            return child.returncode, said
        except subprocess.TimeoutExpired:
            return -signal.SIGKILL, ""
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)


class Test:
    """The test of a block, on a copy of the RTL."""

    def __init__(self, options, block):
        program, self.files = BLOCKS[block]
        words = (program + " " + block).split()
        self.words = [options.build / "tests" / words[0], words[1]]
        self.block, self.seed, self.work = block, options.seed, options.work
        self.limits = {}  # seconds, of the runs measured
        self.rtl = options.work / f"rtl_{block}"
        shutil.rmtree(self.rtl, ignore_errors=True)
        shutil.copytree(RTL, self.rtl)
        if words[0] == "test_shell":
            self.words = self.words[:1]

    def run(self, first):
        """'passes', 'notices', 'no build'; exits 77 without Verilator. Few
        geometries compile longer than they run, all of them do not."""
        work = self.work / ("first" if first else "all")
        (work / "cache").mkdir(parents=True, exist_ok=True)
        env = dict(os.environ, HLS_OPTIMIZE="-O0" if first else "-O1",
                   XDG_CACHE_HOME=str(work.resolve() / "cache"))
        words = [w.resolve() if isinstance(w, pathlib.Path) else w
                 for w in self.words]
        words += ["--rtl", self.rtl]
        if len(self.words) > 1:
            words += ["--work", work, "--seed", str(self.seed)]
            words += ["--first", "4"] if first else []
        code, said = run_group(words, env, self.limits.get(first))
        if code == 77:
            sys.exit(77)
        if code == 3 or (self.words[1:] == [] and code > 0
                         and re.search("%(Error|Warning)", said)):
            return "no build"
        return "notices" if code != 0 else "passes"

    def measure(self, first):
        """Runs without a change: what passes, and ten times how long it took."""
        if first not in self.limits:
            began = time.monotonic()
            if self.run(first) != "passes":
                sys.exit(f"{self.block}: its test fails without any change")
            self.limits[first] = max(60, 10 * (time.monotonic() - began))

    def judge(self, name, text, mutated):
        """The same of a mutant of one file."""
        for first in [True, False] if len(self.words) > 1 else [True]:
            self.measure(first)
            (self.rtl / name).write_text(mutated)
            result = self.run(first)
            (self.rtl / name).write_text(text)
            if result != "passes":
                break
        return result


def block_mutants(options, block, known, judged):
    """Results of a block; judged: of its sites so far, and those of this run."""
    test = Test(options, block)
    names = [f"pta_{f}.sv" for f in test.files]
    texts = {n: (RTL / n).read_text() for n in names}
    every = [(n, s) for n in names for s in sites(texts[n])]
    random.Random(options.seed).shuffle(every)
    found = {"files": names, "sites": len(every), "noticed": 0, "no build": 0,
             "equivalent": [], "survivors": [], "finished": True}
    if options.no_run:
        every = every[:max(map(int, judged.keys() - {"rtl"}), default=-1) + 1]
        found["finished"] = len(every) == found["sites"]
    for at, (name, (start, end, new)) in enumerate(every):
        if found["noticed"] + len(found["survivors"]) == options.count:
            break
        text = texts[name]
        mutated = text[:start] + new + text[end:]
        was, now = line_at(text, start), line_at(mutated, start)
        if was == now:
            continue
        if (name, was, now, nth(text, start, was)) in known:
            found["equivalent"].append([name, was, now])
            continue
        result = judged.get(str(at))
        if options.no_run and result is None:
            continue
        if not options.no_run and result in (None, "passes"):
            result = judged[str(at)] = test.judge(name, text, mutated)
            print(f"{block} {result}: {name}: {was} -> {now}", flush=True)
            save(options, block, judged)
        if result == "passes":
            found["survivors"].append([name, was, now])
        elif result == "notices":
            found["noticed"] += 1
        else:
            found["no build"] += 1
    found["finished"] |= found["noticed"] + len(found["survivors"]) == options.count
    return found


def save(options, block, judged):
    (options.work / f"{block}.json").write_text(json.dumps(judged))


def judged_before(options, block):
    """Of the same RTL: {place in the order drawn: result}."""
    texts = [(RTL / f"pta_{f}.sv").read_text() for f in BLOCKS[block][1]]
    rtl = hashlib.sha256("".join(texts).encode()).hexdigest()
    path = options.work / f"{block}.json"
    if (options.resume or options.no_run) and path.exists():
        judged = json.loads(path.read_text())
        if judged["rtl"] == rtl:
            return judged
    return {"rtl": rtl}


def share(found):
    total = found["noticed"] + len(found["survivors"])
    return found["noticed"] / total if total else 0.0


def page(results, known, options):
    out = ["# Mutants of the blocks", "",
           f"`tests/hls/mutate.py BUILD --count {options.count} --seed "
           f"{options.seed} --table docs/mutation.md` (CTest `slow/hls_mutants`)",
           "changes one operator, bound or constant of a block at a time and "
           "runs the block's", "test. Simulated by Verilator. *Sites*: changes "
           "there are; blocks with few of them are tried in full.",
           "*Equivalent*: drawn, but nobody can tell it from the block, for the "
           "reason given below;", "not counted as a mutant. What does not build "
           "is not counted either. *So far*: the run was stopped there.", "",
           "| block | files | sites | mutants | noticed | equivalent |",
           "|---|---|---|---|---|---|"]
    totals = [0, 0, 0]
    for block in (b for b in BLOCKS if b in results):
        r = results[block]
        files = ", ".join(n[4:-3] for n in r["files"])
        mutants = r["noticed"] + len(r["survivors"])
        row = [mutants, r["noticed"], len(r["equivalent"])]
        totals = [a + b for a, b in zip(totals, row)]
        more = "" if r["finished"] else " so far"
        out.append(f"| {block} | {files} | {r['sites']} | {mutants}{more} | "
                   f"{r['noticed']} ({100 * share(r):.0f} %) | {row[2]} |")
    out += ["| all | | | {} | {} | {} |".format(*totals), "",
            "## Not noticed", ""]
    lines = [f"- `{n}`: `{was}` to `{now}`" for b in BLOCKS if b in results
             for n, was, now in results[b]["survivors"]]
    if not all(r["finished"] for r in results.values()):
        out += ["Of unfinished blocks as they were last judged, perhaps before their "
                "tests changed;", "`--resume` judges these again and goes on.", ""]
    out += (lines or ["None."]) + ["", "## Equivalent", ""]
    drawn = {tuple(e) for r in results.values() for e in r["equivalent"]}
    out += [f"- `{n}`: `{was}` to `{now}`: {why}"
            for (n, was, now, _), why in known.items() if (n, was, now) in drawn]
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("blocks", nargs="*", metavar="BLOCK")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("mutants"))
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--no-run", action="store_true")
    parser.add_argument("--table", type=pathlib.Path)
    o = parser.parse_args()
    for block in o.blocks:
        if block not in BLOCKS:
            parser.error(f"no block {block}; there are {', '.join(BLOCKS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    o.work.mkdir(parents=True, exist_ok=True)
    known = {(e["file"], e["line"], e["becomes"], e.get("nth", 1)): e["why"] for e in
             json.loads((HERE / "equivalent_mutants.json").read_text())}
    path = o.work / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    done = o.blocks or list(BLOCKS)
    for block in done:
        judged = judged_before(o, block)
        results[block] = r = block_mutants(o, block, known, judged)
        path.write_text(json.dumps(results, indent=1))
        print(f"{block}: {r['noticed']} of "
              f"{r['noticed'] + len(r['survivors'])} mutants noticed, "
              f"{len(r['equivalent'])} equivalent, {r['no build']} do not build",
              flush=True)
        if o.table:
            o.table.write_text(page(results, known, o))
    return any(share(results[b]) < LEAST for b in done)


if __name__ == "__main__":
    sys.exit(main())
