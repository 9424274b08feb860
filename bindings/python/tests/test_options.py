"""Options by name, in Python's units."""

from __future__ import annotations

import typing

import pytest

import zpatterns

TYPES = {"Bool": bool, "Int": int, "Duration": float, "Text": str, "Bytes": bytes}


def test_type_checkers_know_every_option() -> None:
    declared = typing.get_type_hints(zpatterns.Options)
    assert declared == {row[0]: TYPES[row[1]] | None for row in zpatterns.option_table()}


def test_type_checkers_know_every_kind() -> None:
    for kind in typing.get_args(zpatterns.Kind):
        with zpatterns.Socket(kind) as socket:
            assert socket.kind == kind


@pytest.mark.parametrize("row", zpatterns.option_table(), ids=lambda row: row[0])
def test_an_option_takes_its_type_within_its_range(row: tuple[str, str, str, int, int, str]) -> None:
    name, kind, _, low, high, _ = row
    wrong: list[object] = [object(), [1]] if kind in ("Text", "Bytes") else ["text", b"bytes", object()]
    if kind == "Int":
        wrong += [low - 1, high + 1, 1.5, True, 2**70]
    if kind == "Duration":
        wrong += [low / 1000 - 1, high / 1000 + 1, float("nan"), float("inf"), 10**400, True]
    for value in wrong:
        with pytest.raises((zpatterns.InvalidArgument, TypeError)):
            zpatterns.Socket("pull", **{name: value})  # type: ignore[arg-type]


def test_times_are_seconds_and_none_is_the_default() -> None:
    zpatterns.Socket("pull", linger=86_400, reconnect_interval=0.001, heartbeat_interval=None).close()
    zpatterns.Socket("pull", reconnect_interval=1e-9).close()
    with pytest.raises(zpatterns.InvalidArgument) as caught:
        zpatterns.Socket("pull", linger=86_401)
    assert caught.value.context["option"] == "linger"


def test_an_unknown_option_is_an_error() -> None:
    with pytest.raises(zpatterns.InvalidArgument, match="no such option"):
        zpatterns.Socket("pull", lingr=1)  # type: ignore[call-arg]


def test_a_routing_id_is_what_the_router_sees(context: zpatterns.Context) -> None:
    router = zpatterns.Socket("router", context=context)
    dealer = zpatterns.Socket("dealer", context=context, routing_id=b"me")
    dealer.connect(router.bind("tcp://127.0.0.1:0"))
    dealer.send(b"hello")
    assert router.recv_multipart(30) == [b"me", b"hello"]


def test_the_build_is_whole() -> None:
    info = zpatterns.info()
    assert info.version == zpatterns.__version__
    assert info.curve
    assert info.transports == ["inproc", "ipc", "tcp", "ws"]


def test_key_pairs() -> None:
    keys = zpatterns.curve_keypair()
    assert (len(keys.public), len(keys.secret)) == (40, 40)
    assert zpatterns.CurveKeys.from_secret(keys.secret) == keys
    assert keys.secret not in repr(keys)
