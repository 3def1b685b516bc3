#!/usr/bin/env python3
"""Makes the Keras goldens: small random networks that cover every supported
layer and option, saved by Keras 2 and by Keras 3, with inputs and the outputs
Keras computes; and outputs for the two networks of ../shared/models.

    datasets/train/setup && tests/golden/make_keras.py

writes keras/NAME.k2.h5 and NAME.k3.h5 (as model.save writes them), and
keras/io.k2.h5, io.k3.h5: per network x [samples, all inputs, flat, in order]
and y [samples, all outputs]. tests/unit/test_golden.c compares. Everything is
seeded; another TensorFlow may change the last bits of y, nothing else.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
VENV = os.environ.get("PARTITA_VENV", os.path.join(ROOT, "datasets/train/.venv"))
SAMPLES = 3

if len(sys.argv) == 1:
    for part in ("k2", "k3", "shared"):
        subprocess.run([os.path.join(VENV, "bin/python"), __file__, part], check=True)
    sys.exit(0)

PART = sys.argv[1]
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["KERAS_BACKEND"] = "tensorflow"

import h5py  # noqa: E402
import numpy as np  # noqa: E402

if PART == "k3":
    import keras
else:
    import tf_keras as keras
L = keras.layers
Model, Sequential, Input = keras.Model, keras.Sequential, keras.Input


def leaky(slope, **kw):
    return L.LeakyReLU(**{"negative_slope" if PART == "k3" else "alpha": slope}, **kw)


# ---- the networks, one function each ----

def seq_dense():
    return Sequential([
        Input((12,), name="in"), L.Dense(9, "relu", use_bias=False, name="fc1"),
        L.Dropout(0.5), L.Dense(8, "relu6", name="fc2"), L.Dense(7, "tanh", name="fc3"),
        L.GaussianNoise(0.1), L.Dense(6, "sigmoid", name="fc4"), L.GaussianDropout(0.1),
        L.Dense(5, "hard_sigmoid", name="fc5"), L.ActivityRegularization(0.1),
        L.Dense(4, "linear", name="fc6"), L.Activation("linear"),
        L.Dense(3, "softmax", name="output")], name="seq_dense")


def seq_late():
    """Built by its first shape, without an InputLayer of its own; compiled and
    trained for a step, so that the file holds an optimizer's state."""
    model = Sequential([L.Conv1D(4, 3, activation="relu", name="conv"), L.SpatialDropout1D(0.2),
                        L.MaxPooling1D(name="pool"), L.Flatten(name="flat"),
                        L.Dense(3, name="output")], name="seq_late")
    model.build((None, 9, 2))
    model.compile("adam", "mse")
    model.fit(np.ones((2, 9, 2)), np.ones((2, 3)), verbose=0)
    return model


def seq_nested():
    inner = Sequential([Input((6, 6, 2)), L.Conv2D(3, 3, name="conv"),
                        L.BatchNormalization(name="bn"), L.ReLU(name="relu")], name="block")
    late = Sequential([L.Flatten(name="flat"), L.Dense(4, "relu", name="fc")], name="head")
    return Sequential([Input((6, 6, 2), name="in"), inner, L.AveragePooling2D(2, name="pool"), late,
                       L.Dense(3, name="output")], name="seq_nested")


def dense_ranks():
    """Dense on vectors, sequences and images."""
    a, b, c = Input((5,), name="a"), Input((4, 3), name="b"), Input((3, 2, 4), name="c")
    return Model([a, b, c], [L.Dense(3, "relu", name="fa")(a), L.Dense(5, "relu", name="fb")(b),
                             L.Dense(2, "tanh", use_bias=False, name="fc")(c)])


def conv1d():
    x = Input((17, 3), name="x")
    conv = lambda name, *a, **k: L.Conv1D(*a, name=name, **k)(x)
    return Model(x, [
        conv("valid", 4, 3), conv("same", 4, 4, padding="same"),
        conv("stride", 4, 3, strides=2, padding="same"),
        conv("causal", 4, 3, padding="causal"),
        conv("causal2", 2, 3, padding="causal", dilation_rate=2, activation="relu"),
        conv("causal3", 2, 4, padding="causal", strides=3),
        conv("dilated", 4, 3, dilation_rate=3, padding="same", use_bias=False),
        conv("one", 5, 1, strides=4, activation="sigmoid"), conv("whole", 2, 17),
        L.ZeroPadding1D((2, 1), name="pad")(x), L.ZeroPadding1D(1, name="pad1")(x)])


def conv2d():
    x = Input((9, 11, 3), name="x")
    conv = lambda name, *a, **k: L.Conv2D(*a, name=name, **k)(x)
    return Model(x, [
        conv("valid", 2, 3), conv("same", 2, (3, 2), padding="same", activation="relu"),
        conv("stride", 2, 3, strides=2, padding="same"),
        conv("stride23", 2, (4, 3), strides=(2, 3), padding="same", use_bias=False),
        conv("vstride", 2, (2, 5), strides=(3, 2)),
        conv("dilated", 2, 3, dilation_rate=2, padding="same"),
        conv("vdilated", 2, (3, 2), dilation_rate=(2, 3)),
        conv("one", 4, 1, strides=2, activation="relu6"), conv("whole", 2, (9, 11)),
        L.ZeroPadding2D(((1, 2), (0, 3)), name="pad")(x),
        L.ZeroPadding2D((1, 2), name="pad12")(x)])


def depthwise():
    x = Input((8, 7, 3), name="x")
    conv = lambda name, *a, **k: L.DepthwiseConv2D(*a, name=name, **k)(x)
    norm = L.BatchNormalization(name="norm")(conv("folded", 3, depth_multiplier=2, padding="same"))
    return Model(x, [
        conv("valid", 3), conv("same", (2, 3), padding="same", activation="relu"),
        conv("stride", 3, strides=2, padding="same", use_bias=False),
        conv("dilated", 3, dilation_rate=2, padding="same"),
        conv("mult", 3, depth_multiplier=3), L.ReLU(name="relu")(norm)])


def separable():
    x = Input((8, 7, 3), name="x")
    conv = lambda name, *a, **k: L.SeparableConv2D(*a, name=name, **k)(x)
    norm = L.BatchNormalization(name="norm")(conv("folded", 4, 3, use_bias=False))
    return Model(x, [
        conv("valid", 4, 3), conv("same", 4, (2, 3), padding="same", activation="relu"),
        conv("stride", 2, 3, strides=2, padding="same", depth_multiplier=2),
        conv("dilated", 2, 3, dilation_rate=2, padding="same", activation="tanh"),
        L.ReLU(6.0, name="relu")(norm)])


def pool1d():
    x = Input((11, 3), name="x")
    return Model(x, [
        L.MaxPooling1D(name="max")(x), L.MaxPooling1D(3, 2, "same", name="max_same")(x),
        L.AveragePooling1D(3, name="avg")(x), L.AveragePooling1D(3, 2, "same", name="avg_same")(x),
        L.GlobalMaxPooling1D(name="gmax")(x), L.GlobalAveragePooling1D(name="gavg")(x),
        L.GlobalMaxPooling1D(keepdims=True, name="gmax_keep")(x),
        L.GlobalAveragePooling1D(keepdims=True, name="gavg_keep")(x)])


def pool2d():
    x = Input((9, 7, 3), name="x")
    return Model(x, [
        L.MaxPooling2D(name="max")(x), L.MaxPooling2D((3, 2), (2, 1), "same", name="max_same")(x),
        L.AveragePooling2D((2, 3), name="avg")(x), L.AveragePooling2D(3, 2, "same", name="avg_same")(x),
        L.AveragePooling2D((4, 2), (3, 3), "same", name="avg_even")(x),
        L.GlobalMaxPooling2D(name="gmax")(x), L.GlobalAveragePooling2D(name="gavg")(x),
        L.GlobalMaxPooling2D(keepdims=True, name="gmax_keep")(x),
        L.GlobalAveragePooling2D(keepdims=True, name="gavg_keep")(x)])


def norm():
    """BatchNormalization, folded and not."""
    x, v, s = Input((6, 5, 3), name="x"), Input((4,), name="v"), Input((5, 2), name="s")
    bn = lambda name, y, **k: L.BatchNormalization(name=name, **k)(y)
    conv = lambda name, **k: L.Conv2D(2, 3, name=name, **k)(x)
    twice = conv("twice")
    chain = bn("chain2", bn("chain1", conv("chain")))
    return Model([x, v, s], [
        bn("alone", x), bn("vector", v), bn("sequence", s), L.ReLU(name="relu_a")(bn("relu_bn", x)),
        bn("fold", conv("conv")), bn("fold_nobias", conv("nobias", use_bias=False)),
        L.ReLU(name="relu")(bn("fold_relu", conv("conv_relu"))),
        bn("fold_drop", L.Dropout(0.3)(conv("conv_drop"))),
        bn("after_relu", conv("has_relu", activation="relu")),
        L.Add(name="add")([twice, bn("not_only", twice)]), chain,
        bn("noscale", conv("c1"), scale=False), bn("nocenter", conv("c2"), center=False, epsilon=0.1),
        bn("neither", conv("c3"), scale=False, center=False), bn("seen", conv("c4")),
        bn("dense_bn", L.Dense(3, name="dense")(v)), bn("conv1_bn", L.Conv1D(3, 2, name="conv1")(s))])


def activations():
    x, y = Input((6,), name="x"), Input((3, 2, 4), name="y")
    act = lambda name: L.Activation(name, name="layer_" + name)(x)
    dense = lambda name: L.Dense(3, name, name="dense_" + name)(x)
    names = ["relu", "relu6", "leaky_relu", "softmax", "sigmoid", "tanh", "hard_sigmoid", "linear"]
    return Model([x, y], [act(n) for n in names] + [dense(n) for n in names] + [
        L.ReLU(name="plain")(x), L.ReLU(1.0, name="max1")(x),
        L.ReLU(negative_slope=0.25, name="slope")(x), L.ReLU(threshold=0.5, name="threshold")(x),
        L.ReLU(1.5, 0.1, 0.3, name="all")(x), leaky(0.3, name="leaky")(x),
        L.Softmax(name="softmax")(y), L.ReLU(1.0, name="merged")(L.Dense(5, name="fc")(x)),
        L.Dense(3, activation=leaky(0.125), name="fc_layer")(x),
        L.Activation("tanh", name="conv_tanh")(L.Conv2D(2, 2, name="conv")(y))])


def shapes():
    x, s, v = Input((4, 3, 2), name="x"), Input((5, 3), name="s"), Input((12,), name="v")
    return Model([x, s, v], [
        L.Flatten(name="flat")(x), L.Flatten(name="flat_s")(s), L.Flatten(name="flat_v")(v),
        L.Reshape((6, -1), name="open")(x), L.Reshape((3, 5), name="two")(s),
        L.Reshape((2, 3, 2), name="three")(v), L.Permute((2, 1), name="turn")(s),
        L.Permute((3, 1, 2), name="p312")(x), L.Permute((2, 1, 3), name="p213")(x),
        L.Permute((1, 2, 3), name="p123")(x),
        L.Flatten(name="flat4")(L.ReLU(name="relu4")(L.Reshape((1, 2, 3, 2), name="four")(v)))])


def merges():
    a, b, c = (Input((4, 3, 2), name=n) for n in "abc")
    d, e = Input((4, 3, 5), name="d"), Input((4, 3), name="e")
    return Model([a, b, c, d, e], [
        L.Add(name="add")([a, b, c]), L.Subtract(name="sub")([a, b]),
        L.Multiply(name="mul")([a, b, c]), L.Average(name="avg")([a, b, c]),
        L.Maximum(name="max")([a, b, c]), L.ReLU(name="relu")(L.Add(name="add2")([a, b])),
        L.ReLU(0.5, name="relu6")(L.Subtract(name="sub2")([b, c])),
        L.Concatenate(name="cat")([a, d, b]), L.Concatenate(axis=1, name="cat1")([a, b]),
        L.Concatenate(axis=2, name="cat2")([a, b, c]), L.Concatenate(axis=1, name="cat_s")([e, e]),
        L.Concatenate(axis=-1, name="cat_c")([e, L.Conv1D(2, 1, name="conv")(e)]),
        L.Add(name="self")([a, a])])


def shared():
    """Layers and models called twice; outer inputs not in the order made."""
    a, b = Input((6, 5, 2), name="a"), Input((6, 5, 2), name="b")
    conv, bn, relu = L.Conv2D(3, 2, name="conv"), L.BatchNormalization(name="bn"), L.ReLU(name="relu")
    fc = L.Dense(4, "sigmoid", name="fc")
    flat = L.Flatten(name="flat")
    x, y = relu(bn(conv(a))), relu(bn(conv(b)))
    p, q = fc(flat(x)), fc(flat(y))
    return Model([b, a], [L.Subtract(name="sub")([p, q]), L.Concatenate(name="cat")([x, y])])


def nested():
    """Models in models, called twice, with several inputs and outputs."""
    def tower(name):
        i = Input((4,), name="i")
        x = L.BatchNormalization(name="bn")(L.Dense(5, name="fc")(i))
        return Model(i, L.Dense(3, "tanh", name="out")(L.Dropout(0.1, name="drop")(x)), name=name)

    def pair():
        i, j = Input((4,), name="i"), Input((3,), name="j")
        t = tower("deep")(i)
        return Model([i, j], [L.Add(name="add")([t, j]), L.Dense(2, name="two")(t)], name="pair")

    a, b = Input((4,), name="a"), Input((4,), name="b")
    one, both = tower("tower"), pair()
    one.get_layer("fc").trainable = False
    late = Sequential([L.Dense(3, "relu", name="fc"), L.BatchNormalization(name="bn")], name="late")
    s, u = both([a, one(b)])
    t, _ = both([b, one(a)])
    return Model([a, b], [late(s), u, L.Maximum(name="max")([t, late(t)])], name="nested")


def residual():
    """A small MobileNet and ResNet in one."""
    x = Input((12, 10, 3), name="image")

    def block(y, n, stride, name):
        z = L.DepthwiseConv2D(3, stride, "same", use_bias=False, name=name + "_dw")(y)
        z = L.ReLU(6.0, name=name + "_relu")(L.BatchNormalization(name=name + "_bn1")(z))
        z = L.BatchNormalization(name=name + "_bn2")(L.Conv2D(n, 1, use_bias=False, name=name + "_pw")(z))
        return z if stride != 1 else L.Add(name=name + "_add")([y, z])

    y = L.Conv2D(4, 3, padding="same", activation="relu", name="stem")(L.ZeroPadding2D(1, name="pad")(x))
    y = block(block(y, 6, 2, "b1"), 6, 1, "b2")
    y = L.Activation("relu", name="relu")(block(y, 6, 1, "b3"))
    y = L.SpatialDropout2D(0.1, name="drop")(y)
    y = L.GlobalAveragePooling2D(name="pool")(y)
    return Model(x, L.Dense(5, "softmax", name="output")(y), name="residual")


def operators():
    """Keras 3 writes x + y as a layer of class Add."""
    a, b = Input((3, 2), name="a"), Input((3, 2), name="b")
    c = L.Conv1D(2, 2, padding="same", name="conv")(a)
    return Model([a, b], [a + b, L.ReLU(name="relu")(c - b), a * c], name="operators")


NETWORKS = [seq_dense, seq_late, seq_nested, dense_ranks, conv1d, conv2d, depthwise, separable,
            pool1d, pool2d, norm, activations, shapes, merges, shared, nested, residual]


# ---- weights, inputs, outputs ----

def randomise(model, rng):
    for w in model.weights:
        name, shape = w.name.split("/")[-1].split(":")[0], tuple(w.shape)
        if name.endswith("kernel"):
            fan_in = np.prod(shape[:-1]) if "depthwise" not in name else shape[0] * shape[1]
            value = rng.normal(0, 1 / np.sqrt(fan_in), shape)
        elif name in ("gamma", "moving_variance"):
            value = rng.uniform(0.4, 1.8, shape)
        else:
            value = rng.normal(0, 0.3, shape)
        w.assign(value.astype(np.float32))


def flat(arrays):
    return np.concatenate([np.asarray(a, np.float32).reshape(SAMPLES, -1) for a in arrays], axis=1)


def many(x):
    return list(x) if isinstance(x, (list, tuple)) else [x]


def save(make, number, io):
    rng = np.random.default_rng(number)
    model = make()
    randomise(model, rng)
    # Multiples of 1/32 in [-2, 2]: exact, and they compress.
    x = [np.float32(rng.integers(-64, 65, (SAMPLES,) + tuple(i.shape[1:])) / 32) for i in model.inputs]
    y = many(model(x[0] if len(x) == 1 else x, training=False))
    model.save(os.path.join(HERE, "keras", f"{make.__name__}.{PART}.h5"))
    for key, value in (("x", flat(x)), ("y", flat(y))):
        io.create_dataset(f"{make.__name__}/{key}", data=value, compression="gzip", shuffle=True)


def splitmix64(seed, n):
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def save_shared(name, high, rows=100, seed=1):
    """Outputs only: element k of the inputs is float32(high * (u >> 40) / 2^24),
    u the k-th number of splitmix64 from `seed`, row after row."""
    path = os.path.join(ROOT, "../shared/models", name + ".h5")
    model = keras.models.load_model(path, compile=False)
    shape = (rows,) + tuple(model.inputs[0].shape[1:])
    u = splitmix64(seed, int(np.prod(shape))) >> np.uint64(40)
    x = np.float32(high * u.astype(np.float64) / 2**24).reshape(shape)
    y = np.asarray(model.predict(x, batch_size=rows, verbose=0), np.float32)
    with h5py.File(os.path.join(HERE, "shared", name + ".h5"), "w") as out:
        out.create_dataset("y", data=y.reshape(rows, -1), compression="gzip", shuffle=True)


if PART == "shared":
    save_shared("resnet8_cifar10", 255)
    save_shared("autoencoder_toycar", 1)
else:
    keras.utils.set_random_seed(1)
    with h5py.File(os.path.join(HERE, "keras", f"io.{PART}.h5"), "w") as io:
        for number, make in enumerate(NETWORKS + ([operators] if PART == "k3" else [])):
            keras.backend.clear_session()
            save(make, number, io)
