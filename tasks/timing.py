"""Time models of several runs against each other: `python -m tasks.timing COST.json SUITE NAME=FOLDER ...`.

The first model is the reference. Not a stage: it is for models that no one workspace holds, as those of a comparison.
"""

import json
import sys
from pathlib import Path

from tasks.machine import machine


def main(arguments: list[str]) -> int:
    """Write machine, date and the flat cost figures of every model; exit 2 after one line on a mistake."""
    from headshrink.benchmarking import cost
    from headshrink.benchmarking.models import open_model
    from headshrink.benchmarking.read import open_suite, read_sample
    from headshrink.errors import ends_in_one_line
    from headshrink.output import check_file, write_text

    target, suite, *named = arguments
    folders = {name: Path(folder) for name, _, folder in (model.partition("=") for model in named)}
    with ends_in_one_line():
        check_file(Path(target))
        models = {name: open_model(folder, name) for name, folder in folders.items()}
        sentences = read_sample(open_suite(Path(suite)))
        with machine.stage("compare"), machine.timing("compare"):
            costs = cost.measure(models, next(iter(models)), sentences)
        write_text(Path(target), json.dumps(costs, indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    from headshrink.cores import die_with_parent

    die_with_parent()
    sys.exit(main(sys.argv[1:]))
