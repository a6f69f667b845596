"""The trainer: nearer to the teacher, chosen by held-out loss, the same bytes again, and after a kill."""

import copy
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_training import random_mlm_head, tiny_pairs

from headshrink.checkpoint import Checkpoints
from headshrink.data.table import SentenceTable, Targets, Tokens
from headshrink.distillation.callbacks import OnRow
from headshrink.distillation.evaluate import evaluate
from headshrink.distillation.objective import Objective
from headshrink.distillation.optimiser import parameter_groups
from headshrink.distillation.recipe import Recipe
from headshrink.distillation.record import write_curve, write_metrics
from headshrink.distillation.steps import Steps
from headshrink.distillation.trainer import Trainer
from headshrink.distillation.trainer import train as train_student
from headshrink.distillation.training_data import Reference, TrainingData
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
    result = train_student(student, TrainingData(train, heldout), RECIPE)
    assert result.best.cosine > result.before.cosine + 0.01
    assert result.best.loss < result.before.loss
    objective = Objective(RECIPE.losses, student)
    assert evaluate(student, heldout, objective, 8, "fp32").loss == pytest.approx(result.best.loss, rel=1e-5)


def test_same_seed_same_bytes_other_seed_other_bytes(student, train, heldout):
    students = [copy.deepcopy(student) for _ in range(3)]
    for copied, seed in zip(students, (0, 0, 1), strict=True):
        train_student(copied, TrainingData(train, heldout), replace(RECIPE, epochs=1, dropout=0.1, seed=seed))
    assert same(weights(students[0]), weights(students[1]))
    assert not same(weights(students[0]), weights(students[2]))


def test_bf16_trains_as_well_and_leaves_the_attention_as_it_was(student, train, heldout):
    before = student.backbone.config._attn_implementation
    result = train_student(student, TrainingData(train, heldout), replace(RECIPE, precision="bf16"))
    assert result.best.cosine > result.before.cosine + 0.01
    assert student.backbone.config._attn_implementation == before


def test_global_random_state_is_left_alone(student, train, heldout):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    train_student(student, TrainingData(train, heldout), replace(RECIPE, epochs=0.2, dropout=0.1))
    assert torch.equal(torch.rand(1), expected)


def test_the_best_step_is_the_student_even_if_it_is_the_untrained_one(tiny_encoder, train, heldout):
    """The teacher is its own best student: whatever training does to it is worse."""
    student = copy.deepcopy(tiny_encoder)
    before = weights(student)
    recipe = replace(RECIPE, losses={"cosine": 1.0}, learning_rate=0.05)
    result = train_student(student, TrainingData(train, heldout), recipe)
    assert result.best_step == 0
    assert same(weights(student), before)


def test_frozen_embeddings_stay_the_teachers(student, train, heldout):
    table = student.backbone.embeddings.word_embeddings.weight
    before = table.detach().clone()
    train_student(student, TrainingData(train, heldout), replace(RECIPE, train_embeddings=False))
    assert torch.equal(table, before)
    assert table.requires_grad  # handed back as any other model


def test_decay_reaches_matrices_of_linear_layers_alone(tiny_encoder):
    parameters = dict(tiny_encoder.named_parameters())
    decayed, kept = (group["params"] for group in parameter_groups(parameters, 0.1))
    assert len(decayed) + len(kept) == len(parameters)
    assert len(decayed) == sum(isinstance(module, torch.nn.Linear) for module in tiny_encoder.modules())


def test_curve_decays_to_zero_and_carries_the_evaluations(student, train, heldout):
    rows = []
    result = train_student(student, TrainingData(train, heldout), RECIPE, callbacks=[OnRow(rows.append)])
    rates = [row["learning_rate"] for row in rows]
    assert rows == result.curve
    assert rates[rates.index(max(rates)) :] == sorted(rates[rates.index(max(rates)) :], reverse=True)
    assert rates[-1] < 0.05 * max(rates)
    assert sum("heldout_loss" in row for row in rows) == RECIPE.evaluations
    assert rows[-1]["step"] == result.steps == 30


def test_divergence_stops_in_one_line_and_keeps_the_checkpoint(student, train, heldout, tmp_path):
    poisoned = train.targets[0].take(np.arange(len(train)))
    poisoned[7] = float("nan")
    table = train.with_targets([Targets.from_array(poisoned)])
    checkpoints = Checkpoints(tmp_path / "work")
    recipe = replace(RECIPE, epochs=1, checkpoint_minutes=1e-9)
    with pytest.raises(HeadshrinkError, match=r"diverged at step \d of 5 .*nan.*learning_rate") as raised:
        train_student(student, TrainingData(table, heldout), recipe, checkpoints)
    assert "\n" not in str(raised.value)
    state = checkpoints.load()
    assert state is None or all(value.isfinite().all() for value in state["weights"].values())


EVERYTHING = replace(
    RECIPE,
    losses={"cosine": 1.0, "ranking": (0.1, 0.0), "hidden": 0.1, "mlm": 0.1, "soft_targets": 0.1},
    queue=12,
    accumulate=2,
    ema=0.9,
    dropout=0.1,
    word_dropout=0.2,
    micro_batch_tokens=40,
)


@pytest.mark.parametrize(("stop_after", "recipe"), [(1, RECIPE), (17, replace(RECIPE, dropout=0.1)), (7, EVERYTHING)])
def test_resumed_training_equals_an_uninterrupted_one(
    stop_after, recipe, student, train, heldout, tiny_encoder, tmp_path, capsys
):
    recipe = replace(recipe, checkpoint_minutes=1e-9)
    whole, broken = copy.deepcopy(student), copy.deepcopy(student)
    data = TrainingData(train, heldout, Reference(tiny_encoder, random_mlm_head(tiny_encoder)))
    expected = train_student(whole, data, recipe)

    class Stop(Exception):
        pass

    def stop(row):
        if row["step"] > stop_after:
            raise Stop

    with pytest.raises(Stop):
        train_student(broken, data, recipe, Checkpoints(tmp_path), [OnRow(stop)])
    capsys.readouterr()
    result = train_student(student, data, recipe, Checkpoints(tmp_path))
    assert f"resumed at step {stop_after} of {expected.curve[-1]['step']}\n" in capsys.readouterr().out
    assert same(weights(student), weights(whole))
    assert result.curve == expected.curve
    assert result.best == expected.best


def run_stage(folder: Path, recipe: Recipe) -> None:
    """What the subprocess of the next test does."""
    teacher, student = load_encoder(folder / "teacher"), load_encoder(folder / "student")
    train, heldout = tiny_pairs(teacher, stop=40), tiny_pairs(teacher, start=40)
    checkpoints = Checkpoints(folder / "work")
    slow = OnRow(lambda row: time.sleep(0.05))
    result = train_student(student, TrainingData(train, heldout), recipe, checkpoints, [slow])
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


def test_two_half_batches_make_the_step_of_a_whole_one(student, train, heldout):
    """Where the loss is a mean over sentences, without negatives; to rounding, which Adam's first step keeps small."""
    whole, halves = copy.deepcopy(student), copy.deepcopy(student)
    one = replace(RECIPE, losses={"mse": 1.0}, evaluations=1, learning_rate=1e-4)
    trainers = []
    for model, recipe in ((whole, replace(one, batch_size=16)), (halves, replace(one, batch_size=8, accumulate=2))):
        trainer = Trainer(model, TrainingData(train, heldout), recipe)
        rows = np.stack([np.arange(16), 40 + np.arange(16)])
        batches = [rows] if recipe.accumulate == 1 else [rows[:, :8], rows[:, 8:]]
        trainers.append((trainer, trainer.train_step(batches)))
    assert trainers[0][1] == pytest.approx(trainers[1][1], rel=1e-5)
    gradients = [[p.grad for p in trainer.parameters.values() if p.grad is not None] for trainer, _ in trainers]
    for one_gradient, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one_gradient, other, rtol=1e-3, atol=1e-6)
    assert trainers[0][0].steps.per_epoch == 3
    assert trainers[1][0].steps.per_epoch == 3  # 5 batches: two, two, one


def test_the_running_mean_is_what_is_evaluated_and_kept(student, train, heldout):
    recipe = replace(RECIPE, epochs=2, ema=0.99, evaluations=2, decay="linear")
    raw, mean = copy.deepcopy(student), copy.deepcopy(student)
    train_student(raw, TrainingData(train, heldout), replace(recipe, ema=0.0))
    result = train_student(mean, TrainingData(train, heldout), recipe)
    assert not same(weights(raw), weights(mean))
    objective = Objective(recipe.losses, mean)
    kept = evaluate(mean, heldout, objective, 8, "fp32")
    assert kept.loss == pytest.approx(result.best.loss, rel=1e-5)


def test_training_ends_when_its_patience_does(student, train, heldout):
    """At a learning rate of nothing the second evaluation is no better than the first: steps 6 and 12 of 30."""
    result = train_student(student, TrainingData(train, heldout), replace(RECIPE, learning_rate=1e-12, patience=2))
    assert result.steps == 12
    assert [row["step"] for row in result.curve if "heldout_loss" in row] == [6, 12]


def test_a_student_that_leaves_all_bounds_stops_with_its_best_weights_kept(
    tiny_encoder, train, heldout, tmp_path, monkeypatch
):
    monkeypatch.setattr("headshrink.distillation.divergence.RISE", 0.1)  # so few words are never far apart
    recipe = replace(RECIPE, losses={"cosine": 1.0}, learning_rate=0.5, clip=1e9, warmup=0.0)
    with pytest.raises(HeadshrinkError, match=r"diverged at step 6 of 30 \(held-out loss") as raised:
        train_student(tiny_encoder, TrainingData(train, heldout), recipe, Checkpoints(tmp_path))
    assert str(tmp_path) in str(raised.value)
    state = Checkpoints(tmp_path).load()
    assert all(value.isfinite().all() for value in state["best_weights"].values())


def test_the_queue_holds_the_epochs_latest_pairs(student, train, heldout):
    recipe = replace(RECIPE, losses={"ranking": 1.0}, queue=12)
    trainer = Trainer(student, TrainingData(train, heldout), recipe)
    assert trainer.steps.queue(0) is None
    (first,), (second,) = trainer.steps.batches(0), trainer.steps.batches(1)
    np.testing.assert_array_equal(trainer.steps.queue(1), first)
    np.testing.assert_array_equal(trainer.steps.queue(2), np.concatenate([first, second], axis=1)[:, -12:])
    assert trainer.steps.queue(5) is None  # a new epoch


def test_a_loss_on_layers_without_the_teacher_is_one_line(student, train, heldout):
    with pytest.raises(HeadshrinkError, match="loss hidden needs the teacher"):
        train_student(student, TrainingData(train, heldout), replace(RECIPE, losses={"hidden": 1.0}))


def test_a_loss_on_words_without_an_mlm_head_is_one_line(student, train, heldout, tiny_encoder):
    data = TrainingData(train, heldout, Reference(tiny_encoder))
    with pytest.raises(HeadshrinkError, match=r"loss mlm needs the teacher's MLM head.* set mlm_head_steps"):
        train_student(student, data, replace(RECIPE, losses={"mlm": 1.0}))


def test_a_loss_on_words_leaves_the_other_losses_as_they_are(student, train, heldout, tiny_encoder):
    """At weight 0 it draws words and guesses them, and the student's bytes are those without it."""
    alone, beside = copy.deepcopy(student), copy.deepcopy(student)
    recipe = replace(RECIPE, epochs=1, losses={"cosine": 1.0})
    train_student(alone, TrainingData(train, heldout), recipe)
    recipe = replace(recipe, losses={"cosine": 1.0, "mlm": 0.0, "soft_targets": 0.0})
    reference = Reference(tiny_encoder, random_mlm_head(tiny_encoder))
    train_student(beside, TrainingData(train, heldout, reference), recipe)
    assert same(weights(alone), weights(beside))


@pytest.fixture
def more(tiny_encoder, train) -> SentenceTable:
    """The training pairs, and seven sentences without translation, an odd one too many."""
    texts = ["a man", "the house", "дом", "кошка на дерево", "the woman sees a dog", "мужчина", "a tree"]
    targets = Targets.from_array(tiny_encoder.encode(texts).astype(np.float16))
    languages = ["en" if text.isascii() else "ru" for text in texts]
    return train.followed_by(
        SentenceTable.of_single(Tokens.from_rows(tiny_encoder.tokenise(texts)), languages, [targets])
    )


def test_sentences_without_translation_keep_to_themselves(more, train, tiny_encoder):
    assert (len(more), more.pairs) == (87, 40)
    batches = Steps(replace(RECIPE, batch_size=8), more).first_epoch()
    kinds = [(batch < 80).mean() for batch in batches]
    assert set(kinds) == {0.0, 1.0}
    pairs = np.concatenate([batch for batch, kind in zip(batches, kinds, strict=True) if kind], axis=1)
    np.testing.assert_array_equal(pairs[1], pairs[0] + 40)
    (single,) = [batch for batch, kind in zip(batches, kinds, strict=True) if not kind]
    assert set(range(80, 87)) - {*single.ravel()} == {84}  # the longest one is left over
    batch = more.batch(single, tiny_encoder.tokenizer.pad_token_id)
    assert not batch.translated
    np.testing.assert_allclose(tiny_encoder(batch.input_ids, batch.attention_mask).detach(), batch.teacher, atol=1e-3)
    (joined,), (own,) = more.targets, train.targets
    np.testing.assert_array_equal(joined.take(np.array([81, 3, 80]))[1], own.take(np.array([3]))[0])


def test_sentences_without_translation_are_imitated_and_never_ranked(student, more, heldout):
    result = train_student(student, TrainingData(more, heldout), RECIPE)
    assert result.best.cosine > result.before.cosine + 0.01
    with pytest.raises(HeadshrinkError, match="need a loss that imitates"):
        train_student(student, TrainingData(more, heldout), replace(RECIPE, losses={"ranking": 1.0}))


def test_further_teachers_are_imitated_through_projections_of_their_own(student, train, heldout):
    """The second teacher is here the first one's half, which a projection can reach."""
    half = Targets.from_array(train.targets[0].take(np.arange(len(train)))[:, :16])
    pairs = train.with_targets([*train.targets, half])
    torch.manual_seed(0)
    recipe = replace(RECIPE, losses={"cosine": 1.0})
    data = TrainingData(pairs, heldout, Reference(extra_dimensions=[16]))
    trainer = Trainer(student, data, recipe)
    assert [name for name in trainer.parameters if "projection" in name] == ["objective.projections.0.weight"]
    losses = [trainer.train_step(batches) for batches in [trainer.steps.batches(0)] * 12]
    assert losses[-1] < 0.8 * losses[0]
    result = train_student(student, data, recipe)
    assert result.best.cosine > result.before.cosine
