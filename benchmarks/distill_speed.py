"""Sentences per second of the trainer against the straightforward loop of the 2024 work: same loss, same pairs.

The straightforward loop takes random batches of 16 pairs, tokenises each twice (for the teacher, for the student), pads
to the longest sentence, runs teacher and student once each with attentions and hidden states, and works in fp32. The
trainer reads ids and targets made beforehand; what making them cost is printed beside it, since one `teach` serves
every student. Rounds alternate, medians count.

`--out` keeps a row a teacher, in JSON and as a table.

    python benchmarks/distill_speed.py --teacher FOLDER --pairs FILE.tsv [--random] [--out reports/distill-speed]

With `--against` the trainer's time is compared with that of another commit's checkout (`git worktree add`) instead.
The straightforward loop has no part in it. Rounds of the two alternate; a ratio above 1 means slower than that commit.
"""

import argparse
import json
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks._against import compare
from headshrink.benchmarking.machine import describe
from headshrink.cores import cores
from headshrink.data.table import SentenceTable, Targets, Tokens
from headshrink.data.targets import stored_targets, write_targets
from headshrink.data.text.pairs import complete_rows, spread
from headshrink.distillation.losses import LOSSES, Outputs
from headshrink.distillation.recipe import Recipe
from headshrink.distillation.trainer import train
from headshrink.distillation.training_data import TrainingData
from headshrink.importance.scores import Scores
from headshrink.model import SentenceEncoder, load_encoder, random_encoder
from headshrink.model.precision import resolve
from headshrink.pruning import cut, plan_ratio

WEIGHTS = {"cosine": 1.0, "similarity": 1.0}
NAIVE_BATCH = 16
Text = tuple[str, str]


def half(teacher: SentenceEncoder) -> SentenceEncoder:
    """The teacher with half the heads and FFN neurons of every layer; which ones does not change the speed."""
    config = teacher.backbone.config
    layers = config.num_hidden_layers
    scores = Scores(torch.rand(layers, config.num_attention_heads), torch.rand(layers, config.intermediate_size))
    return cut(teacher, plan_ratio(scores, 0.5, 0.5, "layer"))


def naive_seconds(teacher: SentenceEncoder, student: SentenceEncoder, texts: list[Text], seed: int) -> float:
    """Seconds of one pass of the straightforward loop."""
    order = np.random.default_rng(seed).permutation(len(texts))
    optimiser = torch.optim.AdamW(student.parameters(), lr=1e-5)
    for encoder in (teacher, student):
        encoder.backbone.set_attn_implementation("eager")  # the one that returns attention maps
    student.train()
    started = time.perf_counter()
    for start in range(0, len(order), NAIVE_BATCH):
        batch = [texts[i] for i in order[start : start + NAIVE_BATCH]]
        with torch.no_grad():
            theirs = embed_with_everything(teacher, batch)
        ours = embed_with_everything(student, batch)
        loss = sum(weight * LOSSES[name](ours, theirs) for name, weight in WEIGHTS.items())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return time.perf_counter() - started


def embed_with_everything(encoder: SentenceEncoder, batch: list[Text]) -> Outputs:
    """Tokenise both sides, pad to the longest, ask for all attentions and hidden states."""
    both = [pair[side] for side in (0, 1) for pair in batch]
    block = encoder.tokenizer(both, padding=True, truncation=True, max_length=128, return_tensors="pt")
    ids, mask = block["input_ids"], block["attention_mask"]
    out = encoder.backbone(input_ids=ids, attention_mask=mask, output_attentions=True, output_hidden_states=True)
    return Outputs.from_block(encoder.embed(out.last_hidden_state, mask))


def teach(teacher: SentenceEncoder, texts: list[Text], precision: str) -> tuple[SentenceTable, float]:
    """The pairs with the teacher's targets, and the seconds that tokenising and teaching took."""
    teacher.backbone.set_attn_implementation("sdpa")
    started = time.perf_counter()
    en, ru = (Tokens.from_rows(teacher.tokenise([pair[side] for pair in texts])) for side in (0, 1))
    with tempfile.TemporaryDirectory() as folder:
        write_targets(teacher, {"train": SentenceTable.of_pairs(en, ru)}, Path(folder), precision=precision)
        targets = stored_targets(Path(folder), "train").take(np.arange(2 * len(en)))
    return SentenceTable.of_pairs(en, ru, [Targets.from_array(targets)]), time.perf_counter() - started


def trainer_seconds(student: SentenceEncoder, pairs: SentenceTable, recipe: Recipe) -> float:
    """Seconds of one pass of the trainer's steps, evaluation left out as the straightforward loop has none."""
    student.backbone.set_attn_implementation("sdpa")
    first = pairs.pair_rows[:, 0]
    en, ru = (Tokens.from_rows([pairs.tokens[i]]) for i in first)
    heldout = SentenceTable.of_pairs(en, ru, [Targets.from_array(pairs.targets[0].take(first))])
    return len(pairs) / train(student, TrainingData(pairs, heldout), recipe).sentences_per_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True, help="English, tab, Russian")
    parser.add_argument("--random", action="store_true", help="the folder's shape with random weights")
    parser.add_argument("--count", type=int, default=512, help="pairs a round, evenly spaced in the file")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16"))
    parser.add_argument("--against", type=Path, help="checkout of another commit to compare the trainer with")
    parser.add_argument("--out", type=Path, help="folder for speed.json and speed.md; rows of other teachers stay")
    chosen = parser.parse_args()

    texts = [(row.left, row.right) for row in spread(complete_rows(chosen.pairs), chosen.count)]
    if chosen.against:
        job = {"texts": texts, "teacher": str(chosen.teacher.resolve())}
        job |= {"random": chosen.random, "precision": chosen.precision}
        found = compare(Path(__file__).parents[1], chosen.against, job, chosen.rounds)
        print(chosen.teacher.name, json.dumps({"pairs": len(texts)} | found, indent=1))
        return
    teacher = (random_encoder if chosen.random else load_encoder)(chosen.teacher)
    precision = resolve(chosen.precision, teacher.device)
    recipe = Recipe(WEIGHTS, epochs=1, learning_rate=1e-5, evaluations=1, precision=precision)
    seconds: dict[str, list[float]] = {"straightforward": [], "trainer": [], "teach, once": []}
    for number in range(chosen.rounds):
        pairs, taught = teach(teacher, texts, precision)
        seconds["teach, once"].append(taught)
        seconds["trainer"].append(trainer_seconds(half(teacher), pairs, recipe))
        seconds["straightforward"].append(naive_seconds(teacher, half(teacher), texts, number))
        row = figures(seconds, len(texts), precision) | {"weights": "random" if chosen.random else "real"}
        print(chosen.teacher.name, json.dumps(row, indent=1), flush=True)
        if chosen.out:
            keep_row(chosen.out, chosen.teacher.name, row)


def figures(seconds: dict[str, list[float]], pairs: int, precision: str) -> dict[str, Any]:
    """One teacher's row after the rounds so far: medians, and each round's ratio."""
    rates = {name: 2 * pairs / statistics.median(values) for name, values in seconds.items()}
    rounds = [naive / quick for naive, quick in zip(seconds["straightforward"], seconds["trainer"], strict=True)]
    return {
        "pairs": pairs, "rounds": len(rounds), "threads": torch.get_num_threads(), "precision": precision,
        "machine": f"{describe()['cpu']}, {cores()} cores", "date": date.today().isoformat(),
        "sentences_per_s": {name: round(rate, 1) for name, rate in rates.items()},
        "times_as_fast": round(statistics.median(rounds), 2), "of_each_round": [round(ratio, 2) for ratio in rounds],
    }  # fmt: skip


def keep_row(folder: Path, name: str, row: dict[str, Any]) -> None:
    """Put one teacher's row among those of others, in speed.json and speed.md."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "speed.json"
    rows = (json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}) | {name: row}
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    lines = ["# Sentences per second: the trainer against a straightforward loop", "", *__doc__.splitlines()[2:6], ""]
    lines += ["| shape | weights | pairs x rounds | straightforward, fp32 | trainer | teach, once | times as fast |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for shape, r in rows.items():
        rate = r["sentences_per_s"]
        cells = [shape, r["weights"], f"{r['pairs']} x {r['rounds']}", f"{rate['straightforward']}"]
        cells += [f"{rate['trainer']} ({r['precision']})", f"{rate['teach, once']}", f"{r['times_as_fast']}"]
        lines.append(f"| {' | '.join(cells)} |")
    where = sorted({f"{r['machine']}, {r['threads']} threads, {r['date']}" for r in rows.values()})
    (folder / "speed.md").write_text("\n".join([*lines, "", "; ".join(where)]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
