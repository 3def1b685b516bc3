#!/usr/bin/env python3
"""Every slice as simulated hardware, word for word what the other devices give.

For each network, width and cut: the run on device rtl with random stalls on both
sides is bit-exact and has the digest of fixed and blas; without stalls, each
stage's counted latency and interval are those of its manifest (dense layers
exactly, convolutions within 2 %). By default mnist_fcnn over five boards; --slow
runs the whole list, uncut too where one board holds a network, and --table FILE
writes what was found.

    rtl.py --partita build/partita --launch mpi_launch/run --tools build/tests

Formats of models from ../shared/models, and their samples, are of seeded uniform
inputs; nsl-kdd is read from $PARTITA_DATA or ../shared/datasets.
"""
import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODELS = os.path.join(ROOT, "..", "shared", "models")
FIVE = {"mnist_fcnn": "fc1=neuron:4,output", "mnist_fcnn46": "fc1=neuron:4,output",
        "nsl_cnn": "conv1,conv2=channel:2,conv3,fc1"}
TOLERANCE = 0.02  # of convolutions' cycles

# network, bits, data, samples in the long run
LIST = [("mnist_fcnn", 8, "mnist", 10000), ("mnist_fcnn46", 8, "mnist", 10000),
        ("nsl_cnn", 8, "nsl-kdd", 1000), ("mnist_fcnn", 16, "mnist", 10000),
        ("mnist_fcnn46", 16, "mnist", 10000), ("nsl_cnn", 16, "nsl-kdd", 1000),
        ("autoencoder_toycar", 8, ("640", "1"), 1000),
        ("resnet8_cifar10", 8, ("32x32x3", "255"), 50)]


class Rtl:
    def __init__(self, options, work):
        self.options, self.work, self.failed, self.rows = options, work, 0, []

    def path(self, name):
        return os.path.join(self.work, name)

    def call(self, *words):
        return subprocess.run([str(w) for w in words], capture_output=True, text=True)

    def partita(self, *words):
        done = self.call(self.options.partita, *words)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
        return done.stdout

    def expect(self, what, good):
        self.failed += not good
        print(("ok      " if good else "FAILED  ") + what, flush=True)
        return good

    def run(self, ranks, plan, device, data, samples):
        done = self.call(self.options.launch, "-np", ranks, self.options.partita, "run", plan,
                         "--device", device, "--data", data, "--limit", samples, "--check",
                         "--json", self.path("run.json"))
        if done.returncode not in (0, 1) or not os.path.exists(self.path("run.json")):
            raise RuntimeError(done.stderr.strip()[-500:])
        with open(self.path("run.json")) as file:
            report = json.load(file)
        os.remove(self.path("run.json"))
        return report

    def samples_of(self, name, data, samples):
        """Data and calibration: a set, or files of uniform values."""
        if isinstance(data, str):
            return data, []
        shape, high = data
        for seed, n, file in (1, 200, "calibrate.h5"), (2, samples, "run.h5"):
            self.call(os.path.join(self.options.tools, "make_uniform"),
                      self.path(file), n, seed, high, shape)
        return self.path("run.h5"), ["--calibrate", self.path("calibrate.h5")]

    def plan(self, name, bits, cut, calibration):
        own = os.path.join(ROOT, "datasets", name + ".h5")
        model = own if os.path.exists(own) else os.path.join(MODELS, name + ".h5")
        how = ["--boards", "1"] if cut == "uncut" else \
              ["--cut", cut] if "--" not in cut else cut.split()
        self.partita("plan", model, "--bits", bits, *how, *calibration, "-o", self.path("p.json"))
        return self.path("p.json")

    def manifests(self, plan):
        self.partita("build", plan, "-o", self.path("built"), "--json", self.path("built.json"))
        with open(self.path("built.json")) as file:
            return [board["manifest"] for board in json.load(file)["boards"]]

    def compare_cycles(self, what, report, manifests):
        """Counted against said, stage by stage; returns the slowest as text."""
        worst = ""
        for stage, manifest in zip(report["stages"], manifests):
            exact = all(layer["positions"] <= 1 and layer["op"] != "avgpool"
                        for layer in manifest["layers"])
            for key in "latency", "interval":
                counted, said = stage[key + "_cycles"], manifest[key]
                allowed = 0 if exact else TOLERANCE * said
                self.expect(f"{what}: board {manifest['board']}: {key} {counted} cycles, "
                            f"manifest {said}", abs(counted - said) <= allowed)
        slowest = max(report["stages"], key=lambda s: s["interval_cycles"])
        return f"{slowest['latency_cycles']:,} / {slowest['interval_cycles']:,}"

    def case(self, name, bits, data, samples, cut, free):
        what = f"{name} {bits} bits {cut}"
        started = time.time()
        source, calibration = self.samples_of(name, data, samples)
        ranks = 1 if cut == "uncut" else 5
        plan = self.plan(name, bits, cut, calibration)
        try:
            manifests = self.manifests(plan)
        except RuntimeError as error:
            if cut != "uncut" or "budget" not in str(error):
                raise
            print(f"-       {what}: one board does not hold it: {error}")
            self.rows.append((name, bits, cut, "", "one board does not hold it", "", ""))
            return
        reports = {d: self.run(ranks, plan, d, source, samples)
                   for d in ("fixed", "blas", "rtl:stall=40,seed=7")}
        stalled = reports["rtl:stall=40,seed=7"]
        good = self.expect(
            f"{what}: {stalled['bit_exact']}/{samples} samples bit-exact, "
            f"digest {stalled['digest'][:12]}",
            stalled["bit_exact"] == samples
            and len({r["digest"] for r in reports.values()}) == 1)
        cycles = self.compare_cycles(what, self.run(ranks, plan, "rtl", source, free), manifests)
        dsp = max(m["resources"]["dsp"] for m in manifests)
        self.rows.append((name, bits, cut, f"{samples:,}",
                          "bit-exact" if good else "DIFFERS", cycles, dsp))
        print(f"        {time.time() - started:.0f} s", flush=True)

    def damaged_memory(self):
        """One flipped bit of a cached memory is noticed before a sample is run."""
        plan = self.plan("mnist_fcnn", 8, FIVE["mnist_fcnn"], [])
        self.run(5, plan, "rtl", "mnist", 4)
        cache = os.path.join(os.environ["XDG_CACHE_HOME"], "partita", "sim")
        newest = max(glob.glob(f"{cache}/*/output_mvu*_w.hex"), key=os.path.getmtime)
        with open(newest) as file:
            text = file.read()
        digit = "%x" % (int(text[0], 16) ^ 1)
        with open(newest, "w") as file:
            file.write(digit + text[1:])
        done = self.call(self.options.launch, "-np", 5, self.options.partita, "run", plan,
                         "--device", "rtl", "--data", "mnist", "--limit", 4)
        with open(newest, "w") as file:
            file.write(text)
        self.expect("a flipped weight bit in a cached memory is refused",
                    done.returncode != 0 and "is not the memory" in done.stderr)


def write_table(path, rows):
    with open(path, "w") as file:
        file.write("# Simulated hardware against the other devices\n\n"
                   "Written by `tests/acceptance/rtl.py --slow --table` (`ctest -C slow -R\n"
                   "slow/rtl`). Every output word of the samples, with 40 % random stalls on both\n"
                   "sides of every core, against the references; digests equal to those of `fixed`\n"
                   "and `blas`. Cycles (latency / interval) are counted without stalls, of the stage\n"
                   "with the greatest interval, and equal the manifests' (dense) or lie within 2 %.\n"
                   "DSP: of the largest core, by formula.\n\n"
                   "| network | bits | cut | samples | result | cycles | DSP |\n"
                   "|---|---|---|---|---|---|---|\n")
        for row in rows:
            file.write("| " + " | ".join(str(cell) for cell in row) + " |\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--partita", required=True)
    parser.add_argument("--launch", required=True)
    parser.add_argument("--tools", required=True)
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--only", help="network of the list")
    parser.add_argument("--table")
    options = parser.parse_args()
    if subprocess.run(["verilator", "--version"], capture_output=True).returncode:
        print("SKIP: no Verilator")
        sys.exit(77)
    shared = os.path.join(ROOT, "..", "shared", "datasets")
    if os.path.isdir(shared):
        os.environ.setdefault("PARTITA_DATA", shared)
    with tempfile.TemporaryDirectory() as work:
        rtl = Rtl(options, work)
        if not options.slow:
            rtl.case("mnist_fcnn", 8, "mnist", 300, FIVE["mnist_fcnn"], 130)
            rtl.damaged_memory()
        for name, bits, data, samples in LIST if options.slow else []:
            if options.only in (None, name):
                for cut in FIVE.get(name, "--boards 5"), "uncut":
                    try:
                        rtl.case(name, bits, data, samples, cut, 8 if samples < 100 else 130)
                    except RuntimeError as error:
                        rtl.expect(f"{name} {bits} bits {cut}: {error}", False)
        if options.table:
            write_table(options.table, rtl.rows)
        sys.exit(1 if rtl.failed else 0)


if __name__ == "__main__":
    main()
