"""The optimiser of a training, and which parameters it moves."""

import torch
from torch import nn

from headshrink.distillation.recipe import Recipe
from headshrink.model import SentenceEncoder

BETAS, EPSILON = (0.9, 0.98), 1e-6  # Adam's, as in RoBERTa's and most later training of BERTs


def parameters_to_train(student: SentenceEncoder, recipe: Recipe) -> dict[str, nn.Parameter]:
    """Set a student's dropout and freeze what the recipe freezes; the parameters left to train, by name."""
    for module in student.modules():
        if isinstance(module, nn.Dropout):
            module.p = recipe.dropout
    for parameter in student.backbone.embeddings.word_embeddings.parameters():
        parameter.requires_grad_(recipe.train_embeddings)
    return {name: p for name, p in student.named_parameters() if p.requires_grad}


def adamw(parameters: dict[str, nn.Parameter], recipe: Recipe) -> torch.optim.AdamW:
    """AdamW with decoupled weight decay on the matrices of linear layers."""
    groups = parameter_groups(parameters, recipe.weight_decay)
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=BETAS, eps=EPSILON, fused=True)


def parameter_groups(parameters: dict[str, nn.Parameter], weight_decay: float) -> list[dict[str, object]]:
    """Decay on the matrices of linear layers alone.

    Decay of a LayerNorm or a bias only counteracts its purpose. Decay of token embeddings shrinks the rows of words
    that the pairs do not contain, and nothing restores them.
    """
    decayed = [p for name, p in parameters.items() if p.ndim > 1 and "embeddings" not in name]
    kept = [p for name, p in parameters.items() if p.ndim <= 1 or "embeddings" in name]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": kept, "weight_decay": 0.0}]
