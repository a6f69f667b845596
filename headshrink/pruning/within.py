"""Prune to a budget with every kind of cut: heads and neurons, hidden width, embedding rank, vocabulary."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from headshrink.errors import HeadshrinkError
from headshrink.importance import Scores
from headshrink.model import PairBatch, SentenceEncoder, TokenBatch
from headshrink.model.sites import KINDS, Kind, widths
from headshrink.parameters.prune import DEFAULTS, Method
from headshrink.pruning.budget import plan_budget
from headshrink.pruning.cut import cut
from headshrink.pruning.embedding import factorise
from headshrink.pruning.latency import Timed, latency_ratio
from headshrink.pruning.plan import Plan
from headshrink.pruning.price import Body, Counted, Measure, Price, body_of
from headshrink.pruning.repair import repair
from headshrink.pruning.width import cut_width, dimension_order
from headshrink.trimming.run import most_frequent

Cut = Literal["hidden", "embedding", "vocabulary"]  # beside heads and FFN neurons, which always may go

HIDDEN_SHARES = (0.875, 0.75, 0.625, 0.5)
RANK_SHARES = (0.5, 0.375, 0.25, 0.1875, 0.125, 0.0625)  # of the hidden width
VOCABULARY_SHARES = (0.75, 0.5, 0.35, 0.25, 0.15, 0.1)
SAMPLE = 4  # batches that losses of bodies are measured on
LATENCY_ROUNDS = 4  # corrections of a budget in milliseconds by what the cut model really takes
LATENCY_WITHIN = 0.03


@dataclass(frozen=True)
class Budget:
    """`share` of the encoder's `measure` that may stay, and what may be `cut` beside heads and FFN neurons.

    `tokens` is the length of the sentence that FLOPs and milliseconds are counted for.
    """

    measure: Measure
    share: float
    cut: tuple[Cut, ...] = ()
    multiples: dict[Kind, int] | None = None
    tokens: int = 32
    repair: Method | Literal["none"] = DEFAULTS.repair
    ridge: float = DEFAULTS.ridge


def prune_within(
    teacher: SentenceEncoder, budget: Budget, scores: Scores, batches: Sequence[PairBatch], counts: Tensor
) -> tuple[SentenceEncoder, Plan, Body]:
    """The encoder of least estimated loss within a budget, repaired; what it kept, and the body that was chosen.

    `scores` must be costs (`obs` or `fisher` by `teacher_distance`): the other losses are measured in their unit, half
    the squared change of a pair's embeddings. `counts` [vocabulary] says how often each token occurs in the text.
    The vocabulary goes last, when repair is done: a cut of it is exact on text whose tokens stay. Raises
    HeadshrinkError for a budget that cannot be reached.
    """
    shaper = Shaper(teacher, batches, counts)
    price: Price = (
        Timed(teacher, budget.tokens) if budget.measure == "ms" else Counted(teacher, budget.measure, budget.tokens)
    )
    bodies = shaper.bodies(budget.cut)
    plan, body = plan_budget(teacher, scores, budget.share, price, bodies, budget.multiples)
    if budget.measure == "ms":
        plan, body = _corrected(shaper, budget, scores, price, bodies, plan, body)
    plan = shaper.with_hidden(plan, body)
    pruned = shaper.shape(plan, body)
    if budget.repair != "none":
        repair(teacher, pruned, plan, batches, budget.repair, budget.ridge)
    return shaper.with_vocabulary(pruned, body), plan, body


def _corrected(
    shaper: "Shaper",
    budget: Budget,
    scores: Scores,
    price: Price,
    bodies: Sequence[Body],
    plan: Plan,
    body: Body,
) -> tuple[Plan, Body]:
    """A plan whose cut model, timed in turns with the whole one, takes the share that is asked for."""
    asked = budget.share
    for _ in range(LATENCY_ROUNDS):
        small = shaper.shape(shaper.with_hidden(plan, body), body)
        found = latency_ratio(small, shaper.teacher, budget.tokens)
        if abs(found / budget.share - 1) < LATENCY_WITHIN:
            break
        asked *= budget.share / found
        plan, body = plan_budget(shaper.teacher, scores, asked, price, bodies, budget.multiples)
    return plan, body


class Shaper:
    """Gives an encoder other bodies, and says what each of them loses."""

    def __init__(self, teacher: SentenceEncoder, batches: Sequence[PairBatch], counts: Tensor) -> None:
        self.teacher, self.batches, self.counts = teacher, batches[:SAMPLE], counts
        self.others = batches[SAMPLE : 3 * SAMPLE] or self.batches  # to fit on: a loss measured there would flatter
        self.own = body_of(teacher)
        heads, ffn = ([list(range(units)) for units in widths(teacher.backbone, kind)] for kind in KINDS)
        self.whole = Plan(heads, ffn)
        self._order: list[int] | None = None

    def bodies(self, cuts: Sequence[Cut]) -> list[Body]:
        """Every combination of the allowed cuts; their losses, each measured alone, add up."""
        own = self.own
        hidden = [replace(own, hidden=8 * round(share * own.hidden / 8)) for share in HIDDEN_SHARES]
        ranks = [replace(own, rank=8 * round(share * own.hidden / 8)) for share in RANK_SHARES]
        sizes = [replace(own, vocabulary=round(share * own.vocabulary)) for share in VOCABULARY_SHARES]
        grids: list[list[Body]] = [
            [own, *self._measured(grid, shape)] if kind in cuts else [own]
            for kind, grid, shape in (
                ("hidden", hidden, self._narrow), ("embedding", ranks, self._embedded),
                ("vocabulary", sizes, self.with_own_vocabulary),
            )
        ]  # fmt: skip
        return [
            Body(v.vocabulary, r.rank, h.hidden, h.loss + r.loss + v.loss)
            for h in grids[0] for r in grids[1] for v in grids[2] if r.rank is None or r.rank < h.hidden
        ]  # fmt: skip

    def _measured(self, bodies: Sequence[Body], shape: Callable[[Body], SentenceEncoder]) -> list[Body]:
        """Bodies with their losses; those that cannot be are left out."""
        found = []
        for body in bodies:
            try:
                found.append(replace(body, loss=self.loss(shape(body))))
            except HeadshrinkError:
                continue
        return found

    def loss(self, encoder: SentenceEncoder) -> float:
        """Half the squared change of a pair's embeddings, summed over its sides, mean over the sample."""
        changes = []
        with torch.inference_mode():
            for side in (side for batch in self.batches for side in batch.sides):
                other = self._spelt(side, encoder)
                moved = self._embed(self.teacher, side) - self._embed(encoder, other)
                changes.append(moved.square().sum(1))
        return float(torch.cat(changes).mean())  # half of it, for each of two sides

    def _embed(self, encoder: SentenceEncoder, side: TokenBatch) -> Tensor:
        return torch.nn.functional.normalize(encoder.embed_batch(side), dim=-1)

    def _spelt(self, side: TokenBatch, encoder: SentenceEncoder) -> TokenBatch:
        """The same sentences in another encoder's tokens."""
        if encoder.tokenizer is self.teacher.tokenizer:
            return side
        texts = self.teacher.tokenizer.batch_decode(side.input_ids, skip_special_tokens=True)
        return TokenBatch.from_rows(encoder.tokenise(texts), encoder.tokenizer.pad_token_id)

    def with_hidden(self, plan: Plan, body: Body) -> Plan:
        """The plan with the dimensions that matter most, as many as the body has."""
        if body.hidden == self.own.hidden:
            return plan
        if self._order is None:
            self._order = dimension_order(self.teacher, self.batches)
        return replace(plan, hidden=sorted(self._order[: body.hidden]))

    def shape(self, plan: Plan, body: Body) -> SentenceEncoder:
        """The teacher cut to a plan and to a body's hidden width and rank, its vocabulary whole."""
        pruned = cut(self.teacher, plan)
        if plan.hidden is not None:
            pruned = cut_width(pruned, plan.hidden)
        return factorise(pruned, body.rank, self.counts) if body.rank != self.own.rank and body.rank else pruned

    def _narrow(self, body: Body) -> SentenceEncoder:
        """The teacher with fewer dimensions, repaired: without that no width but the whole one is any good."""
        plan = self.with_hidden(self.whole, body)
        narrow = self.shape(plan, body)
        repair(self.teacher, narrow, plan, self.others, "outputs")
        return narrow

    def _embedded(self, body: Body) -> SentenceEncoder:
        return self.shape(self.whole, body)

    def with_own_vocabulary(self, body: Body) -> SentenceEncoder:
        return self.with_vocabulary(self.teacher, body)

    def with_vocabulary(self, encoder: SentenceEncoder, body: Body) -> SentenceEncoder:
        """An encoder with the body's number of tokens, the most frequent and the needed ones."""
        if body.vocabulary == self.own.vocabulary:
            return encoder
        return most_frequent(encoder, self.counts, body.vocabulary)
