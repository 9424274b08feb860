"""The command that comes with the wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import zpatterns


def zpat(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zpatterns", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_info_shows_curve() -> None:
    done = zpat("info")
    assert done.returncode == 0, done.stderr
    assert f"zpatterns  {zpatterns.__version__}\n" in done.stdout
    assert "curve      yes\n" in done.stdout


def test_mistakes_have_a_code() -> None:
    assert zpat("recv", "--bind", "nonsense").returncode == 1
    assert zpat("no-such-command").returncode == 2


def test_the_wheel_installs_the_command() -> None:
    beside = Path(sys.executable).parent
    assert shutil.which("zpat", path=str(beside)), f"no zpat in {beside}"
