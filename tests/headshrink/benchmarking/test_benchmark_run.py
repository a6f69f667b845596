"""A whole run: the cache, the same bytes twice, figures beyond encodechka, the command line."""

import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from test_protocol_parity import with_cut_heads
from tiny_suite import write_tiny_suite
from typer.testing import CliRunner

from headshrink.benchmarking import beyond
from headshrink.benchmarking.cache import ResultCache
from headshrink.benchmarking.embeddings import IN_MEMORY
from headshrink.benchmarking.evaluate import evaluate
from headshrink.benchmarking.models import TorchModel, open_model
from headshrink.benchmarking.read import open_suite
from headshrink.benchmarking.run import ExtraData, run
from headshrink.benchmarking.suite import TASKS
from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder, save_encoder
from headshrink.options import with_options


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    return write_tiny_suite(tmp_path / "suite", rows=30)


@pytest.fixture
def student_folder(tiny_encoder: SentenceEncoder, tmp_path: Path) -> Path:
    save_encoder(with_cut_heads(tiny_encoder), tmp_path / "student")
    return tmp_path / "student"


def test_two_runs_give_the_same_quality_and_a_cached_one_too(tiny_folder: Path, student_folder: Path, suite: Path):
    def found(cache: ResultCache | None) -> str:
        folders = {"teacher": tiny_folder, "student": student_folder}
        models = {name: open_model(folder, name) for name, folder in folders.items()}
        report = run(models, open_suite(suite), list(TASKS), cache=cache)
        return json.dumps([report.quality, report.details, report.sentences])

    cache = ResultCache(suite / "cache")
    assert found(None) == found(cache) == found(cache)


def test_a_result_is_computed_again_only_when_model_or_data_changed(tiny_folder: Path, suite: Path, tmp_path: Path):
    class Counting(TorchModel):
        batches = 0

        def pooled(self, ids):
            self.batches += 1
            return super().pooled(ids)

    plain = open_model(tiny_folder, "tiny")
    model, cache = Counting("tiny", plain.encoder, tiny_folder, plain.sha256), ResultCache(tmp_path / "cache")

    def computed() -> bool:
        before = model.batches
        evaluate(model, open_suite(suite), ["sts"], cache=cache)
        return model.batches > before

    assert computed()
    assert not computed()
    model.sha256 = "another"
    assert computed()
    write_tiny_suite(suite, rows=31)
    assert computed()
    for entry in cache.folder.iterdir():
        entry.write_bytes(b"damaged")
    assert computed()


def test_means_stand_only_where_all_their_tasks_were_run(tiny_folder: Path, suite: Path):
    models = {"tiny": open_model(tiny_folder, "tiny")}
    some = run(models, open_suite(suite), ["sts", "icx"]).quality["tiny"]
    every = run(models, open_suite(suite), list(TASKS)).quality["tiny"]
    assert {"sts", "icx", "own_sts"} <= set(some)
    assert "mean_s" not in some
    sentence_tasks = [name for name, task in TASKS.items() if task.kind == "sentence"]
    assert every["mean_s"] == pytest.approx(np.mean([every[name] for name in sentence_tasks]), abs=1e-6)
    assert every["mean_sw"] == pytest.approx(np.mean([every[name] for name in TASKS]), abs=1e-6)


def units(rows: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, 16)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_retrieval_counts_translations_that_are_nearest():
    en = units(50)
    ru = en.copy()
    ru[:2] = en[1::-1]  # two translations exchanged
    found = beyond.retrieval(en, ru)
    assert found["retrieval_en_ru_at_1"] == found["retrieval_ru_en_at_1"] == pytest.approx(48 / 50)
    assert found["retrieval_en_ru_at_5"] >= found["retrieval_en_ru_at_1"]


def test_likeness_is_one_for_the_teacher_itself_and_its_neighbours_survive_a_rotation():
    teacher = units(100)
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(16, 16)))
    turned = teacher @ rotation.astype(np.float32)
    assert beyond.similarity_to_teacher(teacher, teacher) == {
        "teacher_neighbours_at_10": 1.0,
        "teacher_cosine": pytest.approx(1.0, abs=1e-6),
    }
    assert beyond.similarity_to_teacher(turned, teacher)["teacher_neighbours_at_10"] == pytest.approx(1.0, abs=0.01)
    assert beyond.similarity_to_teacher(turned, teacher)["teacher_cosine"] < 0.9
    assert beyond.similarity_to_teacher(units(100, seed=2)[:, :8], teacher)["teacher_neighbours_at_10"] < 0.3


def test_the_command_compares_a_folder_with_its_onnx_export(
    tiny_encoder: SentenceEncoder, tiny_folder: Path, suite: Path, tmp_path: Path
):
    import typer

    from headshrink.benchmarking.command import main
    from headshrink.exporting import TARGETS, Options, Original

    tasks = ["sts", "icx", "ne1"]
    TARGETS["onnx"].write(Original(tiny_encoder), tmp_path / "onnx", Options())
    (tmp_path / "pairs.tsv").write_text("a cat\tкошка\na dog\tсобака\nthe house\tдом\n", encoding="utf-8")
    app = typer.Typer()
    app.command()(with_options(main))
    options = ["--suite", suite, "--tasks", ",".join(tasks), "--no-timing", "--cache", tmp_path / "cache"]
    files = ["--out", tmp_path / "out.json", "--pairs", tmp_path / "pairs.tsv", "--graded", suite / "stsb_dev.csv"]
    files += ["--markdown", tmp_path / "out.md"]
    arguments = [str(part) for part in [f"folder={tiny_folder}", tmp_path / "onnx", *options, *files]]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "ICX" in done.output
    found = json.loads((tmp_path / "out.json").read_text())["quality"]
    for task, near in zip(tasks, (1e-3, 1e-3, 0.02), strict=True):  # a word's class may turn on rounding
        assert found["onnx"][task] == pytest.approx(found["folder"][task], abs=near)
    assert found["onnx"]["own_sts"] == pytest.approx(found["folder"]["own_sts"], abs=1e-3)
    assert found["onnx"]["teacher_cosine"] == pytest.approx(1, abs=1e-4)
    assert found["folder"]["retrieval_en_ru_at_5"] == 1
    score = f"| ICX | {found['folder']['icx']:.4f} ({found['folder']['own_icx']:.4f}) |"
    assert score in (tmp_path / "out.md").read_text(encoding="utf-8")


def test_extra_data_are_read_once_for_all_models(tmp_path: Path):
    """A pipe gives its content to the first model alone; a row without a side is left out."""
    contents = {
        "pairs": "a cat\tкошка\ta score\n\tдом\nNA\tнет\n",
        "graded": "\ufeffsentence1,sentence2,similarity_score\nNA,null,4\n1945,кот,1\n",
    }
    for name, content in contents.items():
        os.mkfifo(tmp_path / name)
        threading.Thread(target=(tmp_path / name).write_bytes, args=(content.encode(),), daemon=True).start()
    extra = ExtraData.read(tmp_path / "pairs", tmp_path / "graded")
    assert [(row.left, row.right) for row in extra.rows] == [("a cat", "кошка"), ("NA", "нет")]
    assert (extra.graded.left, extra.graded.right) == (["NA", "1945"], ["null", "кот"])
    assert extra.graded.label.tolist() == [4, 1]


def test_pairs_of_a_folder_count_as_one_file(tiny_encoder: SentenceEncoder, suite: Path, tmp_path: Path):
    (tmp_path / "pairs").mkdir()
    for i, (en, ru) in enumerate([("a cat", "кошка"), ("a dog", "собака"), ("the house", "дом")]):
        (tmp_path / "pairs" / f"{i}.tsv").write_text(f"{en}\t{ru}\n", encoding="utf-8")
        with (tmp_path / "pairs.tsv").open("a", encoding="utf-8") as file:
            file.write(f"{en}\t{ru}\n")
    model = TorchModel("tiny", tiny_encoder, Path())
    read = [ExtraData.read(tmp_path / name, None) for name in ("pairs", "pairs.tsv")]
    folder, file = (extra.figures(model, 2, IN_MEMORY) for extra in read)
    assert folder == file
    assert folder["retrieval_en_ru_at_5"] == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_cpu_s_scores(tiny_folder: Path, suite: Path):
    models = {device: open_model(tiny_folder, device, device) for device in ("cpu", "cuda")}
    quality = run(models, open_suite(suite), ["sts"]).quality
    assert quality["cuda"]["sts"] == pytest.approx(quality["cpu"]["sts"], abs=1e-3)


def test_a_graph_of_embeddings_alone_has_its_own_pooling_and_no_words(tiny_encoder: SentenceEncoder, tmp_path: Path):
    import onnx

    from headshrink.exporting import TARGETS, Options, Original

    TARGETS["onnx"].write(Original(tiny_encoder), tmp_path, Options())
    graph = onnx.load(tmp_path / "model.onnx")
    del graph.graph.output[1]
    onnx.save(graph, tmp_path / "model.onnx")
    model = open_model(tmp_path, "onnx")
    assert list(model.pooled([[2, 5, 3]])) == ["own"]
    with pytest.raises(HeadshrinkError, match="gives no token_embeddings: leave ne1 and ne2"):
        model.states([[2, 5, 3]])
