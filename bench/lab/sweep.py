#!/usr/bin/env python3
"""Automatic micro-batch and depth (--cluster) against an exhaustive sweep.

For throughput, and for throughput with p50 of latency at most BOUND: the best
point of the sweep and the automatic one are measured again, taking turns. Bar:
0.95 of the best. The cluster file is calibrated in the same lab just before.
"""
import lab


def main():
    args = lab.arguments(__doc__, rate="1gbit", model="mnist_fcnn.h5",
                         cut="fc1=neuron:4,output", bits=16, data="mnist",
                         limit=5000, bound=3000, batches="1,2,4,8,16,32,64,128",
                         depths="2,4,8,16,32")
    one = lab.Lab(5, args.build)
    one.up(args.rate)
    cluster = one.calibrate()
    plan = one.plan(args.model, "--bits", str(args.bits), "--cut", args.cut)

    def run(*flow):
        return one.run(5, plan, "--data", args.data, "--limit", str(args.limit),
                       *flow)

    def point(batch, depth):
        return run("--micro-batch", str(batch), "--depth", str(depth))

    print("what,micro_batch,depth,throughput_per_s,p50_us")

    def tell(what, r):
        print(f"{what},{r['micro_batch']},{r['depth']},"
              f"{r['throughput_per_s']:.0f},{r['latency_us']['p50']:.0f}",
              flush=True)

    points = []
    for batch in map(int, args.batches.split(",")):
        for depth in map(int, args.depths.split(",")):
            points.append(point(batch, depth))
            tell("sweep", points[-1])
    missed = False
    for bound in (None, args.bound):
        allowed = [p for p in points
                   if bound is None or p["latency_us"]["p50"] <= bound]
        if not allowed:
            raise SystemExit(f"no point of the sweep stays within {bound} us")
        best = max(allowed, key=lambda p: p["throughput_per_s"])
        choice = ["--cluster", cluster]
        choice += [] if bound is None else ["--at-most", str(bound)]
        again = lab.interleaved(args.rounds, {
            "best": lambda: point(best["micro_batch"], best["depth"]),
            "automatic": lambda: run(*choice)})
        rate = {}
        for name, runs in again.items():
            rate[name] = lab.median([r["throughput_per_s"] for r in runs])
            p50 = lab.median([r["latency_us"]["p50"] for r in runs])
            print(f"{name} (bound {bound}),{runs[0]['micro_batch']},"
                  f"{runs[0]['depth']},{rate[name]:.0f},{p50:.0f}")
            if bound is not None and name == "automatic" and p50 > bound:
                print(f"MISSED: p50 {p50:.0f} us, bound {bound}")
                missed = True
        ratio = rate["automatic"] / rate["best"]
        missed |= ratio < 0.95
        print(f"ratio (bound {bound}),,,{ratio:.3f},", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
