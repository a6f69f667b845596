"""The learning rate goes up once, then down to zero."""

import pytest

from headshrink.distillation.schedule import learning_rate_factor


@pytest.mark.parametrize("decay", ["linear", "cosine"])
@pytest.mark.parametrize("steps", [1, 7, 400])
@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.5])
def test_rises_to_one_then_falls_to_zero(decay, steps, warmup):
    factors = [learning_rate_factor(step, steps, warmup, decay) for step in range(steps)]
    peak = factors.index(max(factors))
    assert factors[peak] == pytest.approx(1)
    assert factors[: peak + 1] == sorted(factors[: peak + 1])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)
    assert all(factor > 0 for factor in factors)  # no step is wasted
    assert learning_rate_factor(steps, steps, warmup, decay) == pytest.approx(0)


def test_linear_and_cosine_meet_halfway_down():
    assert learning_rate_factor(60, 100, 0.2, "linear") == pytest.approx(0.5)
    assert learning_rate_factor(60, 100, 0.2, "cosine") == pytest.approx(0.5)
    assert learning_rate_factor(40, 100, 0.2, "cosine") > learning_rate_factor(40, 100, 0.2, "linear")
