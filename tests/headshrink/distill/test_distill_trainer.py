"""The trainer: nearer to the teacher, chosen by held-out loss, the same bytes again, and after a kill."""

import copy
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_training import tiny_pairs

from headshrink.checkpoint import Checkpoints
from headshrink.distill.evaluate import evaluate, retrieval_at_1
from headshrink.distill.pairs import Pairs
from headshrink.distill.record import write_curve, write_metrics
from headshrink.distill.trainer import Recipe, distil, parameter_groups
from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder, load_encoder, save_encoder

RECIPE = Recipe(
    {"cosine": 1.0, "similarity": 0.2}, epochs=6, batch_size=8, learning_rate=3e-3, evaluations=5, precision="fp32"
)


def weights(student: SentenceEncoder) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in student.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_training_brings_the_student_nearer_to_its_teacher(student, train, heldout):
    result = distil(student, train, heldout, RECIPE)
    assert result.best.cosine > result.before.cosine + 0.01
    assert result.best.loss < result.before.loss
    batches = [torch.arange(len(heldout)).numpy()]
    assert evaluate(student, heldout, batches, RECIPE.losses, "fp32").loss == pytest.approx(result.best.loss, rel=1e-5)


def test_same_seed_same_bytes_other_seed_other_bytes(student, train, heldout):
    students = [copy.deepcopy(student) for _ in range(3)]
    for copied, seed in zip(students, (0, 0, 1), strict=True):
        distil(copied, train, heldout, replace(RECIPE, epochs=1, dropout=0.1, seed=seed))
    assert same(weights(students[0]), weights(students[1]))
    assert not same(weights(students[0]), weights(students[2]))


def test_bf16_trains_as_well_and_leaves_the_attention_as_it_was(student, train, heldout):
    before = student.backbone.config._attn_implementation
    result = distil(student, train, heldout, replace(RECIPE, precision="bf16"))
    assert result.best.cosine > result.before.cosine + 0.01
    assert student.backbone.config._attn_implementation == before


def test_global_random_state_is_left_alone(student, train, heldout):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    distil(student, train, heldout, replace(RECIPE, epochs=0.2, dropout=0.1))
    assert torch.equal(torch.rand(1), expected)


def test_the_best_step_is_the_student_even_if_it_is_the_untrained_one(tiny_encoder, train, heldout):
    """The teacher is its own best student: whatever training does to it is worse."""
    student = copy.deepcopy(tiny_encoder)
    before = weights(student)
    result = distil(student, train, heldout, replace(RECIPE, losses={"cosine": 1.0}, learning_rate=0.05))
    assert result.best_step == 0
    assert same(weights(student), before)


def test_frozen_embeddings_stay_the_teachers(student, train, heldout):
    table = student.backbone.embeddings.word_embeddings.weight
    before = table.detach().clone()
    distil(student, train, heldout, replace(RECIPE, train_embeddings=False))
    assert torch.equal(table, before)
    assert table.requires_grad  # handed back as any other model


def test_decay_reaches_matrices_of_linear_layers_alone(tiny_encoder):
    parameters = dict(tiny_encoder.named_parameters())
    decayed, kept = (group["params"] for group in parameter_groups(parameters, 0.1))
    assert len(decayed) + len(kept) == len(parameters)
    assert len(decayed) == sum(isinstance(module, torch.nn.Linear) for module in tiny_encoder.modules())


def test_curve_decays_to_zero_and_carries_the_evaluations(student, train, heldout):
    rows = []
    result = distil(student, train, heldout, RECIPE, on_row=rows.append)
    rates = [row["learning_rate"] for row in rows]
    assert rows == result.curve
    assert rates[rates.index(max(rates)) :] == sorted(rates[rates.index(max(rates)) :], reverse=True)
    assert rates[-1] < 0.05 * max(rates)
    assert sum("heldout_loss" in row for row in rows) == RECIPE.evaluations
    assert rows[-1]["step"] == result.steps == 30


def test_divergence_stops_in_one_line_and_keeps_the_checkpoint(student, train, heldout, tmp_path):
    class Poisoned:
        def take(self, side, pairs):
            values = train.targets.take(side, pairs)
            return values * float("nan") if 7 in pairs else values

    checkpoints = Checkpoints(tmp_path / "work")
    recipe = replace(RECIPE, epochs=1, checkpoint_minutes=1e-9)
    with pytest.raises(HeadshrinkError, match=r"diverged at step \d of 5 .*nan.*learning_rate") as raised:
        distil(student, Pairs(train.en, train.ru, Poisoned()), heldout, recipe, checkpoints)
    assert "\n" not in str(raised.value)
    state = checkpoints.load()
    assert state is None or all(value.isfinite().all() for value in state["weights"].values())


@pytest.mark.parametrize("stop_after", [1, 17])
def test_resumed_training_equals_an_uninterrupted_one(stop_after, student, train, heldout, tmp_path):
    recipe = replace(RECIPE, dropout=0.1, checkpoint_minutes=1e-9)
    whole, broken = copy.deepcopy(student), copy.deepcopy(student)
    expected = distil(whole, train, heldout, recipe)

    class Stop(Exception):
        pass

    def stop(row):
        if row["step"] > stop_after:
            raise Stop

    with pytest.raises(Stop):
        distil(broken, train, heldout, recipe, Checkpoints(tmp_path), stop)
    result = distil(student, train, heldout, recipe, Checkpoints(tmp_path))
    assert same(weights(student), weights(whole))
    assert result.curve == expected.curve
    assert result.best == expected.best


def run_stage(folder: Path, recipe: Recipe) -> None:
    """What the subprocess of the next test does."""
    teacher, student = load_encoder(folder / "teacher"), load_encoder(folder / "student")
    train, heldout = tiny_pairs(teacher, stop=40), tiny_pairs(teacher, start=40)
    checkpoints = Checkpoints(folder / "work")
    result = distil(student, train, heldout, recipe, checkpoints, on_row=lambda row: time.sleep(0.05))
    save_encoder(student, folder / "model")
    write_curve(result.curve, folder / "curve.csv")
    write_metrics(result, folder / "metrics.json")


def outputs(folder: Path) -> dict[str, bytes]:
    files = [*(folder / "model").rglob("*"), folder / "curve.csv", folder / "metrics.json"]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files if file.is_file()}


def test_sigkill_in_the_middle_and_resume_give_the_same_bytes(tiny_encoder, student, tmp_path):
    recipe = replace(RECIPE, epochs=12, dropout=0.1, checkpoint_minutes=0.003)
    for name in ("whole", "killed"):
        save_encoder(tiny_encoder, tmp_path / name / "teacher")
        save_encoder(student, tmp_path / name / "student")
    run_stage(tmp_path / "whole", recipe)
    killed = tmp_path / "killed"
    code = (
        f"import sys; sys.path[:0] = [{str(Path(__file__).parent)!r}]; from pathlib import Path; "
        f"from test_distill_trainer import Recipe, run_stage; run_stage(Path({str(killed)!r}), {recipe!r})"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 200  # a busy machine needs a minute for the imports alone
    while not Checkpoints(killed / "work").path.is_file() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert process.poll() is None, "it ended before it could be killed"
    time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was to be killed in the middle"
    run_stage(killed, recipe)
    assert outputs(killed) == outputs(tmp_path / "whole")


def test_retrieval_counts_both_directions():
    """Both English sentences are nearest to the first Russian one: 1 hit of 2 that way, 2 of 2 back."""
    en = torch.tensor([[1.0, 0.0], [0.8, 0.6]])
    ru = torch.tensor([[1.0, 0.1], [0.0, 1.0]])
    assert retrieval_at_1(en, ru) == pytest.approx(3 / 4)
