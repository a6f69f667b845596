"""A training shared out among processes, and one whose passes are compiled: the same student."""

import copy
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_training import SHARED, TWO_PROCESSES

from headshrink.distillation.processes import seed_of_batch
from headshrink.distillation.students import STUDENTS, Origin, StudentShape
from headshrink.distillation.trainer import train as train_student
from headshrink.distillation.training_data import Reference, TrainingData
from headshrink.errors import HeadshrinkError
from headshrink.model import save_encoder
from headshrink.model.compiled import no_compiler


def test_two_processes_make_the_student_of_one(tiny_encoder, student, train, heldout, tmp_path):
    """To the byte, in processes of their own as a launcher starts them."""
    save_encoder(tiny_encoder, tmp_path / "teacher")
    save_encoder(student, tmp_path / "student")
    command = [*TWO_PROCESSES, str(Path(__file__).with_name("one_of_two.py")), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    expected = train_student(student, TrainingData(train, heldout), SHARED)
    for index in (0, 1):
        found = torch.load(tmp_path / str(index))
        assert found["loss"] == expected.best.loss
        assert all(torch.equal(value, found["weights"][name]) for name, value in student.state_dict().items())


def test_what_is_random_differs_from_batch_to_batch():
    seeds = {seed_of_batch(seed, step, place) for seed in (0, 1) for step in range(5) for place in range(3)}
    assert len(seeds) == 2 * 5 * 3


@pytest.mark.skipif(bool(no_compiler()), reason=no_compiler())
def test_a_compiled_training_is_the_same_training(tiny_encoder, train, heldout, monkeypatch):
    """On a student without layers, whose code compiles in seconds."""
    monkeypatch.setattr("torch._inductor.config.compile_threads", 1)  # no pool of workers for two functions
    counts = torch.ones(len(tiny_encoder.tokenizer))
    one = STUDENTS["static"](Origin(tiny_encoder, tiny_encoder, counts, lambda count, seed: []), StudentShape(rank=8))
    other = copy.deepcopy(one)
    recipe = replace(SHARED, epochs=1, dropout=0.0)
    data = TrainingData(train, heldout)
    expected, found = (train_student(s, data, replace(recipe, compile=c)) for s, c in ((one, False), (other, True)))
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
    recipe = replace(SHARED, epochs=1, dropout=0.0)
    expected = train_student(copy.deepcopy(student), TrainingData(train, heldout), recipe)
    found = train_student(student, TrainingData(train, heldout), replace(recipe, compile=True))
    assert 1 <= len(graphs) <= 3  # held-out and training passes, not one a batch
    assert [row["loss"] for row in found.curve] == pytest.approx([row["loss"] for row in expected.curve], rel=1e-5)


def test_a_compiler_that_is_not_there_and_losses_it_would_blind_are_one_line(student, train, heldout, monkeypatch):
    beside = TrainingData(train, heldout, Reference(student))
    with pytest.raises(HeadshrinkError, match="compile = true: loss hidden needs"):
        train_student(student, beside, replace(SHARED, losses={"hidden": 1.0}, compile=True))
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(HeadshrinkError, match=r"compile = true: no C\+\+ compiler; install"):
        train_student(student, TrainingData(train, heldout), replace(SHARED, compile=True))
