"""What the measurements in a lab share: raising one, running partita in it.

Each script raises a lab of its own (root only) and takes it down at the end.
Times are of this machine, whose cores all hosts share: only ratios within one
script count, medians over interleaved rounds.
"""
import argparse
import atexit
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))


class Lab:
    def __init__(self, hosts, build):
        self.name = f"bench{os.getpid()}"
        self.hosts = hosts
        self.partita = os.path.join(os.path.abspath(build), "partita")
        self.work = tempfile.TemporaryDirectory()
        atexit.register(self.down)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    def tool(self, *args):
        subprocess.run([os.path.join(ROOT, "mpi_launch", "lab"), *args, "--name",
                        self.name], check=True, stdout=subprocess.DEVNULL)

    def up(self, rate):
        self.tool("up", str(self.hosts), "--rate", rate)

    def down(self):
        self.tool("down")

    def file(self, name):
        return os.path.join(self.work.name, name)

    def launch(self, ranks, *command):
        """Runs a program on the first hosts; its standard output."""
        done = subprocess.run(
            [os.path.join(ROOT, "mpi_launch", "run"), "--lab", self.name, "-np",
             str(ranks), *command], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
        return done.stdout

    def plan(self, model, *options):
        path = self.file("plan.json")
        subprocess.run([self.partita, "plan", os.path.join(ROOT, "datasets", model),
                        "-o", path, *options], check=True,
                       stdout=subprocess.DEVNULL)
        return path

    def calibrate(self):
        path = self.file("cluster.json")
        self.launch(self.hosts, self.partita, "calibrate", "-o", path)
        return path

    def run(self, ranks, plan, *options):
        """partita run; its JSON."""
        path = self.file("run.json")
        self.launch(ranks, self.partita, "run", plan, "--json", path, *options)
        with open(path) as file:
            return json.load(file)


def interleaved(rounds, cases):
    """{name: function} -> {name: list of results}, the cases taking turns."""
    results = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            results[name].append(case())
    return results


def median(values):
    return statistics.median(values)


def spread(values):
    """Per cent between the least and the greatest, of the median."""
    return 100 * (max(values) - min(values)) / median(values)


def arguments(text, **defaults):
    """--build, --rounds and the given options."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    for name, value in {"rounds": 5, **defaults}.items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(value),
                            default=value)
    return parser.parse_args()
