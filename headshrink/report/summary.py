"""Show a report on a terminal: its tables, and where it is. `python -m headshrink.report.summary artifacts`"""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from headshrink.errors import HeadshrinkError
from headshrink.progress import on_terminal
from headshrink.report.results import Results, read_results
from headshrink.report.tables import Table, cost_table, headline, quality_table


def show(results: Results, report: Path, console: Console) -> None:
    """Print the quality and cost tables, the result in a sentence, and the path of the report."""
    for title, table in (("Quality", quality_table(results)), ("Size and speed", cost_table(results))):
        console.print(rich_table(title, table))
    console.print(on_terminal(headline(results)))
    if results.generated:
        console.print("[bold]Generated data: these figures say nothing about real text.[/bold]")
    labels = " · ".join(f"{name}: {value}" for name, value in results.labels.items())
    console.print(on_terminal(labels), style="dim", highlight=False)
    console.print(on_terminal(f"report: {report / 'report.html'}"), soft_wrap=True)


def rich_table(title: str, table: Table) -> RichTable:
    shown = RichTable(title=on_terminal(title), title_justify="left", title_style="bold", box=None, pad_edge=False)
    shown.add_column(on_terminal(table.header[0]), no_wrap=True)
    for name in table.header[1:]:
        shown.add_column(on_terminal(name), justify="right")
    for row in table.rows:
        cells = map(on_terminal, [row.title, *row.cells, *row.relations])
        shown.add_row(*cells, style="bold" if row.emphasis else "")
    return shown


def main(artifacts: Path) -> int:
    try:
        show(read_results(artifacts), artifacts / "report", Console())
    except HeadshrinkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "artifacts")))
