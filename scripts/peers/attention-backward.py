#!/usr/bin/env python3
"""The gradients of attention: Heed beside PyTorch's fixed backward, f32, in one run."""
import torch
from torch.nn.functional import scaled_dot_product_attention

from contenders import arguments, best_seconds, heed, parsed, turns

options = parsed(arguments(__doc__))
for heads, length, width, mask in [(8, 2048, 64, "none"), (8, 2048, 64, "causal"), (8, 2048, 128, "causal")]:
    q, k, v = (torch.randn(1, heads, length, width, requires_grad=True) for _ in range(3))
    out = scaled_dot_product_attention(q, k, v, is_causal=mask == "causal")
    cotangent = torch.randn_like(out)
    reports = []

    def run_heed():
        shape = ["--heads", heads, "--queries", length, "--head-dim", width, "--mask", mask]
        reports.append(heed(options, "attention", *shape, "--direction", "backward"))
        return reports[-1]["best_seconds"]

    def run_torch():
        backward = lambda: torch.autograd.grad(out, (q, k, v), cotangent, retain_graph=True)
        return best_seconds(backward, options.seconds)

    times = turns({"torch": run_torch, "heed": run_heed}, options.rounds)
    pairs = length * length if mask == "none" else length * (length + 1) // 2
    peak = max(report["peak_gflops"] for report in reports) * 1e9
    share = {name: 10 * width * heads * pairs / seconds / peak for name, seconds in times.items()}
    print(
        f"{heads} x {length} x {width} {mask:6}  of the peak: torch {share['torch']:.2f}, heed {share['heed']:.2f};  "
        f"heed is {times['torch'] / times['heed']:.2f} times as fast  ({reports[-1]['target']})", flush=True)
