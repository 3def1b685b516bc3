#!/usr/bin/env python3
"""Plants known defects, one at a time, and fails unless a test notices each.

Works on a copy of the sources; every mutant is one exact replacement of text
(mutants.json). Tests that cannot fail are thereby found out.

    run.py --source DIR [--only NAME] [--draw N [--seed S]]

--draw: only N of them, drawn at random.
"""
import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
COPIED = ["CMakeLists.txt", "cmake", "framework", "kernels", "datasets",
          "hls", "mpi_launch", "tests", "bench"]


def copy_sources(source, target):
    skip = shutil.ignore_patterns(".venv", "__pycache__")
    for name in COPIED:
        path = os.path.join(source, name)
        if os.path.isdir(path):
            shutil.copytree(path, os.path.join(target, name), ignore=skip)
        else:
            shutil.copy2(path, target)


def run(words, cwd):
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True)


def build(tree, targets):
    done = run(["cmake", "--build", "build", "-j2", "--target"] + targets, tree)
    if done.returncode != 0:
        sys.exit(f"a mutant does not compile:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def tests_pass(tree, tests):
    pattern = "^(" + "|".join(tests) + ")$"
    done = run(["ctest", "--test-dir", "build", "-R", pattern,
                "--no-tests=error", "--stop-on-failure"], tree)
    return done.returncode == 0


def plant(tree, mutant):
    path = os.path.join(tree, mutant["file"])
    with open(path) as file:
        text = file.read()
    if text.count(mutant["find"]) != 1:
        sys.exit(f"{mutant['name']}: the text to replace occurs "
                 f"{text.count(mutant['find'])} times in {mutant['file']}")
    with open(path, "w") as file:
        file.write(text.replace(mutant["find"], mutant["replace"]))
    return lambda: open(path, "w").write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", required=True)
    parser.add_argument("--only")
    parser.add_argument("--draw", type=int)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    with open(os.path.join(HERE, "mutants.json")) as file:
        mutants = json.load(file)
    if options.only:
        mutants = [m for m in mutants if m["name"] == options.only]
    if options.draw:
        print(f"{options.draw} of {len(mutants)}, seed {options.seed}")
        mutants = random.Random(options.seed).sample(mutants, options.draw)

    tree = tempfile.mkdtemp(prefix="partita-mutants-")
    survived = []
    try:
        copy_sources(os.path.abspath(options.source), tree)
        made = run(["cmake", "-S", ".", "-B", "build", "-DCMAKE_BUILD_TYPE=Release",
                    "-DCMAKE_C_FLAGS_RELEASE=-O1"], tree)
        if made.returncode != 0:
            sys.exit(f"cmake: {made.stderr}")
        for mutant in mutants:
            undo = plant(tree, mutant)
            build(tree, mutant["targets"])
            caught = not tests_pass(tree, mutant["tests"])
            undo()
            print(f"{'caught  ' if caught else 'SURVIVED'} {mutant['name']} "
                  f"({mutant['file']})", flush=True)
            if not caught:
                survived.append(mutant["name"])
        # The same tests pass on the tree as it is: what caught the mutants is
        # not something else that is broken.
        build(tree, sorted({t for m in mutants for t in m["targets"]}))
        sound = tests_pass(tree, sorted({t for m in mutants for t in m["tests"]}))
    finally:
        shutil.rmtree(tree)
    if not sound:
        print("the tests fail without any mutant")
    print(f"{len(mutants) - len(survived)} passed, {len(survived)} failed")
    sys.exit(0 if sound and not survived else 1)


if __name__ == "__main__":
    main()
