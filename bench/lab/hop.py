#!/usr/bin/env python3
"""The first hop: payload and headers on the wire over the shaped rate.

mnist_fcnn in 8 bits, fc1 cut over two hosts: the second gets 784 bytes a sample
in messages of N samples, 16 messages under way. Bars: 0.92 from 8 and 0.94 from
16 samples a message, at 1 Gbit/s and at 100 Mbit/s. Timed: from the first sample
in to the last one out.
"""
import lab

BARS = {8: 0.92, 16: 0.94, 32: 0.94, 64: 0.94}


def main():
    args = lab.arguments(__doc__, samples=10000, rates="1000,100")
    one = lab.Lab(3, args.build)
    missed = False
    print("rate,samples_per_message,fraction_of_rate,spread_percent,bar")
    for rate in (int(r) for r in args.rates.split(",")):
        one.up(f"{rate}mbit")
        plan = one.plan("mnist_fcnn.h5", "--bits", "8", "--cut",
                        "fc1=neuron:2,output")

        def fraction(batch):
            # The last message is short: whole ones, so that headers count right.
            n = args.samples // batch * batch
            run = one.run(3, plan, "--data", f"random:{n}:1", "--micro-batch",
                          str(batch), "--depth", "16")
            bits = 8 * run["stages"][1]["bytes_in"] * run["throughput_per_s"]
            return bits / (rate * 1e6)

        cases = {b: (lambda b=b: fraction(b)) for b in (1, 2, 4, 8, 16, 32, 64)}
        for batch, values in lab.interleaved(args.rounds, cases).items():
            bar = BARS.get(batch)
            missed |= bar is not None and lab.median(values) < bar
            print(f"{rate}mbit,{batch},{lab.median(values):.3f},"
                  f"{lab.spread(values):.1f},{bar or ''}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
