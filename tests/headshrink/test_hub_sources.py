"""Downloads from a hub by its real clients: a teacher with LaBSE's module layout, and a data set."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from fake_hub import FakeHub
from safetensors.torch import load_file
from torch import nn
from transformers import BertForPreTraining

from headshrink.model import SentenceEncoder, load_encoder, save_encoder
from headshrink.model.encoder import Settings

ROOT = Path(__file__).resolve().parents[2]
SENTENCES = ["the man sees the dog", "кошка спит в дом", "a"]
PAIRS = [[f"the cat sees tree {i}", f"кошка видит дерево {i}"] for i in range(50)]
CLIENT = """
import json, sys
from pathlib import Path
from huggingface_hub import constants
from headshrink.data.corpus.sources.hub import Hub
from headshrink.errors import HeadshrinkError
from headshrink.teacher import download, write_teacher

constants.DOWNLOAD_CHUNK_SIZE = 4096  # 10 MB is more than a small model holds

def teacher(hub_id, revision, allow_pickle, folder):
    write_teacher(download(hub_id, revision, allow_pickle), Path(folder), hub_id, "hub", revision)

def pairs(hub_id, revision, work):
    return [[pair.en, pair.ru] for pair in Hub(hub_id, revision, Path(work)).pairs()]

for line in sys.stdin:
    name, *arguments = json.loads(line)
    try:
        answer = {"result": globals()[name](*arguments)}
    except HeadshrinkError as error:
        answer = {"error": str(error)}
    print("answer", json.dumps(answer), flush=True)
"""


class Client:
    """A process that downloads: HF_ENDPOINT is read when the libraries are imported, which takes seconds, so one."""

    def __init__(self, hub: FakeHub, home: Path) -> None:
        environment = hub.environment(home) | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLIENT], env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def call(self, *job: Any) -> dict[str, Any]:
        """Run one job: {"result": ...} or {"error": message}."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(job), file=self.process.stdin, flush=True)
        for line in self.process.stdout:
            if line.startswith("answer "):
                return json.loads(line.removeprefix("answer "))
        pytest.fail("the client died; its traceback is above")


@pytest.fixture(scope="module")
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.fixture(scope="module")
def client(hub: FakeHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    running = Client(hub, tmp_path_factory.mktemp("hub_home"))
    yield running
    running.process.kill()
    running.process.wait()


@pytest.fixture
def labse(tiny_encoder: SentenceEncoder, tmp_path: Path) -> tuple[Path, SentenceEncoder]:
    """A folder as LaBSE-en-ru's: BertForPreTraining weights, [CLS] pooling, a Dense layer equal to the pooler."""
    model = BertForPreTraining(tiny_encoder.backbone.config).eval()
    model.bert.load_state_dict(tiny_encoder.backbone.state_dict(), strict=False)
    pooler = nn.Sequential(model.bert.pooler.dense, nn.Tanh())
    encoder = SentenceEncoder(model.bert, tiny_encoder.tokenizer, "cls", pooler, normalise=True, max_length=64).eval()
    folder = tmp_path / "labse"
    save_encoder(encoder, folder)
    model.save_pretrained(folder)
    (folder / "pytorch_model.bin").write_bytes(b"a pickle that nobody asked for")
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(b"not needed")
    return folder, encoder


def pickle_weights(folder: Path) -> None:
    """Leave a folder's weights in pickles alone, the model's and the Dense layer's."""
    for path in [folder / "model.safetensors", folder / "2_Dense" / "model.safetensors"]:
        torch.save(load_file(path), path.with_name("pytorch_model.bin"))
        path.unlink()


def fetched(hub: FakeHub, name: str) -> set[str]:
    """The files of a repository that were asked for."""
    paths = [path.split("/") for _, path in hub.requests if path.startswith(f"/{name}/resolve/")]
    return {"/".join(parts[5:]) for parts in paths}


def test_the_embedding_of_a_labse_teacher_is_its_normalised_pooler_output(hub, client, labse, tmp_path):
    folder, encoder = labse
    assert json.loads((folder / "config.json").read_text())["architectures"] == ["BertForPreTraining"]
    commit = hub.add("models", "someone/LaBSE-tiny", folder)
    assert client.call("teacher", "someone/LaBSE-tiny", commit, False, str(tmp_path / "teacher")) == {"result": None}
    teacher = load_encoder(tmp_path / "teacher")
    with torch.inference_mode():
        batch = encoder.tokenizer(SENTENCES, padding=True, return_tensors="pt")
        pooled = encoder.backbone(batch["input_ids"], attention_mask=batch["attention_mask"]).pooler_output
    expected = nn.functional.normalize(pooled, dim=-1).numpy()
    assert np.abs(teacher.encode(SENTENCES) - expected).max() < 1e-6
    facts = json.loads((tmp_path / "teacher" / "teacher.json").read_text())
    assert (facts["label"], facts["revision"], facts["generated"]) == ("someone/LaBSE-tiny", commit, False)
    assert {"model.safetensors", "2_Dense/model.safetensors"} < fetched(hub, "someone/LaBSE-tiny")
    assert not fetched(hub, "someone/LaBSE-tiny") & {"pytorch_model.bin", "onnx/model.onnx"}


def test_a_downloaded_teacher_keeps_its_prompt_and_weights_in_several_files(hub, client, labse, tmp_path):
    folder, encoder = labse
    encoder.settings = Settings({"query": "the man: ", "document": ""}, "query", truncate_dim=8)
    save_encoder(encoder, folder)
    (folder / "model.safetensors").unlink()
    encoder.backbone.save_pretrained(folder, max_shard_size="20KB")
    commit = hub.add("models", "someone/sharded", folder)
    assert client.call("teacher", "someone/sharded", commit, False, str(tmp_path / "teacher")) == {"result": None}
    teacher = load_encoder(tmp_path / "teacher")
    assert teacher.settings == encoder.settings
    assert np.abs(teacher.encode(SENTENCES) - encoder.encode(SENTENCES)).max() < 1e-6


def test_a_downloaded_teacher_needs_no_network_again(hub, client, labse, tmp_path):
    commit = hub.add("models", "someone/cached", labse[0])
    assert client.call("teacher", "someone/cached", commit, False, str(tmp_path / "first")) == {"result": None}
    del hub.repositories["models", "someone/cached"]
    assert client.call("teacher", "someone/cached", commit, False, str(tmp_path / "second")) == {"result": None}


def test_a_broken_download_resumes_where_it_broke(hub, client, labse, tmp_path):
    commit = hub.add("models", "someone/broken", labse[0])
    hub.break_once["someone/broken/model.safetensors"] = 10_000
    assert client.call("teacher", "someone/broken", commit, False, str(tmp_path / "teacher")) == {"result": None}
    assert hub.offsets["someone/broken/model.safetensors"] == [0, 8_192]  # two whole chunks had arrived


def test_pickled_weights_are_converted_where_allowed(hub, client, labse, tmp_path):
    folder, encoder = labse
    pickle_weights(folder)
    commit = hub.add("models", "someone/pickled", folder)
    assert client.call("teacher", "someone/pickled", commit, True, str(tmp_path / "teacher")) == {"result": None}
    assert np.abs(load_encoder(tmp_path / "teacher").encode(SENTENCES) - encoder.encode(SENTENCES)).max() < 1e-6
    assert not list((tmp_path / "teacher").rglob("*.bin"))


def test_pickled_weights_are_not_even_fetched_unasked(hub, client, labse, tmp_path):
    pickle_weights(labse[0])
    commit = hub.add("models", "someone/unasked", labse[0])
    error = client.call("teacher", "someone/unasked", commit, False, str(tmp_path / "teacher"))["error"]
    assert "no model.safetensors in someone/unasked" in error
    assert "allow_pickle" in error
    assert not any(path.endswith(".bin") for path in fetched(hub, "someone/unasked"))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("someone/unknown", "no model 'someone/unknown'"),
        ("not an id", "no model 'not an id'"),
        ("someone/known", "has no revision"),
        ("someone/gated", "cannot download"),
    ],
)
def test_what_the_hub_does_not_give_is_one_line(hub, client, labse, tmp_path, model, message):
    hub.add("models", "someone/known", labse[0])
    hub.forbidden.add("someone/gated")
    error = client.call("teacher", model, "0" * 40, False, str(tmp_path / "teacher"))["error"]
    assert message in error
    assert hub.url in error
    assert "\n" not in error
    assert not (tmp_path / "teacher").exists()


@pytest.mark.parametrize("form", ["parquet with translation", "csv with columns"])
def test_a_hub_data_set_gives_its_pairs(hub, client, tmp_path, form):
    folder, name = tmp_path / "data_set", f"someone/{form.split()[0]}-en-ru"
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text("A data set.\n")
    if form.startswith("csv"):
        pd.DataFrame(PAIRS, columns=["en", "ru"]).to_csv(folder / "data" / "train.csv", index=False)
    else:
        rows = [{"translation": {"en": en, "ru": ru}} for en, ru in PAIRS]
        pd.DataFrame(rows).to_parquet(folder / "data" / "train-00000-of-00001.parquet")
    commit = hub.add("datasets", name, folder)
    assert client.call("pairs", name, commit, str(tmp_path / "work")) == {"result": PAIRS}
    assert not (tmp_path / "work").exists()


def test_an_unknown_data_set_is_one_line(hub, client, tmp_path):
    error = client.call("pairs", "someone/no-pairs", "0" * 40, str(tmp_path / "work"))["error"]
    assert "someone/no-pairs" in error
    assert "\n" not in error
