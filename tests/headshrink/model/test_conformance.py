"""Folders of every layout that is accepted: equal to sentence-transformers, before and after two cycles of saving."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer

from headshrink.model import SentenceEncoder, load_encoder, save_encoder
from headshrink.truncation import folder_tokenizer

TEXTS = ["the man sees THE Dog", "Кошка спит в дом", "", "  a. b, в-на!", "the cat reads a house in дом на " * 9]
KEYS = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens", "mean_sqrt_len_tokens": "mean_sqrt_len_tokens"}
ACTIVATIONS = ["activation.Tanh", "linear.Identity", "activation.ReLU", "activation.GELU", "activation.SiLU"]

dense = st.fixed_dictionaries(
    {
        "kind": st.just("Dense"),
        "out": st.sampled_from([8, 32]),
        "bias": st.booleans(),
        "act": st.sampled_from(ACTIVATIONS),
    }
)
after = st.lists(st.one_of(st.just({"kind": "Normalize"}), dense), max_size=4)
layouts = st.fixed_dictionaries(
    {
        "after": after,
        "pooling": st.sampled_from(sorted(KEYS)),
        "new_keys": st.booleans(),
        "new_types": st.booleans(),
        "max_seq_length": st.sampled_from([None, 5, 16, 64]),
        "model_max_length": st.sampled_from([12, 64, 512]),
        "truncation_side": st.sampled_from(["left", "right"]),
        "prompt": st.sampled_from([None, "query: ", "Найди the", "a" * 3 + " "]),
        "truncate_dim": st.sampled_from([None, 4, 8]),
        "do_lower_case": st.booleans(),
        "tokenizer": st.sampled_from(["BertTokenizer", "PreTrainedTokenizerFast", "uncased"]),
    }
)


def edit(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(content | changes))


def write_module(folder: Path, number: int, module: dict[str, Any], width: int) -> int:
    """One module after the pooling; the width of its output."""
    if module["kind"] != "Dense":
        return width
    place = folder / f"{number}_Dense"
    place.mkdir()
    config = {"in_features": width, "out_features": module["out"], "bias": module["bias"]}
    (place / "config.json").write_text(
        json.dumps(config | {"activation_function": f"torch.nn.modules.{module['act']}"})
    )
    generator = torch.Generator().manual_seed(number)
    weights = {"linear.weight": torch.randn(module["out"], width, generator=generator)}
    if module["bias"]:
        weights["linear.bias"] = torch.randn(module["out"], generator=generator)
    save_file(weights, place / "model.safetensors")
    return int(module["out"])


def write_layout(folder: Path, layout: dict[str, Any]) -> None:
    """Turn the folder of the tiny model into one of this layout."""
    kinds = ["Transformer", "Pooling", *(module["kind"] for module in layout["after"])]
    package = ["base.modules.transformer", "sentence_transformer.modules.pooling"] if layout["new_types"] else []
    types = [f"sentence_transformers.{place}" for place in package] + ["sentence_transformers.models"] * 6
    modules = [
        {"idx": i, "name": str(i), "path": f"{i}_{kind}" if i else "", "type": f"{types[i]}.{kind}"}
        for i, kind in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    if layout["new_keys"]:
        pooling = {"embedding_dimension": 32, "pooling_mode": layout["pooling"], "include_prompt": True}
    else:
        pooling = {f"pooling_mode_{key}": name == layout["pooling"] for name, key in KEYS.items()}
        pooling["word_embedding_dimension"] = 32
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    width = 32
    for i, module in enumerate(layout["after"], start=2):
        width = write_module(folder, i, module, width)
    lower = {"do_lower_case": layout["do_lower_case"], "max_seq_length": layout["max_seq_length"]}
    (folder / "sentence_bert_config.json").write_text(json.dumps(lower))
    prompts = {"query": layout["prompt"] or "x ", "passage": ""}
    stated = {"prompts": prompts, "default_prompt_name": "query" if layout["prompt"] else None}
    edit(folder / "config_sentence_transformers.json", **stated, truncate_dim=layout["truncate_dim"])
    write_tokenizer(folder, layout)


def write_tokenizer(folder: Path, layout: dict[str, Any]) -> None:
    """The tokenizer's class, length and side; "uncased" lower-cases and strips accents by itself."""
    changes: dict[str, Any] = {key: layout[key] for key in ("model_max_length", "truncation_side")}
    if layout["tokenizer"] == "PreTrainedTokenizerFast":
        changes["tokenizer_class"] = layout["tokenizer"]
    elif layout["tokenizer"] == "uncased":
        changes["do_lower_case"] = True
        words = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
        (folder / "tokenizer.json").unlink()
        (folder / "vocab.txt").write_text(
            "".join(f"{word}\n" for word in sorted(words, key=words.get)), encoding="utf-8"
        )
    edit(folder / "tokenizer_config.json", **changes)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import BertConfig, BertModel

    from tests.conftest import tiny_tokenizer

    place = tmp_path_factory.mktemp("conformance")
    tokenizer = tiny_tokenizer(place / "tokenizer")
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=64, initializer_range=0.2,
    )  # fmt: skip
    torch.manual_seed(0)
    save_encoder(SentenceEncoder(BertModel(config, add_pooling_layer=False), tokenizer, max_length=64), place / "tiny")
    return place


def theirs(folder: Path) -> np.ndarray:
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True, trust_remote_code=False)
    return model.float().encode(TEXTS)


def assert_equal(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    norms = np.linalg.norm(expected, axis=1)
    assert (np.linalg.norm(found - expected, axis=1) <= 1e-6 * norms + 1e-12).all()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(layout=layouts)
def test_an_accepted_layout_embeds_as_sentence_transformers(tiny, layout):
    with tempfile.TemporaryDirectory(dir=tiny) as scratch:
        first, second, third = (Path(scratch) / name for name in ("first", "second", "third"))
        shutil.copytree(tiny / "tiny", first)
        write_layout(first, layout)
        expected, encoder = theirs(first), load_encoder(first)
        assert_equal(encoder.encode(TEXTS), expected)
        save_encoder(encoder, second)
        assert_equal(theirs(second), expected)
        assert_equal(load_encoder(second).encode(TEXTS), expected)
        save_encoder(load_encoder(second), third)
        assert contents(second) == contents(third)
        bulk, texts = folder_tokenizer(second, encoder.max_length), [text for text in TEXTS if text]
        assert [bulk.encode(text).ids for text in texts] == encoder.tokenise(texts)
