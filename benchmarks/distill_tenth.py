"""A student of a tenth of its teacher: few thin layers below the teacher's own width, trained on all text there is.

Everything is cut from the teacher: some of its layers, in each the heads and FFN neurons that the criterion ranks
highest, refitted; and its word table as a product of two thin ones. The student then imitates the teacher on pairs and
on sentences without translation, none of them like the benchmark's. A killed run goes on where it stood; what is
embedded or cut already is not done again. Scores are of held-out pairs; the floor is the word table alone.

    python -m benchmarks.distill_tenth --teacher FOLDER --pairs FOLDER --suite FOLDER --work FOLDER --out FOLDER
"""

import argparse
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import numpy as np

from headshrink.checkpoint import Checkpoints, fingerprint
from headshrink.corpus import Limits, SuiteIndex, build_corpus, suite_sentences
from headshrink.corpus.clean import fold, normalise
from headshrink.corpus.sources.parallel import Parallel
from headshrink.distill.pairs import Pairs, Sentences, TargetArrays
from headshrink.distill.precision import resolve
from headshrink.distill.record import summary, write_curve, write_metrics
from headshrink.distill.targets import read_targets, write_targets
from headshrink.distill.trainer import Recipe, distil
from headshrink.importance import pair_batches, score
from headshrink.model import SentenceEncoder, load_encoder, save_encoder
from headshrink.prune import cut, plan_ratio
from headshrink.prune.embedding import factorise
from headshrink.prune.fidelity import FidelityTest
from headshrink.prune.layers import keep_layers
from headshrink.prune.record import parameters
from headshrink.prune.repair import repair
from headshrink.prune.vocabulary import count_tokens

LIMITS = Limits(max_chars=300)  # the longest sentences cost most and say least
MONOLINGUAL = "mono.*.txt"
SPLITS = ("train", "heldout", "more")
SCORING_PAIRS, REPAIR_PAIRS = 512, 2048
LOSSES = {"cosine": 1.0, "relational": 0.1}


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
    lines = file.read_text(encoding="utf-8").splitlines()
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


def tenth(teacher: SentenceEncoder, train: Pairs, arguments: argparse.Namespace) -> SentenceEncoder:
    """The teacher cut to a few thin layers and a thin table; repaired, untrained."""
    count = train.translations

    def text(pairs: int, seed: int) -> list:
        rows = [[side[i].tolist() for i in range(count)] for side in (train.en, train.ru)]
        return list(pair_batches(*rows, teacher.tokenizer.pad_token_id, pairs // 32, 32, seed))

    layers = keep_layers(teacher, arguments.layers)
    whole = layers.backbone.config
    ratios = [1 - arguments.heads / whole.num_attention_heads, 1 - arguments.ffn / whole.intermediate_size]
    scores = score(layers, text(SCORING_PAIRS, 1), ["obs"], "teacher_distance")["obs"]
    plan = plan_ratio(scores, *ratios, "layer")
    thin = cut(layers, plan)
    repair(layers, thin, plan, text(REPAIR_PAIRS, 2))
    counts = count_tokens([train.en.ids, train.ru.ids], teacher.backbone.config.vocab_size)
    return factorise(thin, arguments.rank, counts)


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
    parser.add_argument("--layers", type=int, nargs="+", default=[0, 5], help="which of the teacher's")
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
    arguments: argparse.Namespace,
) -> tuple[SentenceEncoder, SentenceEncoder, Pairs, Pairs, FidelityTest]:
    """Teacher, untrained student, train and held-out pairs, and the test on them."""
    for folder in (arguments.work, arguments.out):
        folder.mkdir(parents=True, exist_ok=True)
    teacher = load_encoder(arguments.teacher)
    texts = texts_of(arguments)
    train, heldout = taught(teacher, texts, arguments.work)
    place = arguments.work / "untrained"
    if not (place / "config.json").is_file():
        save_encoder(tenth(teacher, train, arguments), place)
    test = FidelityTest(teacher, *(side[: arguments.heldout] for side in texts["heldout"]))
    return teacher, load_encoder(place), train, some(heldout, arguments.heldout), test


def main() -> None:
    parser = options()
    parser.description = __doc__
    parser.add_argument("--epochs", type=float, default=4)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    teacher, student, train, heldout, test = prepared(arguments)
    rows = {"untrained": asdict(test(student)) | {"parameters": parameters(student)}}
    recipe = Recipe(
        LOSSES, epochs=arguments.epochs, batch_size=arguments.batch_size, learning_rate=arguments.learning_rate,
        ema=0.999, evaluations=20, seed=arguments.seed,
    )  # fmt: skip
    print(f"{len(train)} rows, {train.translations} of them pairs; untrained {rows['untrained']}", flush=True)
    named = vars(recipe) | {"losses": dict(recipe.losses)}
    place = arguments.work / fingerprint([arguments.work / name for name in ("untrained", "texts.json")], named)
    result = distil(student, train, heldout, recipe, Checkpoints(place))
    rows["trained"] = asdict(test(student)) | {"parameters": parameters(student)}
    rows["teacher"] = asdict(test(teacher)) | {"parameters": parameters(teacher)}
    save_encoder(student, arguments.work / "student")
    write_metrics(result, arguments.out / "metrics.json")
    write_curve(result.curve, arguments.out / "curve.csv")
    shape = {name: getattr(arguments, name) for name in ("layers", "heads", "ffn", "rank", "heldout")}
    text = {"rows": len(train), "pairs": train.translations}
    about = {"teacher": arguments.teacher.name, "shape": shape, "text": text, "recipe": named, "scores": rows}
    (arguments.out / "tenth.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    print(summary(result))
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
