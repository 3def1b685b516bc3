#!/usr/bin/env python3
"""Whether Keras itself loads the slices that Partita writes, and computes the
same: slices of random graphs from test_keras_slice, with inputs and outputs.

    keras_slices.py TEST_KERAS_SLICE

Runs in the environment of tests/interop/setup (Keras 2), or in that of
PARTITA_KERAS_PYTHON (any Keras with TensorFlow). Exit code 77 without one.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

BOUND = 1e-4  # sums of float32 in another order, over the largest output


def python():
    here = pathlib.Path(__file__).resolve().parent
    venv = os.environ.get("PARTITA_HLS4ML_VENV", here / ".venv")
    return os.environ.get("PARTITA_KERAS_PYTHON", f"{venv}/bin/python")


def outer(test):
    """In any Python: makes the files, calls itself in the environment."""
    if not os.access(python(), os.X_OK):
        print("skipped: no Keras; tests/interop/setup makes its environment")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run([test, folder], stdout=subprocess.DEVNULL,
                              check=False)
        if made.returncode != 0:
            print(f"{test}: exit {made.returncode}")
            return 1
        env = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3",
                   PYTHONWARNINGS="ignore")
        return subprocess.run([python(), __file__, "--inside", folder],
                              env=env, check=False).returncode


def one(keras, h5py, np, path):
    """Largest difference over the largest output."""
    model = keras.models.load_model(path, compile=False)
    with h5py.File(path.with_suffix(".io.h5")) as io:
        given = [np.array(io[f"in{i}"]) for i in range(len(model.inputs))]
        wanted = [np.array(io[f"out{i}"]) for i in range(len(model.outputs))]
    given = [x.reshape([-1] + list(t.shape[1:]))
             for x, t in zip(given, model.inputs)]
    got = model(given if len(given) > 1 else given[0], training=False)
    got = list(got) if isinstance(got, (list, tuple)) else [got]
    return max(float(np.abs(np.array(g).reshape(w.shape) - w).max() /
                     max(np.abs(w).max(), 1e-30))
               for g, w in zip(got, wanted))


def foreign(h5py, path, major):
    """Random graphs have what no Keras model has (a ReLU's threshold below 0),
    and hard_sigmoid is another function in each Keras."""
    with h5py.File(path) as file:
        version = file.attrs["keras_version"]
        config = json.loads(file.attrs["model_config"])
    layers = [layer["config"] for layer in config["config"]["layers"]]
    hard = any(c.get("activation") == "hard_sigmoid" for c in layers)
    return any(c.get("threshold", 0) < 0 for c in layers) or \
        (hard and not version.startswith(major))


def inside(folder):
    import h5py
    import numpy as np
    from tensorflow import keras
    version = __import__("keras").__version__
    failed = worst = n = unable = 0
    for path in sorted(pathlib.Path(folder).glob("slice*.h5")):
        if path.name.endswith(".io.h5"):
            continue
        if foreign(h5py, path, version.split(".", maxsplit=1)[0]):
            unable += 1
            continue
        try:
            apart = one(keras, h5py, np, path)
        except Exception as error:  # the message is what matters
            text = str(error)
            # limits of TensorFlow, not of the file
            if "strides > 1 not supported" in text or "dilation" in text or \
                    "equal length strides" in text:
                unable += 1
                continue
            print(f"{path.name}: {text.splitlines()[0][:300]}")
            failed += 1
            continue
        n += 1
        worst = max(worst, apart)
        if not apart < BOUND:
            print(f"{path.name}: {apart:g} apart")
            failed += 1
    print(f"Keras {version}: {n} slices loaded, largest relative difference "
          f"{worst:.1e}; {unable} not for this Keras; {failed} failed")
    return 1 if failed or n < 20 else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        sys.exit(inside(sys.argv[2]))
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(outer(sys.argv[1]))
