"""Strings of every kind from one program to another, and nothing changes on the way.

    strings.py recv ENDPOINT [--text T]... [--file F]...
    strings.py send ENDPOINT [--text T]... [--file F]...

Both sides get the same texts and files. The receiver binds, compares each string with its own, and reports.
"""

import argparse
import sys
from pathlib import Path

import zpatterns

DEADLINE = 30  # seconds, for every wait
BUILT_IN = [
    ("ascii", "Hello, world!"),
    ("utf8", "Grüße, Ελλάδα, Привет, שלום, 你好, こんにちは, 🦀"),
    ("empty", ""),
    ("nul", "before\0after"),
    ("mebibyte", "é" * 524288),
]


# region: send
def send(endpoint, cases):
    with zpatterns.Socket("push") as socket:
        socket.connect(endpoint)
        for name, data in cases:
            socket.send_multipart([name, data], timeout=DEADLINE)
        socket.send_text("end", timeout=DEADLINE)
    print(f"{len(cases)} strings sent")
# endregion


# region: recv
def recv(endpoint, cases):
    count, equal = 0, 0
    with zpatterns.Socket("pull") as socket:
        print("endpoint", socket.bind(endpoint), flush=True)
        while (message := socket.recv_multipart(timeout=DEADLINE)) != [b"end"]:
            same = count < len(cases) and message == cases[count]
            print(message[0].decode(), len(message[-1]), "equal" if same else "DIFFERENT")
            count, equal = count + 1, equal + same
    different = max(count, len(cases)) - equal  # a missing one is different
    print(f"{count} strings,", f"{different} DIFFERENT" if different else "all equal")
    return 1 if different else 0
# endregion


parser = argparse.ArgumentParser()
parser.add_argument("role", choices=["recv", "send"])
parser.add_argument("endpoint")
parser.add_argument("--text", action="append", default=[])
parser.add_argument("--file", action="append", default=[], type=Path)
options = parser.parse_args()
cases = [[name.encode(), text.encode()] for name, text in BUILT_IN + [("text", text) for text in options.text]]
cases += [[b"file", file.read_bytes()] for file in options.file]
sys.exit({"recv": recv, "send": send}[options.role](options.endpoint, cases))
