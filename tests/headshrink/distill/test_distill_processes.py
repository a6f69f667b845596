"""A training shared out among processes, and one whose passes are compiled: the same student."""

import copy
from dataclasses import replace

import pytest
import torch
from accelerate import PartialState, debug_launcher

from headshrink.checkpoint import Checkpoints
from headshrink.distill.processes import Processes, seed_of_batch
from headshrink.distill.students import STUDENTS, Origin, Shape
from headshrink.distill.trainer import Recipe, distil
from headshrink.errors import HeadshrinkError
from headshrink.model.compiled import no_compiler

RECIPE = Recipe(
    {"cosine": 1.0, "similarity": 0.2}, epochs=2, batch_size=8, accumulate=2, learning_rate=3e-3, evaluations=2,
    dropout=0.1, word_dropout=0.1, ema=0.9, precision="fp32",
)  # fmt: skip


def test_two_processes_make_the_student_of_one(student, train, heldout, tmp_path):
    """To the byte: dropout, the last step of an epoch with a batch for one of them, the running mean and all."""
    alone = copy.deepcopy(student)
    expected = distil(alone, train, heldout, RECIPE)

    def one_of_two():
        torch.set_num_threads(1)
        PartialState._reset_state()  # of this process before it was forked
        result = distil(student, train, heldout, RECIPE, Checkpoints(tmp_path / "work"))
        with pytest.raises(HeadshrinkError, match=r"accumulate = 1: .* 2 processes"):
            distil(student, train, heldout, replace(RECIPE, accumulate=1))
        found = {"weights": student.state_dict(), "loss": result.best.loss}
        torch.save(found, tmp_path / str(Processes().index))

    debug_launcher(one_of_two, num_processes=2)
    for index in (0, 1):
        found = torch.load(tmp_path / str(index))
        assert found["loss"] == expected.best.loss
        assert all(torch.equal(value, found["weights"][name]) for name, value in alone.state_dict().items())


def test_what_is_random_differs_from_batch_to_batch():
    seeds = {seed_of_batch(seed, step, place) for seed in (0, 1) for step in range(5) for place in range(3)}
    assert len(seeds) == 2 * 5 * 3


@pytest.mark.skipif(bool(no_compiler()), reason=no_compiler())
def test_a_compiled_training_is_the_same_training(tiny_encoder, train, heldout, monkeypatch):
    """On a student without layers, whose code compiles in seconds."""
    monkeypatch.setattr("torch._inductor.config.compile_threads", 1)  # no pool of workers for two functions
    counts = torch.ones(len(tiny_encoder.tokenizer))
    one = STUDENTS["static"](Origin(tiny_encoder, tiny_encoder, counts), Shape(rank=8))
    other = copy.deepcopy(one)
    recipe = replace(RECIPE, epochs=1, dropout=0.0)
    expected, found = (distil(s, train, heldout, replace(recipe, compile=c)) for s, c in ((one, False), (other, True)))
    assert [row["loss"] for row in found.curve] == pytest.approx([row["loss"] for row in expected.curve], rel=1e-5)
    for name, value in one.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], value, rtol=1e-3, atol=1e-5)
    assert other.backbone._compiled_call_impl is None


def test_a_bert_is_compiled_whole(student, train, heldout, monkeypatch):
    """Captured and differentiated in one piece, whatever the batch's size and length; run without writing code."""
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    compile_as_it_is = torch.nn.Module.compile
    monkeypatch.setattr(
        torch.nn.Module, "compile", lambda module, **k: compile_as_it_is(module, **k, backend=backend, fullgraph=True)
    )
    recipe = replace(RECIPE, epochs=1, dropout=0.0)
    expected = distil(copy.deepcopy(student), train, heldout, recipe)
    found = distil(student, train, heldout, replace(recipe, compile=True))
    assert 1 <= len(graphs) <= 3  # held-out and training passes, not one a batch
    assert [row["loss"] for row in found.curve] == pytest.approx([row["loss"] for row in expected.curve], rel=1e-5)


def test_a_compiler_that_is_not_there_and_losses_it_would_blind_are_one_line(student, train, heldout, monkeypatch):
    with pytest.raises(HeadshrinkError, match="compile = true: losses on layers"):
        distil(student, train, heldout, replace(RECIPE, losses={"hidden": 1.0}, compile=True))
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(HeadshrinkError, match=r"compile = true: no C\+\+ compiler; install"):
        distil(student, train, heldout, replace(RECIPE, compile=True))
