"""mkdocs' hooks: parts of pages that are made at build time, so that no copy in git can be out of date."""

import re
from collections.abc import Callable
from pathlib import Path

import api_pages
import notebook_page
import parameter_pages
import stage_pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
REPORTS = ROOT / "reports"
OUTSIDE = re.compile(r"\]\((?:\.\./)+(reports/|CONTRIBUTING\.md|CHANGELOG\.md|docs/)")


PARTS: dict[str, Callable[[], str]] = {  # by the name in `<!-- generate: NAME -->`
    "parameters": parameter_pages.parameter_tables,
    "library parameters": parameter_pages.library_table,
    "registries": parameter_pages.registry_tables,
    "reruns": stage_pages.reruns_table,
    "stages": stage_pages.stages_table,
    "commands": api_pages.commands,
    "functions": api_pages.functions,
    "other names": api_pages.other_names,
    "parts": api_pages.parts,
}
MARK = re.compile(r"^<!-- generate: ([a-z ]+) -->$", re.MULTILINE)


def pages() -> dict[str, str]:
    """The content of each generated file of the site by its path."""
    return {
        "reference/pipeline.svg": stage_pages.diagram(),
        "tutorials/notebook.md": notebook_page.page(ROOT / "docs/notebooks/look_at_a_result.ipynb"),
        "project/contributing.md": (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"),
        "project/changes.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
    }


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, and the reports as they are."""
    for path, content in pages().items():
        files.append(File.generated(config, path, content=content))
    for path in sorted(REPORTS.rglob("*")):
        if path.is_file():
            files.append(File.generated(config, f"reports/{path.relative_to(REPORTS)}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with its generated parts, and with links inside the site in place of those to files outside docs/."""
    if page.file.src_uri.startswith("reports/"):
        return markdown
    markdown = MARK.sub(lambda found: PARTS[found[1]](), markdown)
    up = "../" * page.file.src_uri.count("/")
    places = {"CONTRIBUTING.md": "project/contributing.md", "CHANGELOG.md": "project/changes.md", "docs/": ""}
    return OUTSIDE.sub(lambda found: f"]({up}{places.get(found[1], found[1])}", markdown)
