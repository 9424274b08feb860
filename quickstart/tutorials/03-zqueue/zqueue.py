"""Recursion without a stack: workers in any language walk a folder and take a bicycle apart.

    zqueue.py queue                        prints its endpoint, for the others; ends when it is asked to
    zqueue.py work ENDPOINT                works, until it is stopped
    zqueue.py measure ENDPOINT FOLDER      how many files, bytes, and a checksum; then the same by a plain program
    zqueue.py explode ENDPOINT PARTS THING what a thing consists of in the end, by a list of parts; then the queue ends
"""

import os
import sys
import zlib
from collections import Counter

from zpatterns.zqueue import Handlers, Producer, Queue, QueueWorker

handlers = Handlers()


# region: queue
def queue():
    with Queue("tcp://127.0.0.1:0") as queue, QueueWorker(queue.endpoints, "end") as end:
        print("endpoint", *queue.endpoints, flush=True)
        end.next().complete()  # somebody asks for the end
        queue.drain()
        counters = queue.counters()
    lost = counters["accepted"] - counters["delivered"]
    print("every job was done, and", f"{lost} were lost" if lost else "none was lost")
# endregion: queue


# region: folder
@handlers("folder")
def folder(job):
    if job.resumed:  # everything in it is measured
        return combined(job.memo, job.results)
    [path] = job.body
    entries = look(path)
    job.spawn([(kind, os.path.join(path, name)) for name, kind in entries], [name for name, _ in entries])


@handlers("file")
def file(job):
    return measure_file(*job.body)
# endregion: folder


# region: plain
def plain(path, kind="folder"):
    if kind == "file":
        return measure_file(path)
    entries = look(path)
    return combined([name for name, _ in entries], [[plain(os.path.join(path, name), kind)] for name, kind in entries])
# endregion: plain


def look(path):
    """What is in a folder, in the order of its bytes; not what is hidden, was made, or is neither file nor folder."""
    with os.scandir(path) as found:
        entries = [(entry.name, entry) for entry in found if entry.name not in (b"target", b"node_modules")]
    kinds = {
        name: "folder" if entry.is_dir(follow_symlinks=False) else "file"
        for name, entry in entries
        if entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)
    }
    return sorted((name, kind) for name, kind in kinds.items() if not name.startswith(b"."))


def measure_file(path):
    with open(path, "rb") as file:
        data = file.read()
    return b"1 %d %08x" % (len(data), zlib.crc32(data))


def combined(names, results):
    """Of a folder: files, bytes, and the checksum of a list of what is in it."""
    files = length = 0
    listed = b""
    for name, [result] in zip(names, results):
        one = result.split()
        files, length = files + int(one[0]), length + int(one[1])
        listed += name + b" " + result + b"\n"
    return b"%d %d %08x" % (files, length, zlib.crc32(listed))


# region: parts
@handlers("parts")
def parts(job):
    bill, thing = job.body
    if job.resumed:
        return total(map(int, job.memo), job.results)
    needed = consists_of(bill, thing)
    if not needed:
        return b"1 " + thing
    job.spawn([("parts", [bill, part]) for _, part in needed], [number for number, _ in needed])
# endregion: parts


def consists_of(bill, thing):
    """The line `THING: NUMBER PART, NUMBER PART` as pairs; nothing if there is none."""
    for line in bill.splitlines():
        name, _, needed = line.partition(b": ")
        if name == thing:
            return [tuple(one.split(b" ", 1)) for one in needed.split(b", ")]
    return []


def total(numbers, results):
    counts = Counter()
    for times, result in zip(numbers, results):
        for line in result:
            number, part = line.split(b" ", 1)
            counts[part] += times * int(number)
    return [b"%d " % number + part for part, number in sorted(counts.items())]


# region: measure
def measure(producer, path):
    [result] = producer.run("folder", os.fsencode(path))
    files, length, checksum = result.decode().split()
    print(f"{files} files, {length} bytes, checksum {checksum}")
    print("a plain program finds", "the same" if plain(os.fsencode(path)) == result else "something else")
# endregion: measure


def explode(producer, bill, thing):
    with open(bill, "rb") as file:
        for line in producer.run("parts", [file.read(), thing.encode()]):
            print(line.decode())
    producer.run("end")


match sys.argv[1:]:
    case ["queue"]:
        queue()
    case ["work", endpoint]:
        print("works", flush=True)
        handlers.run(endpoint, credit=4)  # so many jobs may be at hand
    case ["measure", endpoint, path]:
        with Producer(endpoint) as producer:
            measure(producer, path)
    case ["explode", endpoint, bill, thing]:
        with Producer(endpoint) as producer:
            explode(producer, bill, thing)
    case _:
        sys.exit(__doc__)
