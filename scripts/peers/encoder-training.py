#!/usr/bin/env python3
"""A sentence encoder forward and backward, with the gradients of all weights: Heed beside PyTorch, eager and compiled, f32, in one run."""
from functools import partial

import torch
from transformers import BertModel

from contenders import arguments, best_seconds, heed, parsed, turns

parser = arguments(__doc__)
parser.add_argument("--model", required=True, help="a folder with config.json, vocab.txt and model.safetensors")
parser.add_argument("--batch", type=int, default=8)
parser.add_argument("--sequence", type=int, default=128)
options = parsed(parser)

model = BertModel.from_pretrained(options.model, attn_implementation="sdpa", add_pooling_layer=False).eval()
ids = torch.randint(1000, 20000, (options.batch, options.sequence))
cotangent = torch.randn(options.batch, model.config.hidden_size)


def embed(ids):
    return torch.nn.functional.normalize(model(input_ids=ids).last_hidden_state.mean(1))


def forward(function):
    with torch.inference_mode():
        function(ids)


def both(function):
    model.zero_grad()
    (function(ids) * cotangent).sum().backward()


def run_heed(direction):
    shape = ["--batch", options.batch, "--sequence", options.sequence]
    reports.append(heed(options, "encoder", "--model", options.model, *shape, "--direction", direction))
    return reports[-1]["best_seconds"]


reports, contenders = [], {}
for direction, run in [("forward", forward), ("both", both)]:
    for name, function in [("torch eager", embed), ("torch.compile", torch.compile(embed))]:
        step = partial(run, function)
        contenders[name, direction] = partial(best_seconds, step, options.seconds)
    contenders["heed", direction] = partial(run_heed, direction)
times = turns(contenders, options.rounds)
print(f"{options.batch} x {options.sequence} tokens, forward, forward and backward ({reports[-1]['target']})")
for name in ["torch eager", "torch.compile", "heed"]:
    first, both = times[name, "forward"], times[name, "both"]
    print(f"{name:14} {1e3 * first:8.1f} ms {1e3 * both:8.1f} ms {both / first:6.2f} times")
fastest = min(times["torch eager", "both"], times["torch.compile", "both"])
print(f"heed is {fastest / times['heed', 'both']:.2f} times as fast as the faster PyTorch, at {reports[-1]['of_peak']:.2f} of the peak")
