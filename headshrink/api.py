"""The steps of the method as functions on plain objects: trim, score, prune, distill, export, benchmark.

They are importable as `headshrink.score` and so on; load_encoder and read_corpus come before them. Options are the
parameters of the section of params.yaml that belongs to the step: same names, ranges and defaults, from
headshrink/parameters. A value that is not allowed raises HeadshrinkError.

Stages call the functions that these ones call (`score_by`, `prune_by`, `distill_by`, `export_by`, `run`): a stage that
imported this module would depend on every package, and a change in one of them would run all stages again.
"""

import copy
import tempfile
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from torch import Tensor

from headshrink.checkpoint import Checkpoints
from headshrink.data.corpus import Corpus
from headshrink.distillation.from_corpus import Extras, distill_on
from headshrink.distillation.run import Trained
from headshrink.errors import HeadshrinkError
from headshrink.importance import Scores, pair_batches, score_by
from headshrink.model import PairBatch, SentenceEncoder
from headshrink.parameters.benchmark import BenchmarkParams
from headshrink.parameters.checked import checked
from headshrink.parameters.distill_library import LibraryDistillParams
from headshrink.parameters.export import ExportParams
from headshrink.parameters.importance import ImportanceParams
from headshrink.parameters.prune import LibraryPruneParams
from headshrink.parameters.section import Section, given_path
from headshrink.parameters.trim import TrimParams
from headshrink.pruning.run import PAIRS_PER_BATCH, Pruned, prune_by
from headshrink.trimming.token_counts import count_tokens

if TYPE_CHECKING:
    from headshrink.benchmarking.models import Model
    from headshrink.benchmarking.read import Suite
    from headshrink.benchmarking.run import Report
    from headshrink.trimming.text import Text

NO_EXTRAS = Extras()
Function = TypeVar("Function", bound=Callable[..., Any])


def options_from(*models: type[Section]) -> Callable[[Function], Function]:
    """Let `help` and editors see the parameters of sections in the place of a function's `**options`."""
    fields = {name: field for model in models for name, field in model.model_fields.items()}

    def document(function: Function) -> Function:
        shown = signature(function)
        own = [each for each in shown.parameters.values() if each.kind != Parameter.VAR_KEYWORD]
        others = [
            Parameter(
                name, Parameter.KEYWORD_ONLY, default=field.get_default(call_default_factory=True),
                annotation=field.annotation,
            )
            for name, field in fields.items()
            if name not in shown.parameters
        ]  # fmt: skip
        function.__signature__ = shown.replace(parameters=[*own, *others])  # type: ignore[attr-defined]
        return function

    return document


@overload
def trim(model: SentenceEncoder, text: "Text", **options: Any) -> SentenceEncoder: ...
@overload
def trim(
    model: str | Path, text: "Text", folder: str | Path, heldout: "Text" = (), **options: Any
) -> dict[str, Any]: ...
@options_from(TrimParams)
def trim(
    model: SentenceEncoder | str | Path,
    text: "Text",
    folder: str | Path | None = None,
    heldout: "Text" = (),
    **options: Any,
) -> SentenceEncoder | dict[str, Any]:
    """An encoder without the tokens that a text does not need; of a model folder, the same into the new `folder`.

    `text` is the path of a file or folder, a corpus, sentences by language code, or a list of such, of which the large
    ones do not decide alone. An encoder gives a new encoder. A model folder may be of any family: its trimmed model is
    written, and the content of trim.json returned, with what is measured on `heldout`. Text whose tokens all stay keeps
    its embedding to the bit. Raises HeadshrinkError for a number of tokens below the minimum, and for text in none of
    the languages.
    """
    from headshrink.output import check_absent_folder, new_folder
    from headshrink.trimming.folder import trim_folder
    from headshrink.trimming.run import Choice, trim_encoder
    from headshrink.trimming.text import parts_of, sentences

    chosen = checked(TrimParams, options)
    counted = [sentences(part, chosen.languages) for part in parts_of(text)]
    if isinstance(model, SentenceEncoder):
        return trim_encoder(model, Choice(model.tokenizer, chosen).count(*counted), chosen).encoder
    if folder is None:
        raise HeadshrinkError("a model folder is trimmed into a new folder: give its path")
    check_absent_folder(Path(folder), "folder")
    with new_folder(Path(folder)) as unfinished:
        return trim_folder(Path(model), counted, chosen, unfinished, list(sentences(heldout, chosen.languages)))


@options_from(ImportanceParams)
def score(teacher: SentenceEncoder, corpus: Corpus, **options: Any) -> Scores:
    """The importance of every head [layers, heads] and FFN neuron [layers, neurons] on training pairs.

    `criterion` is a file of headshrink/importance/criteria, `loss` one of headshrink/importance/losses; obs and fisher
    need the loss teacher_distance. Raises HeadshrinkError for a corpus without two pairs.
    """
    chosen = checked(ImportanceParams, options)
    batches = training_batches(teacher, corpus, chosen.batches, chosen.batch_size, chosen.seed)
    return score_by(chosen, teacher, batches)


@options_from(LibraryPruneParams, ImportanceParams)
def prune(teacher: SentenceEncoder, scores: Scores, corpus: Corpus, **options: Any) -> SentenceEncoder:
    """A new encoder without the least important shares of heads and FFN neurons, repaired by least squares.

    The options of `score` that `scores` were computed with are needed where importance is computed again (`steps`) and
    for a `budget`. The teacher stays as it is.
    """
    return pruned_with_record(teacher, scores, corpus, **options).encoder


def pruned_with_record(teacher: SentenceEncoder, scores: Scores, corpus: Corpus, **options: Any) -> Pruned:
    """As `prune`, with the content of prune.json: what went and by which parameters."""
    of_scores = {name: value for name, value in options.items() if name in ImportanceParams.model_fields}
    chosen = checked(LibraryPruneParams, {k: value for k, value in options.items() if k not in of_scores})
    importance = checked(ImportanceParams, of_scores)
    repair_batches = chosen.repair_pairs // PAIRS_PER_BATCH
    text = training_batches(teacher, corpus, repair_batches, PAIRS_PER_BATCH, importance.seed + 1)

    def count() -> Tensor:
        rows = (row for side in corpus.sides() for row in teacher.tokenise(side))
        return count_tokens(rows, teacher.backbone.config.vocab_size)

    return prune_by(teacher, scores, text, (chosen, importance), count)


@options_from(LibraryDistillParams)
def distill(
    teacher: SentenceEncoder,
    student: SentenceEncoder | Mapping[str, Any],
    corpus: Corpus,
    targets: Path | None = None,
    extras: Extras = NO_EXTRAS,
    **options: Any,
) -> SentenceEncoder:
    """A trained student: the step with the lowest loss on held-out pairs.

    `student` is an encoder, which stays as it is, or the parameters of section `distill.student`, a kind and its size,
    by which one is made from the teacher. `targets` is a folder for the teacher's embeddings: a call that finds them
    there does not compute them again. Raises HeadshrinkError where no pair is held out, where the embeddings differ in
    dimension, and where the training diverges.
    """
    with tempfile.TemporaryDirectory(prefix="headshrink-") as scratch:
        return trained_with_result(teacher, student, corpus, targets or Path(scratch), extras, **options).encoder


def trained_with_result(
    teacher: SentenceEncoder,
    student: SentenceEncoder | Mapping[str, Any],
    corpus: Corpus,
    work: Path,
    extras: Extras = NO_EXTRAS,
    checkpoints: Checkpoints | None = None,
    **options: Any,
) -> Trained:
    """As `distill`, with scores and curve of the training; with `checkpoints` a killed call goes on where it stood."""
    given = isinstance(student, SentenceEncoder)
    chosen = checked(LibraryDistillParams, {"student": {} if given else student, **options})
    copied = copy.deepcopy(student) if isinstance(student, SentenceEncoder) else None
    return distill_on(corpus, teacher, copied, chosen, extras, work, checkpoints)


@options_from(ExportParams)
def export(encoder: SentenceEncoder, folder: str | Path, corpus: Corpus, **options: Any) -> dict[str, dict[str, Any]]:
    """Write the encoder in several formats; what each format proved, by target.

    Lossless formats must reproduce the embeddings of held-out sentences. A lossy format that changes them too much is
    repaired or left out, and its entry says so. Raises HeadshrinkError where the folder exists, and for a corpus
    without two pairs.
    """
    from headshrink.data.text.pairs import spread
    from headshrink.exporting.run import export_by
    from headshrink.output import check_absent_folder, new_folder

    chosen, folder = checked(ExportParams, options), Path(folder)
    check_absent_folder(folder, "export")
    pairs = corpus.heldout if len(corpus.heldout) > 1 else corpus.train
    if len(pairs) < 2:
        raise HeadshrinkError(f"{len(pairs)} pairs: at least two are needed, some hundreds to be any good")
    en, ru = ([getattr(pair, side) for pair in spread(pairs, chosen.gate.pairs)] for side in ("en", "ru"))
    sentences = [text for pair in spread(pairs, (chosen.check_sentences + 1) // 2) for text in (pair.en, pair.ru)]
    with new_folder(folder) as unfinished:
        return export_by(chosen, encoder, unfinished, sentences[: chosen.check_sentences], (en, ru))


@options_from(BenchmarkParams)
def benchmark(
    model: "str | Path | Mapping[str, Model]",
    suite: "str | Path | Suite",
    teacher: str | Path | None = None,
    cache: Path | None = None,
    **options: Any,
) -> "Report":
    """Scores of a model folder on encodechka's tasks; with a teacher's folder also intervals of the differences to it.

    `model` may be opened models by name, the first of which is the reference. `suite` is the folder with encodechka's
    data files or an opened suite, `cache` a folder of results that need not be computed again. `repeats` and `limit_s`
    are for timings, which this function does not make. Raises HeadshrinkError for missing or malformed data.
    """
    from headshrink.benchmarking.cache import ResultCache
    from headshrink.benchmarking.models import open_model
    from headshrink.benchmarking.read import Suite, open_suite
    from headshrink.benchmarking.run import run

    chosen = checked(BenchmarkParams, options)
    if isinstance(model, Mapping):
        models = dict(model)
    else:
        folders = ({"teacher": Path(teacher)} if teacher else {}) | {"student": Path(model)}
        models = {name: open_model(folder, name) for name, folder in folders.items()}
    results = ResultCache(cache) if cache else None
    data = suite if isinstance(suite, Suite) else open_suite(Path(suite))
    extra = given_path(chosen.pairs), given_path(chosen.graded)
    return run(models, data, chosen.tasks, chosen.batch_size, results, *extra)


def training_batches(
    encoder: SentenceEncoder, corpus: Corpus, batches: int, batch_size: int, seed: int
) -> list[PairBatch]:
    """At most so many batches of training pairs, drawn by `seed`; HeadshrinkError for a corpus without two pairs."""
    if len(corpus.train) < 2:
        raise HeadshrinkError(f"{len(corpus.train)} training pairs: at least two are needed")
    size = min(batch_size, len(corpus.train))
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
