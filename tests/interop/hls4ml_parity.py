#!/usr/bin/env python3
"""Parity with hls4ml: zero differing raw integers.

Builds small Keras networks of all supported layers from a printed seed, has the
real hls4ml compile each into its C simulation (g++), runs the same inputs
through `partita plan --profile hls4ml` and `partita run --check`, uncut and cut,
and compares the raw integers of all outputs.

    hls4ml_parity.py --partita build/partita --launch mpi_launch/run

Exits 77 with a message if tests/interop/setup has not been run.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
VENV = os.environ.get("PARTITA_HLS4ML_VENV", os.path.join(HERE, ".venv"))
PYTHON = os.path.join(VENV, "bin/python")

if os.path.realpath(sys.prefix) != os.path.realpath(VENV):
    if not os.path.exists(PYTHON) or not shutil.which("g++"):
        print("skipped: needs g++ and the environment that tests/interop/setup "
              f"makes in {VENV}")
        sys.exit(77)
    os.execv(PYTHON, [PYTHON] + sys.argv)

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import h5py
import hls4ml
import numpy as np
from tensorflow import keras
from tensorflow.keras import layers as L

SAMPLES = 200
SEED = 20261122

# Types by name in the plan and in hls4ml's configuration.
KEYS = {"out": "result", "weight": "weight", "bias": "bias", "accum": "accum",
        "table": "table", "inv_table": "inv_table", "inv_input": "inv_inp"}
RENAMED = {"softmax": {"table": "exp_table"}, "norm": {"weight": "scale"},
           "leaky": {"weight": "param"}}


def sequential(shape, *layers):
    model = keras.Sequential([keras.Input(shape, name="in")])
    for layer in layers:
        model.add(layer)
    return model


def merges():
    a = keras.Input((6,), name="in")
    b = L.Dense(6, name="left")(a)
    c = L.Dense(6, name="right", activation="tanh")(a)
    x = [L.Add(name="add")([b, c]), L.Subtract(name="sub")([b, c]),
         L.Multiply(name="mul")([b, c]), L.Average(name="mean")([b, c]),
         L.Maximum(name="most")([b, c])]
    y = x[0]
    for i, z in enumerate(x[1:]):
        y = L.Concatenate(name=f"cat{i}")([y, z])
    return keras.Model(a, L.Dense(4, name="last")(y))


def images():
    a = keras.Input((6, 6, 2), name="in")
    b = L.Conv2D(4, 3, padding="same", name="c1", activation="relu")(a)
    c = L.Conv2D(4, 1, name="c2")(a)
    y = L.Add(name="add")([b, c])
    y = L.Concatenate(name="cat")([y, b])
    y = L.ReLU(name="relu")(y)
    y = L.GlobalMaxPooling2D(name="most")(y)
    return keras.Model(a, L.Dense(3, name="last")(y))


def norms(shape=(8,)):
    return sequential(shape, L.BatchNormalization(name="norm_in"),
                      L.Dense(12, name="fc1", use_bias=False),
                      L.BatchNormalization(name="norm1"),
                      L.Activation("relu", name="relu1"),
                      L.Dense(5, name="fc2"), L.BatchNormalization(name="norm2"))


W16 = "fixed<16,6>"
# name: (model, precision, {layer: {plan key: type}}, cuts)
NETWORKS = {
    "dense": (lambda: sequential((16,), L.Dense(24, activation="relu", name="fc1"),
                                 L.Dense(5, name="fc2")), W16, {},
              ["fc1=neuron:3,fc2=input:4", "fc1=input:5,fc2", "fc1=paired:3"]),
    "narrow": (lambda: sequential((16,), L.Dense(24, activation="relu", name="fc1"),
                                  L.Dense(5, name="fc2")), "fixed<8,3>", {},
               ["fc1=paired:4"]),
    "curves": (lambda: sequential((10,), L.Dense(12, activation="sigmoid", name="fc1"),
                                  L.Dense(12, activation="tanh", name="fc2"),
                                  L.Dense(12, activation="hard_sigmoid", name="fc3"),
                                  L.Dense(8, name="fc4"), L.LeakyReLU(0.3, name="leaky")),
               W16, {"fc1/sigmoid": {"table": "fixed<12,3,RND,SAT>"},
                     "leaky": {"weight": "fixed<8,1>"}},
               ["fc1=input:3,fc2=neuron:3,fc3,fc4=input:2"]),
    "norms": (norms, W16, {}, ["norm_in,fc1=input:2,fc2=neuron:2"]),
    "norms_typed": (norms, "fixed<14,5>",
                    {"norm1": {"weight": "fixed<18,6,RND,SAT>", "bias": "fixed<20,4>",
                               "out": "fixed<17,7,RND_CONV,SAT>"},
                     "fc1": {"accum": "fixed<24,9,RND,WRAP>", "out": "fixed<18,8>"}}, []),
    "image": (lambda: sequential(
        (8, 8, 2), L.Conv2D(4, 3, padding="same", activation="relu", name="c1"),
        L.MaxPooling2D(2, name="p1"), L.Conv2D(5, 3, strides=2, padding="same", name="c2"),
        L.ReLU(name="r2"), L.AveragePooling2D(2, padding="valid", name="p2"),
        L.Flatten(name="flat"), L.Dense(6, name="fc"), L.Activation("softmax", name="softmax")), W16, {},
        ["c1=channel:2,c2=inchannel:2,fc=input:3", "c1=rows:2,c2"]),
    "sequence": (lambda: sequential(
        (16, 3), L.Conv1D(6, 3, padding="causal", name="c1"), L.ReLU(name="r1"),
        L.AveragePooling1D(2, name="p1"), L.Conv1D(4, 3, padding="same", name="c2"),
        L.GlobalAveragePooling1D(name="mean"), L.Dense(3, name="fc")), "fixed<15,5>",
        {"p1": {"accum": "fixed<19,6>"}, "mean": {"accum": "fixed<20,8,RND,SAT>"}}, []),
    "depthwise": (lambda: sequential(
        (6, 6, 3), L.DepthwiseConv2D(3, padding="same", name="d1"), L.ReLU(name="r1"),
        L.Conv2D(4, 1, name="c1"), L.GlobalAveragePooling2D(name="mean"),
        L.Dense(2, name="fc")), W16, {}, ["d1=channel:3,c1=inchannel:2,fc"]),
    "merges": (merges, W16, {"cat3": {"out": "fixed<18,7>"}, "mul": {"out": "fixed<20,9>"}},
               ["left,last=input:3"]),
    "images": (images, "fixed<12,4>", {}, []),
    "softmax": (lambda: sequential((10,), L.Dense(7, name="fc", activation="softmax")), W16, {},
                ["fc=neuron:3", "fc=input:3"]),
    "softmax_latency": (lambda: sequential((10,), L.Dense(5, name="fc"),
                                           L.Activation("softmax", name="softmax")), "fixed<14,4>",
                        {"softmax": {"softmax": "latency", "accum": "fixed<20,9,RND,SAT>",
                                     "out": "fixed<18,2,RND,SAT>"}}, []),
    "softmax_narrow": (lambda: sequential((10,), L.Dense(9, name="fc"),
                                          L.Activation("softmax", name="softmax")), "fixed<8,4>",
                       {"softmax": {"accum": "fixed<16,6>", "table": "fixed<14,3,RND,SAT>",
                                    "inv_table": "fixed<16,5,RND,SAT>",
                                    "inv_input": "fixed<16,7,RND,SAT>"}}, []),
    "argmax": (lambda: sequential((10,), L.Dense(9, name="fc"), L.Activation("softmax", name="softmax")),
               "fixed<6,3>", {"softmax": {"softmax": "argmax"}}, []),
    "typed": (lambda: sequential((12,), L.Dense(10, activation="relu", name="fc1"),
                                 L.Dense(8, activation="relu6", name="fc2"),
                                 L.Dense(4, name="fc3")), W16,
              {"in": {"out": "fixed<10,3,RND,SAT>"},
               "fc1": {"weight": "fixed<6,1,RND_CONV,SAT>", "bias": "fixed<9,3>",
                       "accum": "fixed<40,17>", "out": "fixed<13,5,RND_ZERO,SAT_SYM>"},
               "fc1/relu": {"out": "ufixed<9,4,RND,SAT>"},
               "fc2": {"weight": "fixed<7,2,TRN_ZERO,WRAP>", "accum": "fixed<11,5,RND_INF,SAT>",
                       "out": "fixed<12,6,RND_MIN_INF,WRAP>"},
               "fc3": {"accum": "fixed<19,9,RND_CONV,WRAP>"}}, ["fc1=input:4,fc2=neuron:2,fc3=input:3"]),
    "unsigned_pool": (lambda: sequential(
        (5, 5, 2), L.Conv2D(3, 3, name="c1"), L.ReLU(name="r1"),
        L.MaxPooling2D(2, padding="same", name="p1"), L.Flatten(name="flat"),
        L.Dense(3, name="fc")), W16,
        {"r1": {"out": "ufixed<16,6>"}, "p1": {"out": "ufixed<16,6>", "accum": "ufixed<16,6>"}}, []),
}


def ap(text, default=("TRN", "WRAP")):
    """fixed<W,I> or fixed<W,I,Q,O> -> ap_fixed text of hls4ml."""
    name, rest = text[:-1].split("<")
    w, i, *modes = rest.split(",")
    q, o = modes or default
    return f"ap_{name}<{w},{i},AP_{q},AP_{o}>"


def long(text):
    return text if text.count(",") > 1 else text[:-1] + ",TRN,WRAP>"


def config_of(precision, types, linear):
    """hls4ml gives a `linear` layer a second one behind it, with its own type."""
    layers = {f"{name}_linear": {"Precision": {"result": ap(entries["out"])}}
              for name, entries in types.items() if name in linear and "out" in entries}
    for layer, entries in types.items():
        renamed = next((r for k, r in RENAMED.items() if k in layer), {})
        at = layers.setdefault(layer.replace("/", "_"), {"Precision": {}})
        for key, value in entries.items():
            if key == "softmax":
                at["Implementation"] = value
            elif key in ("table", "inv_table", "inv_input"): # not a precision there
                at[renamed.get(key, KEYS[key]) + "_t"] = ap(value)
            else:
                at["Precision"][renamed.get(key, KEYS[key])] = ap(value)
    return {"Model": {"Precision": {"default": ap(precision)}, "ReuseFactor": 1,
                      "Strategy": "Latency"}, "LayerName": layers}


def make_model(build, rng):
    keras.backend.clear_session()
    model = build()
    for layer in model.layers:
        values = [rng.normal(0, 0.6, w.shape).astype("float32") for w in layer.get_weights()]
        if "norm" in layer.name: # gamma, beta, mean, variance
            values[3] = np.abs(values[3]) + np.float32(0.2)
        layer.set_weights(values)
    return model


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


class Case:
    def __init__(self, name, options, work):
        self.name, self.options = name, options
        build, self.precision, self.types, self.cuts = NETWORKS[name]
        rng = np.random.default_rng([SEED, sorted(NETWORKS).index(name)])
        self.model = make_model(build, rng)
        self.work = os.path.join(work, name)
        os.makedirs(self.work)
        self.h5 = os.path.join(self.work, "model.h5")
        self.model.save(self.h5, save_format="h5")
        self.x = rng.normal(0, 1.5, (SAMPLES,) + self.model.input_shape[1:]).astype("float32")
        with h5py.File(self.path("x.h5"), "w") as f:
            f["x"] = self.x

    def path(self, name):
        return os.path.join(self.work, name)

    def expected(self):
        linear = [l.name for l in self.model.layers
                  if getattr(l, "activation", None) is keras.activations.linear]
        simulation = hls4ml.converters.convert_from_keras_model(
            self.model, hls_config=config_of(self.precision, self.types, linear),
            output_dir=self.path("hls"), backend="Vivado", io_type="io_parallel")
        simulation.compile()
        y = simulation.predict(np.ascontiguousarray(self.x, dtype=np.float64))
        return np.asarray(y, dtype=np.float64).reshape(SAMPLES, -1)

    def plan(self, cut=None):
        """A plan with hls4ml's defaults, the types written into it, made again."""
        draft, plan = self.path("draft.json"), self.path("plan.json")
        run(self.options.partita, "plan", self.h5, "--profile", "hls4ml",
            "--precision", long(self.precision), "-o", draft)
        with open(draft) as f:
            text = json.load(f)
        for layer, entries in self.types.items():
            for key, value in entries.items():
                if layer in text["layers"]: # max pooling keeps its input's format
                    text["layers"][layer][key] = value if key == "softmax" else long(value)
        text.pop("slices")
        with open(draft, "w") as f:
            json.dump(text, f)
        run(self.options.partita, "plan", self.h5, "--like", draft, "-o", plan,
            *(["--cut", cut] if cut else []))
        with open(plan) as f:
            return plan, json.load(f)

    def actual(self, cut=None, ranks=1):
        plan, text = self.plan(cut)
        report = self.path("report.json")
        out = self.path("out.h5")
        run(self.options.launch, "-np", str(ranks), self.options.partita, "run", plan,
            "--data", self.path("x.h5"), "--check", "--json", report, "-o", out)
        with open(report) as f:
            exact = json.load(f)["bit_exact"]
        with h5py.File(out) as f:
            names = []
            f["raw"].visit(names.append) # a name with a slash lies in groups
            name = names[-1]
            raw = f["raw"][name][()].reshape(SAMPLES, -1)
        w, i = text["layers"][name]["out"].split("<")[1].split(",")[:2]
        return raw, int(w) - int(i.rstrip(">")), exact

    def compare(self):
        want = self.expected()
        differing = 0
        for cut in [None] + self.cuts:
            raw, frac, exact = self.actual(cut, 1 if cut is None else 3)
            bad = int(np.count_nonzero(want * 2.0**frac != raw))
            differing += bad + (SAMPLES - exact)
            print(f"{self.name:16s} {cut or 'uncut':45s} {raw.size:6d} values, "
                  f"{bad} differ from hls4ml; {exact} of {SAMPLES} samples as "
                  f"the reference", flush=True)
            if bad:
                at = np.argwhere(want * 2.0**frac != raw)[0]
                print("   first at", at, "hls4ml", want[tuple(at)] * 2.0**frac,
                      "partita", raw[tuple(at)])
        spread = len(np.unique(want))
        if spread < 2:
            print(f"{self.name}: all outputs equal, the case proves nothing")
        return differing == 0 and spread >= 2


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--partita", required=True)
    parser.add_argument("--launch", required=True)
    parser.add_argument("--only", help="networks, separated by commas")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(NETWORKS)
    print(f"hls4ml {hls4ml.__version__}, seed {SEED}, {len(names)} networks")
    bad = []
    with tempfile.TemporaryDirectory(prefix="partita-hls4ml-") as work:
        for name in names:
            try:
                if not Case(name, options, work).compare():
                    bad.append(name)
            except Exception as e: # one network must not hide the others
                print(f"{name}: {e}", flush=True)
                bad.append(name)
    print(f"{len(names) - len(bad)} of {len(names)} networks equal" +
          (f"; not: {', '.join(bad)}" if bad else ""))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
