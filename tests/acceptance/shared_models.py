#!/usr/bin/env python3
"""Trained models that nobody here wrote, over five boards, bit for bit.

Looks for resnet8_cifar10.h5 and autoencoder_toycar.h5 in ../shared/models and
exits 77 (skipped) where they are absent. Formats are calibrated on seeded
uniform inputs, as is the run: these are bit checks, not accuracies. (Float
outputs against Keras: unit/golden.)
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODELS = os.path.join(ROOT, "..", "shared", "models")
SAMPLES = 1000

# name, shape, greatest input, cuts; ResNet-8's second cut splits inside
# residual blocks: skip tensors cross stages, one of them in parts.
CASES = [
    ("autoencoder_toycar", "640", "1",
     ["--boards 5", "dense=input:2,dense_1=paired:2,dense_3"]),
    ("resnet8_cifar10", "32x32x3", "255",
     ["--boards 5", "conv2d,conv2d_2=channel:2,conv2d_3,conv2d_7",
      "conv2d=rows:2,conv2d_4=inchannel:2,conv2d_5"]),
]


def command(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"FAILED: {' '.join(words)}\n{done.stdout}{done.stderr}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--partita", required=True)
    parser.add_argument("--launch", required=True)
    parser.add_argument("--tools", required=True)
    options = parser.parse_args()
    absent = [c[0] for c in CASES
              if not os.path.exists(f"{MODELS}/{c[0]}.h5")]
    if absent:
        print(f"skipped: ../shared/models has no {', '.join(absent)}")
        sys.exit(77)

    failed = 0
    with tempfile.TemporaryDirectory() as work:
        for name, shape, high, cuts in CASES:
            uniform = options.tools + "/make_uniform"
            command(uniform, f"{work}/calibrate.h5", "200", "1", high, shape)
            command(uniform, f"{work}/run.h5", str(SAMPLES), "2", high, shape)
            for bits in 8, 16:
                digests = set()
                for cut in cuts:
                    how = cut.split() if cut.startswith("--") else ["--cut", cut]
                    command(options.partita, "plan", f"{MODELS}/{name}.h5",
                            "--bits", str(bits), "--calibrate",
                            f"{work}/calibrate.h5", *how, "-o", f"{work}/p.json")
                    command(options.launch, "-np", "5", options.partita, "run",
                            f"{work}/p.json", "--data", f"{work}/run.h5",
                            "--check", "--json", f"{work}/out.json")
                    with open(f"{work}/out.json") as file:
                        result = json.load(file)
                    digests.add(result["digest"])
                    good = (result["bit_exact"] == result["samples"] == SAMPLES
                            and len(digests) == 1)
                    failed += not good
                    print(f"{'ok  ' if good else 'BAD '}{name} {bits} bits {cut}: "
                          f"bit_exact {result['bit_exact']}/{SAMPLES} "
                          f"{result['digest'][:12]}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
