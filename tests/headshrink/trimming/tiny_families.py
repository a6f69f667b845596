"""A model folder of each family with random weights, as sentence-transformers lays it out."""

import json
from pathlib import Path

import torch
from tiny_tokenizers import make
from transformers import AutoConfig, AutoModelForMaskedLM

SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
FAMILIES = {  # model_type: type of its tokenizer, differences to SHAPE
    "bert": ("wordpiece", {}),
    "xlm-roberta": ("unigram", {"max_position_embeddings": 66}),
    "roberta": ("byte_bpe", {"max_position_embeddings": 66, "type_vocab_size": 1}),
    "camembert": ("unigram", {"max_position_embeddings": 66, "type_vocab_size": 1}),
    "distilbert": ("wordpiece", {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48}),
    "mpnet": ("byte_bpe_plain", {"max_position_embeddings": 66}),
    "deberta-v2": ("unigram", {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]}),
    "modernbert": ("byte_bpe_plain", {"global_attn_every_n_layers": 1}),
}


def make_folder(family: str, folder: Path, extra_rows: int = 5) -> Path:
    """A folder with head, mean pooling and a prompt; its table has a few rows more than the tokenizer has tokens."""
    kind, shape = FAMILIES[family]
    tokenizer = make(kind, folder)
    ids = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("pad", "bos", "eos", "cls", "sep")}
    ids = {name: value for name, value in ids.items() if value is not None}
    sizes = SHAPE | {"max_position_embeddings": 64} | shape | {"vocab_size": len(tokenizer) + extra_rows}
    torch.manual_seed(0)
    model = AutoModelForMaskedLM.from_config(AutoConfig.for_model(family, initializer_range=0.3, **sizes, **ids))
    with torch.no_grad():
        for value in model.parameters():  # biases too, so that each row of a head is another
            value += 0.1 * torch.randn_like(value)
    model.save_pretrained(folder)
    listing = [("", "Transformer"), ("1_Pooling", "Pooling")]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"}
        for i, (path, name) in enumerate(listing)
    ]
    (folder / "1_Pooling").mkdir(exist_ok=True)
    pooling = {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}
    settings = {"prompts": {"query": "query: ", "none": ""}, "default_prompt_name": None}
    for name, content in (
        ("modules.json", modules), ("1_Pooling/config.json", pooling),
        ("sentence_bert_config.json", {"max_seq_length": 60}), ("config_sentence_transformers.json", settings),
    ):  # fmt: skip
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder
