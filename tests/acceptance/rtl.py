#!/usr/bin/env python3
"""Every slice as simulated hardware, word for word what the other devices give.

For each network, width and cut: the run on device rtl with random stalls on both
sides is bit-exact and has the digest of fixed and blas; without stalls, each
stage's counted latency and interval are those of its manifest (dense layers
exactly, convolutions within 2 %). Where inputs are random, every layer's output
must be worth comparing: at least 5 % of its values are not zero, at most 5 % are
saturated. A flipped bit of a weight is noticed. By default mnist_fcnn over five
boards; --slow runs the whole list, uncut too where one board holds a network.

    rtl.py --partita build/partita --launch mpi_launch/run --tools build/tests
    rtl.py ... --slow --keep rows.json --table docs/rtl-check.md

--keep holds the rows that are done, by what they hang on (the program and the
blocks of its cores): a run that was interrupted goes on from there.
--table writes all that are in it; --only NETWORK runs its rows alone.

Formats of models from ../shared/models, and their samples, are of seeded uniform
inputs; nsl-kdd is read from $PARTITA_DATA or ../shared/datasets.
"""
import argparse
import glob
import hashlib
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
LEAST_NONZERO, MOST_SATURATED = 0.05, 0.05
STALLS = "rtl:stall=40,seed=7"

# network, bits, data, samples in the long run
LIST = [("mnist_fcnn", 8, "mnist", 10000), ("mnist_fcnn46", 8, "mnist", 10000),
        ("nsl_cnn", 8, "nsl-kdd", 1000), ("mnist_fcnn", 16, "mnist", 10000),
        ("mnist_fcnn46", 16, "mnist", 10000), ("nsl_cnn", 16, "nsl-kdd", 1000),
        ("autoencoder_toycar", 8, ("640", "1"), 1000),
        ("resnet8_cifar10", 8, ("32x32x3", "255"), 50)]

# Dense networks with seeded weights, of the table of cycles in docs/published.md.
DENSE = ["784x16x10", "64x72x72x8x72x72x64", "490x256x256x256x12",
         "640x128x128x128x128x8x128x128x128x128x640"]


def replace(path, old, new):
    """Whether the file had the text `old`; then it has `new`."""
    with open(path, "r+") as file:
        same = file.read() == old
        if same:
            file.seek(0)
            file.write(new)
    return same


class Rtl:
    def __init__(self, options, work):
        self.options, self.work, self.failed, self.rows = options, work, 0, {}
        self.key = self.tools_key()
        if options.keep and os.path.exists(options.keep):
            with open(options.keep) as file:
                self.rows = json.load(file)

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

    def tools_key(self):
        """Of all that a row hangs on, but for its model."""
        sha = hashlib.sha256()
        rtl = glob.glob(os.path.join(ROOT, "hls", "rtl", "*.sv"))
        for path in [self.options.partita] + sorted(rtl):
            with open(path, "rb") as file:
                sha.update(hashlib.sha256(file.read()).digest())
        return sha.hexdigest()

    def keep(self, what, row):
        self.rows[what] = dict(row, key=self.key)
        if self.options.keep:
            with open(self.options.keep + ".new", "w") as file:
                json.dump(self.rows, file, indent=1)
            os.replace(self.options.keep + ".new", self.options.keep)

    def done(self, what, otherwise=None):
        """The row, if it was found with these tools."""
        row = self.rows.get(what, {})
        return row if row.get("key") == self.key else otherwise

    def is_kept(self, what):
        if self.done(what):
            print(f"kept    {what}", flush=True)
        return self.done(what) is not None

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

    def check_layers(self, what, report):
        """Least share of values that are not zero and most of saturated ones."""
        layers = report["layers"]
        dull = [l["layer"] for l in layers if l["nonzero"] < LEAST_NONZERO]
        full = [l["layer"] for l in layers if l["saturated"] > MOST_SATURATED]
        least = min(l["nonzero"] for l in layers)
        most = max(l["saturated"] for l in layers)
        self.expect(f"{what}: {len(layers)} layers, at least {least:.1%} not zero, "
                    f"at most {most:.1%} saturated" +
                    (f"; too few in {dull}" if dull else "") +
                    (f"; too many in {full}" if full else ""), not dull and not full)
        return f"{least:.1%} / {most:.1%}"

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
        what = f"{name}, {bits} bits, {cut}"
        if self.is_kept(what):
            return
        started, failed = time.time(), self.failed
        source, calibration = self.samples_of(name, data, samples)
        ranks = 1 if cut == "uncut" else 5
        row = {"network": name, "bits": bits, "cut": cut, "samples": f"{samples:,}"}
        plan = self.plan(name, bits, cut, calibration)
        try:
            manifests = self.manifests(plan)
        except RuntimeError as error:
            if cut != "uncut" or "budget" not in str(error):
                raise
            print(f"-       {what}: one board does not hold it: {error}")
            self.keep(what, dict(row, samples="", result="one board does not hold it"))
            return
        reports = {d: self.run(ranks, plan, d, source, samples)
                   for d in ("fixed", "blas", STALLS)}
        stalled = reports[STALLS]
        good = self.expect(
            f"{what}: {stalled['bit_exact']}/{samples} samples bit-exact, "
            f"digest {stalled['digest'][:12]}",
            stalled["bit_exact"] == samples
            and len({r["digest"] for r in reports.values()}) == 1)
        row["result"] = "bit-exact" if good else "DIFFERS"
        if not isinstance(data, str):
            row["layers"] = self.check_layers(what, reports["fixed"])
        row["cycles"] = self.compare_cycles(
            what, self.run(ranks, plan, "rtl", source, free), manifests)
        row["dsp"] = max(m["resources"]["dsp"] for m in manifests)
        print(f"        {time.time() - started:.0f} s", flush=True)
        if self.failed == failed:
            self.keep(what, row)

    def dense(self, shape):
        """A seeded dense network: whether its random inputs mean something."""
        what = f"dense {shape.replace('x', '-')}"
        if self.is_kept(what):
            return
        model, failed = self.path("dense.h5"), self.failed
        self.call(os.path.join(self.options.tools, "make_dense_net"), model, 5, shape)
        self.partita("plan", model, "--bits", 8, "--boards", 1, "-o", self.path("p.json"))
        report = self.run(1, self.path("p.json"), "fixed", "random:1000:7", 1000)
        good = self.expect(f"{what}: {report['bit_exact']}/1000 samples bit-exact on fixed",
                           report["bit_exact"] == 1000)
        row = {"network": what, "bits": 8, "cut": "uncut", "samples": "1,000 (`fixed`)",
               "result": "bit-exact" if good else "DIFFERS",
               "layers": self.check_layers(what, report)}
        if self.failed == failed:
            self.keep(what, row)

    def damaged_memory(self):
        """One flipped bit of a cached memory is noticed before a sample is run."""
        what = "flipped bit"
        if self.is_kept(what):
            return
        plan = self.plan("mnist_fcnn", 8, FIVE["mnist_fcnn"], [])
        self.run(5, plan, "rtl", "mnist", 4)
        self.manifests(plan)
        built, = glob.glob(self.path("built/board4/output_mvu*_w.hex"))
        with open(built) as file:
            text = file.read()
        damaged = "%x" % (int(text[0], 16) ^ 1) + text[1:]
        home = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
        cache = os.path.join(home, "partita", "sim", "*")
        cached = [path for path in glob.glob(os.path.join(cache, os.path.basename(built)))
                  if replace(path, text, damaged)]
        done = self.call(self.options.launch, "-np", 5, self.options.partita, "run", plan,
                         "--device", "rtl", "--data", "mnist", "--limit", 4)
        for path in cached:
            replace(path, damaged, text)
        if self.expect("a flipped weight bit in a cached memory is refused",
                       done.returncode != 0 and "is not the memory" in done.stderr):
            self.keep(what, {"network": "mnist_fcnn, a weight bit flipped", "bits": 8,
                             "cut": FIVE["mnist_fcnn"], "result": "refused"})


def write_table(path, rows):
    columns = "network", "bits", "cut", "samples", "result", "layers", "cycles", "dsp"
    with open(path, "w") as file:
        file.write("# Simulated hardware against the other devices\n\n"
                   "Written by `tests/acceptance/rtl.py --slow --table` (`ctest -C slow -R\n"
                   "slow/rtl`); simulated cycle by cycle. Every output word of the samples, with\n"
                   "40 % random stalls on both sides of every core, against the references; digests\n"
                   "equal to those of `fixed` and `blas`. Layers, where inputs are random: least share\n"
                   "of values that are not zero and most of saturated ones, of all layers (`partita run\n"
                   "--check`). Cycles (latency / interval) are counted without stalls, of the stage\n"
                   "with the greatest interval, and equal the manifests' (dense) or lie within 2 %.\n"
                   "DSP: of the largest core, by formula. The last row: one bit of a weight flipped\n"
                   "in a core's memory file.\n\n"
                   "| network | bits | cut | samples | result | layers | cycles | DSP |\n"
                   "|---|---|---|---|---|---|---|---|\n")
        for row in rows:
            file.write("| " + " | ".join(str(row.get(c, "")) for c in columns) + " |\n")


def all_rows(rtl):
    """Of the whole list in order; those that are not done say so."""
    for name, bits, data, samples in LIST:
        for cut in FIVE.get(name, "--boards 5"), "uncut":
            yield rtl.done(f"{name}, {bits} bits, {cut}",
                           {"network": name, "bits": bits, "cut": cut,
                            "samples": f"{samples:,}", "result": "not run to its end yet"})
    for shape in DENSE:
        what = f"dense {shape.replace('x', '-')}"
        yield rtl.done(what, {"network": what, "result": "not run yet"})
    yield rtl.done("flipped bit", {"network": "a weight bit flipped", "result": "not run yet"})


def slow_rows(rtl, only):
    for name, bits, data, samples in LIST:
        for cut in FIVE.get(name, "--boards 5"), "uncut":
            if only in (None, name):
                samples = min(samples, rtl.options.samples or samples)
                try:
                    rtl.case(name, bits, data, samples, cut, 8 if samples < 100 else 130)
                except RuntimeError as error:
                    rtl.expect(f"{name}, {bits} bits, {cut}: {error}", False)
    for shape in DENSE if only is None else []:
        rtl.dense(shape)
    if only is None:
        rtl.damaged_memory()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--partita", required=True)
    parser.add_argument("--launch", required=True)
    parser.add_argument("--tools", required=True)
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("--only", help="network of the list")
    parser.add_argument("--samples", type=int, help="of each row at most; nothing is kept")
    parser.add_argument("--keep", help="file of the rows that are done")
    parser.add_argument("--table", help="file that is written from them")
    options = parser.parse_args()
    if options.samples and options.keep:
        parser.error("--samples: such rows are not kept")
    if subprocess.run(["verilator", "--version"], capture_output=True).returncode:
        print("SKIP: no Verilator")
        sys.exit(77)
    shared = os.path.join(ROOT, "..", "shared", "datasets")
    if os.path.isdir(shared):
        os.environ.setdefault("PARTITA_DATA", shared)
    with tempfile.TemporaryDirectory() as work:
        rtl = Rtl(options, work)
        if options.slow:
            slow_rows(rtl, options.only)
        else:
            rtl.case("mnist_fcnn", 8, "mnist", 300, FIVE["mnist_fcnn"], 130)
            rtl.damaged_memory()
        if options.table:
            write_table(options.table, all_rows(rtl))
        sys.exit(1 if rtl.failed else 0)


if __name__ == "__main__":
    main()
