"""Prometheus' promtool on /metrics, which Debian's package prometheus has; it is unpacked, not installed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from running_server import Running


def promtool(folder: Path) -> Path:
    """The system's, or that of the package, unpacked into the folder."""
    if found := shutil.which("promtool"):
        return Path(found)
    unpacked = folder / "usr" / "bin" / "promtool"
    if unpacked.is_file():
        return unpacked
    with tempfile.TemporaryDirectory(prefix="nearsay-prometheus-") as work:
        line = ["apt-get", "download", "--quiet", "prometheus"]
        if shutil.which("apt-get") is None or subprocess.run(line, cwd=work, stdout=sys.stderr).returncode:
            sys.exit("test-server-contract: promtool is not there, and Debian's package prometheus could not be fetched")
        (package,) = Path(work).glob("prometheus_*.deb")
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
    return unpacked


def get(running: Running, path: str, body: object = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{running.url}{path}", data, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        return error.read()


def check(running: Running, cache: Path) -> tuple[str, bool]:
    """What promtool complains of, before any request and after some, refused ones among them."""
    tool, complaints = promtool(cache), []
    for round in range(2):
        text = get(running, "/metrics")
        run = subprocess.run([tool, "check", "metrics"], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if run.returncode or run.stdout.strip():
            complaints.append(run.stdout.decode().strip() or f"exit code {run.returncode}")
        for body in ({"inputs": ["a", "b" * 3000]}, {"inputs": 1}, {"inputs": []}):
            get(running, "/embed", body)
        get(running, "/none")
    names = text.count(b"# TYPE ")
    return "; ".join(complaints) or f"{names} metrics, no complaint", not complaints and names > 0
