#!/usr/bin/env python3
"""Messages of W bits a value (--wire packed) against storage types (plain).

mnist_fcnn, fc1 cut over four hosts, so that the source sends each sample three
times. Throughput with 16 messages of 16 samples under way, and p50 of latency
with one sample under way; packed over plain, medians of interleaved rounds.
The digests of both must be equal.
"""
import lab


def main():
    args = lab.arguments(__doc__, limit=10000)
    one = lab.Lab(5, args.build)
    print("rate,bits,bytes_plain,bytes_packed,throughput_plain,throughput_packed,"
          "throughput_ratio,latency_plain_us,latency_packed_us,latency_ratio")
    for rate in (1000, 100):
        one.up(f"{rate}mbit")
        for bits in (10, 12):
            plan = one.plan("mnist_fcnn.h5", "--bits", str(bits), "--cut",
                            "fc1=neuron:4,output")

            def run(wire, mode):
                flow = (["--mode", "latency", "--limit", "1000"]
                        if mode == "latency" else
                        ["--micro-batch", "16", "--depth", "16", "--limit",
                         str(args.limit)])
                return one.run(5, plan, "--data", "mnist", "--wire", wire, *flow)

            names = [(w, m) for w in ("plain", "packed")
                     for m in ("throughput", "latency")]
            runs = lab.interleaved(
                args.rounds, {n: (lambda n=n: run(*n)) for n in names})
            for mode in ("throughput", "latency"):
                digests = {r["digest"] for w in ("plain", "packed")
                           for r in runs[w, mode]}
                if len(digests) != 1:
                    raise SystemExit(f"{bits} bits: the digests differ")
            rates = [lab.median([r["throughput_per_s"]
                                 for r in runs[w, "throughput"]])
                     for w in ("plain", "packed")]
            p50 = [lab.median([r["latency_us"]["p50"] for r in runs[w, "latency"]])
                   for w in ("plain", "packed")]
            size = [runs[w, "throughput"][0]["stages"][1]["bytes_in"]
                    for w in ("plain", "packed")]
            print(f"{rate}mbit,{bits},{size[0]:.0f},{size[1]:.0f},{rates[0]:.0f},"
                  f"{rates[1]:.0f},{rates[1] / rates[0]:.3f},{p50[0]:.1f},"
                  f"{p50[1]:.1f},{p50[1] / p50[0]:.3f}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
