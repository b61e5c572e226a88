"""What the comparisons with PyTorch share: threads, Heed's command, and contenders that take turns."""
import argparse
import json
import statistics
import subprocess
import time

import torch


def arguments(description):
    """The options of a comparison; PyTorch then runs on as many threads as Heed."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--heed", default=".build/release/heed")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="for how long each contender repeats in a round")
    return parser


def parsed(parser):
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    return options


def heed(options, *words):
    """Runs `heed bench` and returns its report."""
    command = [options.heed, "bench", *words, "--threads", options.threads, "--seconds", options.seconds, "--json"]
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(result.stderr.strip())
    return json.loads(result.stdout)


def best_seconds(body, seconds):
    """The shortest run of `body`, one to warm up not counted."""
    body()
    times = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        body()
        times.append(time.perf_counter() - start)
    return min(times)


def turns(contenders, rounds):
    """The median over the rounds of what each contender returns, a time: all take turns, so that drift hits all alike."""
    times = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, measure in contenders.items():
            times[name].append(measure())
    return {name: statistics.median(values) for name, values in times.items()}
