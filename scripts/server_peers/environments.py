"""Environments in the user's cache, one per server, and oha, which sends the requests."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from python_environment import cache

PARTS = Path(__file__).resolve().parent
FOLDER = cache() / "nearsay-server-peers"
OHA = "1.16.0"
INFINITY = "infinity-emb==0.0.78"
NAMES = ("sentence-transformers", "infinity", "fastembed", "oha")
#: The longest text of the model, for every server.
MAX_TOKENS = 256
SETTINGS = "tokenizer_config.json"
#: What fastembed reads from a model's folder, next to the graph.
FILES = ("config.json", "special_tokens_map.json", "tokenizer.json")


def python(name: str) -> Path:
    return FOLDER / name / "bin" / "python"


def run(line: list[str | Path]) -> None:
    print(f"running {' '.join(map(str, line[:4]))} ..", file=sys.stderr, flush=True)
    if subprocess.run(line, stdout=sys.stderr).returncode:
        sys.exit(f"server-peers: {line[0]} failed; its output is above")


def install(name: str) -> Path:
    """The program of the environment, which is made if it is not there or not up to date."""
    if name == "oha":
        return install_oha()
    requirements = (PARTS / f"{name}.txt").read_text("utf-8")
    wanted = f"Python {sys.version}\n{INFINITY if name == 'infinity' else ''}\n{requirements}"
    # Written last: an installation that failed halfway is repeated.
    stamp = FOLDER / name / "installed"
    if name == "infinity":
        install("sentence-transformers")
    if not stamp.is_file() or stamp.read_text("utf-8") != wanted:
        make(name)
        stamp.write_text(wanted, "utf-8")
    return python(name)


def make(name: str) -> None:
    shutil.rmtree(FOLDER / name, ignore_errors=True)
    venv.create(FOLDER / name, with_pip=True)
    pip: list[str | Path] = [python(name), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "-r", PARTS / f"{name}.txt"])
    if name == "infinity":
        run([*pip, "--no-deps", INFINITY])
        borrow(name, "sentence-transformers")


def borrow(name: str, other: str) -> None:
    """Lets an environment use the packages of another, after its own."""
    packages = Path("lib") / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (FOLDER / name / packages / "borrowed.pth").write_text(f"{FOLDER / other / packages}\n", "utf-8")


def install_oha() -> Path:
    program = FOLDER / "bin" / "oha"
    if program.is_file():
        version = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True).stdout.split()
        if version[-1:] == [OHA]:
            return program
    if shutil.which("cargo") is None:
        sys.exit("server-peers: cargo was not found, which builds oha")
    run(["cargo", "install", "oha", "--version", OHA, "--locked", "--force", "--root", FOLDER])
    return program


def onnx_model(model: Path) -> Path:
    """A folder with the model as ONNX, which the environment of sentence-transformers exports."""
    folder = FOLDER / "onnx" / model.name
    # Written last.
    if (folder / SETTINGS).is_file():
        return folder
    install("sentence-transformers")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run([python("sentence-transformers"), PARTS / "export_onnx.py", model, folder / "model.onnx"])
    for name in FILES:
        shutil.copyfile(model / name, folder / name)
    write_limit(model, folder)
    return folder


def limited_model(model: Path) -> Path:
    """A folder with the model for infinity."""
    folder = FOLDER / "limited" / model.name
    # Written last.
    if (folder / SETTINGS).is_file():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(model, folder, ignore=shutil.ignore_patterns(SETTINGS))
    write_limit(model, folder)
    return folder


def write_limit(model: Path, folder: Path) -> None:
    """fastembed and infinity read the longest text from this file, sentence-transformers and nearsay from another."""
    read = json.loads((model / SETTINGS).read_text("utf-8"))
    limits = {"model_max_length": MAX_TOKENS, "max_length": MAX_TOKENS}
    (folder / SETTINGS).write_text(json.dumps({**read, **limits}), "utf-8")
