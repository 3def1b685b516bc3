"""The networks: their layers, the data they see, and how each is trained."""
from dataclasses import dataclass, field


@dataclass
class Network:
    set: str             # name in data.SETS
    shape: tuple         # of the input
    layers: callable     # keras.layers -> list of layers, the last gives logits
    epochs: int
    batch: int = 128
    rate: float = 1e-3   # Adam's, falling to 0 along a cosine
    weight_power: float = 0.0  # loss weight of a class: (largest / count)^this
    dropout: dict = field(default_factory=dict)  # {layer name: rate after it}
    keras: str = "keras"       # or "tf_keras", which is Keras 2


def dense(*sizes, activation="relu"):
    """Fully connected layers fc1, fc2, ..., output."""
    def layers(L):
        hidden = [L.Dense(n, activation, name=f"fc{i}")
                  for i, n in enumerate(sizes[:-1], 1)]
        return hidden + [L.Dense(sizes[-1], name="output")]
    return layers


def nsl_cnn(L):
    return [L.Conv2D(32, 3, padding="same", activation="relu", name="conv1"),
            L.Conv2D(64, 3, padding="same", activation="relu", name="conv2"),
            L.MaxPooling2D(2, name="pool1"),
            L.Conv2D(48, 3, activation="relu", name="conv3"),
            L.Flatten(name="flatten"),
            L.Dense(60, "relu", name="fc1"),
            L.Dense(5, name="output")]


def unsw_cnn(L):
    return [L.Conv1D(32, 5, padding="same", activation="relu", name="conv1"),
            L.MaxPooling1D(2, name="pool1"),
            L.Conv1D(64, 5, padding="same", activation="relu", name="conv2"),
            L.MaxPooling1D(2, name="pool2"),
            L.Conv1D(64, 3, padding="same", activation="relu", name="conv3"),
            L.MaxPooling1D(2, name="pool3"),
            L.Flatten(name="flatten"),
            L.Dense(96, "relu", name="fc1"),
            L.Dense(10, name="output")]


NETWORKS = {
    "mnist_seed": Network("mnist", (784,), dense(16, 10, activation=None), 20),
    "mnist_fcnn": Network("mnist", (784,), dense(16, 10), 30, keras="tf_keras"),
    "mnist_fcnn46": Network("mnist16", (256,), dense(46, 10), 40),
    "mnist_wide": Network("mnist", (784,), dense(1024, 1024, 10), 15,
                          dropout={"input": 0.2, "fc1": 0.3, "fc2": 0.3}),
    "nsl_cnn": Network("nsl-kdd", (11, 11, 1), nsl_cnn, 4, batch=256,  # holdout.py
                       weight_power=0.5, dropout={"input": 0.2}),
    "unsw_cnn": Network("unsw-nb15", (64, 1), unsw_cnn, 30),  # validation part: 87.41 %
}
