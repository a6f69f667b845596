"""What a training gives."""

from dataclasses import dataclass

from headshrink.distillation.evaluate import HeldoutScores

CurveRow = dict[str, float]  # of the training curve


@dataclass(frozen=True)
class TrainingResult:
    """Held-out scores before training and of the step kept, the number of steps made, and the curve.

    `before` and `best` are on the sample of `heldout_pairs`; `all_pairs` is the step kept on all held-out pairs, None
    where the sample is all of them.
    """

    before: HeldoutScores
    best: HeldoutScores
    all_pairs: HeldoutScores | None
    best_step: int
    steps: int
    curve: list[CurveRow]
    precision: str
    padding_waste: float
    sentences_per_s: float  # of this process, evaluation apart; the one figure that is not reproducible
