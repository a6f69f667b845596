"""A notebook as a page: its text and its code, without results."""

import json
from pathlib import Path

HEAD = """!!! note
    This page is the notebook `docs/notebooks/{name}` of the repository. Run it after `make demo`, in Jupyter or
    an editor, with the Python of `.venv`, to see its results.
"""


def page(path: Path) -> str:
    """The cells of a notebook as Markdown; the note stands after the title."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    title, *rest = [shown(cell) for cell in cells]
    return "\n\n".join([title, HEAD.format(name=path.name), *rest]) + "\n"


def shown(cell: dict[str, object]) -> str:
    source = "".join(cell["source"])  # type: ignore[arg-type]
    return source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```"
