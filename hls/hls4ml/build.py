#!/usr/bin/env python3
"""Builds the hls4ml project of a slice from hls4ml.json and the Keras file beside
it. Needs hls4ml with the Keras that it reads.

    hls4ml_build.py              write the project into hls4ml/
    hls4ml_build.py --build      and run Vivado HLS and Vivado on it
    hls4ml_build.py --check      and compare its C simulation (g++) with samples.bin,
                                 raw integer by raw integer
"""
import argparse
import json
import os
import struct
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import hls4ml
import numpy as np
from tensorflow import keras

HERE = os.path.dirname(os.path.abspath(__file__))


def convert(config, backend):
    model = keras.models.load_model(os.path.join(HERE, config["KerasModel"]),
                                    compile=False)
    board = {"board": config["Board"]} if backend == "VivadoAccelerator" else \
        {"part": "xc7z020clg400-1"}
    return model, hls4ml.converters.convert_from_keras_model(
        model, hls_config=config["HLSConfig"], backend=backend,
        output_dir=os.path.join(HERE, "hls4ml"),
        project_name=config["ProjectName"], io_type=config["IOType"],
        clock_period=config["ClockPeriod"], **board)


def split(rows, tensors):
    """Bytes of samples on the bus -> raw integers of each tensor."""
    at, result = 0, []
    for tensor in tensors:
        size = tensor["elements"] * tensor["bytes"]
        kind = f"<{'i' if tensor['signed'] else 'u'}{tensor['bytes']}"
        part = np.ascontiguousarray(rows[:, at:at + size])
        result.append(part.view(kind).astype(np.float64))
        at += (size + 7) // 8 * 8
    return result


def samples(config):
    with open(os.path.join(HERE, "samples.bin"), "rb") as file:
        magic, _, n, n_in, n_out = struct.unpack("<4sIIII", file.read(20))
        if magic != b"PTAS":
            sys.exit("samples.bin: not a file of samples")
        rows = np.frombuffer(file.read(), np.uint8).reshape(n, n_in + n_out)
    return split(rows[:, :n_in], config["Inputs"]), \
        split(rows[:, n_in:], config["Outputs"])


def check(config):
    # The simulation of VivadoAccelerator would pass floats through its wrapper.
    model, project = convert(config, "Vivado")
    project.compile()
    given, wanted = samples(config)
    values = [np.ascontiguousarray(
        (raw * 2.0**-t["frac"]).reshape([-1] + list(x.shape[1:])))
        for raw, t, x in zip(given, config["Inputs"], model.inputs)]
    got = project.predict(values if len(values) > 1 else values[0])
    got = got if isinstance(got, list) else [got]
    bad = total = 0
    for values, raw, tensor in zip(got, wanted, config["Outputs"]):
        mine = np.asarray(values, np.float64).reshape(raw.shape)
        bad += int(np.count_nonzero(mine * 2.0**tensor["frac"] != raw))
        total += raw.size
    spread = len(np.unique(wanted[0]))
    print(f"{config['ProjectName']}: {total} raw integers of {len(wanted[0])} "
          f"samples, {bad} differ ({spread} different values)")
    return 1 if bad or spread < 2 else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", action="store_true",
                        help="run the vendor's tools")
    parser.add_argument("--check", action="store_true",
                        help="C simulation against samples.bin")
    options = parser.parse_args()
    with open(os.path.join(HERE, "hls4ml.json"), encoding="utf-8") as file:
        config = json.load(file)
    if options.check:
        return check(config)
    _, project = convert(config, config["Backend"])
    project.write()
    if options.build:
        project.build(csim=False, synth=True, export=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
