"""Budgets: does the model that comes out have what was allowed, and what does it keep.

Parameters, bytes and FLOPs with every kind of cut; milliseconds with heads, FFN neurons, timed in turns with the whole
model after it is saved and loaded again. The bytes are those of the weights file. Rows that budgets.json has are not
computed again.

    python -m benchmarks.pruning_budgets --teacher FOLDER --pairs FOLDER --suite FOLDER --out reports/pruning
"""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks import _pruning as shared
from headshrink.benchmarking.models import open_model
from headshrink.benchmarking.size import flops
from headshrink.benchmarking.timing import Setting, time_setting
from headshrink.importance import Scores
from headshrink.model import SentenceEncoder, load_encoder, save_encoder
from headshrink.model.folder import WEIGHTS
from headshrink.model.sites import widths
from headshrink.pruning import Plan, cut
from headshrink.pruning.fidelity import FidelityTest
from headshrink.pruning.record import parameters
from headshrink.pruning.vocabulary import count_tokens
from headshrink.pruning.within import Budget, prune_within
from headshrink.text.pairs import spread

EVERYTHING = ("hidden", "embedding", "vocabulary")
BUDGETS = (
    Budget("parameters", 0.25, EVERYTHING),
    Budget("bytes", 0.25, EVERYTHING),
    Budget("flops", 0.40, EVERYTHING),
    Budget("ms", 0.50),
)


def used(budget: Budget, folder: Path, small: SentenceEncoder, whole: SentenceEncoder, work: Path) -> float:
    """The share of the whole that a saved model takes, counted or timed on what is there, not on the plan."""
    if budget.measure == "parameters":
        return parameters(small) / parameters(whole)
    if budget.measure == "bytes":
        save_encoder(whole, work / "whole")
        return (folder / WEIGHTS).stat().st_size / (work / "whole" / WEIGHTS).stat().st_size
    if budget.measure == "flops":
        return flops(small, budget.tokens) / flops(whole, budget.tokens)
    save_encoder(whole, work / "whole")
    models = {name: open_model(place, name) for name, place in (("whole", work / "whole"), ("small", folder))}
    setting = Setting(1, budget.tokens, torch.get_num_threads())
    return time_setting(models, "whole", setting, 60, 20).ratio("small", "whole")[0]


def main() -> None:
    parser = shared.options(__doc__)
    parser.add_argument("--heldout", type=int, default=300)
    parser.add_argument("--scoring", type=int, default=512, help="as pruning_grid's: the scores are shared")
    parser.add_argument("--repair", type=int, default=384)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    teacher = load_encoder(chosen.teacher)
    train, heldout = shared.corpus(chosen.work, chosen.pairs, chosen.suite)
    heldout = spread(heldout, chosen.heldout)
    test = FidelityTest(teacher, *([pair[side] for pair in heldout] for side in (0, 1)))
    scoring = shared.batches(teacher, train, chosen.scoring, seed=1)
    scores: Scores = shared.scores(chosen.work, teacher, scoring, "obs")
    text = shared.batches(teacher, train, chosen.repair, seed=2)
    rows = (row for side in (0, 1) for row in teacher.tokenise([pair[side] for pair in train]))
    counts = count_tokens(rows, len(teacher.tokenizer))
    layers = len(teacher.backbone.encoder.layer)
    floor = test(cut(teacher, Plan([[]] * layers, [[]] * layers)))
    place = chosen.out / "budgets.json"
    found: list[dict[str, Any]] = json.loads(place.read_text(encoding="utf-8"))["rows"] if place.is_file() else []
    facts = shared.about(
        teacher=chosen.teacher.name, pairs=f"{chosen.pairs.name}, {len(heldout)} held out",
        repair_pairs=chosen.repair, scored_on=chosen.scoring,
    )  # fmt: skip
    for budget in BUDGETS:
        if budget.measure in [row["measure"] for row in found]:
            continue
        started = time.perf_counter()
        small, _, body = prune_within(teacher, budget, scores, text, counts)
        folder = chosen.work / "budgets" / budget.measure
        save_encoder(small, folder)
        share = used(budget, folder, small, teacher, chosen.work)
        fidelity = test(small)
        found.append({
            "measure": budget.measure, "asked": budget.share, "used": share, "off": share / budget.share - 1,
            "vocabulary": len(small.tokenizer), "embedding_rank": body.rank, "hidden": body.hidden,
            "heads": widths(small.backbone, "heads"), "ffn": widths(small.backbone, "ffn"),
            "parameters": parameters(small), **asdict(fidelity),
            "gap": fidelity.share_of_gap(floor, test(teacher)), "seconds": time.perf_counter() - started,
        })  # fmt: skip
        print(found[-1], flush=True)
        write(chosen.out, found, facts)


def write(out: Path, rows: list[dict[str, Any]], facts: dict[str, Any]) -> None:
    """budgets.json and budgets.md."""
    (out / "budgets.json").write_text(json.dumps({"about": facts, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    lines = ["# Budgets", "", shared.headline(facts), ""]
    lines += ["| budget | used | off | vocabulary | rank | hidden | heads | FFN | cosine | gap: rank | retrieval | s |"]
    lines += ["|---|--:|--:|--:|--:|--:|---|---|--:|--:|--:|--:|"]
    for row in rows:
        cells = [f"{row['measure']} {row['asked']:.0%}", f"{row['used']:.2%}", f"{row['off']:+.1%}", row["vocabulary"]]
        cells += [row["embedding_rank"] or "dense", row["hidden"], " ".join(map(str, row["heads"]))]
        cells += [" ".join(map(str, row["ffn"])), f"{row['cosine']:.3f}", f"{row['gap']['rank_agreement']:.1%}"]
        cells += [f"{row['gap']['retrieval']:.1%}", f"{row['seconds']:.0f}"]
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    (out / "budgets.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
