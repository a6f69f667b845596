"""Load time and peak memory of one model, measured in a process that does nothing else.

`python -m headshrink.benchmark.probe FOLDER` prints them as JSON.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from headshrink.errors import HeadshrinkError

TOKENS, BATCH = 128, 32
KIB = 1024 / 1e6  # of ru_maxrss on Linux, in MB


def measure(folder: Path) -> dict[str, float]:
    """Load a model and embed one full batch: seconds to load, MB of peak memory, and how much of it the model is."""
    from headshrink.benchmark.models import open_model

    imported_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB
    started = time.perf_counter()
    model = open_model(folder, folder.name)
    load_s = time.perf_counter() - started
    model.pooled([[1] * min(TOKENS, model.longest)] * BATCH)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB
    return {"load_s": load_s, "peak_memory_mb": peak_mb, "model_memory_mb": peak_mb - imported_mb}


def probe(folder: Path) -> dict[str, float]:
    """`measure` in a fresh process; HeadshrinkError where that process fails."""
    command = [sys.executable, "-m", "headshrink.benchmark.probe", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise HeadshrinkError(f"cannot measure the memory of {folder}: {reason}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
