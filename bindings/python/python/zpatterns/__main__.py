"""The command ``zpat``, also as ``python -m zpatterns``."""

from __future__ import annotations

import signal
import sys

from . import _native


def main() -> int:
    """Runs the command with the arguments of the process."""
    # Nothing of Python runs meanwhile, so Ctrl-C ends the process as it ends any other program.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.zpat(["zpat", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
