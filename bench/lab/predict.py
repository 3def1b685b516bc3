#!/usr/bin/env python3
"""Modelled time against the lab: p50 of latency and throughput of many cuts.

The cluster file is calibrated just before, in the same lab; calibration runs no
network. Stages either compute (--model hosts: their compute times are measured,
all else is predicted) or wait for the time of an accelerator (--compute wait). One
CSV row a figure, which scale --measured draws; bar: predicted within 15 per cent
of measured, and at least 10 good rows of each kind. A configuration whose own
spread is above 10 per cent says nothing and is marked so.
"""
import lab

BAR, SPREAD = 0.15, 10.0

# Model, cut, ranks.
CUTS = [("mnist_fcnn", "fc1,output", 2), ("mnist_fcnn", "fc1=neuron:2,output", 3),
        ("mnist_fcnn", "fc1=neuron:4,output", 5),
        ("mnist_fcnn", "fc1=input:2,output", 3),
        ("nsl_cnn", "conv1,conv2,conv3,fc1,output", 5),
        ("nsl_cnn", "conv1,conv2=channel:2,conv3,fc1", 5)]
FLOWS = [("latency", 1, 0), ("throughput", 8, 8), ("throughput", 64, 8)]


def main():
    args = lab.arguments(__doc__, rate="1gbit", limit=2000, least=10,
                         configurations=99)
    one = lab.Lab(5, args.build)
    one.up(args.rate)
    cluster = one.calibrate()
    plans = {}
    cases = {}
    for model, cut, ranks in CUTS:
        plan = one.plan(f"{model}.h5", "--cut", cut)
        plans[model, cut] = one.file(f"plan{len(plans)}.json")
        with open(plan) as old, open(plans[model, cut], "w") as new:
            new.write(old.read())
        for mode, batch, depth in FLOWS:
            for how in (["--compute", "wait"], ["--model", "hosts"]):
                name = (how[-1], model, cut, mode, batch)
                flow = ["--mode", mode, "--micro-batch", str(batch)]
                flow += ["--depth", str(depth)] if depth else []
                cases[name] = (lambda m=(model, cut), r=ranks, f=flow, h=how:
                               one.run(r, plans[m], "--data",
                                       f"random:{args.limit}:1", "--cluster",
                                       cluster, *f, *h))
    cases = dict(list(cases.items())[:args.configurations])
    good = {"wait": 0, "hosts": 0}
    missed = 0
    print("compute,model,cut,mode,micro_batch,figure,measured,predicted,ratio,"
          "spread_percent,verdict")
    for name, runs in lab.interleaved(args.rounds, cases).items():
        latency = name[3] == "latency"
        key = "latency_us" if latency else "throughput_per_s"
        measured = [r[key]["p50"] if latency else r[key] for r in runs]
        predicted = lab.median([r["modelled"][key] for r in runs])
        ratio = predicted / lab.median(measured)
        verdict = ("unsteady" if lab.spread(measured) > SPREAD
                   else "good" if abs(ratio - 1) <= BAR else "MISSED")
        good[name[0]] += verdict == "good"
        missed += verdict == "MISSED"
        print(f"{name[0]},{name[1]},\"{name[2]}\",{name[3]},{name[4]},{key},"
              f"{lab.median(measured):.1f},{predicted:.1f},{ratio:.3f},"
              f"{lab.spread(measured):.1f},{verdict}", flush=True)
    return 1 if missed or min(good.values()) < args.least else 0


if __name__ == "__main__":
    raise SystemExit(main())
