"""The command line, called in this process: how a process starts and ends is asked elsewhere."""

from __future__ import annotations

import pytest

from windtunnel.lab import cards, discovery
from windtunnel.ui import cli


def catalogue(monkeypatch: pytest.MonkeyPatch, found: dict[str, str]) -> None:
    """For a test, these are all experiments: modules by name."""
    for reader in (discovery, cards):
        monkeypatch.setattr(reader, "modules", lambda package=discovery.CATALOGUE: found)


def add_toy_shop(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a test, a small experiment is the last one of the catalogue."""
    catalogue(monkeypatch, {**discovery.modules(), "toy-shop": "helpers.toy_shop"})


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Its status, and what it wrote to standard output and to standard error."""
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    out, err = capsys.readouterr()
    assert isinstance(left.value.code, int)
    return left.value.code, out, err
