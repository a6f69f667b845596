"""A small teacher trained from scratch on the corpus itself, so that the default needs no download.

It is a stand-in, made in about a minute: a BERT of 4 layers x 4 heads over a WordPiece vocabulary of its own, trained
by translation ranking (Guo et al. 2018). Numbers obtained with it say whether the pipeline works, not how good a real
encoder would be.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import count
from random import Random
from typing import Any

import torch
from tokenizers import normalizers, pre_tokenizers
from torch import nn
from transformers import BertConfig, BertModel, BertTokenizer

from headshrink.model import SentenceEncoder, TokenBatch
from headshrink.model.objectives import translation_ranking
from headshrink.progress import Bar

SPECIAL = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
VOCABULARY = 6_000  # pieces: most word forms of the grammar are whole, rare ones in two or three
MAX_LENGTH = 128
BATCH_SIZE = 64  # pairs; the negatives of each are the other 63, lookalikes among them
MOST_ALIKE = 8  # lookalikes taken into one batch; a batch of nothing else would teach only their differences
LEARNING_RATE = 2e-3  # peak; high, for a small model trained from scratch for few steps
WARMUP = 0.1


def train_tokenizer(texts: Sequence[str], vocabulary: int = VOCABULARY) -> BertTokenizer:
    """A cased WordPiece tokenizer: every character, then the most frequent words; rarer words are spelled.

    The library's own trainer breaks ties by the order of a hash map, so that two runs differ; here ties go by word.
    """
    normalise = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    split = pre_tokenizers.BertPreTokenizer()
    counts = Counter(word for text in texts for word, _ in split.pre_tokenize_str(normalise.normalize_str(text)))
    letters = sorted({letter for word in counts for letter in word})
    words = sorted((word for word, count in counts.items() if count > 1), key=lambda word: (-counts[word], word))
    pieces = [*SPECIAL.values(), *letters, *(f"##{letter}" for letter in letters), *words]
    vocab = {piece: i for i, piece in enumerate(list(dict.fromkeys(pieces))[:vocabulary])}
    options: dict[str, Any] = {"do_lower_case": False, "model_max_length": MAX_LENGTH, **SPECIAL}
    return BertTokenizer(vocab=vocab, **options)


def untrained_teacher(texts: Sequence[str], seed: int) -> SentenceEncoder:
    """The teacher before its first step: trained tokenizer, random weights, normalised mean pooling."""
    tokenizer = train_tokenizer(texts)
    config = BertConfig(  # narrow, so that no half of it is idle: a wider one loses nothing when it is cut
        vocab_size=len(tokenizer), hidden_size=96, num_hidden_layers=4, num_attention_heads=4, intermediate_size=192,
        max_position_embeddings=MAX_LENGTH, type_vocab_size=1, pad_token_id=tokenizer.pad_token_id,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, initializer_range=0.05,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbone = BertModel(config, add_pooling_layer=False)
    return SentenceEncoder(backbone, tokenizer, max_length=MAX_LENGTH)


def lookalikes(pairs: Sequence[tuple[str, str]], side: int) -> list[list[int]]:
    """Indices of pairs grouped by the rarest words of one side: the same participants, other facts.

    In one batch they are each other's negatives, and only roles, negation or time can tell them apart. Random batches
    hold almost none of them: a model trained on those is a bag of words.
    """
    bags = [sorted({word[:5] for word in re.findall(r"\w+", pair[side].lower())}) for pair in pairs]
    frequency = Counter(word for bag in bags for word in bag)
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, bag in enumerate(bags):
        groups[tuple(sorted(sorted(bag, key=lambda word: (frequency[word], word))[:3]))].append(i)
    return list(groups.values())


def batches(pairs: Sequence[tuple[str, str]], lengths: Sequence[int], steps: int, seed: int) -> Iterator[list[int]]:
    """`steps` batches of pair indices: lookalikes together, lengths alike, grouped by either side in turn.

    Groups are ordered by their longest pair plus a little chance, so that no padding is computed and yet no two passes
    meet the same batches.
    """
    rng = Random(seed)
    by_side = [lookalikes(pairs, side) for side in (0, 1)]
    size = min(BATCH_SIZE, len(pairs))
    for one_pass in count():
        groups = by_side[one_pass % 2]
        keys = [max(lengths[i] for i in group) + 3 * rng.random() for group in groups]
        ordered = [group for _, group in sorted(zip(keys, groups, strict=True))]
        order = [i for group in ordered for i in rng.sample(group, min(len(group), MOST_ALIKE))]
        starts = [start for start in range(0, len(order), size) if start + size <= len(order)]
        rng.shuffle(starts)
        for start in starts:
            if steps == 0:
                return
            steps -= 1
            yield order[start : start + size]


def train_teacher(pairs: Sequence[tuple[str, str]], steps: int, seed: int) -> SentenceEncoder:
    """Train a tokenizer and a small BERT on (English, Russian) pairs; deterministic for a seed and a number of threads.

    Dropout is off: each pair is seen a few times at most, and few steps are left to waste on noise.
    """
    encoder = untrained_teacher([text for pair in pairs for text in pair], seed)
    en, ru = (encoder.tokenise([pair[side] for pair in pairs]) for side in (0, 1))
    lengths = [max(len(one), len(other)) for one, other in zip(en, ru, strict=True)]
    optimizer = torch.optim.AdamW(encoder.parameters(), LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, steps))
    encoder.train()
    with Bar("training the teacher", steps) as bar:
        for batch in batches(pairs, lengths, steps, seed):
            loss = ranking_loss(encoder, [en[i] for i in batch], [ru[i] for i in batch])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            bar.advance(note=f"loss {loss.item():.3f}")
    return encoder.eval()


def rate(step: int, steps: int) -> float:
    """Share of the peak learning rate: linear warm-up, linear decay."""
    warmup = max(1, round(WARMUP * steps))
    return min((step + 1) / warmup, (steps - step) / max(1, steps - warmup))


def ranking_loss(encoder: SentenceEncoder, en: Sequence[list[int]], ru: Sequence[list[int]]) -> torch.Tensor:
    """Translation ranking of a batch of token ids; each side padded to its own longest sentence."""
    pad_id = encoder.tokenizer.pad_token_id
    left, right = (encoder.embed_batch(TokenBatch.from_rows(side, pad_id)) for side in (en, ru))
    return translation_ranking(left, right)
