"""Russian-English pairs from many sources, made into a corpus without the benchmark's sentences in it."""

from headshrink.data.corpus.build import Corpus, build_corpus, read_corpus, write_corpus
from headshrink.data.corpus.clean import Limits
from headshrink.data.corpus.decontaminate import SuiteIndex, without_tested
from headshrink.data.corpus.suite import suite_sentences

__all__ = [
    "Corpus",
    "Limits",
    "SuiteIndex",
    "build_corpus",
    "read_corpus",
    "suite_sentences",
    "without_tested",
    "write_corpus",
]
