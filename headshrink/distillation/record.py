"""What is kept of a training: its curve and its held-out scores."""

import csv
import json
from pathlib import Path

from headshrink.distillation.evaluate import HeldoutScores
from headshrink.distillation.result import CurveRow, TrainingResult

COLUMNS = ("step", "loss", "heldout_loss", "heldout_cosine", "learning_rate")


def write_curve(curve: list[CurveRow], path: Path) -> None:
    """The curve as CSV, six significant digits; held-out cells are empty between evaluations."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in curve:
            writer.writerow(format(row[name], ".6g") if name in row else "" for name in COLUMNS)


def write_metrics(result: TrainingResult, path: Path) -> None:
    """Held-out scores of the student chosen and, under `before_`, of the one it started from; nothing timed.

    Where these are on a sample of the held-out pairs, those on all of them stand under `all_heldout_`.
    """
    content = {
        **named(result.best, "heldout_"),
        **named(result.before, "before_heldout_"),
        **(named(result.all_pairs, "all_heldout_") if result.all_pairs else {}),
        "best_step": result.best_step,
        "steps": result.steps,
        "padding_waste": round(result.padding_waste, 4),
        "precision_bits": {"bf16": 16, "fp16": 16, "fp32": 32}[result.precision],
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def named(scores: HeldoutScores, prefix: str) -> dict[str, float]:
    return {f"{prefix}{name}": round(value, 6) for name, value in vars(scores).items()}


def summary(result: TrainingResult) -> str:
    """One line for a log."""
    on_all = f" ({result.all_pairs.cosine:.4f} on all held-out pairs)" if result.all_pairs else ""
    return (
        f"held-out cosine {result.before.cosine:.4f} -> {result.best.cosine:.4f}{on_all}, "
        f"retrieval@1 {result.before.retrieval_at_1:.4f} -> {result.best.retrieval_at_1:.4f}, "
        f"step {result.best_step} of {result.steps}; {result.sentences_per_s:.0f} sentences/s in {result.precision}, "
        f"{result.padding_waste:.1%} padding"
    )
