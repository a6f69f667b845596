"""A bidirectional LSTM from scratch, without any attention (Tang et al. 2019): how far a student goes without BERT."""

import torch

from headshrink.distillation.students._base import Origin, StudentShape, kind
from headshrink.distillation.students.narrow import encoder_from_scratch
from headshrink.errors import HeadshrinkError
from headshrink.model import BiLstmConfig, BiLstmModel, SentenceEncoder


@kind("a BiLSTM was trained from scratch to imitate {name}")
def bilstm(origin: Origin, shape: StudentShape) -> SentenceEncoder:
    """`layers` BiLSTMs, half of `hidden` for either direction, over the teacher's tokenizer; words of `rank` or dense.

    Its states are averaged, where the paper takes the last ones: a mean does not have to carry a sentence to its end.
    Raises HeadshrinkError for an odd width.
    """
    if shape.hidden % 2:
        raise HeadshrinkError(f"student.hidden = {shape.hidden}: two directions share it, give an even number")
    teacher = origin.teacher
    config = BiLstmConfig(
        vocab_size=len(teacher.tokenizer), pad_token_id=teacher.tokenizer.pad_token_id, hidden_size=shape.hidden,
        max_position_embeddings=teacher.backbone.config.max_position_embeddings, num_hidden_layers=shape.layers,
        num_attention_heads=1, intermediate_size=1, embedding_rank=shape.rank,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(shape.seed)
        return encoder_from_scratch(BiLstmModel(config), teacher)
