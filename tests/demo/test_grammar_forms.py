"""Forms and agreement that a Russian or English reader would notice if they were wrong."""

import pytest

from demo.grammar import english, russian
from demo.grammar.lexicon import ACTIONS, ADJECTIVES, KINDS, NAMES, PLACES, RELATIONS, TRANSFERS
from demo.grammar.meanings import (
    Action,
    Comparison,
    Entity,
    Possession,
    Sequence,
    Transfer,
    negated,
    swapped,
)
from demo.grammar.morphology import article, decline, english_plural, inflect
from demo.grammar.style import Style

NOUN = {noun.key: noun for nouns in KINDS.values() for noun in nouns}
VERB = {verb.key: verb for verb in (*ACTIONS, *TRANSFERS)}
QUALITY = {adjective.key: adjective for adjective in ADJECTIVES}
PLAIN, OBJECT_FIRST, PASSIVE = Style(), Style(order=1), Style(order=2)


def act(agent: str, verb: str, patient: str, **rest: object) -> Action:
    return Action(Entity(NOUN[agent]), VERB[verb], Entity(NOUN[patient]), **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "case", "plural", "form"),
    [
        ("врач m-sib", "ins", False, "врачом"), ("пляж m-sib0", "ins", False, "пляжем"),
        ("певец/певц m-ts", "ins", False, "певцом"), ("кошка f-velar gp=кошек", "gen", True, "кошек"),
        ("Мария f-ija", "dat", False, "Марии"), ("лошадь f-3", "ins", False, "лошадью"),
        ("кафе indecl:n", "loc", True, "кафе"), ("стихотворение n-ije", "loc", False, "стихотворении"),
    ],
)  # fmt: skip
def test_nouns_decline_by_their_paradigm(row, case, plural, form):
    assert decline(row, animate=False).form(case, plural) == form


def test_accusative_follows_animacy():
    assert russian.say(act("Anna", "see", "doctor")) == "Анна увидела врача."
    assert russian.say(act("Anna", "find", "key")) == "Анна нашла ключ."


def test_verb_agrees_with_gender_and_number_of_its_subject():
    plural = Action(Entity(NOUN["doctor"], 0), VERB["read"], Entity(NOUN["book"]))
    assert russian.say(act("doctor", "read", "book")) == "Врач прочитал книгу."
    assert russian.say(act("Anna", "read", "book")) == "Анна прочитала книгу."
    assert russian.say(plural) == "Врачи прочитали книгу."


def test_numerals_govern_case():
    def owned(count: int, noun: str, adjective: str | None = None) -> str:
        return russian.say(Possession(Entity(NOUN["Anna"]), Entity(NOUN[noun], count, QUALITY.get(adjective))))

    assert owned(2, "book", "new") == "У Анны две новые книги."
    assert owned(3, "key", "new") == "У Анны три новых ключа."
    assert owned(5, "book", "new") == "У Анны пять новых книг."
    seen = Action(Entity(NOUN["Anna"]), VERB["see"], Entity(NOUN["brother"], 2, QUALITY["young"]))
    assert russian.say(seen) == "Анна увидела двух молодых братьев."


def test_aspect_follows_tense():
    said = [russian.say(act("doctor", "write", "letter", tense=tense)) for tense in ("past", "progressive", "future")]
    assert said == ["Врач написал письмо.", "Врач писал письмо.", "Врач напишет письмо."]


def test_denied_possession_takes_the_genitive():
    meaning = Possession(Entity(NOUN["doctor"]), Entity(NOUN["car"]), negated=True)
    assert russian.say(meaning) == "У врача нет машины."
    assert english.say(meaning) == "The doctor does not have a car."


def test_passive_keeps_the_meaning_and_moves_the_agent_to_the_instrumental():
    meaning = act("doctor", "write", "letter")
    assert russian.say(meaning, PASSIVE) == "Письмо было написано врачом."
    assert russian.say(meaning, OBJECT_FIRST) == "Письмо написал врач."
    assert english.say(meaning, OBJECT_FIRST) == "The letter was written by the doctor."


def test_dative_verbs_keep_their_case_in_any_order():
    assert russian.say(act("doctor", "help", "Anna"), OBJECT_FIRST) == "Анне помог врач."


def test_synonyms_replace_every_content_word():
    meaning = act("doctor", "repair", "car")
    assert russian.say(meaning, Style(1)) == "Доктор отремонтировал автомобиль."
    assert english.say(meaning, Style(1)) == "The physician fixed an automobile."


def test_a_relation_said_from_its_other_end_is_the_same_fact():
    older = next(relation for relation in RELATIONS if relation.key == "older than")
    meaning = Comparison(Entity(NOUN["brother"]), older, Entity(NOUN["sister"]))
    assert russian.say(meaning) == "Брат старше сестры."
    assert russian.say(meaning, OBJECT_FIRST) == "Сестра моложе брата."
    assert english.say(meaning, OBJECT_FIRST) == "The sister is younger than the brother."


def test_prepositions_take_a_vowel_before_a_cluster():
    assert russian.euphonic("встреча с Светланой в Франции") == "встреча со Светланой во Франции"


def test_second_locative_and_transfer():
    forest = next(place for place in PLACES if place.noun.key == "forest")
    assert russian.say(act("wolf", "see", "fox", place=forest)) == "Волк увидел лису в лесу."
    gift = Transfer(Entity(NOUN["Anna"]), VERB["give"], Entity(NOUN["book"]), Entity(NOUN["brother"]))
    assert russian.say(gift) == "Анна дала брату книгу."


def test_english_spelling():
    assert [english_plural(word) for word in ("box", "story", "boy", "shop assistant", "postman", "monarch")] == [
        "boxes", "stories", "boys", "shop assistants", "postmen", "monarchs",
    ]  # fmt: skip
    assert inflect("write").ing == "writing"
    assert inflect("look for").past == "looked for"
    assert inflect("carry").third == "carries"
    assert (article("old book"), article("university"), article("book")) == ("an", "a", "a")


def test_swapping_sequences_uses_the_very_same_words():
    meaning = Sequence(act("doctor", "read", "book"), act("Anna", "write", "letter"))
    one, other = (russian.say(said).lower().strip(".").replace(",", "").split() for said in (meaning, swapped(meaning)))
    assert sorted(one) == sorted(other)
    assert russian.say(meaning) != russian.say(swapped(meaning))


def test_negation_is_its_own_inverse():
    meaning = act("doctor", "read", "book")
    assert negated(negated(meaning)) == meaning
    assert russian.say(negated(meaning)) == "Врач не прочитал книгу."


def test_names_take_no_article():
    assert all(not english.say(act(name.key, "read", "book")).startswith("The") for name in NAMES)
