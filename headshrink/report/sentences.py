"""The page that compares two models sentence by sentence: one HTML file, filtered and sorted in the browser."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from headshrink.output import write_text
from headshrink.report.render import render


def write_sentences(
    comparison: Mapping[str, Any], path: Path, title: str, labels: Mapping[str, str], colours: Mapping[str, str]
) -> None:
    """Write the page of a comparison made by `headshrink.benchmarking.sentences.compare_sentences`.

    The sentences stand in the page: it may be kept and shown only where they may. It asks the network for nothing.
    `colours` are hexadecimal, by model name.
    """
    first, second = comparison["models"]
    context = {
        "title": title,
        "labels": labels,
        "first": first,
        "second": second,
        "colours": colours,
        "facts": facts(comparison),
        "data": json.dumps(comparison, ensure_ascii=False).replace("<", "\\u003c"),  # no sentence ends the script
    }
    write_text(path, render("sentences.html", context))


def facts(comparison: Mapping[str, Any]) -> dict[str, str]:
    """The comparison in four figures."""
    first, second = (comparison["neighbours"][name] for name in comparison["models"])
    shared = [
        len({n for n, _ in one} & {n for n, _ in other}) / len(one) for one, other in zip(first, second, strict=True)
    ]
    moves = np.array([pair[4] - pair[3] for pair in comparison["pairs"]])
    return {
        "sentences": f"{len(comparison['texts']):,}",
        "pairs": f"{len(moves):,}",
        "neighbours shared": f"{np.mean(shared):.0%}",
        "mean move of a pair": f"{np.mean(np.abs(moves)):.3f}",
    }
