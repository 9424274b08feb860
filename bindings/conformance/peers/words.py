"""How values look on the line."""

# Options that are times: milliseconds on the line, and seconds in Python.
TIMES = {
    "deadline", "forget", "heartbeat_interval", "linger", "max_age", "max_cached_age", "max_stored_age", "patience",
}


def unhex(word):
    return b"" if word == "-" else bytes.fromhex(word)


def tohex(data):
    return data.hex() or "-"


def line(frames, between=" "):
    return between.join(map(tohex, frames))


def seconds(millis):
    return None if int(millis) < 0 else int(millis) / 1000


def value(name, word):
    """`5`, `true` or `hex:00ff` as a Python program would write it."""
    if word.startswith("hex:"):
        data = unhex(word[4:])
        return data if name == "key" else data.decode()
    if word in ("true", "false"):
        return word == "true"
    return int(word) / 1000 if name in TIMES else int(word)
