"""Every mistake in suite, model or extra files is one line that names it."""

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from tiny_suite import write_tiny_suite

from headshrink.api import benchmark
from headshrink.benchmarking.command import open_models
from headshrink.benchmarking.evaluate import evaluate
from headshrink.benchmarking.models import TorchModel, open_model
from headshrink.benchmarking.read import open_suite
from headshrink.errors import HeadshrinkError
from headshrink.model import SentenceEncoder


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    return write_tiny_suite(tmp_path / "suite", rows=12)


def message(folder: Path, encoder: SentenceEncoder, task: str) -> str:
    with pytest.raises(HeadshrinkError) as caught:
        evaluate(TorchModel("tiny", encoder, Path()), open_suite(folder), [task])
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_column_is_named_with_those_there_are(suite: Path, tiny_encoder: SentenceEncoder):
    pd.read_csv(suite / "toxic_test.csv").rename(columns={"toxic": "bad"}).to_csv(suite / "toxic_test.csv", index=False)
    assert "toxic_test.csv has no column toxic: it holds text, bad" in message(suite, tiny_encoder, "ti")


def test_a_cell_without_a_value_is_named_by_its_row(suite: Path, tiny_encoder: SentenceEncoder):
    (suite / "toxic_test.csv").write_text("text,toxic\nкошка,1\n,0\n", encoding="utf-8")
    assert "no text in row 2" in message(suite, tiny_encoder, "ti")


def test_an_altered_file_is_named_with_both_hashes(suite: Path, tiny_encoder: SentenceEncoder):
    listing = {"label": "tiny", "generated": True, "files": {"stsb_dev.csv": "0" * 64}}
    (suite / "suite.json").write_text(json.dumps(listing))
    found = hashlib.sha256((suite / "stsb_dev.csv").read_bytes()).hexdigest()
    assert f"stsb_dev.csv has sha256 {found}, but suite.json states {'0' * 64}" in message(suite, tiny_encoder, "sts")


HEADER = "sentence1,sentence2,similarity_score\n"


@pytest.mark.parametrize(("content", "complaint"), [("", "is empty"), (HEADER, "no rows")])
def test_an_empty_file_is_named(suite: Path, tiny_encoder: SentenceEncoder, content: str, complaint: str):
    (suite / "stsb_dev.csv").write_text(content)
    assert complaint in message(suite, tiny_encoder, "sts")


def test_a_missing_file_is_named(suite: Path, tiny_encoder: SentenceEncoder):
    (suite / "factru.json").unlink()
    assert "no factru.json in the suite folder" in message(suite, tiny_encoder, "ne1")


def test_a_nan_embedding_names_model_and_sentence(suite: Path, tiny_encoder: SentenceEncoder):
    table = pd.read_csv(suite / "stsb_dev.csv")
    table.loc[3, "sentence1"] = "кошка ф"
    table.to_csv(suite / "stsb_dev.csv", index=False)
    only_there = tiny_encoder.tokenizer.convert_tokens_to_ids("ф")
    with torch.no_grad():
        tiny_encoder.backbone.embeddings.word_embeddings.weight[only_there] = float("nan")
    assert message(suite, tiny_encoder, "sts") == "tiny gives NaN for 'кошка ф': every embedding must be finite"


def test_a_model_without_its_tokenizer_is_named(tiny_folder: Path):
    for name in ("tokenizer.json", "vocab.txt"):
        (tiny_folder / name).unlink(missing_ok=True)
    with pytest.raises(HeadshrinkError, match="no tokenizer in"):
        open_model(tiny_folder, "tiny")


def test_unknown_tasks_and_models_are_named(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(HeadshrinkError, match=r"tasks\.1 = 'stss': allowed: ia, ic"):
        benchmark("model", "suite", tasks=["sts", "stss"])
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(HeadshrinkError, match=r"no model nobody/nothing.*give a model folder or a hub id"):
        open_models(["nobody/nothing"], "cpu")
