"""Meanings in English: articles, tense and aspect, do-support, active and passive."""

import re
from functools import singledispatch

from demo.grammar.lexicon import Time
from demo.grammar.meanings import (
    Action,
    Comparison,
    Contrast,
    Entity,
    Journey,
    Meaning,
    Phrase,
    Possession,
    Sequence,
    Transfer,
)
from demo.grammar.morphology import ENGLISH_NUMERALS, EnglishVerb, article, capitalise
from demo.grammar.style import PLAIN, Style

CONTRACTIONS = {
    "did not": "didn't",
    "does not": "doesn't",
    "do not": "don't",
    "will not": "won't",
    "is not": "isn't",
    "are not": "aren't",
    "was not": "wasn't",
    "were not": "weren't",
}


def say(meaning: Meaning, style: Style = PLAIN) -> str:
    """One English sentence."""
    text = clause(meaning, style)
    if style.words % 2:
        for full, short in CONTRACTIONS.items():
            text = text.replace(f" {full} ", f" {short} ")
    return capitalise(text) + ("" if text[-1] in "?!." else ".")


def noun_phrase(entity: Entity, style: Style, definite: bool = True) -> str:
    """the young doctor, an old book, three red apples, Anna."""
    singular, plural = style.word(entity.noun.english)
    words = [style.word(entity.adjective.english)] if entity.adjective else []
    words.append(plural if entity.plural else singular)
    if entity.noun.name:
        return " ".join(words)
    if entity.count > 1:
        return " ".join([ENGLISH_NUMERALS[entity.count], *words])
    if definite:
        return " ".join(["the", *words])
    return " ".join(words if entity.plural else [article(words[0]), *words])


def active(verb: EnglishVerb, tense: str, negated: bool, plural: bool) -> str:
    """The finite verb of a third person."""
    no = "not " if negated else ""
    match tense:
        case "past":
            return f"did not {verb.base}" if negated else verb.past
        case "progressive":
            return f"{'were' if plural else 'was'} {no}{verb.ing}"
        case "present":
            return f"{'are' if plural else 'is'} {no}{verb.ing}"
        case "habit":
            return verb.base if plural else verb.third
    return f"will {no}{verb.base}"


def passive(verb: EnglishVerb, tense: str, negated: bool, plural: bool) -> str:
    """The same verb said of its patient."""
    no = "not " if negated else ""
    be = {
        "past": "were" if plural else "was",
        "progressive": "were" if plural else "was",
        "present": "are" if plural else "is",
        "habit": "are" if plural else "is",
        "future": "will",
    }[tense]
    middle = {"future": "be ", "progressive": "being ", "present": "being "}.get(tense, "")
    return f"{be} {no}{middle}{verb.participle}"


def with_time(text: str, time: Time | None, style: Style) -> str:
    """Time last, or first and set off by a comma; "for a long time" only last."""
    if time is None:
        return text
    return f"{time.english}, {text}" if style.front and time.tense != "progressive" else f"{text} {time.english}"


@singledispatch
def clause(meaning: Meaning, style: Style) -> str:
    """A meaning as words, without capital and stop."""
    raise TypeError(type(meaning))


@clause.register
def _(meaning: Action, style: Style) -> str:
    where = ""
    if meaning.place:
        where = f"{meaning.place.english} the {style.word(meaning.place.noun.english)[0]}"
    verb = style.word(meaning.verb.english)
    agent = noun_phrase(meaning.agent, style)
    if meaning.patient is None:
        text = f"{agent} {active(verb, meaning.tense, meaning.negated, meaning.agent.plural)}"
    elif style.order % 2:
        patient = noun_phrase(meaning.patient, style)
        text = f"{patient} {passive(verb, meaning.tense, meaning.negated, meaning.patient.plural)} by {agent}"
    else:
        patient = noun_phrase(meaning.patient, style, definite=is_known(meaning))
        text = f"{agent} {active(verb, meaning.tense, meaning.negated, meaning.agent.plural)} {patient}"
    return with_time(f"{text} {where}".strip(), meaning.time, style)


def is_known(meaning: Action) -> bool:
    """Whether the patient gets the definite article: people do, and what an action is denied of or is under way on."""
    assert meaning.patient is not None
    animate = meaning.patient.noun.russian[0].animate
    return animate or meaning.negated or meaning.tense in ("progressive", "present")


@clause.register
def _(meaning: Transfer, style: Style) -> str:
    verb = style.word(meaning.verb.english)
    agent, recipient = noun_phrase(meaning.agent, style), noun_phrase(meaning.recipient, style)
    theme = noun_phrase(meaning.theme, style)
    given = active(verb, meaning.tense, meaning.negated, meaning.agent.plural)
    options = [
        f"{agent} {given} {theme} to {recipient}",
        f"{theme} {passive(verb, meaning.tense, meaning.negated, meaning.theme.plural)} to {recipient} by {agent}",
    ]
    if meaning.verb.key != "return":
        options.append(f"{agent} {given} {recipient} {theme}")
    return with_time(style.construction(options), meaning.time, style)


@clause.register
def _(meaning: Journey, style: Style) -> str:
    verb = active(style.word(meaning.verb.english), meaning.tense, meaning.negated, meaning.agent.plural)
    source, goal = f"from {meaning.source.key}", f"to {meaning.goal.key}"
    way = style.construction([f"{source} {goal}", f"{goal} {source}"])
    return with_time(f"{noun_phrase(meaning.agent, style)} {verb} {way}", meaning.time, style)


@clause.register
def _(meaning: Possession, style: Style) -> str:
    owner = noun_phrase(meaning.owner, style)
    thing = noun_phrase(meaning.thing, style, definite=False)
    plural = meaning.owner.plural
    have = "have" if plural else "has"
    if meaning.negated:
        return f"{owner} {'do' if plural else 'does'} not have {thing}"
    return f"{owner} {style.word([have, f'{have} got'])} {thing}"


@clause.register
def _(meaning: Comparison, style: Style) -> str:
    end = style.order % 2
    subject, other = (meaning.second, meaning.first) if end else (meaning.first, meaning.second)
    be = ("are" if subject.plural else "is") + (" not" if meaning.negated else "")
    return f"{noun_phrase(subject, style)} {be} {meaning.relation.english[end]} {noun_phrase(other, style)}"


@clause.register
def _(meaning: Contrast, style: Style) -> str:
    left, right = (meaning.right, meaning.left) if style.order % 2 else (meaning.left, meaning.right)
    plain = Style(style.words)
    return f"{clause(left, plain)}{style.word([', and ', ', while '])}{clause(right, plain)}"


@clause.register
def _(meaning: Sequence, style: Style) -> str:
    plain = Style(style.words)
    first, then = clause(meaning.first, plain), clause(meaning.then, plain)
    return style.construction([f"first {first}, and then {then}", f"{then} after {first}", f"{first} before {then}"])


@clause.register
def _(meaning: Phrase, style: Style) -> str:
    text = style.construction(meaning.english).format(**{name: style.word(words)[0] for name, words in meaning.fillers})
    return re.sub(r"\ba (?=[aeiou])", "an ", text)
