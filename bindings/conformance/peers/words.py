"""How values look on the line."""


def unhex(word):
    return b"" if word == "-" else bytes.fromhex(word)


def tohex(data):
    return data.hex() or "-"


def line(frames, between=" "):
    return between.join(map(tohex, frames))


def seconds(millis):
    return None if int(millis) < 0 else int(millis) / 1000
