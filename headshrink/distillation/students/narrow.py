"""A narrow and shallow BERT from scratch (rubert-tiny); with ALBERT's thin word tables and shared layers, if wanted."""

from dataclasses import replace

import torch
from torch import nn
from transformers import BertModel

from headshrink.distillation.students._base import Origin, StudentShape, kind
from headshrink.errors import HeadshrinkError
from headshrink.model import PrunedBertConfig, PrunedBertModel, SentenceEncoder


@kind("a small model was trained from scratch to imitate {name}")
def narrow(origin: Origin, shape: StudentShape) -> SentenceEncoder:
    """Random weights in the shape asked for, over the teacher's tokenizer; the same for the same seed.

    Mean pooling, since nothing has been taught to [CLS] yet, then a dense layer to the teacher's dimension where the
    hidden width is another. `share_layers` gives all layers one set of weights (Lan et al. 2020, section 3.1): it
    saves bytes and no time. Raises HeadshrinkError for a width that its heads do not divide.
    """
    if shape.hidden % shape.heads:
        raise HeadshrinkError(f"student.hidden = {shape.hidden}: must be a multiple of student.heads = {shape.heads}")
    teacher = origin.teacher
    config = PrunedBertConfig(
        vocab_size=len(teacher.tokenizer), pad_token_id=teacher.tokenizer.pad_token_id,
        max_position_embeddings=teacher.backbone.config.max_position_embeddings,
        hidden_size=shape.hidden, num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
        intermediate_size=shape.ffn, head_size=shape.hidden // shape.heads, embedding_rank=shape.rank,
        heads_per_layer=[shape.heads] * shape.layers, ffn_per_layer=[shape.ffn] * shape.layers, has_pooler=False,
        shared_layers=shape.share_layers,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(shape.seed)
        return encoder_from_scratch(PrunedBertModel(config), teacher)


def encoder_from_scratch(backbone: BertModel, teacher: SentenceEncoder) -> SentenceEncoder:
    """A backbone under mean pooling, with a dense layer to the teacher's dimension where it has another."""
    dense, hidden = nn.Sequential(), backbone.config.hidden_size
    if hidden != teacher.dimension:
        dense = nn.Sequential(nn.Linear(hidden, teacher.dimension, bias=False), nn.Identity())
    rest = (teacher.normalise, teacher.max_length, replace(teacher.settings, truncate_dim=None))
    return SentenceEncoder(backbone, teacher.tokenizer, "mean", dense, *rest).eval()
