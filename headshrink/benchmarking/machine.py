"""The machine that timings belong to."""

import os
import platform
from pathlib import Path
from typing import Any

import torch

from headshrink.cores import cores


def describe() -> dict[str, Any]:
    """Processor, cores in reach, the instruction set torch uses, threads, memory and versions, as JSON values."""
    return {
        "cpu": cpu_name(),
        "cores": cores(),
        "instruction_set": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def cpu_name() -> str:
    """The processor as Linux names it; elsewhere as Python does."""
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        for line in listing.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
