"""Prints the table of README.md: each committed network on its test set, in float.

    evaluate.py                      the committed networks
    evaluate.py --seeds 5 nsl_cnn    trains nsl_cnn with seeds 1 to 5 instead
"""
import argparse
import importlib

import numpy as np

import data
import train
from networks import NETWORKS


def committed(name):
    keras = importlib.import_module(NETWORKS[name].keras)
    path = data.DATASETS / f"{name}.h5"
    return keras.models.load_model(str(path), compile=False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, metavar="N")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    print("| network | set | file by | parameters | epochs | test rows | accuracy |")
    print("|---|---|---|---|---|---|---|")
    for name in options.names or NETWORKS:
        network = NETWORKS[name]
        x, y = train.load(name, "test")
        if options.seeds:
            rows = train.load(name, "train")
            models = [train.fit(name, *rows, seed=seed)
                      for seed in range(1, options.seeds + 1)]
        else:
            models = [committed(name)]
        percent = [100 * train.accuracy(model, x, y) for model in models]
        by = "Keras 2" if network.keras == "tf_keras" else "Keras 3"
        cells = (name, network.set, by, f"{models[0].count_params():,}",
                 network.epochs, f"{len(x):,}",
                 ", ".join(f"{p:.2f} %" for p in percent))
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)
        if options.seeds:
            print(f"mean {np.mean(percent):.2f} %, "
                  f"standard deviation {np.std(percent, ddof=1):.2f}, "
                  f"{min(percent):.2f} to {max(percent):.2f}")


if __name__ == "__main__":
    main()
