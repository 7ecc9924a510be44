"""Runs what stands in pages of docs/: blocks of sh and Python, in a folder that is made ready for them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import Iterator, NamedTuple

from desk import BERT, REPOSITORY, SECONDS, Desk, environment, program

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Slurm's, without the nodes: runs the command behind the options.
SRUN = '#!/bin/sh\nwhile [ "${1#-}" != "$1" ]; do shift; done\nexec "$@"\n'


class Block(NamedTuple):
    language: str
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    text = (REPOSITORY / "docs" / page).read_text("utf-8")
    return [Block(found[1], found[2], text.count("\n", 0, found.start()) + 1) for found in BLOCK.finditer(text)]


def only(page: str, language: str) -> str:
    """The one block of a language that a page has."""
    (block,) = (block for block in blocks(page) if block.language == language)
    return block.text


class PageDesk(Desk):
    """A folder with the model `my-model`, in which shells find `nearsay` and a stand-in for `srun`."""

    def setUp(self) -> None:
        super().setUp()
        shutil.copytree(BERT, self.path("my-model"))
        commands = self.path("commands")
        commands.mkdir()
        (commands / "nearsay").symlink_to(program())
        (commands / "srun").write_text(SRUN)
        (commands / "srun").chmod(0o755)

    def run_command(self, command: list[str], where: str, **variables: str) -> None:
        self.output(command, where, **variables)

    def output(self, command: list[str], where: str, **variables: str) -> str:
        """Runs a command, which must succeed; its standard output."""
        found = environment(**variables)
        found["PATH"] = f"{self.path('commands')}:{found['PATH']}"
        run = subprocess.run(
            command, cwd=self.folder, env=found, capture_output=True, encoding="utf-8", timeout=SECONDS
        )
        self.assertEqual(run.returncode, 0, f"{where}\n{run.stdout}\n{run.stderr}")
        return run.stdout

    def run_shell(self, text: str, where: str, **variables: str) -> None:
        self.shell_output(text, where, **variables)

    def shell_output(self, text: str, where: str, **variables: str) -> str:
        return self.output(["bash", "-euo", "pipefail", "-c", text], where, **variables)

    def run_page(self, page: str) -> int:
        """Runs blocks of sh and Python in their order, each by itself; how many there were."""
        return sum(1 for _ in self.outputs(page, "-W", "error"))

    def outputs(self, page: str, *python_options: str, **variables: str) -> Iterator[tuple[Block, str]]:
        """Runs blocks of sh and Python in their order, each by itself; each with its standard output."""
        for block in blocks(page):
            where = f"docs/{page}, line {block.line}"
            if block.language == "sh":
                yield block, self.shell_output(block.text, where, **variables)
            elif block.language == "python":
                yield block, self.output([sys.executable, *python_options, "-c", block.text], where, **variables)
