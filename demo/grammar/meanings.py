"""Meanings: who does what to whom, where, when, how many. Small frozen records that know no language.

`core` is the set of content concepts of a meaning, whoever does what to whom, negated or not. All meanings of one core
fall on one side of the partition between corpus and suite, so that a swapped or negated sentence of the suite is as
unseen as the sentence itself, and no sentence of the corpus is its near-duplicate.
"""

from dataclasses import dataclass, fields, replace
from hashlib import blake2b

from demo.grammar.lexicon import NAMES, PEOPLE, Adjective, Noun, Place, Relation, Time, Verb

PERSONS = frozenset(PEOPLE + NAMES)
SUITE_SHARE = 8  # one core in eight belongs to the suite


@dataclass(frozen=True)
class Entity:
    """A participant: one, several (`count` 0) or an exact number of a noun, perhaps with a quality."""

    noun: Noun
    count: int = 1
    adjective: Adjective | None = None

    @property
    def plural(self) -> bool:
        return self.count != 1


@dataclass(frozen=True)
class Action:
    """Somebody does something, to somebody or something where there is a patient.

    `tense`: past (perfective), progressive (past, imperfective), present, habit, future (perfective).
    """

    agent: Entity
    verb: Verb
    patient: Entity | None = None
    tense: str = "past"
    negated: bool = False
    place: Place | None = None
    time: Time | None = None


@dataclass(frozen=True)
class Transfer:
    """Somebody gives something to somebody."""

    agent: Entity
    verb: Verb
    theme: Entity
    recipient: Entity
    tense: str = "past"
    negated: bool = False
    time: Time | None = None


@dataclass(frozen=True)
class Journey:
    """Somebody goes from one city to another."""

    agent: Entity
    verb: Verb
    source: Noun
    goal: Noun
    tense: str = "past"
    negated: bool = False
    time: Time | None = None


@dataclass(frozen=True)
class Possession:
    """Somebody has something, or so many of it."""

    owner: Entity
    thing: Entity
    negated: bool = False


@dataclass(frozen=True)
class Comparison:
    """`first` stands at the first end of the relation, `second` at the other."""

    first: Entity
    relation: Relation
    second: Entity
    negated: bool = False


@dataclass(frozen=True)
class Contrast:
    """Two things at once: "..., and ..."; their order says nothing."""

    left: Action
    right: Action


@dataclass(frozen=True)
class Sequence:
    """One thing after another; here the order is the meaning."""

    first: Action
    then: Action


@dataclass(frozen=True)
class Phrase:
    """A fixed pattern of one register (a request, a review, a remark) with its fillers.

    `english` and `russian` are ways to say it, with `{name}` for a filler; `label` is what it amounts to; fillers
    are pairs (english, russian) per name.
    """

    label: str
    english: tuple[str, ...]
    russian: tuple[str, ...]
    fillers: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    frame: str


Meaning = Action | Transfer | Journey | Possession | Comparison | Contrast | Sequence | Phrase


def concepts(part: object) -> frozenset[str]:
    """Names of the content concepts of a meaning or of a part of it; time, number and negation are none."""
    match part:
        case Noun() | Verb() | Relation():
            return frozenset([part.key])
        case Phrase():
            return frozenset([part.frame, *(words[0][0] for _, words in part.fillers)])
        case Entity():
            return concepts(part.noun)
        case Action() | Transfer() | Journey() | Possession() | Comparison() | Contrast() | Sequence():
            return frozenset().union(*(concepts(getattr(part, field.name)) for field in fields(part)))
        case _:
            return frozenset()


def core(meaning: Meaning) -> tuple[str, ...]:
    """Sorted content concepts."""
    return tuple(sorted(concepts(meaning)))


def in_suite(meaning: Meaning) -> bool:
    """Whether a meaning is kept for the demo suite: by a hash of its core, the same in every run and for every seed."""
    digest = blake2b(" ".join(core(meaning)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % SUITE_SHARE == 0


def swapped(meaning: Meaning) -> Meaning | None:
    """The same words, the roles exchanged; None where there is nobody to exchange with."""
    match meaning:
        case Action(patient=Entity() as patient) if "person" in meaning.verb.kinds and patient.noun in PERSONS:
            return replace(meaning, agent=patient, patient=meaning.agent)
        case Transfer():
            return replace(meaning, agent=meaning.recipient, recipient=meaning.agent)
        case Journey():
            return replace(meaning, source=meaning.goal, goal=meaning.source)
        case Comparison():
            return replace(meaning, first=meaning.second, second=meaning.first)
        case Contrast(left=left, right=right):
            return Contrast(replace(left, agent=right.agent), replace(right, agent=left.agent))
        case Sequence():
            return Sequence(meaning.then, meaning.first)
    return None


def negated(meaning: Meaning) -> Meaning | None:
    """The denial; of a contrast, of its right side."""
    match meaning:
        case Contrast():
            return replace(meaning, right=replace(meaning.right, negated=not meaning.right.negated))
        case Sequence() | Phrase():
            return None
    return replace(meaning, negated=not meaning.negated)
