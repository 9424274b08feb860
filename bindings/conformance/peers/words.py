"""How values look on the line."""

# Options that are times: milliseconds on the line, and seconds in Python.
TIMES = {
    *("backoff", "deadline", "delay", "forget", "heartbeat_interval", "keep", "linger", "max_age", "max_cached_age"),
    *("ask", "gather", "history_age", "lease", "max_hold", "max_keep", "max_stored_age", "patience", "snail_max_age", "time_limit"),
}


def unhex(word):
    return b"" if word == "-" else bytes.fromhex(word)


def tohex(data):
    return data.hex() or "-"


def line(frames, between=" "):
    return between.join(map(tohex, frames))


def seconds(millis):
    return None if int(millis) < 0 else int(millis) / 1000


def split(words):
    """The options among the words, and the frames."""
    pairs = (word.split("=", 1) for word in words if "=" in word)
    return {name: value(name, word) for name, word in pairs}, [unhex(word) for word in words if "=" not in word]


def flat(counters):
    return " ".join(f"{name}={count}" for name, count in counters.items())


def value(name, word):
    """`5`, `true` or `hex:00ff` as a Python program would write it."""
    if word.startswith("hex:"):
        data = unhex(word[4:])
        return data if name == "key" else data.decode()
    if word in ("true", "false"):
        return word == "true"
    return int(word) / 1000 if name in TIMES else int(word)
