"""Each kind of error has its class, and the classes fit the language."""

from __future__ import annotations

import pickle

import pytest

import zpatterns
from zpatterns import _native


@pytest.mark.parametrize(("name", "code", "retryable"), _native.error_kinds())
def test_every_kind_raises_its_class(name: str, code: int, retryable: bool) -> None:
    cls = getattr(zpatterns, name)
    with pytest.raises(zpatterns.Error) as caught:
        _native.raise_error(code, "what happened")
    error = caught.value
    assert type(error) is cls
    assert (error.kind, error.code, error.retryable) == (name, code, retryable)
    assert error.context == {"code": str(code)}
    assert str(error) == f"what happened (code {code})"
    assert name in zpatterns.__all__
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.context) == (cls, str(error), error.context)


def test_kinds_are_builtin_exceptions_where_python_has_one() -> None:
    for ours, builtin in [
        (zpatterns.Timeout, TimeoutError),
        (zpatterns.InvalidArgument, ValueError),
        (zpatterns.InvalidEndpoint, ValueError),
        (zpatterns.InvalidText, ValueError),
        (zpatterns.PermissionDenied, PermissionError),
        (zpatterns.NotFound, LookupError),
    ]:
        assert issubclass(ours, builtin)
        assert issubclass(ours, zpatterns.Error)


def test_a_subclass_of_a_program_keeps_the_kind() -> None:
    class Late(zpatterns.Timeout):
        pass

    assert (Late.kind, Late.code) == ("Timeout", zpatterns.Timeout.code)


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (zpatterns.InvalidArgument, lambda: zpatterns.Socket("no such")),  # type: ignore[arg-type]
        (zpatterns.InvalidArgument, lambda: zpatterns.Context(io_threads=0)),
        (zpatterns.InvalidEndpoint, lambda: zpatterns.Socket("pull").bind("nonsense")),
        (zpatterns.InvalidEndpoint, lambda: zpatterns.Socket("pull").bind("tcp://127.0.0.1:99999")),
        (zpatterns.AddressNotAvailable, lambda: zpatterns.Socket("pull").bind("tcp://203.0.113.1:0")),
        (zpatterns.NotFound, lambda: zpatterns.Socket("pull").unbind("tcp://127.0.0.1:1")),
        (zpatterns.Unsupported, lambda: zpatterns.Socket("pull").send(b"", timeout=0)),
        (zpatterns.Unsupported, lambda: zpatterns.Socket("push").recv(timeout=0)),
        (zpatterns.Unsupported, lambda: zpatterns.Socket("pull").subscribe(b"")),
        (zpatterns.Full, lambda: zpatterns.Socket("push").send(b"", timeout=0)),
        (zpatterns.Timeout, lambda: zpatterns.Socket("pull").recv(timeout=0)),
        (zpatterns.Timeout, lambda: zpatterns.Socket("push").send(b"", timeout=0.01)),
        (zpatterns.WrongState, lambda: zpatterns.Socket("rep").send(b"", timeout=0)),
        (zpatterns.Unreachable, lambda: zpatterns.Socket("router").send_multipart([b"nobody", b""], timeout=0)),
        (zpatterns.TooLarge, lambda: zpatterns.Socket("push", max_message_size=1024).send(b"x" * 1025)),
        (zpatterns.InvalidArgument, lambda: zpatterns.Socket("push").send(b"", timeout=-1)),
        (zpatterns.InvalidArgument, lambda: zpatterns.Socket("push").send(b"", timeout=float("nan"))),
        (zpatterns.InvalidArgument, lambda: zpatterns.Socket("push").send_multipart([], timeout=0)),
        (zpatterns.InvalidArgument, lambda: zpatterns.CurveKeys.from_secret("short")),
    ],
)
def test_what_a_program_gets_wrong_has_its_kind(error: type[zpatterns.Error], call: object) -> None:
    with pytest.raises(error):
        call()  # type: ignore[operator]


def test_an_address_in_use_says_which() -> None:
    with zpatterns.Socket("pull") as first, zpatterns.Socket("pull") as second:
        endpoint = first.bind("tcp://127.0.0.1:0")
        with pytest.raises(zpatterns.AddressInUse) as caught:
            second.bind(endpoint)
        assert caught.value.context["endpoint"] == endpoint
