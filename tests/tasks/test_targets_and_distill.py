"""Stages targets and distill: what they read and write, and that a resumed distillation leaves the same files."""

import copy
import csv
import json
import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch

import tasks.live
from headshrink.data import targets as data_targets
from headshrink.data.shards import write_shards
from headshrink.data.targets import stored_targets
from headshrink.errors import HeadshrinkError
from headshrink.importance import Scores, save_scores
from headshrink.model import load_encoder, save_encoder
from headshrink.model.sites import widths
from headshrink.parameters.distill import DistillParams, StudentParams
from headshrink.parameters.importance import ImportanceParams
from headshrink.parameters.prune import StagePruneParams
from headshrink.parameters.section import kinds_of
from headshrink.parameters.targets import TargetsParams
from headshrink.parameters.tokenize import TokenizeParams
from tasks import distill, prune, static_baseline, targets

NOUNS = {"man": "мужчина", "cat": "кошка", "dog": "собака", "woman": "женщина"}
VERBS = {"runs": "бежит", "sleeps": "спит", "reads": "читает", "sees": "видит"}
PLACES = {"in the house": "в дом", "on the tree": "на дерево", "": ""}
PAIRS = [
    (f"the {noun} {verb} {place}", f"{NOUNS[noun]} {VERBS[verb]} {PLACES[place]}")
    for noun in NOUNS for verb in VERBS for place in PLACES
]  # fmt: skip
SECTIONS = (TargetsParams(batch_size=8, precision="fp32"), TokenizeParams(max_length=64))
DISTILL = DistillParams(
    losses={"cosine": 1.0}, epochs=4, batch_size=8, learning_rate=3e-3, evaluations=2, precision="fp32",
    checkpoint_minutes=1e-9, dropout=0.1,
)  # fmt: skip
SCORING = ImportanceParams(criterion="obs", loss="teacher_distance")


@pytest.fixture
def workspace(tmp_path, monkeypatch, tiny_encoder) -> Path:
    """A workspace whose stages up to prune are done."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tasks.live, "LiveCurve", Curve)
    for folder in (".work", "artifacts/corpus", "artifacts/shards"):
        Path(folder).mkdir(parents=True)
    for split, pairs in (("train", PAIRS[:40]), ("heldout", PAIRS[40:])):
        pd.DataFrame(pairs, columns=["en", "ru"]).to_parquet(f"artifacts/corpus/{split}.parquet")
    save_encoder(tiny_encoder, "artifacts/teacher")
    write_shards(Path("artifacts/corpus"), Path("artifacts/teacher/tokenizer.json"), Path("artifacts/shards"), 64, 2, 1)
    pruned = copy.deepcopy(tiny_encoder)
    torch.manual_seed(1)
    for parameter in pruned.backbone.encoder.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    save_encoder(pruned, "artifacts/pruned")
    Path("artifacts/pruned/prune.json").write_text('{"settings": {}}\n')
    return tmp_path


class Curve:
    """In the place of MLflow's: it keeps the rows, and stops the training at one of them where it is told to."""

    rows: ClassVar[list[dict]] = []
    stop_at: ClassVar[int | None] = None

    def __init__(self, name, parameters):
        self.rows.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def row(self, row):
        self.rows.append(row)
        if row["step"] == self.stop_at:
            raise KeyboardInterrupt


def files(folder: str) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in Path(folder).rglob("*") if file.is_file()}


def test_teach_writes_the_teachers_embeddings(workspace, tiny_encoder):
    targets.run(*SECTIONS)
    texts = [pair[side] for side in (0, 1) for pair in PAIRS[:40]]
    found = stored_targets(Path("artifacts/targets"), "train").take(np.arange(80))
    np.testing.assert_allclose(found, tiny_encoder.encode(texts), atol=1e-3)


def test_a_larger_corpus_keeps_its_targets_and_they_are_on_disk_once(workspace, monkeypatch):
    """DVC deletes artifacts/targets before the stage runs."""
    targets.run(*SECTIONS)
    (stored,) = Path(".work/targets").glob("*/finished")
    assert all(file.samefile(stored / file.name) for file in Path("artifacts/targets").glob("rows-*"))
    before = stored_targets(Path("artifacts/targets"), "train").take(np.arange(80))
    shutil.rmtree("artifacts/targets")
    shutil.rmtree("artifacts/shards")
    Path("artifacts/shards").mkdir()
    more = [*PAIRS[:40], ("the man and the dog", "мужчина и собака")]
    pd.DataFrame(more, columns=["en", "ru"]).to_parquet("artifacts/corpus/train.parquet")
    write_shards(Path("artifacts/corpus"), Path("artifacts/teacher/tokenizer.json"), Path("artifacts/shards"), 64, 2, 1)
    embed, embedded = data_targets.embed, []

    def counted(teacher, rows, precision):
        embedded.extend(rows)
        return embed(teacher, rows, precision)

    monkeypatch.setattr(data_targets, "embed", counted)
    targets.run(*SECTIONS)
    assert len(embedded) == 2
    after = stored_targets(Path("artifacts/targets"), "train").take(np.arange(82))
    np.testing.assert_array_equal(np.delete(after, [40, 81], axis=0), before)
    assert [folder.name for folder in stored.parent.iterdir()] == ["finished"]


def test_the_floor_is_word_vectors_of_the_teacher_whatever_their_order(workspace, tiny_encoder):
    static_baseline.run()
    one, other = load_encoder(Path("artifacts/static_baseline")).encode(["the man sees a dog", "a dog sees the man"])
    np.testing.assert_allclose(one, other, atol=1e-6)
    assert one.shape == (tiny_encoder.dimension,)


def test_distill_writes_a_better_student_its_curve_and_its_scores(workspace):
    targets.run(*SECTIONS)
    distill.run(DISTILL)
    metrics = json.loads(Path("artifacts/student/metrics.json").read_text())
    assert metrics["heldout_cosine"] > metrics["before_heldout_cosine"]
    assert metrics["heldout_loss"] < metrics["before_heldout_loss"]
    assert metrics["steps"] == 20
    rows = list(csv.DictReader(Path("artifacts/student/curve.csv").read_text().splitlines()))
    assert [int(row["step"]) for row in rows if row["heldout_loss"]] == [10, 20]
    assert load_encoder("artifacts/student/model").encode(["the cat"]).shape == (1, 32)
    assert not Path(".work/distill").exists()


def test_a_distillation_killed_in_the_middle_ends_with_the_same_files(workspace, monkeypatch):
    targets.run(*SECTIONS)
    distill.run(DISTILL)
    whole = files("artifacts/student")
    monkeypatch.setattr(Curve, "stop_at", 7)
    with pytest.raises(KeyboardInterrupt):
        distill.run(DISTILL)
    monkeypatch.setattr(Curve, "stop_at", None)
    assert len(list(Path(".work/distill").glob("*/checkpoint.pt"))) == 1
    distill.run(DISTILL)
    assert files("artifacts/student") == whole
    assert [row["step"] for row in Curve.rows] == list(range(1, 21))  # the live curve is whole as well


def test_distill_without_targets_says_which_stage_writes_them(workspace):
    with pytest.raises(HeadshrinkError, match="the targets stage writes them"):
        distill.run(DISTILL)
    assert not Path("artifacts/student").exists()


def test_more_text_is_taught_without_the_benchmarks_and_held_out_sentences(workspace, monkeypatch):
    Path("more").mkdir()
    held = PAIRS[40][0]
    lines = [held.upper(), "the cat sees the big dog", "the suite has this sentence", "большой дом", "the man"]
    Path("more/mono.txt").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr("headshrink.data.corpus.suite.suite_sentences", lambda folder: ["The suite has this sentence."])
    chosen = SECTIONS[0].model_copy(update={"monolingual": "more"})
    targets.run(chosen, SECTIONS[1])
    assert len(np.load("artifacts/targets/monolingual.starts.npy")) == 3 + 1
    distill.run(DISTILL)
    metrics = json.loads(Path("artifacts/student/metrics.json").read_text())
    assert metrics["steps"] == 4 * 6  # a batch more an epoch
    assert metrics["heldout_cosine"] > metrics["before_heldout_cosine"]


@pytest.mark.parametrize("mlm_head_steps", [0, 2])
def test_words_are_replaced_in_copies_of_the_training_sentences(workspace, monkeypatch, mlm_head_steps, tiny_encoder):
    monkeypatch.setattr("headshrink.data.corpus.suite.suite_sentences", lambda folder: ["The suite has this sentence."])
    chosen = SECTIONS[0].model_copy(update={"augment": 0.5, "mlm_head_steps": mlm_head_steps})
    targets.run(chosen, SECTIONS[1])
    once = files("artifacts/targets")
    targets.run(chosen, SECTIONS[1])
    assert files("artifacts/targets") == once
    ids, starts = (np.load(f"artifacts/targets/monolingual.{part}.npy") for part in ("ids", "starts"))
    texts = tiny_encoder.tokenizer.batch_decode([row[1:-1] for row in np.split(ids, starts[1:-1])])
    assert 24 < len(texts) <= 40  # of 80 sentences, without those in which no word was drawn
    known = [{side.strip() for pair in some for side in pair} for some in (PAIRS[:40], PAIRS[40:])]
    assert len(set(texts) - known[0]) > 20
    assert not set(texts) & known[1]
    np.testing.assert_allclose(
        stored_targets(Path("artifacts/targets"), "monolingual").take(np.arange(len(texts))),
        tiny_encoder.encode(texts),
        atol=1e-3,
    )
    if not mlm_head_steps:
        distill.run(DISTILL)
        metrics = json.loads(Path("artifacts/student/metrics.json").read_text())
        assert metrics["steps"] > 4 * 5
        assert metrics["heldout_cosine"] > metrics["before_heldout_cosine"]


@pytest.mark.parametrize("kind", ["bilstm", "every_kth_layer", "narrow", "static", "thin"])
def test_other_students_come_out_of_the_same_stage_without_a_pruned_model(workspace, kind):
    targets.run(*SECTIONS)
    prune.run_unused()
    sizes = {"layers": 1, "hidden": 16, "heads": 2, "ffn": 24, "rank": 8}
    own = [key for key, field in StudentParams.model_fields.items() if kind in kinds_of(field)]
    shape = StudentParams(kind=kind, **{key: sizes[key] for key in own if key in sizes})
    chosen = DISTILL.model_copy(update={"student": shape, "losses": {"cosine": 1.0, "relational": [0.1, 0.0]}})
    distill.run(chosen)
    metrics = json.loads(Path("artifacts/student/metrics.json").read_text())
    assert metrics["heldout_cosine"] > metrics["before_heldout_cosine"]
    assert load_encoder("artifacts/student/model").encode(["the cat"]).shape == (1, 32)
    assert json.loads(Path("artifacts/student/prune.json").read_text())["used"] is False


def test_a_cut_student_without_a_pruned_model_is_refused(workspace):
    """As after a change in what a kind says of itself: the stage prune has not run again."""
    targets.run(*SECTIONS)
    prune.run_unused()
    with pytest.raises(HeadshrinkError, match="there is no pruned model; the prune stage writes it"):
        distill.run(DISTILL)


@pytest.mark.parametrize("change", [{"rounds": 2}, {"learned_gates": 0.5}])
def test_cuts_made_on_the_way_end_at_the_prune_stages_ratios(workspace, tiny_encoder, change):
    targets.run(*SECTIONS)
    pruning = StagePruneParams(heads=0.5, ffn=0.75, repair="outputs", repair_pairs=32)
    scores = Scores(torch.rand(2, 4), torch.rand(2, 64))
    Path("artifacts/importance").mkdir()
    save_scores(scores, Path("artifacts/importance/scores.safetensors"))
    prune.run(pruning, SCORING)
    chosen = DISTILL.model_copy(update=change)
    distill.run(chosen)
    student = load_encoder("artifacts/student/model")
    assert sum(widths(student.backbone, "heads")) == 4
    assert sum(widths(student.backbone, "ffn")) == 32
    assert json.loads(Path("artifacts/student/metrics.json").read_text())["steps"] == 20
    record = json.loads(Path("artifacts/student/prune.json").read_text())
    assert [len(kept) for kept in record["ffn"]["kept"]] == widths(student.backbone, "ffn")
    assert record["settings"].items() >= change.items()
    assert [row["step"] for row in Curve.rows] == list(range(1, 21))


def test_rounds_cut_every_kind(workspace):
    targets.run(*SECTIONS)
    pruning = StagePruneParams(heads=0.5, ffn=0.5, layers=0.5, hidden=0.5, embedding=0.5, repair_pairs=32)
    Path("artifacts/importance").mkdir()
    save_scores(Scores(torch.rand(2, 4), torch.rand(2, 64)), Path("artifacts/importance/scores.safetensors"))
    prune.run(pruning, SCORING)
    shapes = []
    for rounds in (1, 2):
        distill.run(DISTILL.model_copy(update={"rounds": rounds}))
        shapes.append([weights.shape for weights in load_encoder("artifacts/student/model").parameters()])
    assert shapes[0] == shapes[1]


def test_losses_on_layers_bring_the_teacher_into_the_stage(workspace):
    targets.run(*SECTIONS)
    chosen = DISTILL.model_copy(update={"losses": {"hidden": 1.0, "minilm_values": 1.0}})
    distill.run(chosen)
    metrics = json.loads(Path("artifacts/student/metrics.json").read_text())
    assert metrics["heldout_cosine"] > metrics["before_heldout_cosine"]


def test_words_are_guessed_through_a_head_that_teach_fits(workspace):
    losses = {"cosine": 1.0, "mlm": 0.1, "soft_targets": 0.1}
    chosen = DISTILL.model_copy(update={"losses": losses, "epochs": 1})
    targets.run(*SECTIONS)
    with pytest.raises(HeadshrinkError, match="set mlm_head_steps"):
        distill.run(chosen)
    before = files("artifacts/targets")
    targets.run(SECTIONS[0].model_copy(update={"mlm_head_steps": 5}), SECTIONS[1])
    assert before.items() < files("artifacts/targets").items()
    assert json.loads(Path("artifacts/targets/mlm_head.json").read_text())["heldout_perplexity"] > 1
    distill.run(chosen)
    metrics = json.loads(Path("artifacts/student/metrics.json").read_text())
    assert metrics["heldout_cosine"] > metrics["before_heldout_cosine"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"queue": 5}, "only the loss ranking"),
        ({"losses": {}}, "at least 1"),
        ({"losses": {"kindness": 1}}, "allowed:"),
        ({"rounds": 2, "learned_gates": 0.5}, "one of them makes the cuts"),
        ({"rounds": 2, "student": {"kind": "narrow"}}, "of kind pruned, not narrow"),
        ({"learned_gates": 0.5, "compile": True}, "which compile = true would hide"),
        ({"learned_gates": 1}, "less than 1"),
        ({"rounds": 0}, "greater than or equal to 1"),
        ({"unfreeze": 1.5}, "less than or equal to 1"),
    ],
)
def test_options_without_a_use_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        DistillParams(**({"losses": {"cosine": 1.0}} | change))
