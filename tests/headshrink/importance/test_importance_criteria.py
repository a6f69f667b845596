"""Each criterion against the algebra, or the truth, that it estimates."""

import pytest
import torch
from test_importance_gates import batches_of

from headshrink.importance import score
from headshrink.importance.accumulate import CRITERIA
from headshrink.importance.criteria._greedy import quadratic_costs, reconstruction_costs
from headshrink.importance.criteria.fisher import Fisher
from headshrink.importance.gates import GateGradients
from headshrink.importance.losses import SCORING_LOSSES
from headshrink.importance.moments import Moments
from headshrink.model import PairBatch, TokenBatch
from headshrink.model.sites import sites


def repeated(batch, times):
    """A batch with every row many times: as many draws of the random signs in one pass."""
    return PairBatch(
        *(TokenBatch(side.input_ids.repeat(times, 1), side.attention_mask.repeat(times, 1)) for side in batch.sides)
    )


def test_every_file_is_registered_under_its_own_name():
    from headshrink.parameters.section import names_in

    assert sorted(CRITERIA) == names_in("importance/criteria")
    assert sorted(SCORING_LOSSES) == names_in("importance/losses")


def test_one_pass_gives_all_criteria_what_single_passes_give(tiny_encoder):
    batches = batches_of(tiny_encoder, 2, 3)
    names = ["fisher", "michel", "obs", "taylor"]
    together = score(tiny_encoder, batches, names)
    for name in names:
        assert torch.equal(together[name].heads, score(tiny_encoder, batches, [name])[name].heads)


def test_michel_makes_layers_equal(tiny_encoder):
    scores = score(tiny_encoder, batches_of(tiny_encoder), ["michel"])["michel"]
    torch.testing.assert_close(scores.heads.norm(dim=1), torch.ones(2))
    torch.testing.assert_close(scores.ffn.norm(dim=1), torch.ones(2))


def test_random_is_reproducible_and_seeded(tiny_encoder):
    first, again, other = (score(tiny_encoder, [], ["random"], seed=seed)["random"].heads for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_signed_taylor_cancels_between_batches_of_opposite_gradients(tiny_encoder):
    site = sites(tiny_encoder.backbone)[0]
    criterion = CRITERIA["taylor_signed"]([site])
    inputs, gradient, there = torch.rand(5, 32), torch.rand(5, 32), torch.ones(5)
    criterion.observe(site, inputs, gradient, there)
    assert (criterion.scores() > 0).all()
    criterion.observe(site, inputs, -gradient, there)
    assert (criterion.scores() == 0).all()


def test_gauss_newton_by_random_signs_equals_the_jacobians(tiny_encoder):
    """Mean squared gate gradient of random projections against the diagonal of J'J from forward differentiation."""
    (batch,) = batches_of(tiny_encoder)
    site = next(site for site in sites(tiny_encoder.backbone) if site.kind == "heads" and site.layer == 1)

    def embeddings(gate):  # [examples, heads] -> [examples, 2 * dimension]
        def multiply(_, args):
            return (args[0] * gate.repeat_interleave(site.unit_width, 1)[:, None],)

        handle = site.dense.register_forward_pre_hook(multiply)
        out = [tiny_encoder(side.input_ids, side.attention_mask) for side in batch.sides]
        handle.remove()
        return torch.cat(out, dim=1)

    jacobian = torch.autograd.functional.jacobian(embeddings, torch.ones(len(batch), 4))
    own = jacobian[range(len(batch)), :, range(len(batch))]  # [examples, 2 * dimension, heads]
    truth = torch.einsum("eoi,eoj->ij", own, own) / len(batch)

    criterion = Fisher([site])
    with GateGradients(tiny_encoder.backbone) as gates:
        generator = torch.Generator().manual_seed(0)
        many = repeated(batch, 400)
        en, ru = (tiny_encoder(side.input_ids, side.attention_mask) for side in (many.en, many.ru))
        SCORING_LOSSES["teacher_distance"](en, ru, generator).backward()
        criterion.update(gates.take()["heads"][:, 1:])
    torch.testing.assert_close(2 * criterion.diagonal()[0], truth.diagonal(), rtol=0.15, atol=0)
    estimate = criterion.information[0] / criterion.examples
    assert (estimate - truth).norm() < 0.15 * truth.norm()


def test_teacher_distance_has_the_change_of_the_embedding_as_its_cost(tiny_encoder):
    """Half the squared change of the embedding when a weak gate closes is what Fisher's diagonal predicts."""
    with torch.no_grad():
        for site in sites(tiny_encoder.backbone):
            site.dense.weight *= 0.05  # so that closing one gate is a small step
    (batch,) = batches_of(tiny_encoder)
    scores = score(tiny_encoder, [repeated(batch, 200)], ["fisher"], loss="teacher_distance")["fisher"]

    def embeddings():
        with torch.no_grad():
            return torch.cat([tiny_encoder(side.input_ids, side.attention_mask) for side in batch.sides], 1)

    whole, site = embeddings(), sites(tiny_encoder.backbone)[2]
    least = int(scores.heads[1].argmin())
    with torch.no_grad():
        site.dense.weight[:, least * 8 : (least + 1) * 8] = 0
    cost = (embeddings() - whole).square().sum() / 2 / len(batch)
    assert cost == pytest.approx(float(scores.heads[1, least]), rel=0.3)


def test_greedy_removal_sees_that_two_units_do_the_same():
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.2]])  # what closing a gate does: units 0 and 1 add up
    costs = quadratic_costs(vectors @ vectors.T)
    assert costs.argsort().tolist() == [0, 2, 1]
    assert costs[[0, 2]].sum() == pytest.approx((1.0 + 1.44) / 2)


def test_a_duplicate_costs_nothing_when_its_twin_is_refitted():
    torch.manual_seed(0)
    inputs = torch.randn(500, 6)
    inputs[:, 4] = inputs[:, 1] + 1e-4 * torch.randn(500)
    moments = Moments(6, 0, inputs.device)
    moments.add(inputs)
    costs = reconstruction_costs(torch.randn(3, 6), moments.covariance(1e-9), 1)
    assert costs.argmin() in (1, 4)
    assert costs.min() < 1e-6 < 1e-2 < costs.sort().values[1]


@pytest.mark.parametrize("unit_width", [1, 2])
def test_reconstruction_cost_is_the_least_squares_error(unit_width):
    """Removing units one by one: the costs add up to half the error of the best refit on what is left."""
    torch.manual_seed(0)
    inputs = (torch.randn(400, 8) @ torch.randn(8, 8)).double()
    weight = torch.randn(3, 8).double()
    moments = Moments(8, 0, inputs.device)
    moments.add(inputs)
    costs = reconstruction_costs(weight, moments.covariance(0.0), unit_width)
    kept = costs.argsort()[2:].sort().values
    columns = (kept[:, None] * unit_width + torch.arange(unit_width)).flatten()
    centred = inputs - inputs.mean(0)
    goal = centred @ weight.T
    fitted = torch.linalg.lstsq(centred[:, columns], goal).solution
    error = (centred[:, columns] @ fitted - goal).square().sum() / len(inputs) / 2
    assert float(costs.sort().values[:2].sum()) == pytest.approx(float(error), rel=1e-6)
