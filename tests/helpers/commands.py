"""The command line, called in this process: how a process starts and ends is asked elsewhere."""

from __future__ import annotations

import pytest

from windtunnel.ui import cli


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Its status, and what it wrote to standard output and to standard error."""
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    out, err = capsys.readouterr()
    assert isinstance(left.value.code, int)
    return left.value.code, out, err
