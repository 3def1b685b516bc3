#!/usr/bin/env python3
"""Analytic against synthesis and simulation, on whole slices drawn at random.

Draws dense networks of random weights and parts of nsl_cnn and unsw_cnn, 4 to 16
bits, half of them with random foldings; builds every slice; counts it with Yosys
and, unless --no-cycles, simulates it. Slices of less than 1,000 LUT do not count.
Asked of at least --slices of them: DSP and BRAM18 equal; LUT and FF 10 % off on
average and 25 % at most; latency and interval 2 %. One CSV row a slice, the error
of each last.

    estimates.py --partita build/partita --launch mpi_launch/run --tools build/tests
                 [--slices 30] [--seed 1] [--prefix "nice -n 15"]
"""
import argparse
import json
import os
import random
import shlex
import subprocess
import sys
import tempfile

import rtl

LEAST_LUT, MEAN, WORST, CYCLES = 1000, 0.10, 0.25, 0.02
SAMPLES = 130
CUTS = {"nsl_cnn": ["conv2", "conv3", "conv1,conv2=channel:2,conv3", "conv2=rows:2,conv3,fc1"],
        "unsw_cnn": ["--boards 2", "--boards 3", "--boards 4"]}
HEAD = ["slice", "lut", "lut said", "ff", "ff said", "dsp", "dsp said", "bram18", "bram18 said",
        "latency", "latency said", "interval", "interval said", "lut error", "ff error"]


class Estimates(rtl.Rtl):
    def __init__(self, options, work):
        super().__init__(options, work)
        self.random, self.slices, self.seen = random.Random(options.seed), [], set()

    def draw(self):
        """A plan, its name and how many boards it has."""
        bits = self.random.randint(4, 16)
        if self.random.random() < 0.6:
            sizes = [self.random.choice([8, 16, 24, 32, 48, 64, 100, 128, 200, 256])
                     for _ in range(self.random.randint(3, 5))]
            text = "x".join(map(str, sizes))
            self.call(os.path.join(self.options.tools, "make_dense_net"), self.path("net.h5"),
                      self.random.randint(1, 999), text)
            self.partita("plan", self.path("net.h5"), "--bits", bits, "-o", self.path("p.json"))
        else:
            name = self.random.choice(sorted(CUTS))
            cut = self.random.choice(CUTS[name])
            text = f"{name} {cut.replace(',', ' ')}"
            self.plan(name, bits, cut, [])
        folded = self.random.random() < 0.5
        if folded:
            self.fold()
        return f"{text} {bits} bits" + (" folded at random" if folded else "")

    def fold(self):
        with open(self.path("p.json")) as file:
            plan = json.load(file)
        for layer in plan["layers"].values():
            if "weight" in layer:
                layer["fold"] = {"pe": self.random.choice([1, 2, 3, 4, 6, 8]),
                                 "simd": self.random.choice([1, 2, 3, 4, 6, 8]),
                                 "order": self.random.choice(["rows", "columns"]),
                                 "memory": self.random.choice(["block", "lut", "ram"])}
        with open(self.path("folded.json"), "w") as file:
            json.dump(plan, file)
        self.partita("plan", plan["model"], "--like", self.path("folded.json"),
                     "-o", self.path("p.json"))

    def synthesise(self):
        done = subprocess.run(
            shlex.split(self.options.prefix)
            + [self.options.partita, "build", self.path("p.json"), "-o", self.path("built"),
               "--report", "--json", self.path("built.json")], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip()[-300:])
        with open(self.path("built.json")) as file:
            return json.load(file)["boards"]

    def add(self, name, board, stage):
        said, counted = board["manifest"]["resources"], board["report"]
        row = [name]
        for key in "lut", "ff", "dsp", "bram18":
            row += [counted[key], said[key]]
        for key in "latency", "interval":
            row += [stage[key + "_cycles"] if stage else "", board["manifest"][key]]
        errors = [said[key] / counted[key] - 1 for key in ("lut", "ff")]
        like = tuple(said.items())  # parts of a cut are alike
        if counted["lut"] >= LEAST_LUT and like not in self.seen:
            self.seen.add(like)
            self.slices.append(row + errors)
            print(",".join(map(str, row + [f"{e:+.4f}" for e in errors])), flush=True)

    def next(self):
        name = self.draw()
        try:
            boards = self.synthesise()
        except RuntimeError as error:
            print(f"# {name}: {error}".replace("\n", " "), flush=True)
            return
        stages = [None] * len(boards)
        if not self.options.no_cycles:
            report = self.run(len(boards), self.path("p.json"), "rtl", f"random:{SAMPLES}:1",
                              SAMPLES)
            stages = report["stages"]
        for i, (board, stage) in enumerate(zip(boards, stages)):
            self.add(f"{name} board {i}", board, stage)

    def summary(self):
        n = len(self.slices)
        self.expect(f"{n} slices of at least {LEAST_LUT} LUT, seed {self.options.seed}",
                    n >= self.options.slices)
        for what, at in ("DSP", 5), ("BRAM18", 7):
            same = sum(row[at] == row[at + 1] for row in self.slices)
            self.expect(f"{what}: {same} of {n} equal", same == n)
        for what, at in ("LUT", -2), ("FF", -1):
            errors = [abs(row[at]) for row in self.slices]
            mean, worst = sum(errors) / max(n, 1), max(errors, default=0)
            self.expect(f"{what}: mean error {100 * mean:.1f} %, worst {100 * worst:.1f} %",
                        mean <= MEAN and worst <= WORST)
        if not self.options.no_cycles:
            for what, at in ("latency", 9), ("interval", 11):
                worst = max((abs(row[at + 1] / row[at] - 1) for row in self.slices), default=0)
                self.expect(f"{what}: worst error {100 * worst:.2f} %", worst <= CYCLES)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--partita", required=True)
    parser.add_argument("--launch", required=True)
    parser.add_argument("--tools", required=True)
    parser.add_argument("--slices", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--prefix", default="", help="put before commands that run Yosys")
    parser.add_argument("--no-cycles", action="store_true")
    options = parser.parse_args()
    options.keep = None  # of rtl.py: runs are short
    for tool in "yosys", "verilator":
        if subprocess.run([tool, "--version"], capture_output=True).returncode:
            print(f"SKIP: no {tool}")
            sys.exit(77)
    with tempfile.TemporaryDirectory() as work:
        estimates = Estimates(options, work)
        print(",".join(HEAD))
        for _ in range(10 * options.slices):
            if len(estimates.slices) < options.slices:
                estimates.next()
        estimates.summary()
        sys.exit(1 if estimates.failed else 0)


main()
