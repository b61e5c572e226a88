"""Makes the reference files of byte-pair encoding with the Python package tokenizers (0.23.3).

Usage: python3 generate.py. The texts are those of ../tokenizer/strings.jsonl. Writes beside itself:
tokenizer.json     a byte-level tokenizer of 900 tokens that the package trained on the first 2500 texts, and a special token.
hashes.txt         for each text a 64-bit FNV-1a hash of its ids, each id in four bytes, the lowest first.
"""
import json
import os

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

here = os.path.dirname(os.path.abspath(__file__))
texts = [json.loads(line)[0] for line in open(os.path.join(here, "../tokenizer/strings.jsonl"), encoding="utf-8")]

tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(
    vocab_size=900, min_frequency=2, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
tokenizer.train_from_iterator(texts[:2500], trainer)
tokenizer.add_special_tokens(["<|end|>"])
tokenizer.save(os.path.join(here, "tokenizer.json"), pretty=False)

with open(os.path.join(here, "hashes.txt"), "w") as file:
    for text in texts:
        value = 0xCBF29CE484222325
        for byte in b"".join(id.to_bytes(4, "little") for id in tokenizer.encode(text + "<|end|>").ids):
            value = (value ^ byte) * 0x100000001B3 % 2**64
        print(f"{value:016x}", file=file)
