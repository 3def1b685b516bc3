#!/usr/bin/env python3
"""What Yosys counts for a grid of foldings, recorded in grid.json.

Makes the record, and checks that it still says the truth.

usage: grid.py RTL WORK --check N [--seed S]   N drawn at random, 0: all
       grid.py RTL WORK --record               counts what the record lacks
exit 77 without yosys, or with another version than the record's."""
import argparse
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time

FAULTS = ("implicitly declared", "no driver", "Latch inferred")
LUT_TOLERANCE = 0.02
RECORD = pathlib.Path(__file__).with_name("grid.json")


def ceil(a, b):
    return -(-a // b)


def dense(module, widths, memories):
    """Matrix-vector units: PE x SIMD from 2 to 256, both orders."""
    shapes = [(2, 1, 16, 16), (1, 4, 16, 32), (4, 2, 32, 24), (4, 4, 12, 64),
              (3, 8, 10, 50), (8, 4, 64, 64), (8, 8, 64, 128), (4, 16, 30, 196),
              (16, 8, 128, 128), (16, 16, 256, 256)]
    if module == "mvu_packed":
        shapes[1] = (2, 4, 16, 32)  # of one row there is nothing to pack
    for i, (pe, simd, m, n) in enumerate(shapes):
        for k, memory in enumerate(memories):
            large = pe * simd >= (16 if module == "mvu_packed" else 128)
            if large and (module == "mvu" or (k + 1) % 3 != i % 3):
                continue  # minutes each
            width = widths[(i + k) % len(widths)]
            yield module, dict(
                M=m, N=n, PE=pe, SIMD=simd, WX=width, WW=width,
                WACC=2 * width + (n - 1).bit_length(), ORDER=(i + k) % 2,
                X_SIGNED=1, LC=4, BLOCK=int(memory != "lut"),
                RAM=int(memory == "ram"))


def image(rows, channels, lanes, width, k, stride, pad, block):
    return dict(ROWS=rows, COLS=rows, C=channels, P=lanes, W=width, KH=k, KW=k,
                SH=stride, SW=stride, PT=pad, PB=pad, PL=pad, PR=pad,
                DEPTH=(k + stride) * rows * ceil(channels, lanes), BLOCK=block)


IMAGES = [image(rows, c, p, width, k, stride, pad, block)
          for block in (0, 1) for rows, c, p, width, k, stride, pad in [
              (8, 4, 2, 4, 2, 2, 0), (8, 8, 8, 8, 2, 2, 0),
              (11, 1, 1, 8, 3, 1, 1), (16, 16, 4, 8, 3, 1, 1),
              (16, 8, 2, 16, 3, 2, 1), (32, 3, 3, 8, 3, 1, 1),
              (32, 16, 16, 4, 3, 1, 1), (9, 24, 4, 16, 3, 1, 0)]]


def grid():
    yield from dense("mvu", (4, 8, 16), ("lut", "block", "ram"))
    yield from dense("mvu_packed", (4, 8), ("lut", "block", "ram"))
    for geometry in IMAGES:
        yield "window", dict(geometry, P_OUT=geometry["P"])
        yield "pool_max", geometry
        width = geometry["W"]
        yield "pool_avg", dict(geometry, WOUT=width)
        yield "depthwise", dict(
            geometry, WW=width, WACC=2 * width + 5, WOUT=width, MULT=1,
            SHIFT=width, W_BLOCK=geometry["BLOCK"],
            RAM=int(geometry["BLOCK"] and geometry["C"] > 8))
    for width in (4, 8, 16):
        for lanes in (1, 2, 4, 8, 16):
            yield "requant", dict(P=lanes, WIN=2 * width + 8, WOUT=width,
                                  SHIFT=width, ACT=lanes % 2)
            yield "scale_shift", dict(
                C=(32 if lanes > 4 else 4) * lanes, P=lanes, WX=width, WW=width, WACC=2 * width + 1,
                WOUT=width, SHIFT=width, BLOCK=int(lanes > 4))
            yield "join_binary", dict(P=lanes, W0=width, W1=width, WOUT=width,
                                      FRAC0=1, FRAC1=2, FRAC_OUT=1,
                                      OP=2 * (lanes % 4 == 2))
            yield "gearbox", dict(W=width, C_IN=48, C_OUT=48, P_IN=lanes,
                                  P_OUT=(4 * lanes) % 24 or 8)
    for width in (4, 8, 16):
        for more in (2, 5, 12):
            yield "requant", dict(P=4, WIN=2 * width + more, WOUT=width,
                                  SHIFT=width, ACT=1)
    for p_in, p_out in ((6, 4), (4, 6), (6, 8), (5, 3), (12, 4)):
        yield "gearbox", dict(W=8, C_IN=60, C_OUT=60, P_IN=p_in, P_OUT=p_out)
    for c, p_in, p_out in ((60, 12, 5), (60, 20, 12), (60, 12, 30), (48, 24, 8),
                           (48, 16, 12), (46, 46, 12), (128, 15, 8)):
        yield "gearbox", dict(W=8, C_IN=c, C_OUT=c, P_IN=p_in, P_OUT=p_out)
    for p_out in (6, 9, 16):
        yield "window", dict(IMAGES[4], P_OUT=p_out)


def memory_words(module, p):
    """Words and bits of each memory file a block reads."""
    if module.startswith("mvu"):
        return {"w": (ceil(p["N"], p["SIMD"]) * ceil(p["M"], p["PE"]),
                      p["PE"] * p["SIMD"] * p["WW"]),
                "b": (ceil(p["M"], p["PE"]), p["PE"] * p["WACC"])}
    if module == "depthwise":
        beats = ceil(p["C"], p["P"])
        return {"w": (p["KH"] * p["KW"] * beats, p["P"] * p["WW"]),
                "b": (beats, p["P"] * p["WACC"])}
    if module == "scale_shift":
        beats = ceil(p["C"], p["P"])
        return {"s": (beats, p["P"] * p["WW"]), "b": (beats, p["P"] * p["WACC"])}
    return {}


def synthesise(rtl, work, module, params):
    """Resources of one block, weights and biases random."""
    for name, (words, bits) in memory_words(module, params).items():
        draw = random.Random(f"{module} {name} {words} {bits}")
        (work / f"{name}.hex").write_text(
            "".join(f"{draw.getrandbits(bits):x}\n" for _ in range(words)))
    chosen = " ".join(f"-chparam {k} {v}" for k, v in params.items())
    script = (f"read_verilog -sv -defer {rtl}/pta_*.sv; "
              f"hierarchy -top pta_{module} {chosen}; "
              f"synth_xilinx -family xc7 -flatten -noiopad -noclkbuf; stat")
    run = subprocess.run(["yosys", "-p", script], capture_output=True, text=True,
                         cwd=work)
    text = run.stdout + run.stderr
    bad = [line for line in text.splitlines() for fault in FAULTS
           if fault in line]
    if run.returncode != 0 or bad:
        sys.exit(f"pta_{module} {params}: {bad[:1] or text[-800:]}")
    cells = {m[0]: int(m[1]) for m in re.findall(
        r"^ +([A-Z]\w+) +(\d+)$", text[text.rindex("Number of cells"):], re.M)}

    def total(weights):
        return sum(n * weights[c] for c, n in cells.items() if c in weights)
    lutram = total({"RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2,
                    "SRL16E": 1, "SRLC32E": 1})
    return {"lut": lutram + total({f"LUT{i}": 1 for i in range(1, 7)}
                                  | {"INV": 1}),
            "lutram": lutram,
            "ff": total({f: 1 for f in ("FDRE", "FDSE", "FDCE", "FDPE")}),
            "dsp": total({"DSP48E1": 1}),
            "bram18": total({"RAMB18E1": 1, "RAMB36E1": 2})}


def yosys_version():
    text = subprocess.run(["yosys", "-V"], capture_output=True, text=True)
    return " ".join(text.stdout.split()[:2])


def read_record():
    """Resources by block and parameters; none if of another Yosys."""
    if not RECORD.exists():
        return {}
    recorded = json.loads(RECORD.read_text())
    if recorded["yosys"] != yosys_version():
        return {}
    return {name_of(row["block"], row["params"]): row["resources"]
            for row in recorded["grid"]}


def name_of(module, params):
    return f"{module} {params}"


def record(rtl, work):
    known, rows = read_record(), []
    for module, params in grid():
        begin = time.monotonic()
        got = known.get(name_of(module, params))
        if got is None:
            got = synthesise(rtl, work, module, params)
            print(f"{time.monotonic() - begin:5.1f} s  {module} {params} {got}",
                  flush=True)
        rows.append({"block": module, "params": params,
                     "memories": memory_words(module, params),
                     "resources": got})
    lines = ",\n  ".join(json.dumps(row) for row in rows)
    RECORD.write_text(f'{{"yosys": "{yosys_version()}",\n "grid": [\n'
                      f"  {lines}\n ]}}\n")


def agrees(said, got):
    """LUTs nearly: Yosys breaks ties by names, which are numbered through all
    files that it reads, other blocks' too."""
    near = abs(got["lut"] - said["lut"]) <= LUT_TOLERANCE * said["lut"]
    return near and dict(said, lut=0) == dict(got, lut=0)


def check(rtl, work, n, seed):
    known = read_record()
    if not known:
        print(f"skipped: the record is not of {yosys_version()}")
        return 77
    rows = [row for row in grid() if name_of(*row) in known]
    if len(rows) < len(known):
        print("the record has foldings that the grid has not")
        return 1
    print(f"{len(rows)} foldings recorded, {len(list(grid())) - len(rows)} of "
          f"the grid are not")
    print(f"seed {seed}")
    wrong = 0
    for row in random.Random(seed).sample(rows, n) if n else rows:
        said, got = known[name_of(*row)], synthesise(rtl, work, *row)
        good = agrees(said, got)
        wrong += not good
        print("ok" if good else "FAILED", *row, said, got, flush=True)
    return wrong > 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rtl", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--check", type=int)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    if shutil.which("yosys") is None:
        print("skipped: yosys is not installed")
        return 77
    options.work.mkdir(parents=True, exist_ok=True)
    rtl, work = options.rtl.resolve(), options.work.resolve()
    if options.record:
        return record(rtl, work)
    return check(rtl, work, options.check, options.seed)


if __name__ == "__main__":
    sys.exit(main())
