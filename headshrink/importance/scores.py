"""Scores of heads and FFN neurons: in memory, as safetensors, as a table and as a picture."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from headshrink.errors import HeadshrinkError
from headshrink.metrics import spearman


@dataclass(frozen=True)
class Scores:
    """How much each unit matters, the larger the more: `heads` [layers, heads] and `ffn` [layers, neurons], float32.

    Only the order within a kind has a meaning. Layers of a cut model may differ in width: positions behind a
    layer's own units are NaN. `agreement` is Spearman's correlation between the scores of the even and of the odd ones
    of `batches` batches, by kind; by Spearman and Brown the whole agrees with another such sample by 2r / (1 + r).
    """

    heads: Tensor
    ffn: Tensor
    batches: int = 0
    agreement: Mapping[str, float] = field(default_factory=dict)


def save_scores(scores: Scores, path: Path) -> None:
    """Write scores as safetensors; the same scores give the same bytes."""
    save_file({"heads": scores.heads.float().contiguous(), "ffn": scores.ffn.float().contiguous()}, path)


def load_scores(path: Path) -> Scores:
    """Read what `save_scores` wrote. Raises HeadshrinkError for a file that is not that."""
    try:
        tensors = load_file(path)
        return Scores(heads=tensors["heads"], ffn=tensors["ffn"])
    except (OSError, SafetensorError, KeyError) as error:
        raise HeadshrinkError(f"cannot read scores from {path} ({error}): the importance stage writes them") from error


def agreement(one: Tensor, other: Tensor) -> float:
    """Spearman's correlation of two scorings of the same units; NaN marks units that are not there."""
    there = ~one.isnan()
    return spearman(one[there].numpy(), other[there].numpy())


def write_convergence(scores: Scores, path: Path) -> None:
    """Write how many batches were scored on and how well the two halves of them agree."""
    figures = {"batches": scores.batches} | {f"agreement_{kind}": round(r, 4) for kind, r in scores.agreement.items()}
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def ranks(scores: Tensor) -> Tensor:
    """Rank of every entry among all of its kind, 1 the most important; ties by position."""
    order = torch.argsort(scores.flatten(), descending=True, stable=True)
    out = torch.empty_like(order)
    out[order] = torch.arange(1, len(order) + 1)
    return out.view(scores.shape)


def write_table(scores: Scores, path: Path) -> None:
    """Write one row a unit: kind, layer, index, score, rank within its kind."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["kind", "layer", "index", "score", "rank"])
        for kind in ("heads", "ffn"):
            values = getattr(scores, kind)
            table = zip(values.tolist(), ranks(values).tolist(), strict=True)
            for layer, (layer_scores, layer_ranks) in enumerate(table):
                for i, (score, rank) in enumerate(zip(layer_scores, layer_ranks, strict=True)):
                    rows.writerow([kind, layer, i, f"{score:.6g}", rank])


def draw_note(path: Path, text: str) -> None:
    """Draw one line of text in the place of the map."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 0.6))
    figure.text(0.5, 0.5, text, ha="center", va="center")
    figure.savefig(path, dpi=150, metadata={"Software": None})


def draw_map(scores: Scores, path: Path, title: str) -> None:
    """Draw the heads as a heat map and each layer's neurons as a sorted curve, both as shares of the largest score."""
    from matplotlib.figure import Figure

    heads, ffn = scores.heads / scores.heads.max(), scores.ffn / scores.ffn.max()
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    image = left.imshow(heads.numpy(), cmap="viridis", vmin=0, aspect="auto")
    figure.colorbar(image, ax=left, label="score / largest")
    left.set(xlabel="head", ylabel="layer", xticks=range(heads.shape[1]), yticks=range(heads.shape[0]), title="heads")
    for layer, row in enumerate(ffn.sort(descending=True).values):
        colour = image.cmap(layer / max(1, len(ffn) - 1))
        right.plot(row.clamp(min=1e-6).numpy(), color=colour, label=str(layer))
    right.set(xlabel="neurons, best first", ylabel="score / largest", yscale="log", title="FFN neurons")
    right.legend(title="layer", fontsize="small", ncols=2)
    figure.suptitle(title)
    figure.savefig(path, dpi=150, metadata={"Software": None})
