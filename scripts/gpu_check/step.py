"""The context of every step."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from .package import Package
from .programs import Programs
from .record import Record
from .sizes import Sizes


@dataclass(frozen=True)
class Context:
    package: Package
    programs: Programs
    record: Record
    sizes: Sizes

    def check(self, name: str, holds: bool, detail: str = "") -> None:
        """Records a check, on which the run's exit code depends."""
        self.record.add("checks", {"name": name, "holds": bool(holds), "detail": detail})
        print(f"  {'ok    ' if holds else 'FAILED'} {name}" + (f": {detail}" if detail else ""))

    def nearsay(self, *arguments: object) -> Sequence[object]:
        return [self.package.nearsay, *arguments]


def say(message: str) -> None:
    """Prints a figure that was just measured."""
    print(f"  {message}")
