"""What the scripts for Flink and Spark ask of the machine: Java, memory, and whether who started them is still there.

Nothing of Windtunnel or of any package is imported here. `python machine.py` says whether Java can be had, and ends
with status 2 where it cannot.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

LEAST_JAVA = 17
GET = (
    "get one by `apt-get install openjdk-17-jre-headless`, `brew install openjdk@17` or from https://adoptium.net, and "
    "name it in JAVA_HOME where it is not on the path."
)


def java() -> str:
    """What Java says of itself; nothing where there is none."""
    home = os.environ.get("JAVA_HOME")
    command = [str(Path(home, "bin", "java")) if home else "java", "-XX:-UsePerfData", "-version"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stderr.partition("\n")[0]


def java_missing() -> str:
    """Why Flink and Spark cannot run here, in one sentence; nothing where they can."""
    said = java()
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < LEAST_JAVA:
        there = f"here is {said}" if said else "there is none"
        return f"Flink and Spark need Java {LEAST_JAVA} or newer, and {there}: {GET}"
    return ""


def about() -> dict[str, str | int | None]:
    """What figures were taken on."""
    cpu = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        cpu = found[1] if found else cpu
    return {"cpu": cpu, "cores": os.cpu_count(), "python": platform.python_version(), "java": java()}


def memory_mb() -> dict[str, int]:
    """The most that this process and its children have held, each by name, in MB; nothing where that is not Linux."""
    held: dict[str, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            fields = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        except OSError:
            continue  # it has ended meanwhile
        if os.getpid() in (int(folder.name), parent) and "VmHWM" in fields:
            held[fields["Name"].strip()] = round(int(fields["VmHWM"].split()[0]) / 1024)
    return held


def end_with_who_asked() -> None:
    """Where another process asked, which holds the other end of our input: end when it does, and Java with us."""
    if "AD_CLICKS_ASKED" not in os.environ:
        return

    def wait() -> None:
        os.read(0, 1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    if missing := java_missing():
        print(missing, file=sys.stderr)
        sys.exit(2)
