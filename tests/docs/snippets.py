"""The code blocks of a Markdown file."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NOT_RUN = 'title="Not run by the tests: '  # and the reason
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@dataclass(frozen=True)
class Snippet:
    """A block, its language, and whether its title says that it does not run."""

    language: str
    text: str
    runs: bool


def snippets(page: Path) -> list[Snippet]:
    """The blocks of a page in their order."""
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [Snippet(language, text, NOT_RUN not in rest) for language, rest, text in found]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()
