"""A peer that is the system's libzmq, with OpenPGM in it, called through ctypes.

    libzmq.py has                                      whether it has pgm: exit code 0 or 1
    libzmq.py pub ENDPOINT COUNT SIZE[,SIZE...]        sends COUNT messages once a line comes, ends with its input
    libzmq.py sub ENDPOINT COUNT SIZE[,SIZE...]        receives until COUNT came or nothing does for a while

What it says goes to the standard error. Message N has two frames: N in eight bytes, and as many bytes of value N as the sizes say, in turn. ``sub`` prints ``ready``, then
``to N`` with the last that came: all came, in order and whole, from the first that did, which is said in a line before.
"""

import ctypes
import sys

PUB, SUB = 1, 2
SUBSCRIBE, RATE, RECOVERY_IVL, LINGER, SNDHWM, RCVHWM, RCVTIMEO = 6, 8, 9, 17, 23, 24, 27
SNDMORE = 2
RATE_KBIT, RECOVERY_MS = 800_000, 2_000


def library() -> ctypes.CDLL:
    zmq = ctypes.CDLL("libzmq.so.5", use_errno=True)
    zmq.zmq_ctx_new.restype = ctypes.c_void_p
    zmq.zmq_socket.restype = ctypes.c_void_p
    zmq.zmq_socket.argtypes = [ctypes.c_void_p, ctypes.c_int]
    zmq.zmq_setsockopt.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
    for name in ("zmq_bind", "zmq_connect"):
        getattr(zmq, name).argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    zmq.zmq_send.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
    zmq.zmq_recv.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    zmq.zmq_close.argtypes = [ctypes.c_void_p]
    zmq.zmq_ctx_term.argtypes = [ctypes.c_void_p]
    return zmq


def checked(zmq: ctypes.CDLL, result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "libzmq refuses")
    return result


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    zmq = library()
    if sys.argv[1] == "has":
        return 0 if zmq.zmq_has(b"pgm") else 1
    role, endpoint, count, sizes = sys.argv[1], sys.argv[2], int(sys.argv[3]), [int(size) for size in sys.argv[4].split(",")]
    context = zmq.zmq_ctx_new()
    socket = zmq.zmq_socket(context, PUB if role == "pub" else SUB)

    def option(name: int, value: int) -> None:
        number = ctypes.c_int(value)
        checked(zmq, zmq.zmq_setsockopt(socket, name, ctypes.byref(number), 4))

    option(RATE, RATE_KBIT)
    option(RECOVERY_IVL, RECOVERY_MS)
    option(SNDHWM, 0)
    option(RCVHWM, 0)
    if role == "pub":
        option(LINGER, 10_000)
        checked(zmq, zmq.zmq_bind(socket, endpoint.encode()))
        say("ready")
        sys.stdin.readline()
        for number in range(count):
            head, body = number.to_bytes(8, "big"), bytes([number % 256]) * sizes[number % len(sizes)]
            checked(zmq, zmq.zmq_send(socket, head, len(head), SNDMORE))
            checked(zmq, zmq.zmq_send(socket, body, len(body), 0))
        say("sent")
        sys.stdin.read()
        zmq.zmq_close(socket)
        zmq.zmq_ctx_term(context)
        return 0
    option(RCVTIMEO, 10_000)
    checked(zmq, zmq.zmq_setsockopt(socket, SUBSCRIBE, b"", 0))
    checked(zmq, zmq.zmq_connect(socket, endpoint.encode()))
    say("ready")
    buffer = ctypes.create_string_buffer(max(sizes) + 1)
    expected = None
    while expected is None or expected < count:
        size = zmq.zmq_recv(socket, buffer, 8, 0)
        if size < 0:
            break
        number = int.from_bytes(buffer.raw[:8], "big")
        size = checked(zmq, zmq.zmq_recv(socket, buffer, len(buffer), 0))
        wanted = sizes[number % len(sizes)]
        if (expected is not None and number != expected) or size != wanted or buffer.raw[:size] != bytes([number % 256]) * wanted:
            say(f"wrong {number} after {expected} with {size} bytes")
            return 2
        if expected is None:
            say(f"from {number}")
        expected = number + 1
    say(f"to {(expected or 0) - 1}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
