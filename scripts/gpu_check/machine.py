"""Step `machine`: GPU, driver, CPU, versions; whether nearsay sees the GPU."""
from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Optional

from .step import Context, say

FIELDS = (
    "name,driver_version,compute_cap,memory.total,memory.used,utilization.gpu,clocks.sm,clocks.mem,clocks.max.sm,clocks.max.mem,"
    "power.draw,power.limit,temperature.gpu,pcie.link.gen.current,persistence_mode"
)
LIBRARIES = ("torch", "transformers", "sentence-transformers", "tokenizers", "numpy", "safetensors", "triton")


def run(context: Context) -> None:
    context.record.put(
        cpu=cpu_name(),
        cores=len(os.sched_getaffinity(0)),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        libraries={name: version(name) for name in LIBRARIES},
        cuda_libraries=cuda_libraries(),
    )
    gpus = smi(context)
    context.record.put(gpus=gpus)
    for gpu in gpus:
        say(", ".join(f"{name} {value}" for name, value in gpu.items()))
    doctor = context.programs.json(context.nearsay("doctor", "--json"))
    context.record.put(doctor={key: doctor[key] for key in ("version", "cores", "instruction_set_used", "devices", "no_gpu")})
    devices = doctor["devices"]
    context.check("nearsay sees a GPU", any("cuda" in device.lower() for device in devices), doctor["no_gpu"] or ", ".join(devices))


def version(package: str) -> Optional[str]:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def cuda_libraries() -> dict[str, str]:
    """Versions of NVIDIA's libraries in this Python."""
    found = (entry for entry in metadata.distributions() if (entry.metadata["Name"] or "").startswith("nvidia-"))
    return dict(sorted((entry.metadata["Name"], entry.version) for entry in found))


def cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def smi(context: Context) -> list[dict[str, str]]:
    """nvidia-smi's report on each GPU; empty if it is missing."""
    if shutil.which("nvidia-smi") is None:
        print("  nvidia-smi was not found", file=sys.stderr)
        return []
    code, text, _ = context.programs.run(["nvidia-smi", f"--query-gpu={FIELDS}", "--format=csv,noheader"])
    if code:
        return []
    names = FIELDS.split(",")
    return [dict(zip(names, (value.strip() for value in line.split(",")))) for line in text.splitlines() if line.strip()]
