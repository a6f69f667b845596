"""mkdocs' hooks: pages that are made at build time, so that no copy in git can be out of date."""

import re
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


def pages() -> dict[str, str]:
    """The content of each generated file of the site by its path."""
    return {
        "reference/parameters.md": parameter_pages.parameters_page(),
        "reference/names.md": parameter_pages.names_page(),
        "reference/stages.md": stage_pages.stages_page(),
        "reference/pipeline.svg": stage_pages.diagram(),
        "reference/cli.md": api_pages.cli_page(),
        "reference/api.md": api_pages.api_page(),
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
    """Links to files outside docs/, which work in the repository, made into links inside the site."""
    if page.file.src_uri.startswith("reports/"):
        return markdown
    up = "../" * page.file.src_uri.count("/")
    places = {"CONTRIBUTING.md": "project/contributing.md", "CHANGELOG.md": "project/changes.md", "docs/": ""}
    return OUTSIDE.sub(lambda found: f"]({up}{places.get(found[1], found[1])}", markdown)
