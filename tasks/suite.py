"""The benchmark's data; the corpus stage writes it, because its sentences must leave the corpus."""

import tempfile
from pathlib import Path

from headshrink.parameters.suite import SuiteParams


def write_suite(params: SuiteParams, folder: Path) -> None:
    """Put the suite's files and suite.json into a folder."""
    from headshrink.data.corpus import suite

    if params.source == "generated":
        from demo.suite import write_demo_suite

        write_demo_suite(folder, seed=0)
    elif params.source == "folder":
        suite.copy_suite(Path(params.path), folder)
    elif params.source == "installed":
        suite.copy_suite(suite.installed_suite(), folder)
    else:
        with tempfile.TemporaryDirectory(dir=folder) as clone:
            suite.copy_suite(suite.clone_suite(params.revision, Path(clone)), folder)
    origin = Path(params.path).name if params.source == "folder" else params.source
    suite.write_description(folder, origin, generated=params.source == "generated")
