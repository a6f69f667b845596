"""Fill the templates of pages."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from headshrink.escape import fenced, markdown, visible
from headshrink.report.tables import Table

TEMPLATES = Path(__file__).parent / "templates"


def render(page: str, context: Mapping[str, object]) -> str:
    """Fill a template of this package, every value escaped for the page's language, HTML or Markdown.

    A name it misses is our bug and raises.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html", "html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=in_html if page.endswith(".html") else in_markdown,
    )
    environment.filters |= {"markdown_table": markdown_table, "fenced": markdown_block}
    return environment.get_template(f"{page}.j2").render(context)


def in_html(value: Any) -> Any:
    """A value without what acts and does not show; jinja's own escaping follows."""
    return visible(value, keep="\n\t") if type(value) is str else value


def in_markdown(value: Any) -> Any:
    """A value as Markdown shows it; what a filter has made is Markdown already."""
    return markdown(value) if type(value) is str else value


def markdown_block(text: str, language: str) -> Markup:
    return Markup(fenced(text, language))


def markdown_table(table: Table) -> Markup:
    """A table as GitHub's Markdown, numbers to the right."""
    lines = [[*map(markdown, table.header)], [":--"] + ["--:"] * (len(table.header) - 1)]
    for row in table.rows:
        cells = [f"{row.title} · {row.note}" if row.note else row.title, *row.cells, *row.relations]
        texts = map(markdown, cells)
        lines.append([f"**{cell}**" if row.emphasis and cell else cell for cell in texts])
    return Markup("\n".join(f"| {' | '.join(line)} |" for line in lines))
