"""The learning rate over training: up linearly, then down to zero."""

import math


def learning_rate_factor(step: int, steps: int, warmup: float, decay: str) -> float:
    """Share of the peak learning rate at `step` of `steps` (0 is the first).

    Rises linearly over the first `warmup` share of the steps and falls from 1 towards 0 over the rest, along a line
    ("linear") or half a cosine ("cosine"); it would reach 0 at step `steps`, the one after the last. A function of the
    step and nothing else: a resumed run needs no scheduler's state.
    """
    rising = min(math.ceil(warmup * steps), steps - 1)
    if step < rising:
        return (step + 1) / rising
    left = (steps - step) / (steps - rising)
    return left if decay == "linear" else (1 - math.cos(math.pi * left)) / 2
