"""Train or held-out, decided by a hash of the English side alone."""

from hashlib import blake2b


def sentence_hash(key: str) -> int:
    """64 bits of a folded sentence, the same in every process."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")


def is_heldout(en_key: str, percent: float) -> bool:
    """Whether a pair is held out, from the folded form of its English side.

    Nothing but the sentence decides: a larger corpus, another order or another source moves no pair, a larger
    percentage only adds to held-out, and all translations of one sentence stay together.
    """
    return sentence_hash(en_key) < percent / 100 * 2**64


def rank(en_key: str, ru_key: str) -> int:
    """A pair's place in the order in which a limit keeps pairs; independent of the hash that splits."""
    return int.from_bytes(blake2b(f"{en_key}\t{ru_key}".encode(), digest_size=8, person=b"rank").digest(), "big")
