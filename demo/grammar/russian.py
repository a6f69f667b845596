"""Meanings in Russian: case and agreement, numerals, aspect, negation, word order, the passive of short participles."""

import re
from functools import singledispatch

from demo.grammar.lexicon import Time, Verb
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
from demo.grammar.morphology import CASES, NUMERALS, RussianNoun, capitalise
from demo.grammar.style import PLAIN, Style

BE = {"past": ("был", "была", "было", "были"), "future": ("будет", "будет", "будет", "будут")}


def say(meaning: Meaning, style: Style = PLAIN) -> str:
    """One Russian sentence."""
    text = euphonic(clause(meaning, style))
    return capitalise(text) + ("" if text[-1] in "?!." else ".")


def euphonic(text: str) -> str:
    """со Светланой, во Франции: the vowel of a preposition before two consonants of its own kind."""
    text = re.sub(r"\b([Сс]) (?=[сзшж][бвгджзклмнпрстфхцчшщ])", r"\1о ", text, flags=re.IGNORECASE)
    return re.sub(r"\b([Вв]) (?=[вф][бвгджзклмнпрстфхцчшщ])", r"\1о ", text, flags=re.IGNORECASE)


def lexeme(entity: Entity, style: Style) -> RussianNoun:
    """The Russian noun that a style chooses; agreement follows it, not the concept (машина была, автомобиль был)."""
    return style.word(entity.noun.russian)


def noun_phrase(entity: Entity, case: str, style: Style) -> str:
    """молодой врач, двух старых друзей, пять красных яблок."""
    noun = lexeme(entity, style)
    if entity.count > 1:
        return counted(entity, noun, case, style)
    words = [noun.form(case, entity.plural)]
    if entity.adjective:
        adjective = style.word(entity.adjective.russian)
        words.insert(0, adjective.form(case, noun.gender, entity.plural, noun.animate))
    return " ".join(words)


def counted(entity: Entity, noun: RussianNoun, case: str, style: Style) -> str:
    """A numeral phrase.

    In the nominative, and in the accusative that equals it, 2 to 4 govern the genitive singular and 5 upwards the
    genitive plural; in all other cases numeral and noun agree in the plural. After 2 to 4 an adjective stands in the
    genitive plural, with feminine nouns in the nominative plural (две новые книги).
    """
    number, few = entity.count, entity.count < 5
    if case == "acc" and not (few and noun.animate):
        case = "nom"
    elif case == "acc":
        case = "gen"
    numeral = NUMERALS[number].split()[CASES.index(case)]
    if number == 2 and case == "nom" and noun.gender == "f":
        numeral = "две"
    noun_case, noun_plural, adjective_case = case, True, case
    if case == "nom":
        noun_case, noun_plural = "gen", not few
        adjective_case = "nom" if few and noun.gender == "f" else "gen"
    words = [numeral]
    if entity.adjective:
        adjective = style.word(entity.adjective.russian)
        words.append(adjective.form(adjective_case, noun.gender, True, noun.animate))
    return " ".join([*words, noun.form(noun_case, noun_plural)])


def governed(entity: Entity, government: str, style: Style) -> str:
    """An object in the case, or with the preposition and case, that its verb asks for."""
    *preposition, case = government.split()
    return " ".join([*preposition, noun_phrase(entity, case, style)])


def finite(verb: Verb, tense: str, negated: bool, subject: Entity, style: Style) -> str:
    """The verb in the aspect and form that tense and subject ask for."""
    imperfective, perfective = style.word(verb.russian)
    if tense in ("past", "progressive"):
        aspect = perfective if tense == "past" else imperfective
        form = aspect.past_form(lexeme(subject, style).gender, subject.plural)
    else:
        aspect = perfective if tense == "future" else imperfective
        form = aspect.plural if subject.plural else aspect.singular
    return f"не {form}" if negated else form


def short_passive(meaning: Action, style: Style) -> str:
    """был прочитан, будет прочитана: of a perfective, in past and future."""
    assert meaning.patient is not None
    gender, plural = lexeme(meaning.patient, style).gender, meaning.patient.plural
    be = BE[meaning.tense][3 if plural else "mfn".index(gender)]
    participle = style.word(meaning.verb.russian)[1].participle_form(gender, plural)
    return f"{'не ' if meaning.negated else ''}{be} {participle}"


def with_time(words: list[str], time: Time | None, style: Style) -> str:
    """Time before the verb, the second of `words`, or first of all; долго and весь день only before the verb."""
    if time is not None:
        words.insert(0 if style.front and time.tense != "progressive" else 1, time.russian)
    return " ".join(word for word in words if word)


@singledispatch
def clause(meaning: Meaning, style: Style) -> str:
    """A meaning as words, without capital and stop."""
    raise TypeError(type(meaning))


@clause.register
def _(meaning: Action, style: Style) -> str:
    where = ""
    if meaning.place:
        noun = style.word(meaning.place.noun.russian)
        where = f"{meaning.place.russian} {noun.place}"
    agent = noun_phrase(meaning.agent, "nom", style)
    verb = finite(meaning.verb, meaning.tense, meaning.negated, meaning.agent, style)
    if meaning.patient is None:
        return with_time([agent, verb, where], meaning.time, style)
    patient = governed(meaning.patient, meaning.verb.government, style)
    options = [[agent, verb, patient, where], [patient, verb, agent, where]]
    if meaning.tense in BE and meaning.verb.has_participle:
        subject, by = noun_phrase(meaning.patient, "nom", style), noun_phrase(meaning.agent, "ins", style)
        options.append([subject, short_passive(meaning, style), by, where])
    return with_time(style.construction(options), meaning.time, style)


@clause.register
def _(meaning: Transfer, style: Style) -> str:
    agent = noun_phrase(meaning.agent, "nom", style)
    theme, recipient = noun_phrase(meaning.theme, "acc", style), noun_phrase(meaning.recipient, "dat", style)
    verb = finite(meaning.verb, meaning.tense, meaning.negated, meaning.agent, style)
    options = [[agent, verb, recipient, theme], [theme, verb, recipient, agent], [agent, verb, theme, recipient]]
    return with_time(style.construction(options), meaning.time, style)


@clause.register
def _(meaning: Journey, style: Style) -> str:
    agent = noun_phrase(meaning.agent, "nom", style)
    verb = finite(meaning.verb, meaning.tense, meaning.negated, meaning.agent, style)
    source = f"из {meaning.source.russian[0].form('gen')}"
    goal = f"в {meaning.goal.russian[0].form('acc')}"
    options = [[agent, verb, source, goal], [agent, verb, goal, source], [source, agent, verb, goal]]
    return with_time(style.construction(options), meaning.time, style)


@clause.register
def _(meaning: Possession, style: Style) -> str:
    owner = f"у {noun_phrase(meaning.owner, 'gen', style)}"
    if meaning.negated:
        return f"{owner} нет {noun_phrase(meaning.thing, 'gen', style)}"
    thing = noun_phrase(meaning.thing, "nom", style)
    if meaning.thing.count > 1:
        return f"{owner} {thing}"
    return style.construction([f"{owner} есть {thing}", f"{thing} есть {owner}"])


@clause.register
def _(meaning: Comparison, style: Style) -> str:
    end = style.order % 2
    subject, other = (meaning.second, meaning.first) if end else (meaning.first, meaning.second)
    relation = meaning.relation
    copula = "" if relation.kind == "person" else ("находятся" if subject.plural else "находится")
    words = [noun_phrase(subject, "nom", style), "не" if meaning.negated else "", copula, relation.russian[end]]
    words.append(noun_phrase(other, relation.government[end], style))
    return " ".join(word for word in words if word)


@clause.register
def _(meaning: Contrast, style: Style) -> str:
    left, right = (meaning.right, meaning.left) if style.order % 2 else (meaning.left, meaning.right)
    plain = Style(style.words)
    return f"{clause(left, plain)}, а {clause(right, plain)}"


@clause.register
def _(meaning: Sequence, style: Style) -> str:
    plain = Style(style.words)
    first, then = clause(meaning.first, plain), clause(meaning.then, plain)
    return style.construction(
        [f"сначала {first}, а потом {then}", f"{then} после того, как {first}", f"{first} до того, как {then}"]
    )


@clause.register
def _(meaning: Phrase, style: Style) -> str:
    return style.construction(meaning.russian).format(**{name: style.word(words)[1] for name, words in meaning.fillers})
