"""A static student: the mean of word vectors that the teacher wrote, nothing computed above them (model2vec)."""

from dataclasses import replace

import torch
from torch import Tensor

from headshrink.distillation.students._base import Origin, StudentShape, kind
from headshrink.errors import HeadshrinkError
from headshrink.model import PrunedBertConfig, PrunedBertModel, SentenceEncoder, TokenBatch
from headshrink.progress import track
from headshrink.pruning.embedding import low_rank

SIF = 1e-3  # Arora et al. 2017: a of a / (a + p), a token of that probability weighs half
TOKENS_PER_BATCH = 512


@kind("the mean of word vectors, which {name} wrote and were trained to imitate it")
def static(origin: Origin, shape: StudentShape) -> SentenceEncoder:
    """Word vectors of the teacher, as `word_vectors` makes them, of `rank`."""
    return word_vectors(origin.teacher, origin.counts, shape.rank)


def word_vectors(teacher: SentenceEncoder, counts: Tensor, rank: int | None = None) -> SentenceEncoder:
    """One vector a piece: the teacher's output when it reads that piece alone, weighted by smooth inverse frequency.

    `counts` [rows of the teacher's table] say how often pieces occur; rows without a piece are left out. `rank` keeps
    so many principal directions (None: all of the teacher's), from which a projection leads back to the teacher's
    space, so that the student can be compared with it, and trained. Special tokens weigh nothing. Raises
    HeadshrinkError for a rank above the teacher's dimension.
    """
    if rank is not None and rank > teacher.dimension:
        raise HeadshrinkError(f"student.rank = {rank}: the teacher's embeddings have {teacher.dimension}")
    vectors = piece_vectors(teacher)
    counts = counts[: len(vectors)]
    vectors = vectors * sif_weights(counts)[:, None]
    vectors[teacher.tokenizer.all_special_ids] = 0
    config = PrunedBertConfig(
        vocab_size=len(vectors), pad_token_id=teacher.tokenizer.pad_token_id, hidden_size=teacher.dimension,
        max_position_embeddings=teacher.backbone.config.max_position_embeddings, num_hidden_layers=0,
        num_attention_heads=1, head_size=1, heads_per_layer=[], ffn_per_layer=[], embedding_rank=rank,
        words_alone=True, has_pooler=False,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        backbone = PrunedBertModel(config)
    backbone.load_state_dict(word_weights(vectors, rank, counts))
    rest = (teacher.normalise, teacher.max_length, replace(teacher.settings, truncate_dim=None))
    return SentenceEncoder(backbone, teacher.tokenizer, "mean", None, *rest).eval()


def word_weights(vectors: Tensor, rank: int | None, counts: Tensor) -> dict[str, Tensor]:
    """A state dict of word vectors [vocabulary, dimension], as one table or as the product of two."""
    place = "embeddings.word_embeddings"
    if rank is None:
        return {f"{place}.weight": vectors}
    table, projection = low_rank(vectors, rank, counts)
    return {f"{place}.table.weight": table, f"{place}.projection.weight": projection.T.contiguous()}


def sif_weights(counts: Tensor) -> Tensor:
    """a / (a + p) of each token, p its share of the text (Arora et al. 2017, section 3); 1 for one never seen."""
    return SIF / (SIF + counts.float() / counts.sum().clamp(min=1))


@torch.inference_mode()
def piece_vectors(teacher: SentenceEncoder) -> Tensor:
    """[vocabulary, dimension]: what the teacher makes of each piece's own place in [CLS] piece [SEP]."""
    tokenizer, size = teacher.tokenizer, len(teacher.tokenizer)
    first, last = tokenizer.cls_token_id, tokenizer.sep_token_id
    if not (isinstance(first, int) and isinstance(last, int)):
        raise HeadshrinkError("student.kind = static: the teacher's tokenizer needs [CLS] and [SEP]")
    rows = [[first, piece, last] for piece in range(size)]
    out = []
    for start in track(range(0, size, TOKENS_PER_BATCH), "reading pieces"):
        some = rows[start : start + TOKENS_PER_BATCH]
        batch = TokenBatch.from_rows(some, teacher.pad_id).to(teacher.device)
        out.append(teacher.embed(teacher.hidden_states(batch)[:, 1:2], batch.attention_mask[:, 1:2]).cpu())
    return torch.cat(out).clone()
