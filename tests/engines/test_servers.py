"""Servers that we start die with us, however we die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest

from windtunnel.engines.live.servers import MissingEngine
from windtunnel.engines.registry import engines, open_database

POSTGRES_MISSING = next(e.missing for e in engines() if e.name == "postgres")
PROGRAM = """
import os, sys
os.environ.pop("WINDTUNNEL_POSTGRES_URL", None)
from windtunnel.engines.live.servers import postgres_url
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
    from windtunnel.engines.live.servers import _postgres_programs

    with pytest.raises(MissingEngine, match=r"pip install 'windtunnel\[postgres\]'"):
        _postgres_programs()


def test_an_unknown_stage_names_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="there is one on sim, sqlite, postgres"):
        open_database("oracle")
