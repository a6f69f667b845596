"""Load time and peak memory of one model, measured in a process that does nothing else.

`python -m headshrink.benchmarking.probe FOLDER` prints them as JSON.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from headshrink.errors import HeadshrinkError

TOKENS, BATCH = 128, 32
MB_OF_KIB = 1024 / 1e6


def measure(folder: Path) -> dict[str, float]:
    """Load a model and embed one full batch: seconds to load, MB of peak memory, and how much of it the model is."""
    from headshrink.benchmarking.models import open_model

    imported_mb = peak_resident_mb()
    started = time.perf_counter()
    model = open_model(folder, folder.name)
    load_s = time.perf_counter() - started
    model.pooled([[1] * min(TOKENS, model.longest)] * BATCH)
    peak_mb = peak_resident_mb()
    return {"load_s": load_s, "peak_memory_mb": peak_mb, "model_memory_mb": peak_mb - imported_mb}


def peak_resident_mb() -> float:
    """Largest resident set of this process so far.

    From /proc where there is one: `ru_maxrss` of a new process starts at its parent's, which may be larger than all
    that the process itself ever holds.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        lines = dict(line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines())
        return int(lines["VmHWM"].split()[0]) * MB_OF_KIB
    unit = 1e-6 if sys.platform == "darwin" else MB_OF_KIB  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def probe(folder: Path) -> dict[str, float]:
    """`measure` in a fresh process; HeadshrinkError where that process fails."""
    command = [sys.executable, "-m", "headshrink.benchmarking.probe", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise HeadshrinkError(f"cannot measure the memory of {folder}: {reason}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
