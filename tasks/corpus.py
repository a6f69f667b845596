"""Stage corpus: train and held-out pairs as Parquet, and the suite that they must not contain."""

from pathlib import Path
from typing import TYPE_CHECKING

from headshrink.parameters.corpus import CorpusParams
from headshrink.parameters.section import GENERATED
from headshrink.parameters.suite import SuiteParams

if TYPE_CHECKING:
    from headshrink.data.corpus.sources import Source


def run(corpus: CorpusParams, suite: SuiteParams) -> None:
    """Write artifacts/suite and artifacts/corpus."""
    from headshrink.data.corpus import Limits, SuiteIndex, build_corpus, suite_sentences, write_corpus
    from headshrink.output import new_folder
    from tasks.stage import ARTIFACTS, WORK
    from tasks.suite import write_suite

    with new_folder(ARTIFACTS / "suite") as suite_folder, new_folder(ARTIFACTS / "corpus") as folder:
        write_suite(suite, suite_folder)
        source = open_source(corpus, WORK / "downloads")
        limits = Limits(corpus.min_chars, corpus.max_chars, corpus.max_length_ratio)
        index = SuiteIndex(suite_sentences(suite_folder))
        built = build_corpus(source, limits, index, corpus.heldout_percent, corpus.max_pairs)
        write_corpus(built, folder, source.label, corpus.source)


def open_source(corpus: CorpusParams, downloads: Path) -> "Source":
    """The chosen source; what is fetched for it is kept in the folder `downloads`."""
    from headshrink.data.corpus.sources import SOURCES

    if corpus.source == GENERATED:
        from demo.pairs import Generated

        return Generated(corpus.pairs, corpus.seed)
    return SOURCES[corpus.source](corpus, downloads)


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "corpus", "suite", "corpus")
