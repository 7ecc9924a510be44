"""What the scripts that run test suites of other projects share: their checkouts, and their two passes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Suite:
    """The tests of a version of a project."""

    #: On GitHub.
    repository: str
    tag: str
    commit: str
    #: A file of the checkout, and a line that it has in this version.
    file: str
    line: str

    def checkout(self, usage: str) -> Path:
        """The folder that the script got as its argument. Exits with 2 if it is not a checkout of this version."""
        where = f"a checkout of https://github.com/{self.repository} at {self.tag}, commit {self.commit}"
        if len(sys.argv) != 2:
            self.refuse(f"{usage}\nFOLDER is {where}")
        folder = Path(sys.argv[1]).resolve()
        file = folder / self.file
        if not file.is_file() or not (folder / "tests").is_dir():
            self.refuse(f"{sys.argv[1]} is not {where}: it has no {self.file} or no tests")
        if self.line not in file.read_text("utf-8").splitlines():
            self.refuse(f"{sys.argv[1]} is not {where}: {self.file} has no line {self.line}")
        return folder

    @staticmethod
    def refuse(message: str) -> None:
        print(message, file=sys.stderr)
        sys.exit(2)


def copy_tests(checkout: Path, work: Path) -> None:
    """Copies the tests alone, so that they import the installed package and not that of the checkout."""
    shutil.copytree(checkout / "tests", work / "tests")


def run_pass(name: str, arguments: list[str], work: Path, variables: dict[str, str] | None = None) -> dict[str, Any]:
    """Runs a module of Python in the folder; returns what it wrote to NAME.json, and `code`."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(SCRIPTS), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONDONTWRITEBYTECODE": "1",
        # The order of sets of texts is the same in both passes.
        "PYTHONHASHSEED": "0",
        **(variables or {}),
    }
    # Some tests skip themselves there.
    environment.pop("CI", None)
    code = subprocess.run([sys.executable, "-W", "ignore", "-m", *arguments], cwd=work, env=environment).returncode
    summary = work / f"{name}.json"
    return {"code": code, **(json.loads(summary.read_text("utf-8")) if summary.is_file() else {})}
