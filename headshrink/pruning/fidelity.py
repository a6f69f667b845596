"""How faithful a pruned encoder is to its teacher on held-out pairs: what pruning's choices are made by."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from headshrink.metrics import retrieval_at_1, spearman, unit_length
from headshrink.model import SentenceEncoder

RANDOM_PARTNERS = 20  # similarities of each sentence to others that enter the rank agreement
NEAR_PARTNERS = 5  # and to its nearest ones by the teacher, where embeddings earn their keep


@dataclass(frozen=True)
class Fidelity:
    """`cosine` to the teacher's embedding, mean over sentences; `rank_agreement`, Spearman's correlation with the
    teacher's similarities of pairs of sentences, random and near ones; `retrieval`, accuracy of finding a sentence's
    translation among all, mean of both directions.
    """

    cosine: float
    rank_agreement: float
    retrieval: float

    def share_of_gap(self, floor: "Fidelity", teacher: "Fidelity") -> dict[str, float]:
        """(this - floor) / (teacher - floor) of each figure: a percentage of the teacher's score flatters, since a
        body with nothing left still embeds a bag of words.
        """
        mine, low, high = asdict(self), asdict(floor), asdict(teacher)
        return {name: (mine[name] - low[name]) / (high[name] - low[name]) for name in mine}


class FidelityTest:
    """Held-out pairs with the teacher's embeddings of them, ready to compare encoders with."""

    def __init__(self, teacher: SentenceEncoder, en: Sequence[str], ru: Sequence[str], seed: int = 0) -> None:
        self.texts = (list(en), list(ru))
        self.truth = self._embed(teacher)
        everything = np.concatenate(self.truth)
        rng = np.random.default_rng(seed)
        strangers = rng.integers(0, len(everything), (len(everything), RANDOM_PARTNERS))
        near = np.argsort(everything @ everything.T, axis=1)[:, -1 - NEAR_PARTNERS : -1]
        self.partners = np.concatenate([strangers, near], axis=1)

    def __call__(self, encoder: SentenceEncoder) -> Fidelity:
        """Compare one encoder, whose embeddings must be as long as the teacher's."""
        en, ru = self._embed(encoder)
        ours, theirs = np.concatenate([en, ru]), np.concatenate(self.truth)
        return Fidelity(
            cosine=float((ours * theirs).sum(1).mean()),
            rank_agreement=spearman(self._similarities(ours), self._similarities(theirs)),
            retrieval=retrieval_at_1(en, ru),
        )

    def _embed(self, encoder: SentenceEncoder) -> tuple[np.ndarray, np.ndarray]:
        en, ru = (encoder.encode(texts, batch_size=64) for texts in self.texts)
        return unit_length(en), unit_length(ru)

    def _similarities(self, embeddings: np.ndarray) -> np.ndarray:
        similarities: np.ndarray = np.einsum("nd,npd->np", embeddings, embeddings[self.partners])
        return similarities.ravel()
