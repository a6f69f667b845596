"""Every computing stage on a pretended GPU: no operation on tensors of two devices, up to the first number it needs."""

import copy

import pytest
import torch
from devices import MixedDevices, pretended_gpu, until_numbers

from headshrink.importance import pair_batches
from headshrink.importance.accumulate import Pass
from headshrink.importance.criteria import CRITERIA
from headshrink.importance.gates import GateGradients
from headshrink.importance.halves import Halves
from headshrink.importance.losses import LOSSES as SCORING_LOSSES
from headshrink.pruning import Plan, cut, repair

EN = ["the cat sleeps", "a big dog runs", "a man reads", "the woman sees a house", "the tree", "small house"]
RU = ["кошка спит", "большой собака бежит", "мужчина читает", "женщина видит дом", "дерево", "маленький дом"]


def batches_of(encoder, count=1, size=6):
    return list(pair_batches(encoder.tokenise(EN), encoder.tokenise(RU), encoder.tokenizer.pad_token_id, count, size))


@pytest.mark.parametrize("mix", ["add", "index", "in place"])
def test_mixtures_are_refused(mix):
    with pretended_gpu() as gpu, pytest.raises(MixedDevices):
        there, here = torch.ones(3, device=gpu), torch.ones(3)
        if mix == "add":
            here + there
        elif mix == "index":
            there[torch.zeros(2, dtype=torch.long)]
        else:
            here.add_(there)


@pytest.mark.parametrize("loss", SCORING_LOSSES)
def test_importance(tiny_encoder, loss):
    (batch,) = batches_of(tiny_encoder)
    names = [name for name, criterion in CRITERIA.items() if not criterion.dropout]
    with pretended_gpu() as gpu:
        tiny_encoder.to(gpu)
        run = Pass(tiny_encoder, Halves(tiny_encoder.backbone, names, 0), loss, 0, "fp32")
        with GateGradients(tiny_encoder.backbone, run._observe) as gates:
            run.take(gates, batch)
        for criterion in run.halves.halves[0].values():
            with until_numbers():
                assert criterion.scores().device == gpu or criterion.needs_passes is False


@pytest.mark.parametrize("method", ["bias", "outputs", "full"])
def test_repair(tiny_encoder, method):
    batches, plan = batches_of(tiny_encoder, 2, 3), Plan([[0, 2], []], [[1, 5, 7], list(range(64))])
    pruned = cut(tiny_encoder, plan)
    with pretended_gpu() as gpu:
        repair(tiny_encoder.to(gpu), pruned.to(gpu), plan, batches, method)
