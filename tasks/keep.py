"""Keep the last report in git's reach: `python -m tasks.keep NAME` copies artifacts/report to reports/NAME."""

import re
import shutil
import sys
from pathlib import Path

REPORT, KEPT = Path("artifacts/report"), Path("reports")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def main(arguments: list[str]) -> int:
    """Exit 2 after one line where there is no report or the name is not one of a folder."""
    if len(arguments) != 1 or not NAME.fullmatch(arguments[0]):
        print("error: one name of letters, digits, dots, dashes is needed: make keep NAME=first-try", file=sys.stderr)
        return 2
    if not REPORT.is_dir():
        print(f"error: no report in {REPORT}; `dvc repro` writes it", file=sys.stderr)
        return 2
    from headshrink.errors import ends_in_one_line
    from headshrink.output import new_folder

    target = KEPT / arguments[0]
    texts = shutil.ignore_patterns("sentences.html")  # the suite's own sentences never enter git
    with ends_in_one_line(), new_folder(target) as folder:  # not DVC's modes, nor its links
        shutil.copytree(REPORT, folder, ignore=texts, copy_function=shutil.copyfile, dirs_exist_ok=True)
    print(f"kept in {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
