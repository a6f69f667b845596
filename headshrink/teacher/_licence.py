"""The licence that a teacher states, to be passed on with what is made from it."""

import re
from pathlib import Path


def read_licence(folder: Path) -> str | None:
    """The `license` of the header of a folder's README.md, as the hub writes it; None where it states none."""
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    header = re.match(r"---\r?\n(.*?)\n---", text, flags=re.DOTALL)
    stated = re.search(r"^license:[ \t]*([\w.-]+)", header[1], flags=re.MULTILINE) if header else None
    return stated[1] if stated else None
