"""A student off its course and pairs with targets, all tiny; for tests that train."""

import copy
import itertools
import sys

import numpy as np
import torch

from headshrink.data.table import SentenceTable, Targets, Tokens
from headshrink.distillation.recipe import Recipe
from headshrink.model import SentenceEncoder
from headshrink.model.mlm_head import MlmHead

SUBJECTS = {"the man": "мужчина", "a cat": "кошка", "the dog": "собака", "a woman": "женщина"}
VERBS = {"runs": "бежит", "sleeps": "спит", "reads": "читает", "sees": "видит"}
PLACES = {"": "", "in the house": "в дом", "on the tree": "на дерево"}
# What processes may share out: dropout, a step whose batches are too few for all of them, the running mean and all.
SHARED = Recipe(
    {"cosine": 1.0, "similarity": 0.2}, epochs=2, batch_size=8, accumulate=2, learning_rate=3e-3, evaluations=2,
    dropout=0.1, word_dropout=0.1, ema=0.9, precision="fp32",
)  # fmt: skip
TWO_PROCESSES = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def tiny_pairs(teacher: SentenceEncoder, start: int = 0, stop: int | None = None) -> SentenceTable:
    """Pairs of the teacher's words, some or all of 48, with its embeddings as targets."""
    clauses = list(itertools.product(SUBJECTS.items(), VERBS.items(), PLACES.items()))[start:stop]
    sides = [[" ".join(word[side] for word in clause).strip() for clause in clauses] for side in (0, 1)]
    targets = Targets.from_array(np.concatenate([teacher.encode(side).astype(np.float16) for side in sides]))
    return SentenceTable.of_pairs(*(Tokens.from_rows(teacher.tokenise(side)) for side in sides), targets=[targets])


def perturbed(teacher: SentenceEncoder, seed: int = 1) -> SentenceEncoder:
    """A copy of the teacher with noise on every weight but the word table's."""
    student = copy.deepcopy(teacher)
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in student.named_parameters():
        if "word_embeddings" not in name:
            parameter.data += 0.05 * torch.randn(parameter.shape, generator=generator)
    return student


def random_mlm_head(teacher: SentenceEncoder, seed: int = 0) -> MlmHead:
    """An MLM head of some size in the teacher's type, so that its guesses differ."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        mlm_head = MlmHead(teacher.backbone.config).to(teacher.backbone.dtype)
        for parameter in mlm_head.parameters():
            parameter.data += 0.2 * torch.randn_like(parameter)
    return mlm_head.requires_grad_(False)
