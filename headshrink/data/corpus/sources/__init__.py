"""Where pairs come from: one file a source, one line here that says which parameters it takes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from headshrink.data.corpus.sources._base import Source
from headshrink.data.corpus.sources.hub import Hub
from headshrink.data.corpus.sources.parallel import Parallel
from headshrink.data.corpus.sources.yandex import Yandex
from headshrink.data.text.pairs import Pair

# From the section `corpus` of the parameters and a folder for what is fetched, which outlives a run.
SOURCES: dict[str, Callable[[Any, Path], Source]] = {
    "hub": lambda params, work: Hub(params.hub_id, params.hub_revision, work / "datasets"),
    "parallel": lambda params, work: Parallel(Path(params.path)),
    "yandex": lambda params, work: Yandex(None if params.url else Path(params.path), params.url, params.sha256, work),
}

__all__ = ["SOURCES", "Pair", "Source"]
