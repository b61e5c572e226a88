#!/usr/bin/env python3
"""A model that `heed train` wrote, in sentence-transformers: the same tensors as the model it began from, and the same vectors as Heed.

Usage: scripts/peers/fine-tuned.py MODEL BASE SENTENCES.jsonl [--heed .build/release/heed]    (pip install sentence-transformers)
Exits with 1 where a vector differs by more than 1e-5.
"""
import argparse
import json
import subprocess
import sys

from safetensors import safe_open
from sentence_transformers import SentenceTransformer

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("model")
parser.add_argument("base")
parser.add_argument("sentences", help="JSON lines; every string in them is a sentence")
parser.add_argument("--heed", default=".build/release/heed")
options = parser.parse_args()


def tensors(folder):
    with safe_open(folder + "/model.safetensors", "pt") as file:
        return {name: (file.get_slice(name).get_dtype(), file.get_slice(name).get_shape()) for name in file.keys()}, file.metadata()


if tensors(options.model) != tensors(options.base):
    sys.exit("error: the tensors' names, types, shapes or metadata are not those of " + options.base)

with open(options.sentences) as lines:
    texts = [text for line in lines for text in json.loads(line).values()]
# Of all lengths: a few sentences joined, up to what is cut off.
texts += [" ".join(texts[:count]) for count in (3, 10, 40)]
inputs = "".join(json.dumps({"text": text}) + "\n" for text in texts)
output = subprocess.run(
    [options.heed, "embed", "--model", options.model, "--json"], input=inputs, capture_output=True, text=True, check=True
).stdout
own = [json.loads(line)["embedding"] for line in output.splitlines()]
theirs = SentenceTransformer(options.model, device="cpu").encode(texts, batch_size=1)
difference = max(abs(a - b) for x, y in zip(own, theirs.tolist(), strict=True) for a, b in zip(x, y, strict=True))
print(f"{len(texts)} sentences, {len(own[0])} components: the largest difference is {difference:.1e}")
sys.exit(0 if difference <= 1e-5 else 1)
