"""How a student is trained; the fields are keys of params.yaml's section `distill`."""

from collections.abc import Mapping
from dataclasses import dataclass

from headshrink.distillation.layers import LayerMap

Weight = float | tuple[float, float]  # constant, or [start, end] for a linear schedule


def weight_at(weight: Weight, progress: float) -> float:
    """A loss's weight at a share of the training, 0 to 1."""
    first, last = weight if isinstance(weight, tuple | list) else (weight, weight)
    return first + (last - first) * progress


@dataclass(frozen=True)
class Recipe:
    """The settings of one training.

    `losses` are weights by name; `layer_map` pairs layers for losses on layers. `queue` is the number of earlier pairs
    among the negatives of `ranking`. One step adds up the gradients of `accumulate` batches, which several processes
    share. `dropout` is the student's own. `train_embeddings = False` freezes the token embeddings: pruning leaves them
    unchanged, and their dense gradient and two moments would take more memory than everything else.

    `ema`, `patience`, `unfreeze`, `word_dropout`, `quantise` and `compile` switch on the callback of that name
    (headshrink/distillation/callbacks); each file states what its value means.
    """

    losses: Mapping[str, Weight]
    layer_map: LayerMap = "uniform"
    queue: int = 0
    epochs: float = 3
    batch_size: int = 64
    accumulate: int = 1
    learning_rate: float = 5e-4
    weight_decay: float = 0.01
    warmup: float = 0.05
    decay: str = "cosine"
    clip: float = 1.0
    dropout: float = 0.0
    word_dropout: float = 0.0
    train_embeddings: bool = True
    ema: float = 0.0
    evaluations: int = 10
    patience: int | None = None
    checkpoint_minutes: float = 2
    precision: str = "auto"
    compile: bool = False
    unfreeze: float = 0.0
    quantise: bool = False
    seed: int = 0
