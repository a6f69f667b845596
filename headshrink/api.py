"""The steps of the method as functions on plain objects: score, prune, distill, export, benchmark.

They are importable as `headshrink.score` and so on; load_encoder and read_corpus come before them.
Keyword names are those of the parameters in params.yaml.
"""

import copy
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headshrink.corpus import Corpus
from headshrink.errors import HeadshrinkError
from headshrink.importance import Scores, pair_batches
from headshrink.importance import score as score_batches
from headshrink.model import PairBatch, SentenceEncoder
from headshrink.pruning import Recipe as Cuts
from headshrink.pruning import prune as prune_by

if TYPE_CHECKING:
    from headshrink.benchmarking.run import Report

PAIRS_PER_BATCH = 32
TARGETS = ("transformers", "onnx", "onnx_int8")
LOSSES = {"similarity": 0.1, "cosine": 1.0}


def score(
    teacher: SentenceEncoder,
    corpus: Corpus,
    criterion: str = "taylor",
    loss: str = "translation_ranking",
    batches: int = 64,
    seed: int = 0,
) -> Scores:
    """The importance of every head [layers, heads] and FFN neuron [layers, neurons] on training pairs.

    `criterion` is a file of headshrink/importance/criteria, `loss` one of headshrink/importance/losses; obs and fisher
    need the loss teacher_distance. Raises HeadshrinkError for a corpus without two pairs.
    """
    return score_batches(teacher, training_batches(teacher, corpus, batches, seed), [criterion], loss, seed)[criterion]


def prune(
    teacher: SentenceEncoder,
    scores: Scores,
    corpus: Corpus,
    heads: float = 0.5,
    ffn: float = 0.5,
    repair_pairs: int = 8192,
    seed: int = 1,
    **settings: Any,
) -> SentenceEncoder:
    """A new encoder without the least important shares of heads and FFN neurons, repaired by least squares.

    `settings` are further fields of headshrink.pruning.Recipe, e.g. repair="none" or steps=4. The teacher
    stays as it is.
    """
    batches = training_batches(teacher, corpus, repair_pairs // PAIRS_PER_BATCH, seed)
    pruned, _ = prune_by(teacher, Cuts(heads=heads, ffn=ffn, **settings), scores, batches)
    return pruned


def distill(
    teacher: SentenceEncoder,
    student: SentenceEncoder,
    corpus: Corpus,
    losses: Mapping[str, Any] | None = None,
    targets: Path | None = None,
    **settings: Any,
) -> SentenceEncoder:
    """A trained copy of the student: the step with the lowest loss on held-out pairs.

    `losses` are weights by the names of headshrink/distillation/losses. `targets` is a folder for the teacher's
    embeddings: a call that finds them there does not compute them again. `settings` are further fields of
    headshrink.distillation.recipe.Recipe, e.g. epochs=2. Raises HeadshrinkError where no pair is held out, where the
    embeddings differ in dimension, and where the training diverges.
    """
    from headshrink.distillation.data import Reference, TrainingData
    from headshrink.distillation.from_text import pairs_of
    from headshrink.distillation.recipe import Recipe
    from headshrink.distillation.trainer import train

    if teacher.dimension != student.dimension:
        raise HeadshrinkError(f"the student has {student.dimension} dimensions and the teacher {teacher.dimension}")
    trained = copy.deepcopy(student)
    with tempfile.TemporaryDirectory(prefix="headshrink-") as scratch:
        pairs, heldout = pairs_of([teacher], trained, corpus.checked("the corpus"), [], targets or Path(scratch))
        train(trained, TrainingData(pairs, heldout, Reference(teacher)), Recipe(losses or LOSSES, **settings))
    return trained


def export(
    encoder: SentenceEncoder,
    folder: str | Path,
    corpus: Corpus,
    targets: Sequence[str] = TARGETS,
    pairs: int = 500,
) -> dict[str, dict[str, Any]]:
    """Write the encoder in several formats; what each format proved, by target.

    Lossless formats must reproduce the embeddings of held-out sentences. A lossy format that changes them too much is
    repaired or left out, and its entry says so. Raises HeadshrinkError where the folder exists.
    """
    from headshrink.exporting import Limits, Options, Original, Proof, write_forms
    from headshrink.output import check_absent_folder, new_folder
    from headshrink.text.pairs import spread

    folder = Path(folder)
    check_absent_folder(folder, "export")
    chosen = spread(corpus.heldout or corpus.train, pairs)
    en, ru = [pair.en for pair in chosen], [pair.ru for pair in chosen]
    both = [text for pair in zip(en, ru, strict=True) for text in pair]
    with new_folder(folder) as unfinished:
        proof = Proof(encoder, both[:256], en, ru, Limits())
        return write_forms(list(targets), Original(encoder), unfinished, Options(), proof)


def benchmark(
    model: str | Path,
    suite: str | Path,
    tasks: Sequence[str] | None = None,
    teacher: str | Path | None = None,
    batch_size: int = 64,
) -> "Report":
    """Scores of a model folder on encodechka's tasks; with a teacher's folder also intervals of the differences to it.

    `suite` is the folder with encodechka's data files. Raises HeadshrinkError for data that are missing or malformed.
    """
    from headshrink.benchmarking.models import open_model
    from headshrink.benchmarking.read import open_suite
    from headshrink.benchmarking.run import run
    from headshrink.benchmarking.suite import TASKS

    folders = ({"teacher": Path(teacher)} if teacher else {}) | {"student": Path(model)}
    models = {name: open_model(folder, name) for name, folder in folders.items()}
    return run(models, open_suite(Path(suite)), list(tasks or TASKS), batch_size)


def training_batches(encoder: SentenceEncoder, corpus: Corpus, batches: int, seed: int) -> list[PairBatch]:
    """At most so many batches of training pairs, drawn by `seed`; HeadshrinkError for a corpus without two pairs."""
    if len(corpus.train) < 2:
        raise HeadshrinkError(f"{len(corpus.train)} training pairs: at least two are needed")
    size = min(PAIRS_PER_BATCH, len(corpus.train))
    en, ru = (TokenRows(encoder, texts) for texts in corpus.sides())
    return list(pair_batches(en, ru, encoder.tokenizer.pad_token_id, max(1, batches), size, seed))  # type: ignore[arg-type]


class TokenRows(Sequence[Sequence[int]]):
    """Token ids of many texts, each tokenised when it is asked for: a sample of a large corpus costs its own rows."""

    def __init__(self, encoder: SentenceEncoder, texts: Sequence[str]) -> None:
        self.encoder, self.texts = encoder, texts
        self.known: dict[int, list[int]] = {}

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, i: Any) -> Any:
        if i not in self.known:
            self.known[i] = self.encoder.tokenise([self.texts[i]])[0]
        return self.known[i]
