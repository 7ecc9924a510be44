"""Files of the server: sockets, keys, weights, and what the log says (rows 103, 121, 126, 127)."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
from pathlib import Path

from running_server import TINY, Running, environment

from .client import ask, get, known_requests, post
from .suite import Settings, case, must

SECRET_TEXT, SECRET_KEY = "the-secret-text", "the-secret-key"
LONGEST_PATH = 107


def ends_with(settings: Settings, *options: str) -> tuple[int, str]:
    """The exit code and the message of a server that cannot start."""
    line = [settings.program, "serve", "--offline", *settings.tiny(), *options]
    found = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, env=environment())
    return found.returncode, found.stderr


def expect(settings: Settings, code: int, *options: str, hint: str = "") -> None:
    found, message = ends_with(settings, *options)
    must(found == code, f"{' '.join(options)}: exit code {found}, not {code}: {message[-300:]}")
    must(hint in message, f"{' '.join(options)}: {message[-300:]!r} does not name {hint!r}")


@case
def unix_sockets(settings: Settings) -> str:
    """Row 126: what is in the way of a Unix socket, by exit codes; its mode; it is removed at the end."""
    os.umask(0o022)
    folder = settings.folder
    busy, stale = folder / "busy", folder / "stale"
    with Running(settings.program, *settings.tiny(), "-q", "--listen", f"unix:{busy}"):
        # To connect, one needs to be allowed to write.
        mode = stat.S_IMODE(busy.stat().st_mode)
        must(not mode & 0o022, f"others can connect: its mode is {mode:o}")
        expect(settings, 69, "--listen", f"unix:{busy}", hint="busy")
    must(not busy.exists(), "the socket was not removed")
    (folder / "file").write_text("kept", "utf-8")
    (folder / "link").symlink_to("elsewhere")
    for name in ("file", "link"):
        expect(settings, 73, "--listen", f"unix:{folder / name}", hint=name)
    must((folder / "file").read_text("utf-8") == "kept" and (folder / "link").is_symlink(), "a file or link was removed")
    long = folder / ("x" * LONGEST_PATH)
    code, message = ends_with(settings, "--listen", f"unix:{long}")
    must(code == 69 and long.name in message, f"a long path: {code} {message[-300:]!r}")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(stale))
    listener.close()
    with Running(settings.program, *settings.tiny(), "-q", "--listen", f"unix:{stale}"):
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(stale))
        client.sendall(get("/health"))
        must(client.recv(100).startswith(b"HTTP/1.1 200"), "no answer on the socket")
        client.close()
    return "in use 69, a file or a link 73, stale replaced, closed to others, removed"


@case
def key_files(settings: Settings) -> str:
    """Row 127: files of keys that are missing, empty or open to others; several keys; the key is nowhere to be seen."""
    file, log = settings.folder / "keys", settings.folder / "log"
    expect(settings, 66, "--api-key-file", str(file), hint="keys")
    file.write_text("\n\r\n", "utf-8")
    file.chmod(0o600)
    expect(settings, 78, "--api-key-file", str(file), hint="keys")
    file.write_bytes(f"{SECRET_KEY}\r\n\r\nanother\r\n".encode())
    file.chmod(0o644)
    with Running(settings.program, *settings.tiny(), "--api-key-file", file, log=log) as running:
        for key, status in ((SECRET_KEY, 200), ("another", 200), (f"{SECRET_KEY}x", 401), (SECRET_KEY.upper(), 401), ("", 401)):
            answer = ask(running, get("/info", authorization=f"Bearer {key}"))
            must(answer.status == status, f"key {key!r}: {answer.status}")
            must(SECRET_KEY.encode() not in answer.body, "an answer has the key")
        shown = [ask(running, get(path, authorization=f"Bearer {SECRET_KEY}")).body for path in ("/info", "/metrics", "/v1/models")]
        arguments = Path(f"/proc/{running.process.pid}/cmdline").read_bytes()
    text = log.read_text("utf-8")
    must(not any(SECRET_KEY.encode() in part for part in (*shown, arguments, text.encode())), "the key can be seen")
    must("warning" in text and "keys" in text, f"no warning that others can read the file: {text[:300]!r}")
    return "missing 66, empty 78, open to others: a warning; two keys with CRLF; the key is nowhere"


@case
def secrets_in_logs(settings: Settings) -> str:
    """Row 103: texts and keys are not in the log, not even of refused requests, and every line is JSON."""
    log = settings.folder / "log"
    key = {"NEARSAY_API_KEY": SECRET_KEY}
    with Running(settings.program, *settings.tiny(), "--log", "json", "-v", log=log, variables=key) as running:
        for given in (SECRET_KEY, f"{SECRET_KEY}-wrong"):
            headers = {"authorization": f"Bearer {given}", "x_request_id": "id\twith a tab"}
            for body in ({"inputs": SECRET_TEXT}, {"inputs": SECRET_TEXT, SECRET_TEXT: 1}, {"inputs": [SECRET_TEXT, 1]}, SECRET_TEXT):
                ask(running, post("/embed", body, **headers))
            ask(running, post(f"/{SECRET_TEXT}?{SECRET_TEXT}", {}, **headers))
    text = log.read_text("utf-8")
    must(SECRET_KEY not in text, "the log has a key")
    must(SECRET_TEXT not in text, f"the log has a text: {next((line for line in text.splitlines() if SECRET_TEXT in line), '')}")
    lines = [line for line in text.splitlines() if line.startswith("{")]
    must(len(lines) >= 10, f"the log has {len(lines)} lines of JSON")
    for line in lines:
        json.loads(line)
    return f"{len(lines)} lines"


@case
def weights_overwritten(settings: Settings) -> str:
    """Row 121: weights that are truncated or overwritten while they are served change nothing."""
    copies = settings.folder / "models"
    for name, source in (("tiny", TINY), ("minilm", settings.minilm)):
        shutil.copytree(source, copies / name)
    known = {name: known_requests(settings.program, copies / name, settings.folder, [1, 5], 8) for name in ("tiny", "minilm")}
    for name, requests in known.items():
        with Running(settings.program, "-m", f"{name}={copies / name}", "-q") as running:
            weights = copies / name / "model.safetensors"
            for damage in (lambda: os.truncate(weights, 0), lambda: weights.write_bytes(bytes(1 << 20)), weights.unlink):
                damage()
                for one in requests:
                    answer = ask(running, one.request)
                    must(one.has(answer), f"{name}: {answer.status} {answer.body[:200]!r}")
    return "truncated, overwritten, removed: the same answers"
