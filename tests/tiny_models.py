"""The encoder and the pairs that tests of several folders share."""

import torch
from transformers import BertConfig, BertModel, PreTrainedTokenizerBase

from headshrink.model import SentenceEncoder

# Sentences of WORDS and their translations, row by row: enough pairs for importance and repair.
EN = [
    f"{a} {b} {c}"
    for a in ("the cat", "a big dog", "a man")
    for b in ("sees", "in", "reads")
    for c in ("house", "tree")
]
RU = [
    f"{a} {b} {c}"
    for a in ("кошка", "большой собака", "мужчина")
    for b in ("видит", "в", "читает")
    for c in ("дом", "дерево")
]


def random_encoder_of(tokenizer: PreTrainedTokenizerBase) -> SentenceEncoder:
    """2 layers x 4 heads, hidden 32, 64 FFN neurons, mean pooling, unit length, random weights of some size."""
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.2,
    )
    torch.manual_seed(0)
    return SentenceEncoder(BertModel(config, add_pooling_layer=False), tokenizer, max_length=64).eval()
