"""Training sentences from a corpus of text: tokenised, and embedded by the teachers."""

from pathlib import Path

from headshrink.data.corpus import Corpus
from headshrink.data.corpus.clean import language_of
from headshrink.data.table import SentenceTable, Tokens
from headshrink.data.targets import SINGLE, stored_targets, write_targets
from headshrink.model import SentenceEncoder


def pairs_of(
    teachers: list[SentenceEncoder],
    student: SentenceEncoder,
    corpus: Corpus,
    more: list[str],
    targets: Path,
) -> tuple[SentenceTable, SentenceTable]:
    """Train and held-out sentences in the student's token ids, with the targets of all teachers.

    The folder `targets` holds the targets; those that are there already are not computed again. Sentences of `more`
    join the training without translation.
    """
    for number, teacher in enumerate(teachers):
        write_targets(teacher, tables_of(teacher, corpus, more), targets / str(number))
    found = {}
    for name, table in tables_of(student, corpus, more).items():
        stored = [stored_targets(targets / str(number), name) for number in range(len(teachers))]
        found[name] = table.with_targets(stored)
    train = found["train"]
    if more:
        train = train.followed_by(found[SINGLE])
    return train, found["heldout"]


def tables_of(encoder: SentenceEncoder, corpus: Corpus, more: list[str]) -> dict[str, SentenceTable]:
    """The sentences of each split in an encoder's token ids, without targets."""

    def tokens(texts: list[str]) -> Tokens:
        return Tokens.from_rows(encoder.tokenise(texts))

    found = {
        name: SentenceTable.of_pairs(tokens([pair.en for pair in pairs]), tokens([pair.ru for pair in pairs]))
        for name, pairs in (("train", corpus.train), ("heldout", corpus.heldout))
    }
    return found | ({SINGLE: SentenceTable.of_single(tokens(more), list(map(language_of, more)))} if more else {})
