#!/usr/bin/env bash
# Checks and measures nearsay on this machine's GPU with the files next to this one.
# usage: run.sh [--quick | --tiny] [--limit SECONDS] [--out FOLDER] [--list] [STEP ..]
# Needs NVIDIA's driver and a Python 3.9 or newer with PyTorch, transformers, sentence-transformers and numpy ($PYTHON, default
# python3). No network, no compiler.
set -euo pipefail

package=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python3}
command -v "$python" >/dev/null || { echo "run.sh: $python was not found; PYTHON names another" >&2; exit 1; }
"$python" - <<'PYTHON' || exit 1
import importlib.util, sys
needed = "numpy", "torch", "transformers", "sentence_transformers"
missing = [name for name in needed if importlib.util.find_spec(name) is None]
if sys.version_info < (3, 9) or missing:
    sys.exit(f"run.sh: {sys.executable} is Python {sys.version.split()[0]} without {', '.join(missing) or 'what 3.9 has'}; PYTHON names another")
PYTHON
export PYTHONPATH=$package${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
exec "$python" -m gpu_check "$package" "$@"
