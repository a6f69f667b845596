"""Free disk: `python -m tasks.gc` prints what no current and no tagged result needs; `--yes` removes it.

DVC keeps what the workspace and git's tags refer to. Of .work go the checkpoints and journals of unfinished stages that
do not run now; a stage that is started again then begins anew. Downloads stay.
"""

import argparse
import fcntl
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tasks.estimate import files_of

WORK, CACHE = Path(".work"), Path(".dvc/cache")
UNFINISHED = {  # folder of .work: the stage whose lock says that it is in use
    "importance": "importance", "targets": "targets", "distill": "distill", "benchmark/unfinished": "benchmark",
    "estimate": "estimate",
}  # fmt: skip
DVC_GC = ["dvc", "gc", "--workspace", "--all-tags", "--force"]


def megabytes(path: Path) -> float:
    """Size of the files below a path, MB (10^6); a file with several links counts once."""
    sizes = {file.stat().st_ino: file.stat().st_size for file in files_of(path)}
    return sum(sizes.values()) / 1e6


def in_use(stage: str) -> bool:
    """Whether a stage runs now in this checkout."""
    with suppress(FileNotFoundError), open(WORK / f"{stage}.lock", "rb+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def unfinished() -> list[Path]:
    """Folders of checkpoints and journals that no running stage uses."""
    return [WORK / name for name, stage in UNFINISHED.items() if (WORK / name).is_dir() and not in_use(stage)]


def main(arguments: list[str]) -> int:
    """Print, or with `--yes` do it and print how much disk it freed; dvc's exit status where dvc fails."""
    parser = argparse.ArgumentParser(prog="python -m tasks.gc", description=__doc__)
    parser.add_argument("--yes", action="store_true", help="remove, do not only print")
    remove = parser.parse_args(arguments).yes
    before = megabytes(CACHE)
    done = subprocess.run([*DVC_GC, *([] if remove else ["--dry"])])
    if done.returncode:
        return done.returncode
    freed = before - megabytes(CACHE)
    for folder in unfinished():
        size = megabytes(folder)
        print(f"{folder}: {size:.0f} MB{'' if remove else ' would go'}")
        if remove:
            shutil.rmtree(folder, ignore_errors=True)
            freed += size
    print(f"{freed:.0f} MB freed" if remove else "nothing was removed: make gc YES=1 removes it")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
