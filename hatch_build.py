"""Builds the compiled tier (`native/`) into a wheel, or into the checkout for an editable install.

Without a compiler, or with `WINDTUNNEL_PURE=1`, the wheel is a pure one: everything runs, the loop about three times
slower.
"""

from __future__ import annotations

import os
import shutil
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAME = "windtunnel._native"


class NativeHook(BuildHookInterface[Any]):
    """Runs before files are collected for a wheel."""

    PLUGIN_NAME = "custom"
    _made: tempfile.TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and add the module to what is installed."""
        if self.target_name != "wheel" or os.environ.get("WINDTUNNEL_PURE", "") not in ("", "0"):
            return
        root = Path(self.root)
        package = root / "src" / "windtunnel"
        file = "_native" + sysconfig.get_config_var("EXT_SUFFIX")
        # Gone when the wheel is written, or when a build that fails half-way ends.
        self._made = tempfile.TemporaryDirectory(prefix="windtunnel-build-")
        try:
            built = compiled(root, Path(self._made.name))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            self.app.display_warning(f"No compiled tier: {error}. The pure one does the same, slower.")
            if version == "editable":
                (package / file).unlink(missing_ok=True)  # of an older source
            return
        if version == "editable":
            # A process may have the old file open: give the name a new one.
            beside = package / (file + ".new")
            shutil.copyfile(built, beside)
            os.replace(beside, package / file)
        else:
            build_data["force_include"][str(built)] = f"windtunnel/{file}"
            build_data["pure_python"] = False
            build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was compiled: the wheel, or the checkout, holds it now."""
        if self._made is not None:
            self._made.cleanup()


def compiled(root: Path, into: Path) -> Path:
    """Compile the module for this interpreter; where it lies. Whatever a compiler's absence raises."""
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    extension = Extension(
        NAME,
        [str(root / "native" / "module.c")],
        depends=[str(path) for path in (root / "native").iterdir()],
        extra_compile_args=[] if os.name == "nt" else ["-O2", "-g0", "-fno-strict-aliasing", "-ffp-contract=off"],
    )
    command = build_ext(Distribution({"name": "windtunnel", "ext_modules": [extension]}))
    command.build_lib = str(into / "lib")
    command.build_temp = str(into / "temp")
    command.ensure_finalized()
    command.run()
    return Path(command.get_ext_fullpath(NAME))
