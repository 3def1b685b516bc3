#!/usr/bin/env python3
"""Counts the DSPs of the matrix-vector units by Yosys: one per multiplier, or
one per two (packed); and looks for latches and signals without a driver.

usage: count.py RTL WORK [-v]; exit 77 without yosys."""
import pathlib
import re
import shutil
import subprocess
import sys

# module, expected DSPs, parameters
CASES = [
    ("mvu", 32, dict(M=8, N=32, PE=4, SIMD=8, WX=8, WW=8, WACC=24)),
    ("mvu", 4, dict(M=8, N=16, PE=4, SIMD=1, WX=16, WW=16, WACC=40)),
    ("mvu", 6, dict(M=4, N=16, PE=2, SIMD=3, WX=16, WW=18, WACC=40, ORDER=1)),
    ("mvu", 8, dict(M=4, N=16, PE=2, SIMD=4, WX=8, WW=8, WACC=24, X_SIGNED=0,
                    LC=1)),
    ("mvu_packed", 16, dict(M=8, N=32, PE=4, SIMD=8, WX=8, WW=8, WACC=24)),
    ("mvu_packed", 8, dict(M=8, N=16, PE=4, SIMD=4, WX=8, WW=8, WACC=24,
                           ORDER=1, X_SIGNED=0, LC=2)),
    ("mvu_packed", 4, dict(M=64, N=64, PE=2, SIMD=4, WX=8, WW=8, WACC=24,
                           BLOCK=1, RAM=1)),
    ("mvu_packed", 6, dict(M=5, N=16, PE=5, SIMD=2, WX=8, WW=8, WACC=24, LC=1)),
]


def write_top(folder, name, module, g):
    """A top without parameters, with random weights and biases."""
    steps = -(-g["N"] // g["SIMD"]) * -(-g["M"] // g["PE"])
    words = {"W_FILE": (steps, g["PE"] * g["SIMD"] * g["WW"]),
             "B_FILE": (-(-g["M"] // g["PE"]), g["PE"] * g["WACC"])}
    params = [f".{key}({value})" for key, value in g.items()]
    state = 1
    for key, (depth, bits) in words.items():
        path = folder / f"{name}_{key}.hex"
        with open(path, "w") as f:
            for _ in range(depth):
                state = state * 6364136223846793005 + 1442695040888963407
                state &= (1 << 1024) - 1
                f.write(f"{state % (1 << bits):x}\n")
        params.append(f'.{key}("{path}")')
    x, y = g["SIMD"] * g["WX"], g["PE"] * g["WACC"]
    w = words["W_FILE"][1]
    (folder / f"{name}.sv").write_text(
        f"module {name} (input clk, rst, input [{x - 1}:0] in_data,\n"
        f"    input in_valid, output in_ready, output [{y - 1}:0] out_data,\n"
        f"    output out_valid, input out_ready, mem_read, w_write, b_write,\n"
        f"    input [31:0] mem_address, input [{w - 1}:0] w_data,\n"
        f"    output [{w - 1}:0] w_q, input [{y - 1}:0] b_data,\n"
        f"    output [{y - 1}:0] b_q);\n"
        f"pta_{module} #({', '.join(params)}) u (.*);\nendmodule\n")


def count(rtl, folder, name):
    script = (f"read_verilog -sv -defer {rtl}/pta_*.sv; "
              f"read_verilog -sv {folder}/{name}.sv; "
              f"synth_xilinx -family xc7 -flatten -top {name} "
              f"-noiopad -noclkbuf; stat")
    log = subprocess.run(["yosys", "-p", script], capture_output=True,
                         text=True)
    if log.returncode != 0:
        sys.exit(log.stdout[-2000:] + log.stderr)
    text = log.stdout + log.stderr
    bad = [line for line in text.splitlines()
           if re.search(r"implicitly declared|no driver|Latch inferred", line)]
    stat = text[text.rindex("Number of cells"):]
    cells = {m[0]: int(m[1])
             for m in re.findall(r"^ +([A-Z]\w+) +(\d+)$", stat, re.M)}
    return cells, bad


def main():
    if shutil.which("yosys") is None:
        print("skipped: yosys is not installed")
        return 77
    rtl, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    work.mkdir(parents=True, exist_ok=True)
    wrong = 0
    for i, (module, dsps, geometry) in enumerate(CASES):
        name = f"count{i}"
        write_top(work, name, module, geometry)
        cells, bad = count(rtl.resolve(), work.resolve(), name)
        lut = sum(n for c, n in cells.items() if re.match(r"LUT\d|INV", c))
        ok = cells.get("DSP48E1", 0) == dsps and not bad
        wrong += not ok
        print(f"{'ok' if ok else 'FAILED'}: pta_{module} {geometry}: "
              f"{cells.get('DSP48E1', 0)} DSP for {dsps}, {lut} LUT, "
              f"{cells.get('FDRE', 0) + cells.get('FDSE', 0)} FF",
              *bad, sep="\n    ", flush=True)
        if "-v" in sys.argv:
            print("   ", cells)
    return wrong > 0


sys.exit(main())
