"""Sampling: families of contrasting meanings, and aligned sentences for them."""

from collections.abc import Callable, Iterator
from random import Random

from demo.grammar import english, russian
from demo.grammar.lexicon import (
    ACTIONS,
    ADJECTIVES_OF,
    CITIES,
    INTRANSITIVES,
    JOURNEYS,
    KINDS,
    MOMENTARY,
    NAMES,
    OBJECTS,
    PEOPLE,
    PLACES,
    RELATIONS,
    TIMES_OF,
    TRANSFERS,
    Noun,
    Verb,
)
from demo.grammar.meanings import (
    Action,
    Comparison,
    Contrast,
    Entity,
    Journey,
    Meaning,
    Possession,
    Sequence,
    Transfer,
    in_suite,
    negated,
    swapped,
)
from demo.grammar.phrases import REGISTERS
from demo.grammar.style import Style

TENSES = ("past", "past", "present", "progressive", "future", "habit")
PLAIN_SHARE = 0.4  # of pairs whose both sides take the plainest construction, as most translations do


def entity(rng: Random, kind: str, bare: bool = False) -> Entity:
    """A participant of a kind; `bare`: one, without a quality."""
    noun = rng.choice(KINDS[kind])
    if noun.name or bare:
        return Entity(noun)
    count = rng.choice((1, 1, 1, 1, 0, 0, 2, 3, 4, 5, 6, 8))
    adjective = rng.choice(ADJECTIVES_OF[kind]) if rng.random() < 0.3 else None
    return Entity(noun, count, adjective)


def tense_of(rng: Random, verb: Verb) -> str:
    """A tense that the verb bears: momentary ones take no progressive."""
    return rng.choice([tense for tense in TENSES if verb.key not in MOMENTARY or tense in ("past", "future")])


def action(rng: Random, tense: str | None = None, bare: bool = False) -> Action:
    """Somebody does something; three in four have a patient; `bare`: neither time nor place."""
    transitive = rng.random() < 0.8
    verb = rng.choice(ACTIONS if transitive else INTRANSITIVES)
    while tense and verb.key in MOMENTARY and tense not in ("past", "future"):
        verb = rng.choice(ACTIONS)
    tense = tense or tense_of(rng, verb)
    agent = entity(rng, "person", bare)
    patient = None
    if verb.kinds:
        patient = entity(rng, rng.choice(sorted(verb.kinds)), bare)
        while patient.noun == agent.noun:
            patient = entity(rng, "person", bare)
    time = None if bare or (rng.random() < 0.5 and tense != "habit") else rng.choice(TIMES_OF[tense])
    place = None if bare or rng.random() < 0.6 else rng.choice(PLACES)
    return Action(agent, verb, patient, tense, False, place, time)


def transfer(rng: Random) -> Transfer:
    """Somebody gives something to somebody else."""
    verb = rng.choice(TRANSFERS)
    agent, recipient = two(rng, PEOPLE + NAMES)
    theme = entity(rng, rng.choice(sorted(verb.kinds)))
    tense = rng.choice(("past", "past", "future"))
    time = rng.choice(TIMES_OF[tense]) if rng.random() < 0.4 else None
    return Transfer(Entity(agent), verb, theme, Entity(recipient), tense, False, time)


def two(rng: Random, nouns: tuple[Noun, ...]) -> tuple[Noun, Noun]:
    """Two different nouns."""
    first, second = rng.sample(nouns, 2)
    return first, second


def journey(rng: Random) -> Journey:
    """Somebody goes from one city to another."""
    source, goal = two(rng, CITIES)
    tense = rng.choice(("past", "past", "future", "habit"))
    time = rng.choice(TIMES_OF[tense]) if tense == "habit" or rng.random() < 0.4 else None
    return Journey(entity(rng, "person", bare=True), rng.choice(JOURNEYS), source, goal, tense, False, time)


def possession(rng: Random) -> Possession:
    """Somebody has something."""
    return Possession(entity(rng, "person", bare=True), entity(rng, rng.choice(("object", "text", "animal"))))


def comparison(rng: Random) -> Comparison:
    """Two of a kind on a scale."""
    relation = rng.choice(RELATIONS)
    places = tuple(place.noun for place in PLACES)
    nouns = {"person": PEOPLE + NAMES, "city": CITIES, "place": places, "object": OBJECTS}[relation.kind]
    first, second = two(rng, nouns)
    return Comparison(Entity(first), relation, Entity(second))


def bare_actions(rng: Random) -> tuple[Action, Action]:
    """Two actions in one tense with nothing in common."""
    tense = rng.choice(("past", "present"))
    while True:
        left, right = action(rng, tense, bare=True), action(rng, tense, bare=True)
        parts = [part for part in (left.agent, left.patient, right.agent, right.patient) if part]
        if left.verb != right.verb and len(set(parts)) == len(parts):
            return left, right


def contrast(rng: Random) -> Contrast:
    """Two things at once."""
    return Contrast(*bare_actions(rng))


def sequence(rng: Random) -> Sequence:
    """One thing after another, both done."""
    while True:
        first, then = bare_actions(rng)
        if first.tense == "past":
            return Sequence(first, then)


def family(rng: Random, sample: Callable[[Random], Meaning]) -> list[Meaning]:
    """A meaning and what differs from it by roles, negation or both: the same words, other facts."""
    meaning = sample(rng)
    other = swapped(meaning)
    out = [meaning, negated(meaning), other, other and negated(other)]
    return [member for member in out if member is not None and sayable(member)]


def sayable(meaning: Meaning) -> bool:
    """Whether a denial is clear in both languages: not beside habits, durations or exact numbers of things owned."""
    if not getattr(meaning, "negated", False):
        return True
    if isinstance(meaning, Possession):
        return meaning.thing.count < 2
    time = getattr(meaning, "time", None)
    return time is None or (time.tense not in ("habit", "progressive") and time.key != "soon")


# What a corpus is made of, and in which shares.
SAMPLERS: dict[str, tuple[Callable[[Random], list[Meaning]], int]] = {
    "action": (lambda rng: family(rng, action), 40),
    "transfer": (lambda rng: family(rng, transfer), 8),
    "journey": (lambda rng: family(rng, journey), 5),
    "possession": (lambda rng: family(rng, possession), 4),
    "comparison": (lambda rng: family(rng, comparison), 6),
    "contrast": (lambda rng: family(rng, contrast), 8),
    "sequence": (lambda rng: family(rng, sequence), 6),
} | {
    name: (lambda rng, register=register: register.sample(rng), share)  # type: ignore[misc]
    for (name, register), share in zip(REGISTERS.items(), (18, 8, 7, 7, 5, 5), strict=True)
}


def style(rng: Random) -> Style:
    """Any way to say it."""
    return Style(rng.randrange(2), rng.randrange(6), rng.random() < 0.5)


def translation(meaning: Meaning, rng: Random) -> tuple[str, str]:
    """The meaning in English and in Russian, each side free in its words and construction.

    A free choice on each side is what teaches paraphrase: no sentence needs to occur twice for an active and a passive
    to be found near the same translation.
    """
    if rng.random() < PLAIN_SHARE:
        return english.say(meaning, Style(rng.randrange(2))), russian.say(meaning, Style(rng.randrange(2)))
    return english.say(meaning, style(rng)), russian.say(meaning, style(rng))


def families(seed: int) -> Iterator[list[Meaning]]:
    """Endless families of the corpus's side of the partition."""
    rng = Random(seed)
    samplers, shares = zip(*SAMPLERS.values(), strict=True)
    while True:
        (sample,) = rng.choices(samplers, shares)
        meanings = sample(rng)
        if not any(map(in_suite, meanings)):
            yield meanings


def aligned(count: int, seed: int) -> Iterator[tuple[str, str]]:
    """`count` pairs (English, Russian), no meaning, no English and no Russian sentence twice.

    A larger count continues the same sequence.
    """
    rng = Random(f"style {seed}")
    seen: set[object] = set()
    done = 0
    for meanings in families(seed):
        for meaning in meanings:
            pair = translation(meaning, rng)
            if meaning in seen or pair[0] in seen or pair[1] in seen:
                continue
            seen |= {meaning, *pair}
            yield pair
            done += 1
            if done == count:
                return
