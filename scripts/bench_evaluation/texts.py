"""The texts that are measured: the systems of WMT17 en-de, and one of them repeated."""
from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

ROWS = 3004


@dataclass(frozen=True)
class Texts:
    """A file per system, one of references, and their number of rows."""

    systems: list[Path]
    reference: Path
    rows: int

    def some(self, every: int) -> Texts:
        """The first of as many systems, again and again."""
        return Texts(self.systems[::every], self.reference, self.rows)

    def parts(self, count: int) -> list[Texts]:
        """The systems divided between as many processes."""
        return [Texts(systems, self.reference, self.rows) for at in range(count) if (systems := self.systems[at::count])]


def written(path: Path, lines: itertools.chain[str]) -> Path:
    """The file has its name when it is complete, and is kept."""
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        with open(unfinished, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)
        unfinished.rename(path)
    return path


def lines(path: Path) -> list[str]:
    """With their ends. U+2028 and the like are parts of a line."""
    with open(path, encoding="utf-8", newline="\n") as file:
        return list(file)


def first_rows(systems: list[Path], reference: Path, rows: int, folder: Path) -> Texts:
    """The first rows of all files."""
    if rows >= ROWS:
        return Texts(systems, reference, ROWS)
    folder = folder / f"{rows}-rows"
    folder.mkdir(parents=True, exist_ok=True)
    *systems, reference = (written(folder / path.name, itertools.chain(lines(path)[:rows])) for path in [*systems, reference])
    return Texts(systems, reference, rows)


def repeated(texts: Texts, rows: int, folder: Path) -> Texts:
    """The first system's rows again and again, each with its number, so that all are different."""
    folder = folder / f"{rows}-rows-of-{texts.rows}"
    folder.mkdir(parents=True, exist_ok=True)

    def file(path: Path) -> Path:
        again = itertools.islice(itertools.cycle(lines(path)), rows)
        numbered = (f"{line[:-1]} {row}\n" for row, line in enumerate(again))
        return written(folder / path.name, itertools.chain(numbered))

    return Texts([file(texts.systems[0])], file(texts.reference), rows)
