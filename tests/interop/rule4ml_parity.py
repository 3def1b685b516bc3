#!/usr/bin/env python3
"""rule4ml's estimators as this project runs them, against the Python package: 200
random networks for each of the sets v1 and v2, and values known from before.

    rule4ml_parity.py RULE4ML_QUERY [--seed 1]

Runs in an environment with rule4ml (`tests/interop/setup --rule4ml`; another one in
PARTITA_RULE4ML_PYTHON). Exit code 77 without one. The package imports torch,
which its MLPs do not use: a stand-in will do.
"""
import argparse
import os
import pathlib
import random
import subprocess
import sys
import types

HERE = pathlib.Path(__file__).resolve().parent
BOUND = 1e-4  # relative; sums of float32 in another order
# Of the value, or of this if it is less: 1 % of a PYNQ-Z2, one cycle. (Smaller
# values are what is left of terms some thousand times as large.)
LEAST = {"BRAM": 2.8, "DSP": 2.2, "FF": 1064, "LUT": 532, "CYCLES": 1,
         "INTERVAL": 1}
TARGETS = list(LEAST)
CASES = 200

# Of layers input-...: bits, reuse, strategy, ReLU between, set, what was found.
KNOWN = [((16, 32, 32, 32, 5), 16, 1, "latency", True, "v1",
          (4.99, 439.69, 48901.82, 98347.55, 66.59)),
         ((16, 32, 32, 32, 5), 16, 1, "latency", True, "v2",
          (3.77, 426.75, 22999.65, 29216.26, 133.1, 1.65)),
         ((16, 32, 32, 32, 5), 8, 64, "resource", True, "v1",
          (8.42, 3.85, 9898.4, 35799.9, 333.98)),
         ((16, 32, 32, 32, 5), 8, 64, "resource", True, "v2",
          (1.15, 12.68, 12089.77, 7501.03, 347.15, 55.71)),
         ((784, 16, 32, 10), 16, 1, "latency", False, "v1",
          (19.78, 482.89, 136262.46, 109915.22, 854.42)),
         ((784, 16, 32, 10), 16, 1, "latency", False, "v2",
          (12.61, 64.0, 23081.86, 151715.01, 507.36, 5.99)),
         ((784, 16, 32, 10), 8, 64, "resource", False, "v2",
          (10.05, 15.08, 21534.6, 11348.19, 723.45, 18.76))]


def python():
    venv = os.environ.get("PARTITA_HLS4ML_VENV", HERE / ".venv")
    return os.environ.get("PARTITA_RULE4ML_PYTHON", f"{venv}-rule4ml/bin/python")


def stand_in():
    """What rule4ml 0.2 touches of torch when it is imported."""
    class Module:
        pass

    torch, nn = types.ModuleType("torch"), types.ModuleType("torch.nn")
    torch.nn, nn.Module, torch.Tensor = nn, Module, type("Tensor", (), {})
    torch.__version__ = "0"
    torch.__getattr__ = lambda name: types.SimpleNamespace()
    nn.__getattr__ = lambda name: Module
    sys.modules.update({"torch": torch, "torch.nn": nn})


def load(folder):
    from rule4ml.models.wrappers import KerasModelWrapper
    wrappers = {}
    for target in TARGETS:
        if (folder / f"{target}.config.json").exists():
            wrappers[target] = KerasModelWrapper()
            wrappers[target].load(str(folder / f"{target}.config.json"),
                                  str(folder / f"{target}.weights.h5"))
    return wrappers


def network(keras, sizes, middle, last, norm, bias):
    """Without Dropout, whose shape rule4ml 0.2 does not find in Keras 3."""
    first = x = keras.layers.Input((sizes[0],))
    for i, size in enumerate(sizes[1:]):
        is_last = i == len(sizes) - 2
        x = keras.layers.Dense(size, use_bias=bias)(x)
        if norm and not is_last:
            x = keras.layers.BatchNormalization()(x)
        activation = last if is_last else middle
        if activation:
            x = keras.layers.Activation(activation)(x)
    model = keras.Model(first, x)
    model.build((None, sizes[0]))
    return model


def drawn(keras, rng, boards):
    sizes = [rng.choice([16, 32, 48, 64, 100])] + [
        rng.choice([2, 5, 8, 12, 16, 24, 32]) for _ in range(rng.randint(2, 5))]
    model = network(keras, sizes, rng.choice(["relu", "tanh", "sigmoid", ""]),
                    rng.choice(["softmax", "sigmoid", ""]),
                    rng.random() < 0.3, rng.random() < 0.8)
    return model, config(rng.choice([2, 4, 8, 12, 16, 18]),
                         rng.choice([1, 2, 4, 7, 16, 64]),
                         rng.choice(["latency", "resource"]),
                         rng.choice(boards))


def config(bits, reuse, strategy, board):
    return {"model": {"precision": f"ap_fixed<{bits}, {bits // 2}>",
                      "reuse_factor": reuse, "strategy": strategy},
            "board": board}


def query(model, how):
    """The same network as rule4ml_query reads it."""
    from rule4ml.parsers.network_parser import config_from_keras_model
    bits = how["model"]["precision"].split("<")[1].split(",")[0]
    words = [bits, how["model"]["strategy"], how["board"]]
    for layer in config_from_keras_model(model, how):
        kind = layer["class_name"].lower()
        kind = {"activation": layer.get("activation"),
                "inputlayer": "input"}.get(kind, kind)
        ends = [int(layer[key][-1]) for key in ("input_shape", "output_shape")]
        words.append(f"{kind}:{ends[0]}:{ends[1]}:{layer['parameters']}:"
                     f"{layer['reuse_factor']}")
    return " ".join(words)


def answers(program, folder, queries):
    done = subprocess.run([program, folder], input="\n".join(queries) + "\n",
                          capture_output=True, text=True, check=True)
    return [[float(word) for word in line.split()]
            for line in done.stdout.splitlines()]


def inside(arguments):
    stand_in()
    import keras
    import rule4ml
    rng, bad = random.Random(arguments.seed), 0
    weights = pathlib.Path(rule4ml.__file__).parent / "models" / "weights"
    for name, boards in (("v1", ["pynq-z2", "zcu102", "alveo-u200"]),
                         ("v2", ["pynq-z2", "zcu102", "alveo-u250"])):
        folder, worst = weights / name / "mlp", 0.0
        wrappers = load(folder)
        cases = [drawn(keras, rng, boards) for _ in range(CASES)]
        got = answers(arguments.program, folder,
                      [query(model, how) for model, how in cases])
        for (model, how), row in zip(cases, got):
            for target, wrapper in wrappers.items():
                wanted = float(wrapper.predict([model], [how], [None],
                                               [None])[0][0])
                value = row[TARGETS.index(target)]
                error = abs(value - wanted) / max(abs(wanted), LEAST[target])
                worst = max(worst, error)
                if error > BOUND:
                    bad += 1
                    print(f"{name} {target}: {value}, rule4ml {wanted}: "
                          f"{query(model, how)}")
        print(f"{name}: {CASES} random networks (seed {arguments.seed}), "
              f"{len(wrappers)} targets, worst relative difference {worst:.1e}")
    for sizes, bits, reuse, strategy, relu, name, wanted in KNOWN:
        model = network(keras, sizes, "relu" if relu else "", "softmax",
                        False, True)
        text = query(model, config(bits, reuse, strategy, "pynq-z2"))
        row = answers(arguments.program, weights / name / "mlp", [text])[0]
        same = all(abs(a - b) <= 0.006 + 1e-5 * b for a, b in zip(row, wanted))
        bad += not same
        print(f"{name} {'-'.join(map(str, sizes))}, {bits} bits, reuse {reuse}: "
              f"{'as known' if same else f'{row}, known {wanted}'}")
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inside", action="store_true")
    arguments = parser.parse_args()
    if arguments.inside:
        return inside(arguments)
    if not os.access(python(), os.X_OK):
        print("skipped: no rule4ml; tests/interop/setup --rule4ml installs it")
        return 77
    env = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
    return subprocess.run([python(), __file__, *sys.argv[1:], "--inside"],
                          env=env, check=False).returncode


sys.exit(main())
