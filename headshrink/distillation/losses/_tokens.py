"""What losses on layers share: means that ignore padding, and attention as logits."""

from collections.abc import Iterator
from math import gcd

import torch
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax

from headshrink.distillation.layers import Heads, Layers
from headshrink.distillation.losses._base import Outputs


def layers_of(outputs: Outputs) -> Layers:
    """The layers that the objective records for a loss that needs them."""
    if outputs.layers is None:
        raise RuntimeError("the loss reads layers and does not declare Need.LAYERS")
    return outputs.layers


def mean_over_tokens(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of values [rows, tokens] where the mask is 1."""
    return (values * mask).sum() / mask.sum()


def squared_distance(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference of states [rows, tokens, hidden] over real tokens and dimensions."""
    return mean_over_tokens((student - teacher).pow(2).mean(-1), mask)


def paired_heads(student: Layers, teacher: Layers) -> Iterator[tuple[Heads, Heads]]:
    """Heads of the layers where both models have some."""
    for ours, theirs in zip(student.heads, teacher.heads, strict=True):
        if ours is not None and theirs is not None:
            yield ours, theirs


def relation(one: Tensor, other: Tensor) -> Tensor:
    """Scaled dot products [rows, heads, tokens, tokens] of two [rows, heads, tokens, size]."""
    scale: float = one.shape[-1] ** 0.5
    return one @ other.transpose(-1, -2) / scale


def without_padding(logits: Tensor, mask: Tensor) -> Tensor:
    """Logits with padded keys out of reach; a padded query keeps finite values, and `both_real` leaves it out."""
    return logits.masked_fill(mask[:, None, None, :] == 0, torch.finfo(logits.dtype).min)


def both_real(mask: Tensor) -> Tensor:
    """[rows, 1, tokens, tokens]: 1 where query and key are tokens."""
    return (mask[:, None, :, None] * mask[:, None, None, :]).to(torch.get_default_dtype())


def common_heads(student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
    """Both as equally many heads: as they are, or their mean over heads where the numbers differ."""
    if student.shape[1] == teacher.shape[1]:
        return student, teacher
    return student.mean(1, keepdim=True), teacher.mean(1, keepdim=True)


def relation_heads(student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
    """[rows, heads, tokens, size] of both cut anew into equally many heads (MiniLMv2, Wang et al. 2021, section 3.1).

    As many as the teacher has, or the most below that which divide both widths.
    """
    widths = [heads.shape[1] * heads.shape[3] for heads in (student, teacher)]
    count = max(n for n in range(1, teacher.shape[1] + 1) if gcd(*widths) % n == 0)
    ours, theirs = (heads.transpose(1, 2).flatten(2).unflatten(2, (count, -1)) for heads in (student, teacher))
    return ours.transpose(1, 2), theirs.transpose(1, 2)


def relation_divergence(student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
    """Mean over heads and real queries of KL(teacher || student) between softmaxes of logits [rows, heads, t, t]."""
    ours, theirs = (log_softmax(without_padding(logits, mask), dim=-1) for logits in (student, teacher))
    divergence = kl_div(ours, theirs, log_target=True, reduction="none") * mask[:, None, None, :]
    return mean_over_tokens(divergence.sum(-1).mean(1), mask)
