"""A new entry of each registry is one file and one line: a dummy of each runs end to end, and nothing else knows it."""

import copy
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
import torch

import headshrink as hs
from demo.suite import write_demo_suite
from headshrink.benchmarking.intervals import complete_means
from headshrink.benchmarking.suite import TASKS
from headshrink.benchmarking.suite._pairs import PairSimilarity
from headshrink.data.corpus.sources import SOURCES, Pair, Source
from headshrink.distillation.callbacks import CALLBACKS, Callback
from headshrink.distillation.losses import LOSSES, Need, Outputs, needs
from headshrink.distillation.students import STUDENTS, kind
from headshrink.exporting import TARGETS, Original, Target, write_card
from headshrink.exporting.publish import model_files
from headshrink.importance.criteria import CRITERIA, Criterion
from headshrink.model import save_encoder
from headshrink.parameters import section
from headshrink.parameters.corpus import CorpusParams
from headshrink.report.results import Results
from tasks.corpus import open_source


class DummySource(Source):
    label = "dummy"

    def pairs(self) -> Iterator[Pair]:
        for n in range(60):
            yield Pair(f"the man sees {n} cats", f"мужчина видит {n} кошек", self.label)


class DummyCriterion(Criterion):
    def update(self, gate_grad: torch.Tensor) -> None:
        self.accumulated += 1


class DummyCallback(Callback):
    steps = 0.0

    def __init__(self, step: float) -> None:
        self.step = step

    def after_step(self, trainer: object) -> None:
        DummyCallback.steps += self.step


@needs(Need.EMBEDDINGS)
def dummy_loss(student: Outputs, teacher: Outputs) -> torch.Tensor:
    return (student.en - teacher.en).abs().mean()


@pytest.fixture(autouse=True)
def new_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each registry's folder has a file `dummy.py` more."""
    names_in = section.names_in
    monkeypatch.setattr(section, "names_in", lambda package: [*names_in(package), "dummy"])


@pytest.fixture
def corpus(tmp_path: Path) -> object:
    rows = (f"the man sees {n} cats\tмужчина видит {n} кошек\n" for n in range(60))
    (tmp_path / "pairs.tsv").write_text("".join(rows), encoding="utf-8")
    return hs.read_corpus(tmp_path / "pairs.tsv", heldout_percent=20)


def test_a_source_of_pairs(monkeypatch, tmp_path):
    monkeypatch.setitem(SOURCES, "dummy", lambda params, work: DummySource())
    assert len(list(open_source(CorpusParams(source="dummy"), tmp_path).pairs())) == 60


def test_a_criterion(monkeypatch, tiny_encoder, corpus):
    monkeypatch.setitem(CRITERIA, "dummy", DummyCriterion)
    scores = hs.score(tiny_encoder, corpus, criterion="dummy", batches=2, batch_size=8)
    assert (scores.heads == scores.heads[0, 0]).all()
    assert hs.prune(tiny_encoder, scores, corpus, repair="none").dimension == tiny_encoder.dimension


def test_a_student_kind_a_loss_and_a_callback(monkeypatch, tiny_encoder, corpus, tmp_path):
    build = kind("{name} was copied")(lambda origin, shape: copy.deepcopy(origin.teacher))
    monkeypatch.setitem(STUDENTS, "dummy", build)
    monkeypatch.setitem(LOSSES, "dummy", dummy_loss)
    monkeypatch.setitem(CALLBACKS, "dummy", DummyCallback)
    options = {"losses": {"dummy": 1.0}, "callbacks": {"dummy": 0.5}, "epochs": 1, "batch_size": 16}
    student = hs.distill(tiny_encoder, {"kind": "dummy"}, corpus, **options)
    assert DummyCallback.steps > 0
    save_encoder(student, tmp_path / "card")
    teacher = {"label": "someone/teacher", "source": "folder", "revision": None, "generated": False}
    teacher |= {"weights_sha256": "ab", "parameters": 1}
    write_card(student, tmp_path / "card", teacher, {"student": "dummy", "made": build.made}, {})
    assert "someone/teacher was copied by headshrink" in (tmp_path / "card" / "README.md").read_text(encoding="utf-8")


def test_an_export_target(monkeypatch, tiny_encoder, corpus, tmp_path):
    def write(model: Original, folder: Path, options: object) -> None:
        save_encoder(model.encoder, folder / "inside")

    def open_(folder: Path) -> object:
        return hs.load_encoder(folder / "inside").encode

    target = Target("Dummy", "", "dummy", write, open_, ("torch",), files=r"inside/(config\.json|model\.safetensors)")
    monkeypatch.setitem(TARGETS, "dummy", target)
    proved = hs.export(tiny_encoder, tmp_path / "forms", corpus, targets=["transformers", "dummy"])
    assert proved["dummy"]["lowest_cosine"] > 0.9999
    sent = {path.as_posix() for path in model_files(tmp_path / "forms").sent}
    assert {"dummy/inside/config.json", "dummy/inside/model.safetensors", "config.json"} <= sent
    assert "dummy/inside/tokenizer.json" not in sent


def test_a_benchmark_task(monkeypatch, tiny_folder, tmp_path):
    files, columns = ("stsb_dev.csv",), ("sentence1", "sentence2", "similarity_score")
    monkeypatch.setitem(TASKS, "dummy", PairSimilarity("dummy", "Dummy", "similarity", files, columns, in_means=False))
    (tmp_path / "suite").mkdir()
    write_demo_suite(tmp_path / "suite", seed=0)
    report = hs.benchmark(tiny_folder, tmp_path / "suite", tasks=["sts", "dummy"])
    scores = report.details["models"]["student"]["tasks"]
    assert scores["dummy"]["score"] == scores["sts"]["score"]
    ten = [name for name in TASKS if name != "dummy"]
    assert complete_means(ten) == complete_means([*ten, "dummy"]) != {}


def test_the_report_shows_a_task_that_encodechka_does_not_have():
    tasks = {name: {"about": "similarity"} for name in ("dummy", "pi", "sts")}
    given = {"details": {"tasks": tasks}, "quality": {"teacher": tasks}}
    results = Results(**{field.name: {} for field in fields(Results)} | given)
    assert results.tasks == ["sts", "pi", "dummy"]
    assert (results.about("dummy"), results.about("pi")) == ("similarity", "paraphrases")
