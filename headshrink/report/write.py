"""Write a report: figures first, then the Markdown and the HTML page that show them."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from headshrink.report.figures import figures_of
from headshrink.report.figures._style import provenance, save
from headshrink.report.published import SOURCE, published_table
from headshrink.report.render import render
from headshrink.report.results import MODELS, Results
from headshrink.report.sentences import write_sentences
from headshrink.report.speed import end_to_end, speed_tables
from headshrink.report.tables import (
    beyond_table,
    corpus_table,
    cost_table,
    headline,
    interval_table,
    own_pooling_table,
    quality_table,
)

PAGES = ("report.md", "report.html")


@dataclass(frozen=True)
class Picture:
    """A figure on disk, with what a page says of it."""

    title: str
    caption: str
    path: Path

    @property
    def data_uri(self) -> str:
        """The PNG inside the page, so that one file is the whole report."""
        return f"data:image/png;base64,{base64.b64encode(self.path.read_bytes()).decode()}"


def write_report(results: Results, folder: Path, title: str, colours: Mapping[str, str], parameters: str) -> None:
    """Write report.md, report.html, sentences.html and the figures into an existing folder.

    `parameters` is the whole parameter file as text, printed as it is; `colours` are hexadecimal, by model. The same
    arguments give the same bytes. The HTML page holds its pictures and styles and asks the network for nothing.
    """
    context = {
        "title": title,
        "colours": colours,
        "results": results,
        "headline": headline(results),
        "quality": quality_table(results),
        "intervals": interval_table(results),
        "own": own_pooling_table(results),
        "beyond": beyond_table(results),
        "published": published_table(results),
        "costs": cost_table(results),
        "end_to_end": end_to_end(results),
        "speed": speed_tables(results.speed),
        "corpus": corpus_table(results),
        "pictures": draw_all(results, colours, folder),
        "parameters": parameters.rstrip(),
        "poolings": own_poolings(results),
        "published_source": SOURCE,
    }
    for page in PAGES:
        (folder / page).write_text(render(page, context), encoding="utf-8")
    write_sentences(results.sentences, folder / "sentences.html", title, results.labels, colours)


def own_poolings(results: Results) -> str:
    """A sentence on which pooling is whose own."""
    own = {model: facts["own_pooling"] for model, facts in results.details["models"].items()}
    return f"Fixed in advance: {', '.join(f'{MODELS.get(model, model)} {pooling}' for model, pooling in own.items())}."


def draw_all(results: Results, colours: Mapping[str, str], folder: Path) -> dict[str, Picture]:
    pictures, foot = {}, provenance(results.labels, results.generated)
    for name, figure in figures_of(results).items():
        pictures[name] = Picture(figure.TITLE, figure.caption(results), folder / f"{name}.png")
        save(partial(figure.draw, results, colours), foot, pictures[name].path)
    return pictures
