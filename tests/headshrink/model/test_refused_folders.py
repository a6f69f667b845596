"""What a model folder may not say: code, paths out of it, keys that change the model, weights that are not its own."""

import json
import os
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from headshrink.errors import HeadshrinkError
from headshrink.model import load_encoder, save_encoder
from headshrink.teacher import open_folder

TEXTS = ["the man sees the dog", "кошка спит в дом"]


def edit(path: Path, **changes: object) -> None:
    content = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(content | changes))


def refusal(folder: Path, read=load_encoder) -> str:
    with pytest.raises(HeadshrinkError) as caught:
        read(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def change_weights(folder: Path, change) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file(change(weights), folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [
        ("config.json", "auto_map", {"AutoModel": "evil.Model"}),
        ("config.json", "attn_implementation", "kernels-community/flash-attn"),
        ("config.json", "_attn_implementation", "someone/kernel"),
        ("config.json", "quantization_config", {"quant_method": "bitsandbytes"}),
        ("config.json", "pruned_heads", {"0": [1]}),
        ("config.json", "num_hidden_layers", 10**9),
        ("tokenizer_config.json", "auto_map", {"AutoTokenizer": ["evil.Tokenizer", None]}),
        ("tokenizer_config.json", "tokenizer_file", "/etc/passwd"),
        ("tokenizer_config.json", "padding_side", "left"),
        ("sentence_bert_config.json", "model_args", {"attn_implementation": "someone/kernel"}),
        ("sentence_bert_config.json", "config_kwargs", {"num_hidden_layers": 1}),
        ("sentence_bert_config.json", "tokenizer_name_or_path", "/elsewhere"),
        ("sentence_bert_config.json", "max_seq_length", 2),
        ("config_sentence_transformers.json", "truncate_dim", 0),
        ("tokenizer_config.json", "model_max_length", 1),
        ("1_Pooling/config.json", "pooling_mode", ["cls", "mean"]),
        ("1_Pooling/config.json", "pooling_mode", "weightedmean"),
    ],
)
def test_a_key_or_value_that_is_not_listed_is_refused_by_name(tiny_folder, file, key, value):
    edit(tiny_folder / file, **{key: value})
    assert f"{tiny_folder / file}: {key} is" in refusal(tiny_folder)


def test_an_adapter_is_refused(tiny_folder):
    (tiny_folder / "adapter_config.json").write_text("{}")
    assert "adapters are not read" in refusal(tiny_folder)


def test_a_pickle_outside_of_the_folder_writes_nothing(tiny_folder, tmp_path):
    torch.save({}, tmp_path / "pytorch_model.bin")
    modules = json.loads((tiny_folder / "modules.json").read_text())
    modules.append({"idx": 9, "name": "9", "path": "../", "type": "sentence_transformers.models.Dense"})
    (tiny_folder / "modules.json").write_text(json.dumps(modules))
    before = sorted(tmp_path.rglob("*"))
    assert "leads out of the model folder" in refusal(tiny_folder, partial(open_folder, allow_pickle=True))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["vocab.txt", "1_Pooling", "1_Pooling/config.json", "notes"])
def test_a_link_out_of_the_folder_is_refused(tiny_folder, tmp_path, name):
    path = tiny_folder / name
    if path.exists():
        path.rename(tmp_path / "elsewhere")
    else:
        (tmp_path / "elsewhere").write_text("[PAD]")
    path.symlink_to(tmp_path / "elsewhere")
    assert f"{name!r} leads out of the model folder" in refusal(tiny_folder)


def test_a_loop_of_links_costs_no_time(tiny_folder):
    torch.save(load_file(tiny_folder / "model.safetensors"), tiny_folder / "pytorch_model.bin")
    (tiny_folder / "model.safetensors").unlink()
    for name in ("a", "b", "c"):
        (tiny_folder / name).symlink_to(tiny_folder)
    start = time.monotonic()
    open_folder(tiny_folder, allow_pickle=True)
    assert time.monotonic() - start < 10


def test_a_link_that_leads_to_itself_is_one_line(tiny_folder):
    (tiny_folder / "loop").symlink_to("loop")
    assert "loop" in refusal(tiny_folder)


def test_files_of_the_hub_cache_may_be_links_to_its_blobs(tiny_encoder, tiny_folder, tmp_path):
    snapshot, blobs = tmp_path / "models--a--b" / "snapshots" / "1", tmp_path / "models--a--b" / "blobs"
    snapshot.parent.mkdir(parents=True)
    blobs.mkdir()
    tiny_folder.rename(snapshot)
    (snapshot / "model.safetensors").rename(blobs / "0")
    os.symlink("../../blobs/0", snapshot / "model.safetensors")
    assert np.array_equal(load_encoder(snapshot).encode(TEXTS), tiny_encoder.encode(TEXTS))


@pytest.mark.parametrize("fault", ["missing", "unexpected", "shape", "infinite"])
def test_weights_that_are_not_the_models_are_named(tiny_folder, fault):
    name = "encoder.layer.1.output.dense.weight"

    def change(weights):
        if fault == "missing":
            weights.pop(name)
        elif fault == "unexpected":
            weights[name.replace("1", "7")] = weights[name].clone()
        elif fault == "shape":
            weights[name] = weights[name][:, :-1].contiguous()
        else:
            weights[name][0, 0] = float("inf")
        return weights

    change_weights(tiny_folder, change)
    line = refusal(tiny_folder)
    assert (name.replace("1", "7") if fault == "unexpected" else name) in line
    assert str(tiny_folder / "model.safetensors") in line


def test_old_names_of_layer_norms_are_read(tiny_encoder, tiny_folder):
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}

    def change(weights):
        for new, name in old.items():
            weights = {"bert." + key.removeprefix("bert.").replace(new, name): value for key, value in weights.items()}
        return weights

    change_weights(tiny_folder, change)
    assert np.array_equal(load_encoder(tiny_folder).encode(TEXTS), tiny_encoder.encode(TEXTS))


def test_weights_in_several_files_are_read(tiny_encoder, tiny_folder):
    (tiny_folder / "model.safetensors").unlink()
    tiny_encoder.backbone.save_pretrained(tiny_folder, max_shard_size="20KB")
    assert (tiny_folder / "model.safetensors.index.json").is_file()
    assert np.array_equal(load_encoder(tiny_folder).encode(TEXTS), tiny_encoder.encode(TEXTS))


def test_an_index_cannot_name_a_file_elsewhere(tiny_folder, tmp_path):
    (tiny_folder / "model.safetensors").rename(tmp_path / "w.safetensors")
    edit(tiny_folder / "model.safetensors.index.json", weight_map={"a": "../w.safetensors"})
    assert "leads out of the model folder" in refusal(tiny_folder)


def test_tokens_without_rows_are_refused(tiny_folder):
    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    tokenizer.add_tokens(["нейросеть"])
    tokenizer.save_pretrained(tiny_folder)
    assert "'нейросеть' has the id" in refusal(tiny_folder)


def test_a_token_twice_in_the_vocabulary_is_refused(tiny_encoder, tiny_folder):
    tokens = sorted(tiny_encoder.tokenizer.get_vocab(), key=tiny_encoder.tokenizer.get_vocab().get)
    tokens[60] = tokens[20]
    (tiny_folder / "tokenizer.json").unlink()
    (tiny_folder / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    assert "no token has the id 20" in refusal(tiny_folder)


def test_loading_leaves_the_random_state_alone(tiny_folder):
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    load_encoder(tiny_folder)
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_refusal_of_pickles_names_the_option(tiny_folder):
    torch.save({}, tiny_folder / "pytorch_model.bin")
    (tiny_folder / "model.safetensors").unlink()
    assert "allow_pickle" in refusal(tiny_folder)
    with pytest.raises(HeadshrinkError, match="allow_pickle"):
        open_folder(tiny_folder)


@pytest.mark.parametrize(("stated", "tokenizer_says"), [(None, 16), (12, 16), (None, 512)])
def test_long_texts_are_cut_where_sentence_transformers_cuts_them(tiny_folder, stated, tokenizer_says):
    from sentence_transformers import SentenceTransformer

    edit(tiny_folder / "tokenizer_config.json", model_max_length=tokenizer_says)
    edit(tiny_folder / "sentence_bert_config.json", max_seq_length=stated)
    texts = [" ".join(TEXTS * 12), TEXTS[0]]
    expected = SentenceTransformer(str(tiny_folder), device="cpu", local_files_only=True).encode(texts)
    np.testing.assert_allclose(load_encoder(tiny_folder).encode(texts), expected, atol=1e-6)


def test_no_code_but_our_own_is_named_in_what_is_written(tiny_encoder, tmp_path):
    tiny_encoder.backbone.config.auto_map = {"AutoModel": "evil.Model"}
    tiny_encoder.tokenizer.init_kwargs["auto_map"] = {"AutoTokenizer": ["evil.Tokenizer", None]}
    save_encoder(tiny_encoder, tmp_path / "written")
    assert all("evil" not in path.read_text() for path in (tmp_path / "written").glob("*.json"))


def test_a_default_prompt_that_is_not_there_is_refused_by_name(tiny_folder):
    edit(tiny_folder / "config_sentence_transformers.json", prompts={"a": "a "}, default_prompt_name="passage")
    assert "'passage'" in refusal(tiny_folder)


def test_a_pooling_that_leaves_a_prompt_out_is_refused(tiny_folder):
    edit(tiny_folder / "1_Pooling" / "config.json", include_prompt=False)
    load_encoder(tiny_folder)
    edit(tiny_folder / "config_sentence_transformers.json", prompts={"q": "query: "})
    assert "include_prompt is False" in refusal(tiny_folder)


def test_a_folder_without_modules_is_read_as_sentence_transformers_reads_it(tiny_folder):
    from sentence_transformers import SentenceTransformer

    (tiny_folder / "modules.json").unlink()
    edit(tiny_folder / "sentence_bert_config.json", max_seq_length=5, do_lower_case=True)
    stated = {"prompts": {"q": "a "}, "default_prompt_name": "q", "truncate_dim": 8}
    edit(tiny_folder / "config_sentence_transformers.json", **stated)
    expected = SentenceTransformer(str(tiny_folder), device="cpu", local_files_only=True).encode(TEXTS)
    np.testing.assert_allclose(load_encoder(tiny_folder).encode(TEXTS), expected, rtol=1e-5, atol=1e-6)
