"""A trimmed folder of each family is a stock model: transformers and sentence-transformers open it as any other."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from sentence_transformers import SentenceTransformer
from tiny_families import FAMILIES, make_folder
from transformers import AutoModelForMaskedLM, AutoTokenizer

import headshrink as hs
from headshrink.errors import HeadshrinkError
from headshrink.model import save_encoder
from headshrink.model.files import read_json, write_json
from headshrink.pruning.embedding import factorise

TEXT = {"en": ["the big cat sees the house", "a man reads 12 books"], "ru": ["кошка спит в доме"]}
SENTENCES = [line for lines in TEXT.values() for line in lines]


def logits_of(folder):
    """Logits [sentences, tokens, vocabulary] over all texts, and their ids."""
    model, tokenizer = AutoModelForMaskedLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    batch = tokenizer(SENTENCES, padding=True, return_tensors="pt")
    with torch.inference_mode():
        return model(**batch).logits, batch["input_ids"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_opens_as_it_was(family, tmp_path):
    whole, small = make_folder(family, tmp_path / "whole"), tmp_path / "small"
    record = hs.trim(whole, TEXT, small, heldout={"en": ["the small dog reads"]})
    old_ids = torch.tensor(read_json(small / "token_ids.json", dict)["old_ids"])
    assert record["tokens"]["after"] == len(old_ids) < record["tokens"]["before"] - 20
    assert read_json(small / "config.json", dict)["vocab_size"] == len(old_ids)
    before, ids = logits_of(whole)
    after, new_ids = logits_of(small)
    assert (old_ids[new_ids] == ids).all()
    torch.testing.assert_close(after, before[..., old_ids], rtol=0, atol=1e-5)
    one, other = (SentenceTransformer(str(folder), device="cpu") for folder in (whole, small))
    for prompt in (None, "query"):
        embeddings = [model.encode(SENTENCES, prompt_name=prompt) for model in (one, other)]
        np.testing.assert_array_equal(*embeddings)
    assert other.max_seq_length == 60


def test_types_and_shards_of_weights_stay_readable(tmp_path):
    whole = make_folder("xlm-roberta", tmp_path / "whole")
    model = AutoModelForMaskedLM.from_pretrained(whole).to(torch.bfloat16)
    (whole / "model.safetensors").unlink()
    model.save_pretrained(whole, max_shard_size="20KB")
    assert len([*whole.glob("model-*.safetensors")]) > 1
    hs.trim(whole, TEXT, tmp_path / "small")
    with safe_open(tmp_path / "small" / "model.safetensors", "pt") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.bfloat16}  # noqa: SIM118
    assert not [*(tmp_path / "small").glob("model-*")]


def test_files_over_the_whole_vocabulary_are_left_out(tmp_path):
    whole = make_folder("bert", tmp_path / "whole")
    (whole / "onnx").mkdir()
    for name in ("onnx/model.onnx", "tf_model.h5", "special_tokens_map.json"):
        (whole / name).write_text("{}")
    (whole / "README.md").write_text("# A model\n")
    (whole / "LICENSE").write_text("MIT\n")
    hs.trim(whole, TEXT, tmp_path / "small")
    names = {path.name for path in (tmp_path / "small").rglob("*") if path.is_file()}
    assert names == {
        "LICENSE", "README.md", "config.json", "config_sentence_transformers.json", "model.safetensors", "modules.json",
        "sentence_bert_config.json", "token_ids.json", "tokenizer.json", "tokenizer_config.json", "trim.json",
    }  # fmt: skip
    card = (tmp_path / "small" / "README.md").read_text()
    assert card.startswith("# A model\n\n## Trimmed vocabulary")
    assert "en 100.00 %" in card


def test_positions_of_roberta_count_from_a_pad_token_that_keeps_its_id(tmp_path):
    """Without the ids below it: `<s>` is special in the tokenizer's own list alone."""
    whole = make_folder("camembert", tmp_path / "whole")
    hs.trim(whole, TEXT, tmp_path / "small")
    assert AutoTokenizer.from_pretrained(tmp_path / "small").pad_token_id == 1
    assert read_json(tmp_path / "small" / "config.json", dict)["pad_token_id"] == 1


def test_a_record_says_what_was_lost(tmp_path):
    whole = make_folder("bert", tmp_path / "whole")
    heldout = {"en": ["women see books", "γ γ γ"], "ru": ["собак"]}
    hs.trim(whole, TEXT, tmp_path / "small", heldout=heldout, min_count=2)
    record = read_json(tmp_path / "small" / "trim.json", dict)
    assert record["tokenizer"] == "WordPiece"
    assert record["text"]["en"]["sentences"] == 2
    assert record["weight_bytes"]["after"] < record["weight_bytes"]["before"]
    found = record["heldout"]["en"]
    assert found["sentences"] == 1
    assert found["coverage"] < 1
    assert found["tokens_per_sentence"]["after"] > found["tokens_per_sentence"]["before"]
    assert found["unknown_per_1000"] == {"before": 0, "after": 0}
    assert "/" not in json.dumps(record["parameters"])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "tokenizer.json").unlink(), "no tokenizer in"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no model.safetensors"),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "new"}'), "no model of transformers"),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "vit"}'), "are no table"),
    ],
)
def test_a_folder_that_cannot_be_trimmed_is_one_line(tmp_path, damage, message):
    whole = make_folder("roberta", tmp_path / "whole")
    damage(whole)
    with pytest.raises(HeadshrinkError, match=message) as error:
        hs.trim(whole, TEXT, tmp_path / "small")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "small").exists()


def test_other_types_of_tokenizers_are_refused(tmp_path):
    whole = make_folder("modernbert", tmp_path / "whole")
    content = read_json(whole / "tokenizer.json", dict)
    for kind, changes in (
        ("words", {"model": {"type": "WordLevel", "vocab": content["model"]["vocab"], "unk_token": "<unk>"}}),
        ("not byte-level", {"pre_tokenizer": {"type": "Whitespace"}}),
    ):
        write_json(whole / "tokenizer.json", content | changes)
        with pytest.raises(HeadshrinkError, match="WordPiece"):
            hs.trim(whole, TEXT, tmp_path / kind)


def test_a_lower_casing_transformer_is_counted_in_lower_case(tmp_path):
    whole = make_folder("bert", tmp_path / "whole")
    write_json(whole / "sentence_bert_config.json", {"max_seq_length": 60, "do_lower_case": True})
    hs.trim(whole, {"en": ["THE BIG CAT"], "ru": ["КОШКА"]}, tmp_path / "small")
    tokens = AutoTokenizer.from_pretrained(tmp_path / "small").get_vocab()
    assert {"the", "big", "cat", "кошка"} <= tokens.keys()


def test_a_transformer_in_a_folder_of_its_own(tmp_path):
    """The layout of early models of sentence-transformers."""
    whole = make_folder("bert", tmp_path / "whole")
    listing = read_json(whole / "modules.json", list)
    listing[0]["path"] = "0_Transformer"
    write_json(whole / "modules.json", listing)
    (whole / "0_Transformer").mkdir()
    for path in [*whole.glob("*.txt"), *whole.glob("*config.json"), whole / "model.safetensors"]:
        path.rename(whole / "0_Transformer" / path.name)
    hs.trim(whole, TEXT, tmp_path / "small")
    one, other = (SentenceTransformer(str(folder), device="cpu") for folder in (whole, tmp_path / "small"))
    np.testing.assert_array_equal(one.encode(SENTENCES), other.encode(SENTENCES))
    assert other.max_seq_length == 60


def test_a_pruned_model_with_a_low_rank_table_is_trimmed_in_memory_and_in_its_folder(tiny_encoder, tmp_path):
    factorised = factorise(tiny_encoder, 8, torch.ones(len(tiny_encoder.tokenizer)))
    save_encoder(factorised, tmp_path / "whole")
    hs.trim(tmp_path / "whole", TEXT, tmp_path / "small")
    in_memory, reloaded = hs.trim(factorised, TEXT), hs.load_encoder(tmp_path / "small")
    for encoder in (in_memory, reloaded):
        assert encoder.backbone.config.embedding_rank == 8
        np.testing.assert_array_equal(encoder.encode(["the big cat"]), factorised.encode(["the big cat"]))
    assert in_memory.tokenizer.get_vocab() == reloaded.tokenizer.get_vocab()
