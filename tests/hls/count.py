#!/usr/bin/env python3
"""Counts the DSPs of the matrix-vector units and the reused engine by Yosys: one
per multiplier, or one per two (packed); and looks for latches and signals without a driver.

usage: count.py RTL WORK [-v]; exit 77 without yosys.
       count.py --core DIR: what a generated core takes (some minutes)."""
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
    ("engine", 96, dict(LAYERS=2, STEPS=30, GROUPS=10, M=12, N=40, PE=8, SIMD=24,
                        P_IN=8, P_OUT=8, G=8, G_IN=8, W_IN=8, WX=8, SIGNED=1,
                        WY=8, WOUT=8, WW=8, WACC=24, IN_ROWS=2, ACT_ROWS=3,
                        ACCS=8, MB=3, PACKED=1, LC=1, BLOCK=1)),
    ("engine", 32, dict(LAYERS=2, STEPS=30, GROUPS=10, M=12, N=40, PE=4, SIMD=8,
                        P_IN=4, P_OUT=4, G=4, G_IN=4, W_IN=16, WX=16, SIGNED=1,
                        WY=16, WOUT=16, WW=16, WACC=40, IN_ROWS=5, ACT_ROWS=8,
                        ACCS=8, MB=4, PACKED=0, LC=3)),
    ("mvu_packed", 6, dict(M=5, N=16, PE=5, SIMD=2, WX=8, WW=8, WACC=24, LC=1)),
]


def write_top(folder, name, module, g):
    """A top without parameters, with random weights and biases."""
    steps = -(-g["N"] // g["SIMD"]) * -(-g["M"] // g["PE"])
    groups = -(-g["M"] // g["PE"])
    words = {"W_FILE": (g.get("STEPS", steps), g["PE"] * g["SIMD"] * g["WW"]),
             "B_FILE": (g.get("GROUPS", groups), g["PE"] * g["WACC"])}
    x, y = g["SIMD"] * g["WX"], g["PE"] * g["WACC"]
    if module == "engine":
        words["P_FILE"] = (g["LAYERS"], 144)
        x, y = g["P_IN"] * g["W_IN"], g["P_OUT"] * g["WOUT"]
    w, b = words["W_FILE"][1], words["B_FILE"][1]
    params = [f".{key}({value})" for key, value in g.items()]
    state = 1
    for key, (depth, bits) in words.items():
        path = folder / f"{name}_{key}.hex"
        with open(path, "w") as f:
            for _ in range(depth):
                state = state * 6364136223846793005 + 1442695040888963407
                state &= (1 << 2048) - 1
                f.write(f"{state % (1 << bits):x}\n")
        params.append(f'.{key}("{path}")')
    (folder / f"{name}.sv").write_text(
        f"module {name} (input clk, rst, input [{x - 1}:0] in_data,\n"
        f"    input in_valid, output in_ready, output [{y - 1}:0] out_data,\n"
        f"    output out_valid, input out_ready, mem_read, w_write, b_write,\n"
        f"    input [31:0] mem_address, input [{w - 1}:0] w_data,\n"
        f"    output [{w - 1}:0] w_q, input [{b - 1}:0] b_data,\n"
        f"    output [{b - 1}:0] b_q);\n"
        f"pta_{module} #({', '.join(params)}) u (.*);\nendmodule\n")


def count(rtl, folder, name):
    top = "" if rtl == folder else f"read_verilog -sv {folder}/{name}.sv; "
    script = (f"read_verilog -sv -defer {rtl}/pta_*.sv; {top}"
              f"synth_xilinx -family xc7 -flatten -top {name} "
              f"-noiopad -noclkbuf; stat")
    log = subprocess.run(["yosys", "-p", script], capture_output=True,
                         text=True, cwd=folder)
    if log.returncode != 0:
        sys.exit(log.stdout[-2000:] + log.stderr)
    text = log.stdout + log.stderr
    bad = [line for line in text.splitlines()
           if re.search(r"implicitly declared|no driver|Latch inferred", line)]
    stat = text[text.rindex("Number of cells"):]
    cells = {m[0]: int(m[1])
             for m in re.findall(r"^ +([A-Z]\w+) +(\d+)$", stat, re.M)}
    return cells, bad


def count_core(folder):
    cells, bad = count(folder, folder, "pta_top")

    def total(pattern):
        return sum(n for c, n in cells.items() if re.fullmatch(pattern, c))

    lutram = 4 * total(r"RAM(32|64)M") + total(r"SRL\w+")
    print(f"{total(r'LUT.|INV') + lutram} LUT ({lutram} LUTRAM), "
          f"{total(r'FD.E')} FF, {total('DSP48E1')} DSP, "
          f"{total('RAMB36E1') + total('RAMB18E1') / 2} BRAM36", *bad)
    return len(bad) > 0


def main():
    if shutil.which("yosys") is None:
        print("skipped: yosys is not installed")
        return 77
    if sys.argv[1] == "--core":
        return count_core(pathlib.Path(sys.argv[2]).resolve())
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
