"""Trains networks by name and writes datasets/NAME.h5 and NAME.ranges.json:

    train.py mnist_fcnn nsl_cnn        (no name: all of them)

The result depends only on the seed, the package versions and the CPU's
instruction set: one thread, deterministic operations.
"""
import argparse
import hashlib
import importlib
import json
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

import data
from networks import NETWORKS

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
tf.config.experimental.enable_op_determinism()


def build(name, training=False):
    """The network as an untrained Keras model; dropout only when training."""
    network = NETWORKS[name]
    keras = importlib.import_module(network.keras)
    tensors = keras.Input(network.shape, name="input")
    inputs, named = tensors, "input"
    for layer in network.layers(keras.layers):
        if training and named in network.dropout:
            tensors = keras.layers.Dropout(network.dropout[named])(tensors)
        tensors, named = layer(tensors), layer.name
    return keras, keras.Model(inputs, tensors, name=name)


def load(name, split):
    """(x, y) with x in the shape of the network's input."""
    network = NETWORKS[name]
    x, y = data.load(network.set, split)
    return x.reshape(-1, *network.shape), y


def class_weights(y, power):
    counts = np.bincount(y)
    return {i: float((counts.max() / n) ** power) for i, n in enumerate(counts)}


def fit(name, x, y, seed=1, epochs=None, **more):
    """A trained model, without dropout."""
    network = NETWORKS[name]
    keras = importlib.import_module(network.keras)
    keras.utils.set_random_seed(seed)
    _, model = build(name, training=True)
    epochs = epochs or network.epochs
    steps = epochs * -(-len(x) // network.batch)
    model.compile(
        keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(network.rate, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"], jit_compile=False)
    model.fit(x, y, network.batch, epochs, verbose=2,
              class_weight=class_weights(y, network.weight_power), **more)
    _, plain = build(name)
    plain.set_weights(model.get_weights())
    return plain


def accuracy(model, x, y):
    return float(np.mean(model.predict(x, 1000, verbose=0).argmax(1) == y))


def ranges(name, model, x):
    """{layer: [min, max]} of the float32 outputs over the rows of x."""
    keras = importlib.import_module(NETWORKS[name].keras)
    layers = [layer for layer in model.layers if layer.name != "input"]
    probe = keras.Model(model.inputs, [layer.output for layer in layers])
    found = {"input": [float(x.min()), float(x.max())]}
    for start in range(0, len(x), 1000):
        outputs = probe.predict_on_batch(x[start:start + 1000])
        for layer, out in zip(layers, outputs):
            low, high = found.get(layer.name, [np.inf, -np.inf])
            found[layer.name] = [min(low, float(out.min())),
                                 max(high, float(out.max()))]
    return found


def save(name, model, x):
    """Writes NAME.h5 and, from the training rows x, NAME.ranges.json."""
    path = data.DATASETS / f"{name}.h5"
    model.save(str(path))
    record = {
        "format": "partita-ranges", "version": 1, "model": path.name,
        "model_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "set": NETWORKS[name].set.replace("mnist16", "mnist"),
        "split": "train", "rows": len(x),
        "digest": hashlib.sha256(x.tobytes()).hexdigest(),
        "ranges": ranges(name, model, x)}
    path.with_suffix(".ranges.json").write_text(json.dumps(record, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help=f"of {', '.join(NETWORKS)}")
    for name in parser.parse_args().names or NETWORKS:
        x, y = load(name, "train")
        model = fit(name, x, y)
        save(name, model, x)
        print(f"{name}: {model.count_params()} parameters, "
              f"test accuracy {100 * accuracy(model, *load(name, 'test')):.2f} %")


if __name__ == "__main__":
    main()
