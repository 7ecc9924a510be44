#!/usr/bin/env bash
# Checks and measures nearsay on this machine's GPU with what lies beside this file.
# usage: run.sh [--quick | --tiny] [--limit SECONDS] [--out FOLDER] [--list] [STEP ..]
# Needs NVIDIA's driver and a Python 3.9 or newer with PyTorch, transformers, sentence-transformers and numpy ($PYTHON, default
# python3). No network, no compiler.
set -euo pipefail

package=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python3}
command -v "$python" >/dev/null || { echo "run.sh: $python was not found; PYTHON names another" >&2; exit 1; }
export PYTHONPATH=$package${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
exec "$python" -m gpu_check "$package" "$@"
