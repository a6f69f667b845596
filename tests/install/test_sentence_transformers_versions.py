"""Folders that headshrink writes, in the oldest and newer sentence-transformers: equal embeddings, prompts and lengths.

`make test-install` runs this; each version needs an environment of its own, with the transformers 4 that it wants.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from transformers import BertModel

from headshrink.model import BiLstmConfig, BiLstmModel, SentenceEncoder, load_encoder, save_encoder
from headshrink.model.encoder import Settings, UnitLength
from headshrink.pruning import Plan, cut

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("5.1", "5.7", "6.2")
TEXTS = ["the man sees THE Dog", "Кошка спит в дом", "", "the cat reads a house in дом на " * 9]
PROMPTS = Settings({"query": "the dog: ", "document": "", "other": "a "}, "query", "dot")
OPEN = """
import json, sys
import numpy as np
from sentence_transformers import SentenceTransformer
found = {}
for folder in sys.argv[2:]:
    model = SentenceTransformer(folder, device="cpu", local_files_only=True, trust_remote_code=True).float()
    np.save(folder + ".npy", model.encode(json.loads(sys.argv[1])))
    np.save(folder + ".other.npy", model.encode(json.loads(sys.argv[1]), prompt="a "))
    found[folder] = [model.max_seq_length, model.default_prompt_name, model.prompts, model.similarity_fn_name,
                     model.get_sentence_embedding_dimension()]
print(json.dumps(found))
"""


def labse(encoder: SentenceEncoder) -> SentenceEncoder:
    torch.manual_seed(1)
    return SentenceEncoder(BertModel(encoder.backbone.config), encoder.tokenizer, "pooler", None, True, 64)


def dense_between(encoder: SentenceEncoder) -> SentenceEncoder:
    torch.manual_seed(1)
    dense = nn.Sequential(UnitLength(), nn.Linear(32, 16), nn.GELU(), UnitLength(), nn.Linear(16, 8, False), nn.Tanh())
    return SentenceEncoder(encoder.backbone, encoder.tokenizer, "max", dense, False, 12, PROMPTS)


def short(encoder: SentenceEncoder) -> SentenceEncoder:
    encoder.settings = Settings(truncate_dim=8)
    return encoder


def lower_cased(encoder: SentenceEncoder) -> SentenceEncoder:
    """As sentence-transformers reads a folder with do_lower_case."""
    encoder.tokenizer.truncation_side = "left"
    place = Path(encoder.tokenizer.name_or_path).parent / "cased"
    save_encoder(encoder, place)
    path = place / "sentence_bert_config.json"
    path.write_text(json.dumps({"max_seq_length": 16, "do_lower_case": True}))
    return load_encoder(place)


def special_tokens(encoder: SentenceEncoder) -> SentenceEncoder:
    """One more special token, in a tokenizer without a class of its own."""
    place = Path(encoder.tokenizer.name_or_path).parent / "special"
    save_encoder(encoder, place)
    path = place / "tokenizer_config.json"
    stated = {"tokenizer_class": "PreTrainedTokenizerFast", "additional_special_tokens": ["dog"]}
    path.write_text(json.dumps(json.loads(path.read_text()) | stated))
    return load_encoder(place)


def uneven(encoder: SentenceEncoder) -> SentenceEncoder:
    return cut(encoder, Plan([[0, 2], []], [list(range(9)), []]))


def bilstm(encoder: SentenceEncoder) -> SentenceEncoder:
    torch.manual_seed(1)
    config = BiLstmConfig(vocab_size=len(encoder.tokenizer), hidden_size=32, num_hidden_layers=1, pad_token_id=0)
    return SentenceEncoder(BiLstmModel(config), encoder.tokenizer, "mean", max_length=64)


MODELS: dict[str, Callable[[SentenceEncoder], SentenceEncoder]] = {
    model.__name__: model for model in (labse, dense_between, short, lower_cased, special_tokens, uneven, bilstm)
}


def new_environment(place: Path, version: str) -> Path:
    """The python of an environment with that sentence-transformers; torch first, as `make venv` does."""
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    subprocess.run(["make", "--no-print-directory", "torch", f"VENV={place}"], cwd=ROOT, check=True)
    uv = [Path(sys.executable).parent / "uv", "pip", "install", "--quiet", "--python", place]
    subprocess.run([*uv, f"sentence-transformers=={version}.*", "torch==2.13.0"], check=True)
    return place / "bin" / "python"


def run_in(python: Path, code: str, *arguments: str | Path) -> str:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment = kept | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(python.parents[1] / "cache")}
    done = subprocess.run([python, "-c", code, *arguments], cwd="/", env=environment, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("version", VERSIONS)
def test_folders_open_with_equal_embeddings(version: str, tiny_encoder: SentenceEncoder, tmp_path: Path) -> None:
    python = new_environment(tmp_path / "environment", version)
    written = {}
    for name, model in MODELS.items():
        encoder = model(tiny_encoder).eval()
        save_encoder(encoder, tmp_path / name)
        written[str(tmp_path / name)] = load_encoder(tmp_path / name)
    found = json.loads(run_in(python, OPEN, json.dumps(TEXTS), *written))
    for folder, encoder in written.items():
        np.testing.assert_allclose(np.load(f"{folder}.npy"), encoder.encode(TEXTS), atol=1e-6, err_msg=folder)
        settings = encoder.settings
        encoder.settings = Settings({"a": "a "}, "a", truncate_dim=settings.truncate_dim)
        np.testing.assert_allclose(np.load(f"{folder}.other.npy"), encoder.encode(TEXTS), atol=1e-6, err_msg=folder)
        said = [encoder.max_length, settings.default_prompt_name, settings.prompts, settings.similarity_fn_name]
        assert found[folder] == [*said, encoder.dimension], folder
