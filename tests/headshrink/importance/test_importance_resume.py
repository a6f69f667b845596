"""A pass over batches that is killed goes on where it stood; two halves of it say how far it has converged."""

import os
import signal
import subprocess
import sys

import pytest
import torch
from test_importance_gates import PAIRS

from headshrink.checkpoint import Checkpoints
from headshrink.importance import pair_batches, score
from headshrink.importance.scores import agreement
from headshrink.model import load_encoder

BATCHES = 9


def batches_of(encoder):
    en, ru = (encoder.tokenise([pair[side] for pair in PAIRS] * 9) for side in (0, 1))
    return list(pair_batches(en, ru, encoder.tokenizer.pad_token_id, BATCHES, 6))


class EndsAfter(list):
    """Batches after some of which `end` is called."""

    def __init__(self, batches, count, end):
        super().__init__(batches)
        self.count, self.end = count, end

    def __getitem__(self, i):
        return super().__getitem__(i) if i < self.count else self.end()


def interrupt():
    raise KeyboardInterrupt


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("names", [["taylor", "michel", "fisher", "obs"], ["taylor_signed"]])
def test_an_interrupted_pass_ends_in_the_same_bits(tiny_encoder, tmp_path, names):
    batches, checkpoints = batches_of(tiny_encoder), Checkpoints(tmp_path / "work")
    once = score(tiny_encoder, batches, names, "teacher_distance")
    with pytest.raises(KeyboardInterrupt):
        score(
            tiny_encoder, EndsAfter(batches, 5, interrupt), names, "teacher_distance",
            checkpoints=checkpoints, checkpoint_minutes=0,
        )  # fmt: skip
    assert checkpoints.load()["done"] == 5
    again = score(tiny_encoder, batches, names, "teacher_distance", checkpoints=checkpoints)
    for name in names:
        assert torch.equal(again[name].heads, once[name].heads)
        assert torch.equal(again[name].ffn, once[name].ffn)
        assert again[name].batches == BATCHES


KILLS_ITSELF = """
import os, signal, sys
from pathlib import Path
from test_importance_resume import *
encoder = load_encoder(sys.argv[1])
checkpoints = Checkpoints(Path(sys.argv[2]))
batches = EndsAfter(batches_of(encoder), 4, kill)
score(encoder, batches, ["obs"], "teacher_distance", checkpoints=checkpoints, checkpoint_minutes=0)
"""


def test_kill_nine_loses_nothing(tiny_folder, tmp_path):
    place = tmp_path / "work"
    paths = os.pathsep.join([os.path.dirname(__file__), *sys.path])
    command = [sys.executable, "-c", KILLS_ITSELF, str(tiny_folder), str(place)]
    assert subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}).returncode == -signal.SIGKILL
    encoder = load_encoder(tiny_folder)
    batches = batches_of(encoder)
    resumed = score(encoder, batches, ["obs"], "teacher_distance", checkpoints=Checkpoints(place))["obs"]
    whole = score(encoder, batches, ["obs"], "teacher_distance")["obs"]
    assert resumed.heads.equal(whole.heads)
    assert resumed.ffn.equal(whole.ffn)


def test_halves_of_the_same_batches_agree_and_scoring_may_stop(tiny_encoder):
    batches = batches_of(tiny_encoder)
    twice = [batch for batch in 2 * batches for _ in range(2)]  # both halves see the same
    found = score(tiny_encoder, EndsAfter(twice, 32, interrupt), ["taylor"], stop_at=0.999)["taylor"]
    assert found.agreement == pytest.approx({"heads": 1.0, "ffn": 1.0})
    assert found.batches == 32
    assert score(tiny_encoder, twice, ["taylor"])["taylor"].batches == len(twice)
    assert score(tiny_encoder, twice, ["random"], stop_at=0.5)["random"].agreement == {}


def test_the_halves_are_half_the_data_each_and_add_up(tiny_encoder):
    batches = batches_of(tiny_encoder)
    even, odd, whole = (
        score(tiny_encoder, part, ["michel"])["michel"] for part in (batches[::2], batches[1::2], batches)
    )
    assert whole.agreement["ffn"] == pytest.approx(agreement(even.ffn, odd.ffn))
    sums = [score(tiny_encoder, part, ["taylor"])["taylor"].heads for part in (batches[::2], batches[1::2], batches)]
    torch.testing.assert_close(sums[0] + sums[1], sums[2])


def test_agreement_is_about_order_and_leaves_out_what_is_not_there():
    nan = torch.nan
    one = torch.tensor([[0.1, 0.4, nan], [0.2, 0.3, 9.0]])
    assert agreement(one, one.exp()) == pytest.approx(1)
    assert agreement(one, -one) == pytest.approx(-1)
