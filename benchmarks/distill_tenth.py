"""A student of a tenth of its teacher: few thin layers below the teacher's own width, trained on all text there is.

Everything is cut from the teacher: some of its layers, in each the heads and FFN neurons that the criterion ranks
highest, refitted; and its word table as a product of two thin ones. The student then imitates the teacher on pairs and
on sentences without translation, none of them like the benchmark's. A killed run goes on where it stood; what is
embedded or cut already is not done again. Scores are of held-out pairs. `--student` trains another kind of as many
parameters by the same recipe; runs with the same --out are rows of one table.

    python -m benchmarks.distill_tenth --teacher FOLDER --pairs FOLDER --suite FOLDER --work FOLDER --out FOLDER
"""

import argparse
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _pruning as shared
from headshrink.checkpoint import Checkpoints, fingerprint
from headshrink.corpus import Limits, SuiteIndex, build_corpus, suite_sentences
from headshrink.corpus.clean import fold, normalise
from headshrink.corpus.sources.parallel import Parallel
from headshrink.distillation.callbacks.quantise import quantised
from headshrink.distillation.data import TrainingData
from headshrink.distillation.pairs import Pairs, Sentences, TargetArrays
from headshrink.distillation.recipe import Recipe
from headshrink.distillation.record import summary, write_curve
from headshrink.distillation.students import Origin, Shape
from headshrink.distillation.students.every_kth_layer import every_kth_layer
from headshrink.distillation.students.narrow import narrow
from headshrink.distillation.students.static import static
from headshrink.distillation.students.thin import thin
from headshrink.distillation.targets import read_targets, write_targets
from headshrink.distillation.text import text_of
from headshrink.distillation.trainer import train as train_student
from headshrink.model import SentenceEncoder, load_encoder, save_encoder
from headshrink.model.precision import resolve
from headshrink.pruning.fidelity import FidelityTest
from headshrink.pruning.record import parameters
from headshrink.pruning.vocabulary import count_tokens
from headshrink.text.sentences import read_sentences

LIMITS = Limits(max_chars=300)  # the longest sentences cost most and say least
MONOLINGUAL = "mono.*.txt"
SPLITS = ("train", "heldout", "more")
LOSSES = {"cosine": 1.0, "relational": 0.1}
KINDS = ("tenth", "every_kth_layer", "narrow", "static")
FIGURES = ("cosine", "rank_agreement", "retrieval")
SMALL_RANK = 8  # of the word table; what a rank costs is seen on it


def texts_of(arguments: argparse.Namespace) -> dict[str, tuple[list[str], list[str]]]:
    """Both sides of train and held-out pairs, and as "more" the other sentences, all on one side; written once."""
    place = arguments.work / "texts.json"
    if place.is_file():
        return json.loads(place.read_text(encoding="utf-8"))
    suite = SuiteIndex(suite_sentences(arguments.suite))
    corpus = build_corpus(Parallel(arguments.pairs), LIMITS, suite, heldout_percent=5, max_pairs=arguments.max_pairs)
    splits = {
        name: ([p.en for p in rows], [p.ru for p in rows]) for name, rows in vars(corpus).items() if name in SPLITS
    }
    held = {fold(text) for side in splits["heldout"] for text in side}
    files = sorted(arguments.pairs.glob(MONOLINGUAL)) if arguments.monolingual else []
    share = arguments.monolingual // max(1, len(files))
    more = [text for file in files for text in islice(sentences(file, suite, held, share), share)]
    splits["more"] = (more, [])
    place.write_text(json.dumps(splits, ensure_ascii=False), encoding="utf-8")
    return splits


def sentences(file: Path, suite: SuiteIndex, held: set[str], count: int) -> Iterator[str]:
    """A file's lines, evenly spaced, that neither the benchmark nor the held-out pairs hold."""
    lines = list(read_sentences(file))
    for line in lines[:: max(1, len(lines) // max(1, round(1.1 * count)))]:
        text = normalise(line)
        folded = fold(text)
        if 3 <= len(text) <= LIMITS.max_chars and folded not in held and not suite.reason_against(folded):
            yield text


def taught(teacher: SentenceEncoder, texts: dict[str, tuple[list[str], list[str]]], work: Path) -> tuple[Pairs, Pairs]:
    """Train pairs, with the other sentences, and held-out pairs; ids and the teacher's embeddings are made once."""
    sides = {
        name: tuple(Sentences.from_rows(teacher.tokenise(side)) if side else None for side in both)
        for name, both in texts.items()
    }
    more = sides.pop("more")[0]
    splits = sides | ({"more": (more, more)} if more else {})
    if not (work / "targets" / "manifest.json").is_file():
        shutil.rmtree(work / "targets", ignore_errors=True)
        write_targets(teacher, splits, work / "targets", 128, resolve("auto", teacher.device))  # type: ignore[arg-type]
    train, heldout = (
        Pairs(*sides[name], TargetArrays(*read_targets(work / "targets", name)))  # type: ignore[arg-type]
        for name in ("train", "heldout")
    )
    if more:
        train = train.with_monolingual(more, read_targets(work / "targets", "more")[0])
    return train, heldout


def of_size(build: Callable[[int], SentenceEncoder], size: int) -> SentenceEncoder:
    """What `build` makes of that rank of the word table which gives `size` parameters, or just fewer."""
    small = build(SMALL_RANK)
    a_rank = parameters(small.backbone.embeddings.word_embeddings) // SMALL_RANK
    return build(min(small.dimension, SMALL_RANK + (size - parameters(small)) // a_rank))


def untrained(kind: str, teacher: SentenceEncoder, train: Pairs, arguments: argparse.Namespace) -> SentenceEncoder:
    """A student of a kind; those that are not the tenth have as many parameters as it."""
    counts = count_tokens([train.en.ids, train.ru.ids], teacher.backbone.config.vocab_size)
    origin, layers = Origin(teacher, teacher, counts, partial(text_of, teacher, train)), arguments.layers
    tenth = thin(origin, Shape(layers, heads=arguments.heads, ffn=arguments.ffn, rank=arguments.rank))
    if kind == "tenth":
        return tenth
    builds: dict[str, Callable[[int], SentenceEncoder]] = {
        "every_kth_layer": lambda rank: every_kth_layer(origin, Shape(layers, rank=rank)),
        "narrow": lambda rank: narrow(origin, Shape(layers, rank=rank, seed=arguments.seed)),
        "static": lambda rank: static(origin, Shape(rank=rank)),
    }
    return of_size(builds[kind], parameters(tenth))


def options() -> argparse.ArgumentParser:
    """What shapes the student and its text; shared with the ablation."""
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True, help=f"folder of pairs, and {MONOLINGUAL} beside them")
    parser.add_argument("--suite", type=Path, required=True, help="the benchmark's data, whose sentences are left out")
    parser.add_argument("--work", type=Path, required=True, help="folder for texts, targets and checkpoints")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--max-pairs", type=int, help="so many pairs; default: all")
    parser.add_argument("--monolingual", type=int, default=0, help="so many sentences without translation")
    parser.add_argument("--layers", type=int, default=2, help="of the teacher's, evenly spaced, first and last")
    parser.add_argument("--heads", type=int, default=3, help="in each layer")
    parser.add_argument("--ffn", type=int, default=384, help="neurons in each layer")
    parser.add_argument("--rank", type=int, default=176, help="of the word table")
    parser.add_argument("--heldout", type=int, default=500, help="held-out pairs that choose and score")
    return parser


def some(pairs: Pairs, count: int) -> Pairs:
    """The first pairs of a split."""
    kept = np.arange(min(count, len(pairs)))
    targets = TargetArrays(*(pairs.targets.take(side, kept) for side in ("en", "ru")))
    return Pairs(pairs.en.taken(kept), pairs.ru.taken(kept), targets)


def prepared(
    arguments: argparse.Namespace, kind: str = "tenth"
) -> tuple[SentenceEncoder, SentenceEncoder, Pairs, Pairs, FidelityTest]:
    """Teacher, untrained student, train and held-out pairs, and the test on them."""
    for folder in (arguments.work, arguments.out):
        folder.mkdir(parents=True, exist_ok=True)
    teacher = load_encoder(arguments.teacher)
    texts = texts_of(arguments)
    train, heldout = taught(teacher, texts, arguments.work)
    place = start_of(arguments, kind)
    if not (place / "config.json").is_file():
        save_encoder(untrained(kind, teacher, train, arguments), place)
    test = FidelityTest(teacher, *(side[: arguments.heldout] for side in texts["heldout"]))
    return teacher, load_encoder(place), train, some(heldout, arguments.heldout), test


def start_of(arguments: argparse.Namespace, kind: str) -> Path:
    """The folder of an untrained student of this shape."""
    shape = [arguments.layers, arguments.heads, arguments.ffn, arguments.rank]
    return arguments.work / f"untrained-{kind}-{'-'.join(map(str, shape))}"


def figures_of(student: SentenceEncoder, test: FidelityTest) -> dict[str, float]:
    """Scores of a student as it is and rounded as its int8 form, and its size."""
    found = asdict(test(student))
    with quantised(student):
        found |= {f"{name}_int8": value for name, value in asdict(test(student)).items()}
    return found | {"parameters": parameters(student)}


def write_table(out: Path, about: dict[str, Any], rows: dict[str, dict[str, Any]]) -> None:
    """tenth.json and tenth.md: every run so far."""
    content = {"about": about, "rows": rows}
    (out / "tenth.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    lines = ["# Students of a tenth, on held-out pairs", "", shared.headline(about), ""]
    columns = ["parameters, M", "sentences", "of them in pairs", "epochs", "steps"]
    columns += [name.replace("_", " ") + where for where in ("", " in int8") for name in FIGURES]
    lines += [f"| student | {' | '.join(columns)} |", "|---|" + "--:|" * len(columns)]
    for name, row in sorted(rows.items(), key=lambda item: -item[1]["rank_agreement"]):
        figures = [f"{row[key]:.4f}" if key in row else "" for key in (*FIGURES, *(f"{name}_int8" for name in FIGURES))]
        text = [f"{row['sentences']:,}", f"{2 * row['pairs']:,}"]
        cost = [f"{row['parameters'] / 1e6:.2f}", *text, f"{row['epochs']:g}", f"{row['steps']:,}"]
        lines.append(f"| {' | '.join([name, *cost, *figures])} |")
    (out / "tenth.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = options()
    parser.description = __doc__
    parser.add_argument("--student", choices=KINDS, default="tenth")
    parser.add_argument("--epochs", type=float, default=4)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--quantise", action="store_true", help="train for int8")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    kind = arguments.student
    teacher, student, train, heldout, test = prepared(arguments, kind)
    place = arguments.out / "tenth.json"
    rows = json.loads(place.read_text(encoding="utf-8"))["rows"] if place.is_file() else {}
    idle = {"sentences": 0, "pairs": 0, "epochs": 0, "steps": 0}
    rows["teacher"] = asdict(test(teacher)) | {"parameters": parameters(teacher)} | idle
    rows[f"{kind}, untrained"] = figures_of(student, test) | idle
    recipe = Recipe(
        LOSSES, epochs=arguments.epochs, batch_size=arguments.batch_size, learning_rate=arguments.learning_rate,
        ema=0.999, evaluations=20, quantise=arguments.quantise, seed=arguments.seed,
    )  # fmt: skip
    sources = [start_of(arguments, kind), arguments.work / "texts.json"]
    work = arguments.work / fingerprint(sources, vars(recipe) | {"losses": LOSSES})
    print(f"{len(train)} rows, {train.translations} of them pairs; the student comes to {work / 'student'}", flush=True)
    result = train_student(student, TrainingData(train, heldout), recipe, Checkpoints(work))
    save_encoder(student, work / "student")
    sentences = 2 * len(train)
    name = f"{kind}, seed {arguments.seed}, {result.steps:,} steps on {sentences:,} sentences"
    name += ", trained for int8" if arguments.quantise else ""
    rows[name] = figures_of(student, test) | {
        "sentences": sentences, "pairs": train.translations, "epochs": arguments.epochs, "steps": result.steps
    }  # fmt: skip
    tenth = "{layers} layers of {heads} heads and {ffn} neurons, rank {rank}; others: as many parameters"
    about = shared.about(
        teacher=arguments.teacher.name, pairs=arguments.pairs.name, heldout=arguments.heldout, losses=LOSSES,
        tenth=tenth.format(**vars(arguments)),
    )  # fmt: skip
    write_table(arguments.out, about, rows)
    write_curve(result.curve, arguments.out / f"{name.replace(', ', '-').replace(' ', '_')}.csv")
    print(summary(result))


if __name__ == "__main__":
    main()
