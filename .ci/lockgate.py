"""Fail where dvc.lock does not match the code, the parameters or the data: `python .ci/lockgate.py [FOLDER]`.

`dvc repro --allow-missing --dry` needs no data and no cache, but exits 0 whatever it finds, so its lines are read.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

STALE = re.compile(r"^Running stage '([^']+)'", re.MULTILINE)


def main(folder: Path) -> int:
    """0 where nothing would run, else 1 after one line naming the stages that would."""
    command = [sys.executable, "-m", "dvc", "repro", "--allow-missing", "--dry"]
    environment = os.environ | {"DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True)
    if stale := STALE.findall(done.stdout):
        print(f"error: dvc.lock is stale in {', '.join(stale)}: `dvc repro`, then commit dvc.lock", file=sys.stderr)
    elif done.returncode:
        print(f"error: dvc repro --dry failed: {(done.stderr or done.stdout).strip()}", file=sys.stderr)
    return 1 if stale or done.returncode else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
