"""What this build can do, and CURVE keys."""

from __future__ import annotations

from typing import NamedTuple

from . import _native


class Info(NamedTuple):
    """Versions and capabilities of a build."""

    version: str
    """Version of zpatterns."""
    libzmq: str
    """Version of the libzmq inside."""
    curve: bool
    """Whether connections can be encrypted and authenticated with CURVE."""
    transports: list[str]
    """Transports that a socket can bind to."""


class CurveKeys(NamedTuple):
    """A CURVE key pair, 40 characters of Z85 each."""

    public: str
    """To give away."""
    secret: str
    """To keep."""

    @classmethod
    def from_secret(cls, secret: str) -> CurveKeys:
        """The pair that belongs to a secret key, or :class:`InvalidArgument`."""
        return cls(_native.curve_public_key(secret), secret)

    def __repr__(self) -> str:
        return f"CurveKeys(public={self.public!r})"


def info() -> Info:
    """What this build is and can do; each transport is tried by binding."""
    return Info(**_native.info())


def curve_keypair() -> CurveKeys:
    """A new key pair from the system's random source."""
    return CurveKeys(*_native.curve_keypair())
