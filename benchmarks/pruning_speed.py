"""What pruning costs: importance against a bare forward and backward, surgery, repair, and the peak of memory.

Importance and the bare passes take the same batches in turns; the bare side computes the loss's gradient by every
weight, as any training step does. `--random` takes the folder's shape with random weights: LaBSE-en-ru's, say, whose
weights are not needed to know what the prune stage takes.

    python -m benchmarks.pruning_speed --teacher FOLDER --pairs FOLDER [--suite FOLDER] [--random] --out FILE
"""

import json
import resource
import statistics
import time
from collections.abc import Callable

import torch

from benchmarks import _pruning as shared
from headshrink.importance import score
from headshrink.importance.losses import SCORING_LOSSES
from headshrink.model import PairBatch, SentenceEncoder, load_encoder, random_encoder
from headshrink.pruning import cut, plan_ratio, repair

SCORED = {"taylor": "translation_ranking", "fisher": "teacher_distance", "obs": "teacher_distance"}


def bare(encoder: SentenceEncoder, batches: list[PairBatch], loss: str) -> None:
    """Forward and backward through everything, and no more."""
    generator = torch.Generator().manual_seed(0)
    for batch in batches:
        en, ru = (encoder.embed_batch(side) for side in batch.sides)
        SCORING_LOSSES[loss](en, ru, generator).backward()
        encoder.zero_grad(set_to_none=True)


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def throughput(encoder: SentenceEncoder, batches: list[PairBatch], rounds: int, names: list[str]) -> dict[str, float]:
    """Bare time over a criterion's, median of rounds in turns: above 1 the criterion is faster than a training step."""
    ratios: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            passes = seconds(lambda name=name: bare(encoder, batches, SCORED[name]))
            scoring = seconds(lambda name=name: score(encoder, batches, [name], SCORED[name]))
            ratios[name].append(passes / scoring)
    return {f"throughput_{name}": statistics.median(values) for name, values in ratios.items()}


def peak_gb() -> float:
    """Most memory that this process has had, in 10^9 bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main() -> None:
    parser = shared.options(__doc__)
    parser.add_argument("--random", action="store_true", help="the folder's shape with random weights")
    parser.add_argument("--criteria", nargs="+", default=list(SCORED), choices=list(SCORED))
    parser.add_argument("--batches", type=int, default=8, help="of 32 pairs, for the throughput")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scoring", type=int, default=512, help="pairs for the whole stage's scores (obs)")
    parser.add_argument("--repair", type=int, default=512, help="pairs for the whole stage's repair")
    chosen = parser.parse_args()

    encoder = (random_encoder if chosen.random else load_encoder)(chosen.teacher)
    corpus = shared.corpus(chosen)
    few = shared.batches(encoder, corpus, 32 * chosen.batches, seed=1)
    found = throughput(encoder, few, chosen.rounds, chosen.criteria)
    print({name: round(value, 2) for name, value in found.items()}, flush=True)

    scoring, text = (shared.batches(encoder, corpus, count, seed=2) for count in (chosen.scoring, chosen.repair))
    started = time.perf_counter()
    scores = score(encoder, scoring, ["obs"], "teacher_distance")["obs"]
    scored = time.perf_counter()
    plan = plan_ratio(scores, 0.5, 0.5)
    pruned = cut(encoder, plan)
    operated = time.perf_counter()
    repair(encoder, pruned, plan, text)
    repaired = time.perf_counter()
    passes = seconds(lambda: bare(encoder, text, "teacher_distance"))
    found |= {
        "importance_s": scored - started, "surgery_s": operated - scored, "repair_s": repaired - operated,
        "bare_passes_over_the_repair_text_s": passes, "repair_to_bare_passes": (repaired - operated) / passes,
        "peak_memory_gb": peak_gb(),
    }  # fmt: skip
    facts = shared.about(
        model=chosen.teacher.name + (", random weights" if chosen.random else ""),
        scoring_pairs=chosen.scoring, repair_pairs=chosen.repair,
    )  # fmt: skip
    content = {"about": facts, "figures": {name: round(value, 3) for name, value in found.items()}}
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(content["figures"], indent=1))


if __name__ == "__main__":
    main()
