#!/usr/bin/env python3
"""The real hls4ml on slices that `partita build --hls4ml` writes: its C simulation
gives the raw integers of the `fixed` device, partial sums included.

    hls4ml_slices.py --partita build/partita

Runs in the environment of tests/interop/setup; exit code 77 without it.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
VENV = pathlib.Path(os.environ.get("PARTITA_HLS4ML_VENV", HERE / ".venv"))
NETWORKS = HERE.parents[1] / "datasets"

# network, options of plan
PLANS = [
    ("mnist_fcnn.h5", ["--bits", "8", "--cut", "fc1=input:2,output"]),
    ("mnist_fcnn.h5", ["--profile", "hls4ml", "--cut", "fc1=input:4,output"]),
    ("mnist_fcnn.h5", ["--profile", "hls4ml", "--precision",
                       "fixed<12,5,RND,SAT>", "--cut", "fc1=neuron:4,output"]),
    ("nsl_cnn.h5", ["--bits", "8", "--cut", "conv1,conv2=inchannel:2,conv3,fc1"]),
]


def run(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          **more)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit "
                           f"{done.returncode}\n{done.stdout[-800:]}"
                           f"{done.stderr[-1500:]}")
    return done.stdout


def check(partita, work, index, network, options):
    plan, build = work / f"{index}.plan.json", work / f"{index}"
    run([partita, "plan", NETWORKS / network, *options, "-o", plan])
    run([partita, "build", plan, "--hls4ml", "-o", build])
    for board in sorted(build.iterdir()):
        said = run([VENV / "bin/python", board / "hls4ml_build.py", "--check"])
        print(network, *options, "|", said.strip().splitlines()[-1], flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--partita", required=True)
    options = parser.parse_args()
    if not (VENV / "bin/python").exists() or not shutil.which("g++"):
        print("skipped: needs g++ and the environment of tests/interop/setup")
        return 77
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for index, (network, plan) in enumerate(PLANS):
            try:
                check(options.partita, pathlib.Path(folder), index, network, plan)
            except RuntimeError as error:
                print(network, *plan, "|", error)
                bad += 1
    print(f"{len(PLANS) - bad} of {len(PLANS)} plans equal")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
