"""Training pairs from a corpus of text: tokenised, and embedded by the teachers."""

from pathlib import Path

import numpy as np

from headshrink.corpus import Corpus
from headshrink.distillation.pairs import Pairs, Sentences, TargetArrays
from headshrink.distillation.targets import read_targets, write_targets
from headshrink.model import SentenceEncoder


def pairs_of(
    teachers: list[SentenceEncoder],
    student: SentenceEncoder,
    corpus: Corpus,
    more: list[str],
    targets: Path,
) -> tuple[Pairs, Pairs]:
    """Train and held-out pairs in the student's token ids, with the targets of all teachers side by side.

    The folder `targets` holds the targets; those that are there already are not computed again. Sentences of `more`
    join the training without translation.
    """
    splits = {"train": corpus.train, "heldout": corpus.heldout}

    def ids(encoder: SentenceEncoder, name: str) -> tuple[Sentences, Sentences]:
        if name == "more":
            rows = Sentences.from_rows(encoder.tokenise(more))
            return rows, rows
        sides = ([pair.en for pair in splits[name]], [pair.ru for pair in splits[name]])
        en, ru = (Sentences.from_rows(encoder.tokenise(side)) for side in sides)
        return en, ru

    for number, teacher in enumerate(teachers):
        if not (targets / str(number) / "manifest.json").is_file():
            names = [*splits, *(["more"] if more else [])]
            write_targets(teacher, {name: ids(teacher, name) for name in names}, targets / str(number))

    def of_all(name: str) -> TargetArrays:
        each = [read_targets(targets / str(number), name) for number in range(len(teachers))]
        return TargetArrays(*(np.concatenate(side, axis=1) for side in zip(*each, strict=True)))

    train, heldout = (Pairs(*ids(student, name), of_all(name)) for name in splits)
    if more:
        train = train.with_monolingual(ids(student, "more")[0], of_all("more").en)
    return train, heldout
