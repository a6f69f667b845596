"""`headshrink distill`: from two folders and a file to a trained student; every mistake in one line."""

import itertools
import json
import os
import subprocess
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
import typer
from tiny_training import PLACES, SUBJECTS, TWO_PROCESSES, VERBS, perturbed, tiny_pairs
from typer.testing import CliRunner

from headshrink.api import pruned_with_record
from headshrink.data.corpus import read_corpus
from headshrink.data.text.pairs import Pair
from headshrink.distillation.command import digest, main, more_sentences
from headshrink.distillation.minutes import epochs_within
from headshrink.distillation.recipe import Recipe
from headshrink.distillation.steps import Steps
from headshrink.distillation.training_data import TrainingData
from headshrink.errors import HeadshrinkError
from headshrink.importance import Scores
from headshrink.model import load_encoder, save_encoder
from headshrink.model.sites import widths
from headshrink.options import with_options
from headshrink.parameters.distill import StudentParams
from headshrink.parameters.section import kinds_of
from headshrink.pruning.width import cut_width

app = typer.Typer()
app.command()(with_options(main))


@pytest.fixture
def folders(tmp_path, tiny_encoder):
    """A teacher, a student and pairs.tsv in one folder."""
    save_encoder(tiny_encoder, tmp_path / "teacher")
    save_encoder(perturbed(tiny_encoder), tmp_path / "student")
    clauses = itertools.product(SUBJECTS.items(), VERBS.items(), PLACES.items())
    lines = ["\t".join(" ".join(word[side] for word in clause).strip() for side in (0, 1)) for clause in clauses]
    more = [line.replace("\t", " and a dog\t") for line in lines]  # held out are 5%: enough lines to have some
    (tmp_path / "pairs.tsv").write_text("\n".join(lines + more) + "\n", encoding="utf-8")
    return tmp_path


def run(folder, *extra: str):
    words = [f"--{name}={folder / file}" for name, file in (("teacher", "teacher"), ("student", "student"))]
    words += [f"--pairs={folder / 'pairs.tsv'}", f"--out={folder / 'out'}", "--batch-size=8", "--precision=fp32"]
    return CliRunner().invoke(app, [*words, *extra])


def test_a_student_comes_out_better_and_nothing_else_is_left(folders):
    result = run(folders, "--learning-rate=0.003", "--losses=cosine=1", "--losses=relational=0.1")
    assert result.exit_code == 0, result.output
    metrics = json.loads((folders / "out" / "distill.json").read_text())
    assert metrics["heldout_cosine"] > metrics["before_heldout_cosine"]
    assert load_encoder(folders / "out").encode(["a cat"]).shape == (1, 32)
    assert sorted(file.name for file in folders.iterdir() if file.name.startswith(".")) == []


def test_two_processes_write_one_student(folders):
    words = [f"--{name}={folders / name}" for name in ("teacher", "student")] + [f"--pairs={folders / 'pairs.tsv'}"]
    words += [f"--out={folders / 'out'}", "--batch-size=8", "--precision=fp32", "--accumulate=2"]
    command = [*TWO_PROCESSES, "-m", "headshrink.cli", "distill", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads((folders / "out" / "distill.json").read_text())["steps"] > 0
    assert sorted(file.name for file in folders.iterdir() if file.name.startswith(".")) == []


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--losses=cosine=much"], "losses.cosine = 'much': Input should be a valid number"),
        (["--losses=kindness"], "losses.kindness = 'kindness': allowed: attention_maps"),
        (["--precision=fp8"], "precision = 'fp8': Input should be 'auto', 'fp32' or 'bf16'"),
        (["--pairs=nowhere.tsv"], "cannot read nowhere.tsv"),
        (["--teacher=nowhere"], "no config.json"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(folders, extra, message):
    result = run(folders, *extra)
    assert isinstance(result.exception, HeadshrinkError)
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
    assert not (folders / "out").exists()


def test_sentences_without_translation_join_the_training(folders):
    (folders / "more").mkdir()
    (folders / "more" / "mono.en.txt").write_text("a big house\n\nthe dog sees a tree\nthe man\n", encoding="utf-8")
    (folders / "more" / "mono.ru.txt").write_text("большой дом\n", encoding="utf-8")
    result = run(folders, f"--monolingual={folders / 'more'}", "--epochs=1", "--learning-rate=0.003")
    assert result.exit_code == 0, result.output
    without = run(folders, "--epochs=1", "--learning-rate=0.003", f"--out={folders / 'without'}")
    assert without.exit_code == 0, without.output
    steps = [json.loads((folders / name / "distill.json").read_text())["steps"] for name in ("out", "without")]
    assert steps[0] == steps[1] + 1  # a batch of two rows of two sentences
    (folders / "more" / "mono.en.txt").write_text("", encoding="utf-8")
    (folders / "more" / "mono.ru.txt").unlink()
    empty = run(folders, f"--monolingual={folders / 'more'}", f"--out={folders / 'other'}")
    assert "no sentence in" in str(empty.exception)


def test_a_pipe_and_a_folder_give_the_student_that_the_file_gives(folders):
    content = (folders / "pairs.tsv").read_bytes()
    (folders / "many").mkdir()
    half = content.index(b"\n", len(content) // 2) + 1
    (folders / "many" / "a.tsv").write_bytes(content[:half])
    (folders / "many" / "b.tsv").write_bytes(b"\xef\xbb\xbf" + content[half:])
    os.mkfifo(folders / "fifo")
    threading.Thread(target=(folders / "fifo").write_bytes, args=(content,), daemon=True).start()
    short = ["--epochs=1", "--learning-rate=0.003"]
    for name in ("pairs.tsv", "many", "fifo"):
        done = run(folders, *short, f"--pairs={folders / name}", f"--out={folders / name}.out")
        assert done.exit_code == 0, done.output
    curves = [(folders / f"{name}.out" / "curve.csv").read_text() for name in ("pairs.tsv", "many", "fifo")]
    assert curves[0] == curves[1] == curves[2]


def test_several_processes_refuse_a_pipe(folders, monkeypatch):
    monkeypatch.setattr("headshrink.distillation.command.Processes", lambda: SimpleNamespace(count=2))
    os.mkfifo(folders / "fifo")
    assert "is a pipe, which several processes" in str(run(folders, f"--pairs={folders / 'fifo'}").exception)


def test_sentences_that_are_held_out_or_tested_do_not_join_the_training(folders):
    corpus = read_corpus(folders / "pairs.tsv")
    held = corpus.heldout[0].en.upper() + "!"
    (folders / "more.txt").write_text(f"\ufeff{held}\nthe man\n", encoding="utf-8")
    assert more_sentences(folders / "more.txt", corpus, None) == ["the man"]


def test_a_killed_training_goes_on_only_with_the_same_text():
    one, other = Pair("a cat", "кот", "x"), Pair("a dog", "пёс", "x")
    assert digest([one], [other]) == digest([one], [other])
    assert len({digest([one], [other]), digest([other], [one]), digest([one, other], []), digest([one], [])}) == 4


def test_another_parameter_removes_the_checkpoints_and_keeps_the_targets(folders, monkeypatch):
    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("headshrink.distillation.from_corpus.train_student", killed)
    work = folders / ".out.unfinished"
    found = []
    for rate in (0.003, 0.002):
        run(folders, "--minutes=5", f"--learning-rate={rate}")
        (targets,) = (work / "targets").iterdir()
        manifest = targets / "0" / "manifest.json"
        found.append((manifest.stat().st_mtime_ns, [path.name for path in (work / "training").iterdir()]))
    (first_written, (first,)), (second_written, (second,)) = found
    assert first != second
    assert first_written == second_written


def test_a_further_teacher_of_another_width_pulls_as_well(folders, tiny_encoder):
    save_encoder(cut_width(tiny_encoder, list(range(20))), folders / "wide")
    narrow = load_encoder(folders / "wide")
    narrow.dense = torch.nn.Sequential()  # 20 dimensions, where teacher and student have 32
    save_encoder(narrow, folders / "narrow")
    short = ["--epochs=1", "--learning-rate=0.003"]
    alone = run(folders, *short, f"--out={folders / 'alone'}")
    both = run(folders, *short, f"--extra-teachers={folders / 'narrow'}")
    assert (alone.exit_code, both.exit_code) == (0, 0), both.output
    metrics = [json.loads((folders / name / "distill.json").read_text()) for name in ("alone", "out")]
    assert metrics[0]["before_heldout_cosine"] == metrics[1]["before_heldout_cosine"] < metrics[1]["heldout_cosine"]
    weights = [load_encoder(folders / name).state_dict() for name in ("alone", "out")]
    assert weights[0].keys() == weights[1].keys()  # the projection is not the student's
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_losses_on_words_have_their_head_fitted(folders):
    words = ["--epochs=1", "--learning-rate=0.003", "--losses=cosine", "--losses=mlm=0.1"]
    assert "set mlm_head_steps" in str(run(folders, *words).exception)
    result = run(folders, *words, "--mlm-head-steps=3")
    assert result.exit_code == 0, result.output
    assert "MLM head of 3 steps: held-out perplexity" in result.output


@pytest.mark.parametrize("kind", ["every_kth_layer", "thin", "narrow", "bilstm", "static"])
def test_every_kind_of_student_is_made_from_the_teacher(folders, kind):
    sizes = {"layers": 1, "hidden": 16, "heads": 2, "ffn": 24, "rank": 8}
    own = [key for key, field in StudentParams.model_fields.items() if kind in kinds_of(field) and key in sizes]
    words = [f"--student-kind={kind}", *(f"--student-{key}={sizes[key]}" for key in own)]
    result = run_without_student(folders, *words, "--epochs=1", "--learning-rate=0.003")
    assert result.exit_code == 0, result.output
    made = load_encoder(folders / "out")
    assert made.encode(["a cat"]).shape == (1, 32)
    assert made.backbone.num_parameters() < load_encoder(folders / "teacher").backbone.num_parameters()
    assert "--student FOLDER is for kind pruned" in str(run(folders, *words, f"--out={folders / 'two'}").exception)


def run_without_student(folder, *extra: str):
    words = [f"--teacher={folder / 'teacher'}", f"--pairs={folder / 'pairs.tsv'}", f"--out={folder / 'out'}"]
    return CliRunner().invoke(app, [*words, "--batch-size=8", "--precision=fp32", *extra])


def test_cuts_made_during_training_end_where_the_folders_record_says(folders, tiny_encoder):
    cuts = {"ratio": 0.5, "repair_pairs": 32, "repair": "bias", "criterion": "obs", "loss": "teacher_distance"}
    corpus = read_corpus(folders / "pairs.tsv")
    pruned = pruned_with_record(tiny_encoder, Scores(torch.rand(2, 4), torch.rand(2, 64)), corpus, **cuts)
    assert "prune.json" in str(run(folders, "--rounds=2").exception)
    (folders / "student" / "prune.json").write_text(json.dumps(pruned.record))
    result = run(folders, "--rounds=2", "--epochs=1")
    assert result.exit_code == 0, result.output
    assert sum(widths(load_encoder(folders / "out").backbone, "heads")) == 4
    assert json.loads((folders / "out" / "prune.json").read_text())["settings"]["rounds"] == 2


def test_minutes_take_the_place_of_epochs_and_hold_for_a_training_that_goes_on(folders, monkeypatch):
    monkeypatch.setattr("headshrink.distillation.from_corpus.epochs_within", lambda *_: 2.0)
    result = run(folders, "--minutes=5", "--epochs=7", "--learning-rate=0.003")
    assert result.exit_code == 0, result.output
    two = run(folders, "--epochs=2", "--learning-rate=0.003", f"--out={folders / 'two'}")
    assert two.exit_code == 0, two.output
    curves = [(folders / name / "curve.csv").read_text() for name in ("out", "two")]
    assert curves[0] == curves[1]


def test_the_last_evaluation_on_all_pairs_takes_its_share_of_the_minutes(tiny_encoder, monkeypatch):
    """As below, with 4 of 40 pairs per evaluation: all pairs take 10 s, which hold 5 steps."""
    clock = iter([0.0, 12.0])
    monkeypatch.setattr("headshrink.distillation.minutes.time.monotonic", lambda: next(clock))
    pairs = tiny_pairs(tiny_encoder, stop=40)

    def trained(student, data, recipe):
        assert data.heldout.pairs == 4
        return SimpleNamespace(steps=5, sentences_per_s=80 / 10)

    monkeypatch.setattr("headshrink.distillation.minutes.train", trained)
    recipe = Recipe({"cosine": 1.0}, batch_size=8, evaluations=10, heldout_pairs=4)
    epochs = epochs_within(1, tiny_encoder, TrainingData(pairs, pairs), recipe)
    assert Steps(replace(recipe, epochs=epochs), pairs).count == 19


def test_as_many_epochs_as_fit_into_the_minutes(tiny_encoder, monkeypatch):
    """1 s for each evaluation and 2 s for each of 5 steps in the trial: 60 s hold 10 + 1 evaluations and 24 steps."""
    clock = iter([0.0, 12.0])
    monkeypatch.setattr("headshrink.distillation.minutes.time.monotonic", lambda: next(clock))
    pairs = tiny_pairs(tiny_encoder, stop=40)

    def trained(student, data, recipe):
        assert student is not tiny_encoder
        return SimpleNamespace(steps=5, sentences_per_s=80 / 10)

    monkeypatch.setattr("headshrink.distillation.minutes.train", trained)
    recipe = Recipe({"cosine": 1.0}, batch_size=8, evaluations=10)
    epochs = epochs_within(1, tiny_encoder, TrainingData(pairs, pairs), recipe)
    assert Steps(replace(recipe, epochs=epochs), pairs).count == 24
