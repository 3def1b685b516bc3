#!/usr/bin/env python3
"""The hls4ml profile through the command: one digest for every cut.

Gives the repository's networks random types by layer from a printed seed, all
accumulators wrapping, cuts them in every way, and fails unless every run of one
network and set of types gives one digest and equals the reference. Then what
must be refused: an input split over an accumulator that saturates, the device
blas, options and types that the profile does not have.

    hls4ml_profile.py --partita build/partita --launch mpi_launch/run
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SEED = 20261122
NETWORKS = {
    "mnist_fcnn": ["fc1=neuron:3,output", "fc1=input:4,output=neuron:2",
                   "fc1=paired:5", "fc1,output=input:3"],
    "nsl_cnn": ["conv1=channel:2,conv2=inchannel:3,conv3", "conv1=rows:3,conv3",
                "conv1=paired:2,conv3,fc1=paired:2", "conv1,conv2,conv3,fc1=input:4,output"],
}
ROUNDINGS = ["TRN", "TRN_ZERO", "RND", "RND_ZERO", "RND_INF", "RND_MIN_INF", "RND_CONV"]
OVERFLOWS = ["WRAP", "SAT", "SAT_SYM", "SAT_ZERO"]


class Runner:
    def __init__(self, options, work):
        self.options, self.work, self.failures = options, work, 0

    def path(self, name):
        return os.path.join(self.work, name)

    def plan(self, network, *more):
        model = os.path.join(ROOT, "datasets", network + ".h5")
        return subprocess.run([self.options.partita, "plan", model, *more],
                              capture_output=True, text=True)

    def run(self, plan, ranks, *more):
        command = [self.options.launch, "-np", str(ranks), self.options.partita, "run", plan,
                   "--data", "random:16:5", "--check", "--json", self.path("report.json"), *more]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            return done.stderr.strip(), 0
        with open(self.path("report.json")) as f:
            report = json.load(f)
        return report["digest"], report["bit_exact"]

    def expect(self, what, good):
        self.failures += not good
        print(("ok      " if good else "FAILED  ") + what, flush=True)

    def refused(self, what, done, *words):
        text = done if isinstance(done, str) else done.stderr if done.returncode else ""
        self.expect(f"refused: {what}: {text.strip()[:150]}",
                    text and all(w in text for w in words))


def fixed(rng, lo, hi, integer, overflow=None):
    w = rng.randint(lo, hi)
    return (f"fixed<{w},{min(w, rng.randint(*integer))},{rng.choice(ROUNDINGS)},"
            f"{overflow or rng.choice(OVERFLOWS)}>")


def edit(plan, change):
    with open(plan) as f:
        text = json.load(f)
    text.pop("slices", None)
    change(text["layers"])
    with open(plan, "w") as f:
        json.dump(text, f)


def randomise(rng):
    def change(layers):
        for layer in layers.values():
            layer["out"] = fixed(rng, 8, 20, (2, 7))
            if "weight" in layer:
                layer["weight"] = fixed(rng, 5, 18, (1, 4))
            if "bias" in layer:
                layer["bias"] = fixed(rng, 5, 18, (1, 4))
            if "accum" in layer:
                layer["accum"] = fixed(rng, 10, 45, (5, 9), "WRAP")
    return change


def law(runner, network, cuts, rng):
    draft, plan = runner.path("draft.json"), runner.path("plan.json")
    done = runner.plan(network, "--profile", "hls4ml", "-o", draft)
    runner.expect(f"{network}: plan {done.stderr.strip()}", done.returncode == 0)
    for cut in (["--cut", cuts[0]], ["--boards", "3"]):
        done = runner.plan(network, "--profile", "hls4ml", *cut, "-o", plan)
        runner.expect(f"{network}: plan {cut} {done.stderr.strip()}", done.returncode == 0)
    for types in ("default", "random"):
        if types == "random":
            edit(draft, randomise(rng))
        digests = {}
        for cut in [None] + cuts:
            done = runner.plan(network, "--like", draft, "-o", plan,
                               *(["--cut", cut] if cut else []))
            ranks = 1 if cut is None else rng.choice([1, 3, 5])
            digest, exact = runner.run(plan, ranks) if done.returncode == 0 else (done.stderr, 0)
            digests[cut] = digest
            runner.expect(f"{network} {types}, {cut or 'uncut'}, {ranks} ranks: "
                          f"{digest[:80]}, {exact} of 16 exact",
                          exact == 16 and digest == digests[None])


def refusals(runner):
    draft, plan = runner.path("draft.json"), runner.path("plan.json")
    runner.plan("mnist_fcnn", "--profile", "hls4ml", "-o", draft)
    message, _ = runner.run(draft, 1, "--device", "blas")
    runner.refused("device blas", message, "hls4ml", "fixed")
    edit(draft, lambda layers: layers["fc1"].update(accum="fixed<16,6,TRN,SAT>"))
    runner.refused("saturating accumulator", runner.plan(
        "mnist_fcnn", "--like", draft, "--cut", "fc1=input:3,output", "-o", plan),
        "fc1", "saturates", "input")
    runner.expect("a saturating accumulator, cut by outputs", runner.plan(
        "mnist_fcnn", "--like", draft, "--cut", "fc1=neuron:3,output", "-o", plan).returncode == 0)
    digest, exact = runner.run(plan, 3)
    runner.expect(f"... is exact: {digest[:80]}", exact == 16)
    for key, value, words in [("accum", "fixed<64,6>", ["accum", "64"]),
                              ("accum", "fixed<40,6,TRN,SAT>", ["accum", "saturates"]),
                              ("table", "fixed<18,8>", ["table"]),
                              ("weight", "fixed<16,-30>", ["weight", "fraction"])]:
        runner.plan("mnist_fcnn", "--profile", "hls4ml", "-o", draft)
        edit(draft, lambda layers, k=key, v=value: layers["fc1"].update({k: v}))
        runner.refused(f"{key} {value}",
                       runner.plan("mnist_fcnn", "--like", draft, "-o", plan), "fc1", *words)
    runner.refused("--ranges", runner.plan("mnist_fcnn", "--profile", "hls4ml", "--ranges", "x",
                                           "-o", draft), "--ranges")
    runner.refused("--precision", runner.plan("mnist_fcnn", "--profile", "hls4ml", "--precision",
                                              "int8", "-o", draft), "--precision", "int8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--partita", required=True)
    parser.add_argument("--launch", required=True)
    options = parser.parse_args()
    rng = random.Random(SEED)
    print("seed", SEED)
    with tempfile.TemporaryDirectory(prefix="partita-hls4ml-") as work:
        runner = Runner(options, work)
        for network, cuts in NETWORKS.items():
            law(runner, network, cuts, rng)
        refusals(runner)
    print(f"{runner.failures} failures")
    return 1 if runner.failures else 0


if __name__ == "__main__":
    sys.exit(main())
