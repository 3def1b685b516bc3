#!/usr/bin/env python3
"""Memory and file reads of each rank, 100 M weights over five ranks.

Generates a dense network of 100 M seeded weights (400 MB, deleted afterwards),
cuts it by outputs and by inputs, runs it, and holds each rank against its bar:
  peak RSS    at most its slice at storage width + 48 MiB (rank 0: plus the
              buffers of inputs and results, 64 MiB at most)
  bytes read  at most 1.1 x its slice as stored in the file + 1 MiB

    bench/memory.py [BUILD]       prints one CSV row a rank; exits 1 on a miss
"""
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MIB = 1 << 20
SIZES = (5000, 10000, 5000)
BITS = 8
# cut, and weights of each board
CUTS = [
    ("fc1=neuron:3,output=neuron:2",
     [3334 * 5000, 3333 * 5000, 3333 * 5000, 2500 * 10000, 2500 * 10000]),
    ("fc1=input:3,output=input:2",
     [1667 * 10000, 1667 * 10000, 1666 * 10000, 5000 * 5000, 5000 * 5000]),
]


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else f"{ROOT}/build"
    partita, missed = f"{build}/partita", 0
    print("cut,rank,weights,peak_rss_mib,rss_bar_mib,read_mib,read_bar_mib,ok")
    with tempfile.TemporaryDirectory() as work:
        model, plan, out = (f"{work}/{n}" for n in ("big.h5", "plan", "out"))
        subprocess.run([f"{build}/tests/make_dense_net", model, "1",
                        "x".join(map(str, SIZES))], check=True)
        for cut, weights in CUTS:
            subprocess.run([partita, "plan", model, "--bits", str(BITS), "--cut",
                            cut, "-o", plan], check=True, stdout=subprocess.DEVNULL)
            subprocess.run([f"{ROOT}/mpi_launch/run", "-np", "5", partita, "run",
                            plan, "--data", "random:256:1", "--json", out],
                           check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            with open(out) as file:
                ranks = json.load(file)["usage"]
            for rank, n in zip(ranks, weights):
                rss_bar = n * BITS // 8 + (48 + 64 * (rank["rank"] == 0)) * MIB
                read_bar = 1.1 * 4 * n + MIB
                good = (rank["peak_rss_bytes"] <= rss_bar
                        and rank["model_bytes_read"] <= read_bar)
                missed += not good
                print(f"\"{cut}\",{rank['rank']},{n},{rank['peak_rss_bytes'] / MIB:.1f},"
                      f"{rss_bar / MIB:.1f},{rank['model_bytes_read'] / MIB:.1f},"
                      f"{read_bar / MIB:.1f},{'yes' if good else 'NO'}", flush=True)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
