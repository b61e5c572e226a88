"""Prints the table of a file in R's format .rda: a class in the column Class, and bases in the others.

A base has one column that names it, or three of zeros and ones: 100 is a, 010 is c, 001 is g and 000 is t.

Usage: read-rda.py FILE. The format: "R Internals", section "Serialization Formats" (version 2, XDR), compressed by bzip2 or xz.
"""

import bz2
import lzma
import struct
import sys


class Reader:
    """What of the format a data frame of factors needs."""

    def __init__(self, data):
        self.data, self.at, self.symbols = data, 0, []

    def take(self, count):
        self.at += count
        return self.data[self.at - count : self.at]

    def integers(self, count):
        return struct.unpack(f">{count}i", self.take(4 * count))

    def integer(self):
        return self.integers(1)[0]

    def value(self):
        """A value and its attributes."""
        flags = self.integer()
        kind, has_attributes, has_tag = flags & 255, flags & 512, flags & 1024
        if kind == 254:  # the end of a list
            return None, {}
        if kind == 255:  # a symbol that was there before
            return self.symbols[(flags >> 8) - 1], {}
        if kind == 1:  # a symbol
            self.symbols.append(self.value()[0])
            return self.symbols[-1], {}
        if kind == 9:  # a string
            return self.take(self.integer()).decode(), {}
        if kind == 2:  # a list of names and values
            attributes = self.attributes() if has_attributes else {}
            name = self.value()[0] if has_tag else ""
            first = self.value()
            return {name: first} | (self.value()[0] or {}), attributes
        if kind in (10, 13):  # truth values, integers
            content = self.integers(self.integer())
        elif kind in (16, 19):  # strings, values
            content = [self.value() for _ in range(self.integer())]
        else:
            raise SystemExit(f"read-rda: got a value of kind {kind}, expected a data frame of factors")
        return content, self.attributes() if has_attributes else {}

    def attributes(self):
        return self.value()[0]


def bases(texts):
    """The bases of a sequence, from the texts of its columns."""
    if set(texts) <= {"0", "1"}:
        numbers = {"100": "a", "010": "c", "001": "g", "000": "t"}
        return "".join(numbers["".join(texts[at : at + 3])] for at in range(0, len(texts), 3))
    return "".join(texts)


def main(path):
    with open(path, "rb") as file:
        packed = file.read()
    data = (lzma if packed.startswith(b"\xfd7zXZ") else bz2).decompress(packed)
    head = b"RDX2\nX\n"
    if not data.startswith(head):
        raise SystemExit(f"read-rda: {path}: got a file that begins {data[:7]}, expected {head}")
    reader = Reader(data[len(head) :])
    reader.integers(3)  # versions of the format and of R
    [(columns, attributes)] = reader.value()[0].values()
    names = [name for name, _ in attributes["names"][0]]
    texts = {}
    for name, (codes, of_column) in zip(names, columns):
        levels = [level for level, _ in of_column["levels"][0]]
        texts[name] = [levels[code - 1] for code in codes]
    kinds = texts.pop("Class")
    print("class,sequence")
    for kind, *sequence in zip(kinds, *texts.values()):
        print(f"{kind},{bases(sequence)}")


main(sys.argv[1])
