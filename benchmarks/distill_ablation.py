"""What each distillation loss is worth on the tenth's shape, alone and left out; and how best to cut to that shape.

Every set of losses starts from the same untrained student and takes the same steps over the same pairs. A loss's weight
is one over its value at the start, so that all begin equal. The ways of cutting start from the tenth's layers, uncut,
and end at its heads and neurons in as many steps: all at once, in rounds, or by learned masks. Held-out scores only.
Finished variants stay in the JSON, and a run with `--minutes` begins no new one after that: call it again to go on.

    python -m benchmarks.distill_ablation --teacher FOLDER --pairs FOLDER --suite FOLDER --work FOLDER --out FOLDER
"""

import argparse
import copy
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import date
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from headshrink.data.corpus import read_corpus
from headshrink.data.in_memory import pairs_of
from headshrink.data.table import SentenceTable
from headshrink.distillation.losses import LOSSES, ON_EMBEDDINGS
from headshrink.distillation.mlm_fit import fit_mlm_head
from headshrink.distillation.objective import Objective
from headshrink.distillation.parts import Parts, parts_of
from headshrink.distillation.recipe import Recipe
from headshrink.distillation.rounds import by_learned_gates, in_rounds
from headshrink.distillation.students import Origin, StudentShape
from headshrink.distillation.students.thin import REPAIR_PAIRS, thin
from headshrink.distillation.text import text_of
from headshrink.distillation.trainer import train as train_student
from headshrink.distillation.training_data import Reference, TrainingData
from headshrink.model import SentenceEncoder, load_encoder
from headshrink.model.mlm_head import FILE, MlmHead, load_mlm_head, save_mlm_head
from headshrink.model.precision import resolve
from headshrink.pruning import CutSettings
from headshrink.pruning.embedding import factorise
from headshrink.pruning.fidelity import FidelityTest
from headshrink.pruning.layers import first_to_last, keep_layers
from headshrink.pruning.record import parameters
from headshrink.trimming.token_counts import count_tokens

FIRST_PAIRS = 64
ROUNDS, MASKED = (1, 2, 4), (0.3, 0.6)


def variants(weights: dict[str, float]) -> Iterator[tuple[str, dict[str, float]]]:
    """Names and weights: each loss on embeddings alone and left out, the others added to cosine and alone."""
    on_embeddings = {name: weights[name] for name, loss in LOSSES.items() if loss.needs <= ON_EMBEDDINGS}
    others = [name for name in LOSSES if name not in on_embeddings]
    yield "all on embeddings", on_embeddings
    for name in on_embeddings:
        yield f"{name} alone", {name: weights[name]}
        yield f"all but {name}", {other: weight for other, weight in on_embeddings.items() if other != name}
    for name in others:
        yield f"cosine + {name}", {"cosine": weights["cosine"], name: weights[name]}
    for name in others:
        yield f"{name} alone", {name: weights[name]}


def prepared(
    arguments: argparse.Namespace,
) -> tuple[SentenceEncoder, SentenceEncoder, SentenceTable, SentenceTable, FidelityTest]:
    """Teacher, untrained student, train and held-out pairs, and the test on them."""
    for folder in (arguments.work, arguments.out):
        folder.mkdir(parents=True, exist_ok=True)
    teacher, whole = load_encoder(arguments.teacher), read_corpus(arguments.pairs, arguments.suite)
    corpus = replace(whole, train=whole.train[: arguments.max_pairs], heldout=whole.heldout[: arguments.heldout])
    train, heldout = pairs_of([teacher], teacher, corpus.checked(str(arguments.pairs)), [], arguments.work / "targets")
    counts = count_tokens(train.tokens.blocks(), teacher.backbone.config.vocab_size)
    origin = Origin(teacher, teacher, counts, partial(text_of, teacher, train))
    shape = StudentShape(arguments.layers, heads=arguments.heads, ffn=arguments.ffn, rank=arguments.rank)
    test = FidelityTest(teacher, *([getattr(pair, side) for pair in corpus.heldout] for side in ("en", "ru")))
    return teacher, thin(origin, shape), train, heldout, test


def mlm_head_of(
    teacher: SentenceEncoder, train: SentenceTable, heldout: SentenceTable, steps: int, work: Path
) -> MlmHead | None:
    """The head that losses on words guess through, fitted once."""
    if not (work / FILE).is_file():
        mlm_head, perplexity = fit_mlm_head(teacher, train.tokens, heldout.tokens, steps)
        print(f"MLM head of {steps} steps: held-out perplexity {perplexity:.1f}", flush=True)
        save_mlm_head(mlm_head, work)
    return load_mlm_head([work], teacher.backbone)


def equal_weights(
    student: SentenceEncoder, teacher: SentenceEncoder, train: SentenceTable, mlm_head: MlmHead | None
) -> dict[str, float]:
    """One over each loss's value on the first pairs before training."""
    precision = resolve("auto", student.device)
    objective = Objective(dict.fromkeys(LOSSES, 1.0), student, Reference(teacher, mlm_head))
    with torch.no_grad():
        batch = train.batch(train.pair_rows[:, :FIRST_PAIRS], student.tokenizer.pad_token_id)  # type: ignore[arg-type]
        outputs = objective.outputs(student, batch, precision)
        values = {name: loss(*outputs).item() for name, loss in LOSSES.items()}
    return {name: 1 / max(value, 1e-3) for name, value in values.items()}


def cuts(
    teacher: SentenceEncoder,
    train: SentenceTable,
    heldout: SentenceTable,
    recipe: Recipe,
    arguments: argparse.Namespace,
) -> Iterator[tuple[str, Callable[[], SentenceEncoder]]]:
    """Names, and what trains a student whose heads and neurons are cut at once, in rounds or by learned masks."""
    counts = count_tokens(train.tokens.blocks(), teacher.backbone.config.vocab_size)
    whole = teacher.backbone.config
    layers = first_to_last(whole.num_hidden_layers, arguments.layers)
    wide = factorise(keep_layers(teacher, layers), arguments.rank, counts)
    heads, ffn = 1 - arguments.heads / whole.num_attention_heads, 1 - arguments.ffn / whole.intermediate_size
    text, part = text_of(teacher, train, REPAIR_PAIRS, 2), partial(train_student, data=TrainingData(train, heldout))

    def in_parts(*ends: float) -> Parts:
        return Parts(parts_of(recipe, train, ends), part)

    for rounds in ROUNDS:
        ends = [(i + 1) / rounds for i in range(rounds)]
        name = f"cut in {rounds} rounds" if rounds > 1 else "cut at once"
        yield name, lambda ends=ends: in_rounds(wide, CutSettings(heads, ffn), text, in_parts(*ends))[0]
    for share in MASKED:
        name = f"cut by masks learned in {share:g} of the steps"
        yield name, lambda share=share: by_learned_gates(wide, {"heads": heads, "ffn": ffn}, in_parts(share, 1))[0]


def write(folder: Path, about: dict[str, Any], rows: dict[str, dict[str, Any]]) -> None:
    """ablation.json and ablation.md, best rank agreement first."""
    content = {"about": about, "rows": rows}
    (folder / "ablation.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    conditions = "; ".join(f"{k.replace('_', ' ')}: {v}" for k, v in about.items())
    lines = ["# What each loss is worth, and how to cut", "", conditions, ""]
    lines += ["| losses or cut | cosine | rank agreement | retrieval | s |", "|---|---|---|---|---|"]
    for name, row in sorted(rows.items(), key=lambda item: -item[1]["rank_agreement"]):
        figures = " | ".join(f"{row[key]:.4f}" for key in ("cosine", "rank_agreement", "retrieval"))
        lines.append(f"| {name} | {figures} | {row['seconds']:.0f} |")
    (folder / "ablation.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True, help="a TSV, aligned files or a folder of them")
    parser.add_argument("--suite", type=Path, help="the benchmark's data, whose sentences are left out")
    parser.add_argument("--work", type=Path, required=True, help="folder for targets and the MLM head")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--max-pairs", type=int, help="the first so many training pairs; default: all")
    parser.add_argument("--layers", type=int, default=2, help="of the teacher's, evenly spaced, first and last")
    parser.add_argument("--heads", type=int, default=3, help="in each layer")
    parser.add_argument("--ffn", type=int, default=384, help="neurons in each layer")
    parser.add_argument("--rank", type=int, default=176, help="of the word table")
    parser.add_argument("--heldout", type=int, default=500, help="held-out pairs that choose and score")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--mlm-head-steps", type=int, default=2000, help="that fit the head of losses on words")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no variant after so many")
    parser.add_argument("--only", default="", help="only variants whose name holds this")
    arguments = parser.parse_args()
    began = time.monotonic()
    teacher, untrained, train, heldout, test = prepared(arguments)
    path = arguments.out / "ablation.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.is_file() else {}
    about = {
        "teacher": arguments.teacher.name, "layers": arguments.layers, "heads": arguments.heads, "ffn": arguments.ffn,
        "rank": arguments.rank, "steps": arguments.steps, "batch_size": arguments.batch_size,
        "learning_rate": arguments.learning_rate, "mlm_head_steps": arguments.mlm_head_steps,
        "pairs": train.pairs, "heldout": heldout.pairs, "date": date.today().isoformat(),
    }  # fmt: skip
    rows.setdefault("untrained", asdict(test(untrained)) | {"seconds": 0.0})
    epochs = arguments.steps * arguments.batch_size / train.pairs
    mlm_head = mlm_head_of(teacher, train, heldout, arguments.mlm_head_steps, arguments.work)
    recipe = Recipe(
        {"cosine": 1.0, "relational": 0.1}, epochs=epochs, batch_size=arguments.batch_size,
        learning_rate=arguments.learning_rate, evaluations=1,
    )  # fmt: skip

    def by_losses(weights: dict[str, float]) -> SentenceEncoder:
        student = copy.deepcopy(untrained)
        data = TrainingData(train, heldout, Reference(teacher, mlm_head))
        train_student(student, data, replace(recipe, losses=weights))
        return student

    losses = variants(equal_weights(untrained, teacher, train, mlm_head))
    trained = ((name, partial(by_losses, weights)) for name, weights in losses)
    for name, train_one in chain(trained, cuts(teacher, train, heldout, recipe, arguments)):
        if name in rows or arguments.only not in name:
            continue
        if time.monotonic() - began > 60 * arguments.minutes:
            break
        started = time.monotonic()
        student = train_one()
        seconds = round(time.monotonic() - started, 1)
        rows[name] = asdict(test(student)) | {"parameters": parameters(student), "seconds": seconds}
        print(name, rows[name], flush=True)
        write(arguments.out, about, rows)
    write(arguments.out, about, rows)


if __name__ == "__main__":
    main()
