#!/usr/bin/env python3
"""Fifty steps of each optimiser, with clipping, schedules and accumulation: `heed train` beside PyTorch in f32 and f64.

Prints for each the greatest difference of a weight, relative to the largest weight of its array, and ends with 1 where one is above 1e-12 in
f64; in f32 both round. Lion, which PyTorch lacks, is compared with the loop of its paper. A step takes all samples, so that their order does
not count.
"""
import argparse
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--heed", default=".build/release/heed")
options = parser.parse_args()
STEPS, RATE = 50, 0.01

GRAPH = """graph @loss(%x: TYPE[B, 6], %t: TYPE[B, 4], parameter %w: TYPE[6, 4], parameter %b: TYPE[4]) {
  %p = contract %x, %w {subscripts = "bi,io->bo"} : TYPE[B, 4]
  %c = broadcast %b {dims = [1]} : TYPE[B, 4]
  %s = add %p, %c : TYPE[B, 4]
  %y = tanh %s : TYPE[B, 4]
  %d = subtract %y, %t : TYPE[B, 4]
  %e = multiply %d, %d : TYPE[B, 4]
  %loss = reduce %e {dims = [0, 1], kind = add} : TYPE
  return %loss
}
"""


class Lion:
    """Chen and others, "Symbolic discovery of optimization algorithms", 2023, algorithm 2."""

    def __init__(self, groups, beta1=0.9, beta2=0.99):
        self.param_groups, self.betas = groups, (beta1, beta2)
        self.momenta = [torch.zeros_like(group["params"][0]) for group in groups]

    def zero_grad(self):
        for group in self.param_groups:
            group["params"][0].grad = None

    @torch.no_grad()
    def step(self):
        for group, momentum in zip(self.param_groups, self.momenta):
            (weight,), rate, (beta1, beta2) = group["params"], group["lr"], self.betas
            update = torch.sign(beta1 * momentum + (1 - beta1) * weight.grad)
            weight -= rate * (update + group["weight_decay"] * weight)
            momentum.mul_(beta2).add_(weight.grad, alpha=1 - beta2)


# Name, what the recipe says of it, PyTorch's optimiser, and what else: clipping, accumulation, schedule.
CASES = [
    ("SGD", "{kind: SGD, weight_decay: 0.1}", lambda groups: torch.optim.SGD(groups), {}),
    ("SGD with momentum", "{kind: SGD, momentum: 0.9, weight_decay: 0.1}", lambda groups: torch.optim.SGD(groups, momentum=0.9), {}),
    ("SGD, Nesterov", "{kind: SGD, momentum: 0.9, nesterov: true, weight_decay: 0.1}",
     lambda groups: torch.optim.SGD(groups, momentum=0.9, nesterov=True), {}),
    ("AdamW", "{kind: AdamW, weight_decay: 0.1}", lambda groups: torch.optim.AdamW(groups), {}),
    ("Lion", "{kind: Lion, weight_decay: 0.1}", Lion, {}),
    ("Adafactor", "{kind: Adafactor, weight_decay: 0.1}", lambda groups: torch.optim.Adafactor(groups, eps=(2**-23, 1e-3)), {}),
    ("AdamW, clipped", "{kind: AdamW, weight_decay: 0.1}", lambda groups: torch.optim.AdamW(groups), {"clip": 0.5}),
    ("AdamW, accumulated", "{kind: AdamW, weight_decay: 0.1}", lambda groups: torch.optim.AdamW(groups), {"accumulate": 5}),
    ("AdamW, cosine", "{kind: AdamW, weight_decay: 0.1}", lambda groups: torch.optim.AdamW(groups), {"schedule": "cosine"}),
    ("SGD, linear", "{kind: SGD, weight_decay: 0.1}", lambda groups: torch.optim.SGD(groups), {"schedule": "linear"}),
]


def rate(made, schedule):
    """From RATE to a tenth over 40 steps, after 10 that rise."""
    if schedule is None:
        return RATE
    progress = min(max(made - 10, 0) / 40, 1)
    factor = 1 - progress if schedule == "linear" else (1 + math.cos(math.pi * progress)) / 2
    return (RATE / 10 + (RATE - RATE / 10) * factor) * min((made + 1) / 10, 1)


def by_heed(folder, type_name, start, data, optimizer, extra):
    files = {name: folder / f"{name}.safetensors" for name in ("start", "data", "trained")}
    save_file(start, files["start"])
    save_file(data, files["data"])
    (folder / "loss.heed").write_text(GRAPH.replace("TYPE", type_name))
    schedule = extra.get("schedule")
    learning_rate = f"{{schedule: {schedule}, from: {RATE}, to: {RATE / 10}, over: 40, warm_up: 10}}" if schedule else RATE
    lines = [
        "graph: loss.heed", "data: {file: data.safetensors}", "parameters: start.safetensors", f"optimizer: {optimizer}",
        f"learning_rate: {learning_rate}", f"batch: {len(data['x'])}", f"steps: {STEPS}", "output: trained.safetensors",
    ]
    if "clip" in extra:
        lines.append(f"clipping_norm: {extra['clip']}")
    if "accumulate" in extra:
        lines.append(f"accumulate: {extra['accumulate']}")
    (folder / "recipe.yaml").write_text("\n".join(lines) + "\n")
    done = subprocess.run([options.heed, "train", folder / "recipe.yaml"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"heed train: {done.stderr}")
    return load_file(files["trained"])


def by_torch(start, data, make, extra):
    weights = {name: array.clone().requires_grad_() for name, array in start.items()}
    # Arrays of two dimensions decay.
    groups = [{"params": [array], "lr": RATE, "weight_decay": 0.1 if array.dim() > 1 else 0} for array in weights.values()]
    optimizer = make(groups)
    count, made = extra.get("accumulate", 1), 0
    for step in range(STEPS):
        loss = ((torch.tanh(data["x"] @ weights["w"] + weights["b"]) - data["t"]) ** 2).sum()
        (loss / count).backward()
        if (step + 1) % count:
            continue
        if "clip" in extra:
            torch.nn.utils.clip_grad_norm_(weights.values(), extra["clip"])
        for group in optimizer.param_groups:
            group["lr"] = rate(made, extra.get("schedule"))
        optimizer.step()
        optimizer.zero_grad()
        made += 1
    return {name: array.detach() for name, array in weights.items()}


worst = 0
print(f"{'optimiser':24}{'f32':>10}{'f64':>10}")
for name, text, make, extra in CASES:
    differences = []
    for type_name, dtype in [("f32", torch.float32), ("f64", torch.float64)]:
        generator = torch.Generator().manual_seed(1)
        random = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float32).to(dtype)
        start = {"w": random(6, 4), "b": random(4)}
        data = {"x": random(32, 6), "t": random(32, 4)}
        with tempfile.TemporaryDirectory() as folder:
            heed = by_heed(Path(folder), type_name, start, data, text, extra)
        torch_ = by_torch(start, data, make, extra)
        differences.append(
            max(float((heed[key].double() - torch_[key].double()).abs().max() / torch_[key].double().abs().max()) for key in start))
    worst = max(worst, differences[1])
    print(f"{name:24}{differences[0]:10.1e}{differences[1]:10.1e}")
sys.exit(worst > 1e-12)
