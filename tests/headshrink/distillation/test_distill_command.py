"""`headshrink distill`: from two folders and a file to a trained student; every mistake in one line."""

import itertools
import json
import os
import subprocess
import threading
from types import SimpleNamespace

import pytest
import torch
import typer
from tiny_training import PLACES, SUBJECTS, TWO_PROCESSES, VERBS, perturbed
from typer.testing import CliRunner

from headshrink.corpus import read_corpus
from headshrink.distillation.command import digest, main, more_sentences, parse_losses
from headshrink.errors import HeadshrinkError
from headshrink.model import load_encoder, save_encoder
from headshrink.pruning.width import cut_width
from headshrink.text.pairs import Pair

app = typer.Typer()
app.command()(main)


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
    words += [f"--pairs={folder / 'pairs.tsv'}", f"--output={folder / 'out'}", "--batch-size=8", "--precision=fp32"]
    return CliRunner().invoke(app, [*words, *extra])


def test_a_student_comes_out_better_and_nothing_else_is_left(folders):
    result = run(folders, "--learning-rate=0.003", "--loss=cosine=1", "--loss=relational=0.1")
    assert result.exit_code == 0, result.output
    metrics = json.loads((folders / "out" / "distill.json").read_text())
    assert metrics["heldout_cosine"] > metrics["before_heldout_cosine"]
    assert load_encoder(folders / "out").encode(["a cat"]).shape == (1, 32)
    assert sorted(file.name for file in folders.iterdir() if file.name.startswith(".")) == []


def test_two_processes_write_one_student(folders):
    words = [f"--{name}={folders / name}" for name in ("teacher", "student")] + [f"--pairs={folders / 'pairs.tsv'}"]
    words += [f"--output={folders / 'out'}", "--batch-size=8", "--precision=fp32", "--accumulate=2"]
    command = [*TWO_PROCESSES, "-m", "headshrink.cli", "distill", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads((folders / "out" / "distill.json").read_text())["steps"] > 0
    assert sorted(file.name for file in folders.iterdir() if file.name.startswith(".")) == []


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--loss=cosine=much"], "the weight a number"),
        (["--loss=kindness"], "allowed names are attention_maps"),
        (["--precision=fp8"], "allowed are auto, fp32, bf16"),
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
    without = run(folders, "--epochs=1", "--learning-rate=0.003", f"--output={folders / 'without'}")
    assert without.exit_code == 0, without.output
    steps = [json.loads((folders / name / "distill.json").read_text())["steps"] for name in ("out", "without")]
    assert steps[0] == steps[1] + 1  # a batch of two rows of two sentences
    (folders / "more" / "mono.en.txt").write_text("", encoding="utf-8")
    (folders / "more" / "mono.ru.txt").unlink()
    empty = run(folders, f"--monolingual={folders / 'more'}", f"--output={folders / 'other'}")
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
        done = run(folders, *short, f"--pairs={folders / name}", f"--output={folders / name}.out")
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


def test_a_further_teacher_of_another_width_pulls_as_well(folders, tiny_encoder):
    save_encoder(cut_width(tiny_encoder, list(range(20))), folders / "wide")
    narrow = load_encoder(folders / "wide")
    narrow.dense = torch.nn.Sequential()  # 20 dimensions, where teacher and student have 32
    save_encoder(narrow, folders / "narrow")
    short = ["--epochs=1", "--learning-rate=0.003"]
    alone = run(folders, *short, f"--output={folders / 'alone'}")
    both = run(folders, *short, f"--also={folders / 'narrow'}")
    assert (alone.exit_code, both.exit_code) == (0, 0), both.output
    metrics = [json.loads((folders / name / "distill.json").read_text()) for name in ("alone", "out")]
    assert metrics[0]["before_heldout_cosine"] == metrics[1]["before_heldout_cosine"] < metrics[1]["heldout_cosine"]
    weights = [load_encoder(folders / name).state_dict() for name in ("alone", "out")]
    assert weights[0].keys() == weights[1].keys()  # the projection is not the student's
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_losses_on_words_have_their_head_fitted(folders):
    words = ["--epochs=1", "--learning-rate=0.003", "--loss=cosine=1", "--loss=mlm=0.1"]
    assert "set mlm_head_steps" in str(run(folders, *words).exception)
    result = run(folders, *words, "--mlm-head-steps=3")
    assert result.exit_code == 0, result.output
    assert "MLM head of 3 steps: held-out perplexity" in result.output


def test_weights_default_to_one():
    assert parse_losses(["cosine", "ranking=0.1"]) == {"cosine": 1.0, "ranking": 0.1}
