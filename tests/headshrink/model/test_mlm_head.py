"""The MLM head: transformers' own logits, from a checkpoint into a teacher's folder, and None where there is none."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from transformers import BertForMaskedLM

from headshrink.model import SentenceEncoder, load_encoder
from headshrink.model.mlm_head import FILE, load_mlm_head, word_table
from headshrink.padding import padded
from headshrink.pruning.embedding import factorise
from headshrink.teacher import open_folder, open_mlm_head, write_teacher


@pytest.fixture
def checkpoint(tiny_encoder: SentenceEncoder, tiny_folder: Path) -> BertForMaskedLM:
    """A masked language model around the tiny encoder, its weights in the tiny folder."""
    torch.manual_seed(0)
    model = BertForMaskedLM(tiny_encoder.backbone.config).eval()
    model.bert.load_state_dict(tiny_encoder.backbone.state_dict())
    torch.nn.init.normal_(model.cls.predictions.bias)
    model.save_pretrained(tiny_folder)
    return model


@pytest.mark.parametrize("pickled", [False, True])
def test_a_checkpoints_head_goes_with_the_teacher_and_disturbs_nobody(
    checkpoint, tiny_encoder, tiny_folder, tmp_path, pickled
):
    if pickled:
        torch.save(checkpoint.state_dict(), tiny_folder / "pytorch_model.bin")  # with the output table, tied
        (tiny_folder / "model.safetensors").unlink()
    teacher, folder = open_folder(tiny_folder, allow_pickle=pickled), tmp_path / "teacher"
    write_teacher(teacher, folder, "tiny", "folder", mlm_head=open_mlm_head(tiny_folder, teacher.backbone))
    opened = load_encoder(folder)
    mlm_head = load_mlm_head([tmp_path, folder], opened.backbone)
    ids, mask = map(torch.from_numpy, padded(opened.tokenise(["the man runs", "a cat"]), opened.tokenizer.pad_token_id))
    with torch.no_grad():
        states = opened.backbone(input_ids=ids, attention_mask=mask).last_hidden_state
        logits = mlm_head(states, word_table(opened.backbone))
        torch.testing.assert_close(logits, checkpoint(input_ids=ids, attention_mask=mask).logits, rtol=0, atol=1e-5)
    assert np.array_equal(opened.encode(["a cat"]), tiny_encoder.encode(["a cat"]))
    theirs = SentenceTransformer(str(folder), device="cpu").encode(["a cat"])
    np.testing.assert_allclose(theirs, tiny_encoder.encode(["a cat"]), atol=1e-5)


def test_an_encoder_without_a_head_has_none(tiny_encoder, tiny_folder, tmp_path):
    write_teacher(tiny_encoder, tmp_path / "teacher", "tiny", "folder", mlm_head=None)
    assert open_mlm_head(tiny_folder, tiny_encoder.backbone) is None
    assert not (tmp_path / "teacher" / FILE).exists()


@pytest.mark.parametrize("change", ["an output table of its own", "of another vocabulary"])
def test_a_head_that_is_not_tied_to_the_words_is_none(checkpoint, tiny_encoder, tiny_folder, change):
    weights = load_file(tiny_folder / "model.safetensors")
    if change == "of another vocabulary":
        weights["cls.predictions.bias"] = torch.zeros(7)
    else:
        table = weights["bert.embeddings.word_embeddings.weight"]
        weights["cls.predictions.decoder.weight"] = table + 1
    save_file(weights, tiny_folder / "model.safetensors")
    assert load_mlm_head([tiny_folder], tiny_encoder.backbone) is None


def test_a_factorised_word_table_is_multiplied_out(tiny_encoder):
    backbone = factorise(tiny_encoder, 8, torch.ones(len(tiny_encoder.tokenizer))).backbone
    ids = torch.tensor([3, 50])
    torch.testing.assert_close(word_table(backbone)[ids], backbone.embeddings.word_embeddings(ids))
