"""How a student is trained; the fields are keys of params.yaml's section `distill`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headshrink.distillation.layers import LayerMap
from headshrink.parameters.distill import DEFAULTS

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
    `callbacks` are the values of others by name: those that have no field here.
    """

    losses: Mapping[str, Weight]
    layer_map: LayerMap = DEFAULTS.layer_map
    queue: int = DEFAULTS.queue
    epochs: float = DEFAULTS.epochs
    batch_size: int = DEFAULTS.batch_size
    micro_batch_tokens: int = DEFAULTS.micro_batch_tokens
    accumulate: int = DEFAULTS.accumulate
    learning_rate: float = DEFAULTS.learning_rate
    weight_decay: float = DEFAULTS.weight_decay
    warmup: float = DEFAULTS.warmup
    decay: str = DEFAULTS.decay
    clip: float = DEFAULTS.clip
    dropout: float = DEFAULTS.dropout
    word_dropout: float = DEFAULTS.word_dropout
    train_embeddings: bool = DEFAULTS.train_embeddings
    ema: float = DEFAULTS.ema
    evaluations: int = DEFAULTS.evaluations
    heldout_pairs: int = DEFAULTS.heldout_pairs
    patience: int | None = DEFAULTS.patience
    checkpoint_minutes: float = DEFAULTS.checkpoint_minutes
    precision: str = DEFAULTS.precision
    compile: bool = DEFAULTS.compile
    unfreeze: float = DEFAULTS.unfreeze
    quantise: bool = DEFAULTS.quantise
    seed: int = DEFAULTS.seed
    callbacks: Mapping[str, float] = field(default_factory=dict)
