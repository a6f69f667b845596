"""A killed run goes on from the embeddings that it has, and its results do not show it."""

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_suite import write_tiny_suite

from headshrink.benchmarking import journal
from headshrink.benchmarking.cache import ResultCache
from headshrink.benchmarking.embeddings import embed
from headshrink.benchmarking.journal import Journals
from headshrink.benchmarking.models import TorchModel, open_model
from headshrink.benchmarking.read import open_suite
from headshrink.benchmarking.run import run
from headshrink.benchmarking.suite import TASKS


class Killed(BaseException):
    """In the place of SIGKILL, after which nothing is written either."""


class Mortal(TorchModel):
    """A model that counts the texts it embeds, and dies after so many batches."""

    def __init__(self, folder: Path, lives: float = np.inf) -> None:
        opened = open_model(folder, "tiny")
        super().__init__("tiny", opened.encoder, folder, opened.sha256)
        self.lives, self.rows = lives, 0

    def die(self, rows: int) -> None:
        self.lives -= 1
        if self.lives < 0:
            raise Killed
        self.rows += rows

    def pooled(self, ids):
        self.die(len(ids))
        return super().pooled(ids)

    def states(self, ids):
        self.die(len(ids))
        return super().states(ids)


@pytest.fixture(autouse=True)
def every_batch_is_saved(monkeypatch):
    monkeypatch.setattr(journal, "SECONDS_BETWEEN_SAVES", 0)


def results(model: TorchModel, suite: Path, cache: ResultCache) -> str:
    report = run({"tiny": model}, open_suite(suite), list(TASKS), batch_size=4, cache=cache)
    return json.dumps([report.quality, report.details, report.sentences])


def test_a_run_killed_again_and_again_ends_with_the_same_bytes_and_embeds_nothing_twice(tiny_folder, tmp_path):
    suite = write_tiny_suite(tmp_path / "suite", rows=20)
    whole = Mortal(tiny_folder)
    expected = results(whole, suite, ResultCache(tmp_path / "whole"))
    cache, rows, kills = ResultCache(tmp_path / "cache"), 0, 0
    while True:
        model = Mortal(tiny_folder, lives=15)
        try:
            assert results(model, suite, cache) == expected
            break
        except Killed:
            kills += 1
            rows += model.rows
    assert kills > 2
    assert rows + model.rows <= whole.rows + 8 * kills  # what was in work, and the first text of each table again
    assert not list(cache.folder.glob("unfinished*"))


def test_the_sentences_of_sts_are_embedded_once(tiny_folder, tmp_path):
    suite = write_tiny_suite(tmp_path / "suite", rows=20)
    sts = TASKS["sts"]
    model = Mortal(tiny_folder)
    run({"tiny": model}, open_suite(suite), ["sts"])
    assert model.rows == len(set(sts.texts(sts.load(open_suite(suite))))) + 1  # one to learn the dimensions


def test_a_table_that_another_process_fills_is_in_memory(tiny_folder, tmp_path, capsys):
    model, texts = Mortal(tiny_folder), ["a cat", "a dog", "кошка"]
    with Journals(tmp_path / "unfinished") as first, Journals(tmp_path / "unfinished") as second:
        tables = [embed(model, texts, 2, journals).vectors(texts, "mean") for journals in (first, second)]
    np.testing.assert_array_equal(*tables)
    assert "another process" in capsys.readouterr().err
