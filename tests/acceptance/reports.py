#!/usr/bin/env python3
"""The reports of hls/reports: what Yosys counts for the repository's networks.

By default, without Yosys: every core is generated and must be, comments aside, the
one that was counted; the counts are within the budget, cells between registers take 5 ns
at most; cycles, DSPs and block RAM are the manifest's. LUTs and flip-flops stand beside its estimates, which estimates.py
holds to counted ones. --record counts them (--only
NAME: one), if they are not in the cache of `partita build --report`; a core takes
from one to some ten minutes.

    reports.py --partita build/partita --tools build/tests [--record]

Networks of ../shared/models are left out where they are not there.
"""
import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

import rtl

MOST_NS = 5.0  # of cells from register to register, by sta
FOLDER = os.path.join(rtl.ROOT, "hls", "reports")

# Report: network (of dense layers of random weights: its sizes), calibration, cut.
CASES = {f"{name}-{boards}": (name, "", cut)
         for name, five in rtl.FIVE.items()
         for boards, cut in (("1", "uncut"), ("5", five))}
CASES.update({
    "dense-784-16-10": ("784x16x10", "", "uncut"),
    "dense-64-72-72-8-72-72-64": ("64x72x72x8x72x72x64", "", "uncut"),
    "dense-490-256-256-256-12": ("490x256x256x256x12", "", "uncut"),
    "unsw_cnn-1": ("unsw_cnn", "", "uncut"),
    "mnist_wide-5": ("mnist_wide", "", "--boards 5"),
    "autoencoder_toycar-1": ("autoencoder_toycar", ("640", "1"), "uncut"),
    "resnet8_cifar10-1": ("resnet8_cifar10", ("32x32x3", "255"), "uncut")})


def digest_of(folder):
    """Of a core's files, comments and spaces of the RTL aside."""
    digest = hashlib.sha256()
    for name in sorted(os.listdir(folder)):
        if name.endswith((".sv", ".hex")):
            with open(os.path.join(folder, name)) as file:
                words = re.sub(r"//.*", "", file.read()).split()
            digest.update(" ".join([name] + words).encode() + b"\n")
    return digest.hexdigest()


class Reports(rtl.Rtl):
    def __init__(self, options, work):
        self.options, self.work, self.failed = options, work, 0

    def plan_of(self, network, data, cut):
        if network[0].isdigit():
            model = self.path("net.h5")
            self.call(os.path.join(self.options.tools, "make_dense_net"), model, 5, network)
            self.partita("plan", model, "--bits", 8, "--boards", 1, "-o", self.path("p.json"))
            return self.path("p.json")
        return self.plan(network, 8, cut, self.samples_of(network, data, 1)[1])

    def build(self, case, *options):
        """Manifest, digest and report, if asked for, of each board."""
        plan = self.plan_of(*case)
        self.partita("build", plan, "-o", self.path("built"), "--json", self.path("built.json"),
                     *options)
        with open(self.path("built.json")) as file:
            boards = json.load(file)["boards"]
        return [dict(board, digest=digest_of(os.path.join(self.path("built"), f"board{i}")))
                for i, board in enumerate(boards)]

    def record(self, name, case):
        boards = [{"layers": [layer["name"] for layer in board["manifest"]["layers"]],
                   "latency": board["manifest"]["latency"],
                   "interval": board["manifest"]["interval"],
                   "digest": board["digest"], "report": board["report"]}
                  for board in self.build(case, "--report")]
        os.makedirs(FOLDER, exist_ok=True)
        with open(os.path.join(FOLDER, name + ".json"), "w") as file:
            json.dump({"network": case[0], "bits": 8, "cut": case[2], "boards": boards}, file,
                      indent=1)
            file.write("\n")

    def read(self, name):
        with open(os.path.join(FOLDER, name + ".json")) as file:
            return json.load(file)["boards"]

    def check(self, name, case):
        made, reports = self.build(case), self.read(name)
        self.expect(f"{name}: {len(reports)} boards reported of {len(made)}",
                    len(made) == len(reports))
        for i, (board, found) in enumerate(zip(made, reports)):
            said, counted = board["manifest"]["resources"], found["report"]
            self.expect(f"{name}: board {i}: " + ", ".join(
                f"{key} {counted[key]:,} (manifest {said[key]:,})"
                for key in ("lut", "ff", "dsp", "bram18"))
                + f", {counted['cell_delay_ns']} ns of cells, latency "
                f"{found['latency']:,}, interval {found['interval']:,}",
                board["digest"] == found["digest"] and counted["over"] is None
                and counted["cell_delay_ns"] <= MOST_NS
                and said["dsp"] == counted["dsp"] and said["bram18"] == counted["bram18"]
                and all(board["manifest"][key] == found[key] for key in ("latency", "interval")))
            if board["digest"] != found["digest"]:
                print("        another core than was counted: run reports.py --record")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--partita", required=True)
    parser.add_argument("--tools", required=True)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--only", choices=sorted(CASES))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        reports = Reports(options, work)
        for name, case in CASES.items():
            there = case[1] == "" or os.path.exists(os.path.join(rtl.MODELS, case[0] + ".h5"))
            known = os.path.exists(os.path.join(FOLDER, name + ".json"))
            if options.only not in (None, name):
                continue
            if not there:
                print(f"-       {name}: no ../shared/models/{case[0]}.h5")
            elif not known and not options.record:
                print(f"-       {name}: not counted yet")
            elif options.record:
                reports.record(name, case)
                print(f"recorded {name}", flush=True)
            else:
                reports.check(name, case)
        sys.exit(1 if reports.failed else 0)


if __name__ == "__main__":
    main()
