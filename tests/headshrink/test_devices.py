"""Every computing stage on a pretended GPU: no operation on tensors of two devices, up to the first number it needs."""

import pytest
import torch
from devices import MixedDevices, pretended_gpu, until_numbers

from headshrink.benchmarking.models import TorchModel
from headshrink.exporting.forms import Proof
from headshrink.exporting.gate import Limits
from headshrink.importance import pair_batches
from headshrink.importance.accumulate import Pass
from headshrink.importance.criteria import CRITERIA
from headshrink.importance.gates import GateGradients, input_means
from headshrink.importance.halves import Halves
from headshrink.importance.losses import SCORING_LOSSES
from headshrink.model.sites import sites
from headshrink.pruning import Plan, cut, repair

EN = ["the cat sleeps", "a big dog runs", "a man reads", "the woman sees a house", "the tree", "small house"]
RU = ["кошка спит", "большой собака бежит", "мужчина читает", "женщина видит дом", "дерево", "маленький дом"]


def batches_of(encoder, count=1, size=6):
    return list(pair_batches(encoder.tokenise(EN), encoder.tokenise(RU), encoder.tokenizer.pad_token_id, count, size))


MIXTURES = {
    "sum": lambda there, here: here + there,
    "CPU indices": lambda there, here: there[here.long()],
    "in place": lambda there, here: here.add_(there),
}


@pytest.mark.parametrize("mixture", MIXTURES)
def test_mixtures_are_refused(mixture):
    with pretended_gpu() as gpu:
        there, here = torch.ones(3, device=gpu), torch.zeros(3)
        with pytest.raises(MixedDevices):
            MIXTURES[mixture](there, here)


@pytest.mark.parametrize("loss", SCORING_LOSSES)
def test_importance(tiny_encoder, loss):
    (batch,) = batches_of(tiny_encoder)
    names = [name for name, criterion in CRITERIA.items() if not criterion.dropout]
    with pretended_gpu() as gpu:
        tiny_encoder.to(gpu)
        run = Pass(tiny_encoder, Halves(tiny_encoder.backbone, names, 0), loss, 0, "fp32")
        run.halves.count_from(input_means(tiny_encoder, batch, "fp32"))
        with GateGradients(tiny_encoder.backbone, run._observe) as gates:
            run.take(gates, batch)
        devices = {sums.device for name in names for sums in run.halves.halves[0]["ffn", name].sums().values()}
        assert devices == {gpu}


@pytest.mark.parametrize("name", CRITERIA)
def test_scores_of_heads(tiny_encoder, name):
    with pretended_gpu() as gpu, until_numbers():
        CRITERIA[name]([site for site in sites(tiny_encoder.to(gpu).backbone) if site.kind == "heads"]).scores()


@pytest.mark.parametrize("method", ["bias", "outputs", "full"])
def test_repair(tiny_encoder, method):
    batches, plan = batches_of(tiny_encoder, 2, 3), Plan([[0, 2], []], [[1, 5, 7], list(range(64))])
    pruned = cut(tiny_encoder, plan)
    with pretended_gpu() as gpu:
        repair(tiny_encoder.to(gpu), pruned.to(gpu), plan, batches, method)


def test_embedding_of_exports_checks(tiny_encoder):
    with pretended_gpu() as gpu, until_numbers():
        Proof(tiny_encoder.to(gpu), EN, EN, RU, Limits()).expected  # noqa: B018


def test_benchmarks_embedding(tiny_encoder, tmp_path):
    rows = tiny_encoder.tokenise(EN)
    with pretended_gpu() as gpu:
        model = TorchModel("student", tiny_encoder.to(gpu), tmp_path)
        for embed in (model.pooled, model.states):
            with until_numbers():
                embed(rows)
