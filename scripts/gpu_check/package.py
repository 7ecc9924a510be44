"""The package's files, the work folder, and the folders of this Python's CUDA libraries."""
from __future__ import annotations

import json
import os
import site
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VARIABLE = "NEARSAY_CUDA_LIBRARIES"


@dataclass(frozen=True)
class Package:
    """`root` is the package, `work` a folder for everything that is unpacked or created."""

    root: Path
    work: Path

    def unpack(self) -> None:
        """Unpacks the archives, once."""
        for archive in ("programs", "files"):
            done = self.work / f".{archive}"
            if done.exists():
                continue
            with tarfile.open(self.root / f"{archive}.tar.xz", "r:xz") as content:
                options: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
                content.extractall(self.work, **options)
            done.touch()

    python = sys.executable

    def program(self, name: str) -> Path:
        return self.work / "programs" / name

    @property
    def nearsay(self) -> Path:
        return self.program("nearsay")

    @property
    def minilm(self) -> Path:
        return self.work / "files" / "minilm-f16"

    @property
    def has_bert_score(self) -> bool:
        return (self.root / "bert_score").is_dir()

    @property
    def repository(self) -> Path:
        """A folder with the fixtures, which the tests use as the repository."""
        return self.work / "files" / "repository"

    def description(self) -> dict[str, Any]:
        return json.loads((self.root / "package.json").read_text("utf-8"))

    def environment(self) -> dict[str, str]:
        """The environment of every program that is run."""
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true"}
        environment["NEARSAY_TEST_REPOSITORY"] = str(self.repository)
        environment["NEARSAY_TEST_MINILM"] = str(self.minilm)
        # Keep machine code that the driver compiled from PTX for the next program, even without a home folder.
        environment.setdefault("CUDA_CACHE_PATH", str(self.work / "compute-cache"))
        environment.setdefault(VARIABLE, os.pathsep.join(map(str, library_folders())))
        return environment


def library_folders() -> list[Path]:
    """Folders of CUDA libraries that came with this Python's PyTorch. Layouts differ: `nvidia/cublas/lib`, `nvidia/cu13/lib`."""
    places = [*sys.path, *site.getsitepackages(), site.getusersitepackages()]
    roots = [Path(place) for place in dict.fromkeys(places) if place and Path(place).is_dir()]
    found = [folder for root in roots for folder in (*sorted(root.glob("nvidia/*/lib")), root / "torch/lib")]
    return [folder for folder in dict.fromkeys(found) if any(folder.glob("lib*.so*"))]
