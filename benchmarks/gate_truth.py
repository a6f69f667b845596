"""Does each criterion estimate what it says? Scores of all heads against what closing each head really does.

Truth is measured head by head: the gate closes, the same batches run again. Per head: the mean over batches of the
absolute change of the translation-ranking loss, its signed mean, and half the mean squared change of the embeddings.

    python -m benchmarks.gate_truth --teacher FOLDER --pairs FOLDER --suite FOLDER --out reports/pruning
"""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import _pruning as shared
from headshrink.importance import score
from headshrink.importance.criteria import CRITERIA
from headshrink.importance.losses import SCORING_LOSSES
from headshrink.metrics import spearman
from headshrink.model import PairBatch, SentenceEncoder, load_encoder
from headshrink.model.sites import Site, sites
from headshrink.progress import track

TRUTHS = ("mean |change of ranking loss|", "mean change of ranking loss", "squared change of embedding / 2")
RANKED_BY = {"translation_ranking": ("taylor", "michel", "fisher"), "teacher_distance": ("fisher", "obs")}
RANDOM_SEEDS = 20


@torch.inference_mode()
def embed(encoder: SentenceEncoder, batches: list[PairBatch]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Embeddings of both sides of every batch."""
    return [(encoder.embed_batch(batch.en), encoder.embed_batch(batch.ru)) for batch in batches]


def ranking_losses(embeddings: list[tuple[torch.Tensor, torch.Tensor]]) -> np.ndarray:
    """Translation-ranking loss of each batch, a mean over its pairs."""
    unused = torch.Generator()
    return np.array([float(SCORING_LOSSES["translation_ranking"](en, ru, unused)) / len(en) for en, ru in embeddings])


def truth_of(encoder: SentenceEncoder, site: Site, head: int, batches: list[PairBatch], whole: list) -> list[float]:
    """The three TRUTHS of closing one head."""
    gate = torch.ones(site.units * site.unit_width)
    gate[head * site.unit_width : (head + 1) * site.unit_width] = 0
    handle = site.dense.register_forward_pre_hook(lambda _, inputs: (inputs[0] * gate,))
    closed = embed(encoder, batches)
    handle.remove()
    change = ranking_losses(closed) - ranking_losses(whole)
    moved = [
        (one - other).square().sum(1)
        for a, b in zip(closed, whole, strict=True)
        for one, other in zip(a, b, strict=True)
    ]
    return [float(np.abs(change).mean()), float(change.mean()), float(torch.cat(moved).mean()) / 2]


def correlations(scores: torch.Tensor, truth: np.ndarray) -> dict[str, float]:
    """Spearman's correlation of scores [layers, heads] with each column of truth [layers * heads, 3]."""
    return {name: spearman(scores.flatten().numpy(), truth[:, i]) for i, name in enumerate(TRUTHS)}


def scored(encoder: SentenceEncoder, batches: list[PairBatch]) -> dict[str, torch.Tensor]:
    """Scores of all heads [layers, heads] by every criterion and the loss it is ranked by."""
    found = {}
    for loss, names in RANKED_BY.items():
        found |= {f"{name}, {loss}": scores.heads for name, scores in score(encoder, batches, names, loss).items()}
    signed = score(encoder, batches, ["taylor_signed"], "similarity")["taylor_signed"]
    return found | {
        "taylor_signed, similarity": signed.heads,
        "magnitude": score(encoder, [], ["magnitude"])["magnitude"].heads,
    }


def main() -> None:
    parser = shared.options(__doc__)
    parser.add_argument("--batches", type=int, default=8, help="for scores and truth alike")
    parser.add_argument("--batch-size", type=int, default=16, help="pairs")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    encoder = load_encoder(arguments.teacher)
    corpus = shared.corpus(arguments)
    count = arguments.batches * arguments.batch_size
    batches = shared.batches(encoder, corpus, count, seed=3, batch_size=arguments.batch_size)
    whole = embed(encoder, batches)
    heads = [(site, head) for site in sites(encoder.backbone) if site.kind == "heads" for head in range(site.units)]
    truth = np.array([truth_of(encoder, site, head, batches, whole) for site, head in track(heads, "closing heads")])
    found = scored(encoder, batches)
    rows = {name: correlations(values, truth) for name, values in found.items()}
    drawn = [
        correlations(score(encoder, [], ["random"], seed=seed)["random"].heads, truth) for seed in range(RANDOM_SEEDS)
    ]
    rows[f"random, mean of {RANDOM_SEEDS}"] = {name: float(np.mean([one[name] for one in drawn])) for name in TRUTHS}
    assert {name.split(",")[0] for name in rows} == set(CRITERIA)
    facts = shared.about(
        teacher=arguments.teacher.name,
        heads=len(heads),
        pairs=f"{arguments.pairs.name}, {count} training pairs in batches of {arguments.batch_size}",
    )
    write(arguments.out, rows, facts)
    write_heads(arguments.out, [(site.layer, head) for site, head in heads], found, truth)
    draw(arguments.out, found, truth, facts)


def write(out: Path, rows: dict[str, dict[str, float]], facts: dict[str, Any]) -> None:
    """truth.json and truth.md."""
    (out / "truth.json").write_text(json.dumps({"about": facts, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    lines = ["# Scores of heads against the truth (Spearman)", "", shared.headline(facts), ""]
    lines += [f"| criterion, loss | {' | '.join(name.replace('|', chr(92) + '|') for name in TRUTHS)} |"]
    lines += ["|---|--:|--:|--:|"]
    lines += [f"| {name} | {' | '.join(f'{row[truth]:.3f}' for truth in TRUTHS)} |" for name, row in rows.items()]
    (out / "truth.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_heads(out: Path, heads: list[tuple[int, int]], scores: dict[str, torch.Tensor], truth: np.ndarray) -> None:
    """truth.csv: a row a head, with its scores and truths."""
    with (out / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["layer", "head", *scores, *TRUTHS])
        columns = [values.flatten().tolist() for values in scores.values()]
        for i, (layer, head) in enumerate(heads):
            figures = [*(column[i] for column in columns), *truth[i].tolist()]
            table.writerow([layer, head, *(f"{value:.6g}" for value in figures)])


def draw(out: Path, scores: dict[str, torch.Tensor], truth: np.ndarray, facts: dict[str, Any]) -> None:
    """truth.png: each criterion's scores of all heads against what it estimates, both on logarithmic axes."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    shown = {
        "taylor, translation_ranking": 0, "michel, translation_ranking": 0, "taylor_signed, similarity": 0,
        "fisher, teacher_distance": 2, "obs, teacher_distance": 2, "magnitude": 2,
    }  # fmt: skip
    figure = Figure(figsize=(10, 6.4), layout="constrained")
    for axes, (name, column) in zip(figure.subplots(2, 3).flat, shown.items(), strict=True):
        values = scores[name].flatten().numpy()
        layers = np.repeat(np.arange(scores[name].shape[0]), scores[name].shape[1])
        points = axes.scatter(truth[:, column], values, c=layers, cmap="viridis", s=14)
        axes.set(xscale="log", yscale="log", xlabel=TRUTHS[column], ylabel="score")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_formatter(NullFormatter())
        axes.set_title(f"{name}: {spearman(values, truth[:, column]):.2f}", fontsize="small")
    figure.colorbar(points, ax=figure.axes, label="layer")
    figure.suptitle(f"{facts['teacher']}: scores of {facts['heads']} heads against closing each", fontsize="medium")
    figure.savefig(out / "truth.png", dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
