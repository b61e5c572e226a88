#!/usr/bin/env python3
"""Steps of training a small language model with AdamW: Heed beside PyTorch, eager and compiled, f32, from the same weights and batches."""
import json
import subprocess
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

from contenders import arguments, parsed, turns

parser = arguments(__doc__)
parser.add_argument("--text", default="/usr/share/common-licenses/GPL-3")
parser.add_argument("--layers", type=int, default=4)
parser.add_argument("--width", type=int, default=128)
parser.add_argument("--heads", type=int, default=4)
parser.add_argument("--length", type=int, default=64)
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--steps", type=int, default=200)
options = parsed(parser)


class Layer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        parts = ["query", "key", "value", "output"]
        self.attention = nn.ModuleDict({part: nn.Linear(width, width) for part in parts})
        self.mlp = nn.ModuleDict({"up": nn.Linear(width, 4 * width), "down": nn.Linear(4 * width, width)})

    def forward(self, x):
        y = self.norm1(x)
        heads = lambda part: self.attention[part](y).unflatten(-1, (options.heads, -1)).transpose(1, 2)
        out = F.scaled_dot_product_attention(heads("query"), heads("key"), heads("value"), is_causal=True)
        x = x + self.attention["output"](out.transpose(1, 2).flatten(-2))
        return x + self.mlp["down"](F.gelu(self.mlp["up"](self.norm2(x))))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(256, options.width)
        self.positions = nn.Embedding(options.length, options.width)
        self.layers = nn.ModuleList(Layer(options.width) for _ in range(options.layers))
        self.norm = nn.LayerNorm(options.width)

    def forward(self, ids, targets):
        x = self.tokens(ids) + self.positions.weight
        for layer in self.layers:
            x = layer(x)
        logits = self.norm(x) @ self.tokens.weight.T
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def rate(step):
    """The cosine schedule of Heed's step, over that of the first step after warm-up."""
    if step < 20:
        return (step + 1) / 20
    progress = torch.tensor(min(1.0, (step - 20) / max(1, options.steps - 20)), dtype=torch.float64)
    return 0.1 + 0.9 * (1 + torch.cos(progress * torch.pi).item()) / 2


def train(compiled):
    """The losses of all steps, and the shortest time of one."""
    model = Model()
    model.load_state_dict(load_file(folder / "start.safetensors"))
    function = torch.compile(model) if compiled else model
    groups = [[p for p in model.parameters() if (p.dim() > 1) == decays] for decays in (True, False)]
    optimizer = torch.optim.AdamW(
        [{"params": groups[0], "weight_decay": 0.01}, {"params": groups[1], "weight_decay": 0.0}], lr=1e-3, foreach=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    losses, times = [], []
    for number in range(options.steps):
        ids, targets = batches[f"ids.{number}"].long(), batches[f"targets.{number}"].long()
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = function(ids, targets)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        times.append(time.perf_counter() - start)
        schedule.step()
        losses.append(loss.item())
    return losses, min(times)


def run_heed():
    shape = [f"--{name}={getattr(options, name)}" for name in ["layers", "width", "heads", "length", "batch", "steps"]]
    command = [options.heed, "bench", "training", "--text", options.text, *shape, "--save", folder, "--threads", options.threads, "--json"]
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(result.stderr.strip())
    reports.append(json.loads(result.stdout))
    return reports[-1]["best_seconds"]


def run_torch(compiled):
    losses, best = train(compiled)
    curves[compiled] = losses
    return best


folder = Path(tempfile.mkdtemp())
reports, curves = [], {}
run_heed()
batches = load_file(folder / "batches.safetensors")
times = turns(
    {"heed": run_heed, "torch eager": lambda: run_torch(False), "torch.compile": lambda: run_torch(True)}, options.rounds
)
report = reports[-1]
print(f"{options.layers} layers, width {options.width}, {options.batch} x {options.length} tokens ({report['target']})")
for name, seconds in times.items():
    print(f"{name:14} {1e3 * seconds:8.2f} ms a step; heed takes {times['heed'] / seconds:.2f} of it")
for compiled, losses in curves.items():
    worst = max(abs(a - b) for a, b in zip(report["losses"], losses))
    print(f"losses of {'torch.compile' if compiled else 'torch eager'}: at most {worst:.1e} from Heed's over {len(losses)} steps")
print(f"from {report['losses'][0]:.3f} to {report['losses'][-1]:.3f}")
