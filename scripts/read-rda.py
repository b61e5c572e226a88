"""Prints the table of a file in R's format .rda: a class in the first column, and one base in each of the others.

Usage: read-rda.py FILE. The format: "R Internals", section "Serialization Formats" (version 2, XDR), compressed by bzip2.
"""

import bz2
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


def main(path):
    with open(path, "rb") as file:
        data = bz2.decompress(file.read())
    head = b"RDX2\nX\n"
    if not data.startswith(head):
        raise SystemExit(f"read-rda: {path}: got a file that begins {data[:7]}, expected {head}")
    reader = Reader(data[len(head) :])
    reader.integers(3)  # versions of the format and of R
    [(columns, _)] = reader.value()[0].values()
    texts = []
    for codes, attributes in columns:
        levels = [level for level, _ in attributes["levels"][0]]
        texts.append([levels[code - 1] for code in codes])
    print("class,sequence")
    for kind, *bases in zip(*texts):
        print(f"{kind},{''.join(bases)}")


main(sys.argv[1])
