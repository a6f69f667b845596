"""Fill the templates of pages."""

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from headshrink.report.tables import Table

TEMPLATES = Path(__file__).parent / "templates"


def render(page: str, context: Mapping[str, object]) -> str:
    """Fill a template of this package; a name it misses is our bug and raises."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html", "html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["markdown_table"] = markdown_table
    return environment.get_template(f"{page}.j2").render(context)


def markdown_table(table: Table) -> str:
    """A table as GitHub's Markdown, numbers to the right."""
    lines = [table.header, [":--"] + ["--:"] * (len(table.header) - 1)]
    for row in table.rows:
        cells = [f"{row.title} · {row.note}" if row.note else row.title, *row.cells, *row.relations]
        lines.append([f"**{cell}**" if row.emphasis and cell else cell for cell in cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
