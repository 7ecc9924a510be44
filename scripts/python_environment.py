"""Environments of Python with the packages that a script needs, in the user's cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path


PACKAGE = Path(__file__).resolve().parents[1] / "engine" / "python"


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()


def enter(name: str, requirements: Path) -> None:
    """Runs the script again in the environment, which is made if it is not there or not up to date."""
    folder = cache() / name
    python = folder / "bin" / "python"
    if Path(sys.prefix) == folder:
        return
    wanted = f"Python {sys.version}\n{requirements.read_text('utf-8')}"
    # Written last: an installation that failed halfway is repeated.
    stamp = folder / "installed"
    if not stamp.is_file() or stamp.read_text("utf-8") != wanted:
        install(folder, python, requirements)
        stamp.write_text(wanted, "utf-8")
    os.execv(python, [str(python), *sys.argv])


def install(folder: Path, python: Path, requirements: Path) -> None:
    if sys.version_info < (3, 11):
        sys.exit(f"Python {sys.version.split()[0]} is too old: 3.11 is needed")
    print(f"installing the packages of {requirements} into {folder}", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, "-r", str(requirements)]).returncode:
        sys.exit(f"pip could not install the packages of {requirements}; its output is above")


def build_package(name: str) -> dict[str, str]:
    """Builds the Python package for this machine into the environment; returns the variables of programs that run there.

    The package is used from its folder: its compiled half is put next to its modules. Exits with 1 if the build fails.
    """
    folder = cache() / name
    environment = {**os.environ, "VIRTUAL_ENV": str(folder), "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    build = ["maturin", "develop", "--release", "--locked"]
    if subprocess.run(build, cwd=PACKAGE, env=environment).returncode:
        sys.exit(1)
    return environment
