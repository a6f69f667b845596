"""Inflection: Russian declension and conjugation by paradigm, English verb and plural forms by rule.

A paradigm is a row of endings put on a stem, as in a dictionary's tables (Zaliznyak 1977); what does not follow its
paradigm is written out in the lexicon. Stress is not modelled: paradigms that differ by it have rows of their own.
"""

from dataclasses import dataclass

CASES = ("nom", "gen", "dat", "acc", "ins", "loc")
GENDERS = ("m", "f", "n")

# Endings: nominative, genitive, dative, accusative, instrumental, locative; singular / plural. "=" in the accusative
# is the nominative or, of an animate noun, the genitive. "-" is no ending.
NOUN_PARADIGMS = {
    "m-hard": "- а у = ом е / ы ов ам = ами ах",
    "m-velar": "- а у = ом е / и ов ам = ами ах",
    "m-sib": "- а у = ом е / и ей ам = ами ах",  # stressed ending: врачом
    "m-sib0": "- а у = ем е / и ей ам = ами ах",  # unstressed ending: пляжем
    "m-ts": "- а у = ом е / ы ов ам = ами ах",  # певцом
    "m-ts0": "- а у = ем е / ы ев ам = ами ах",  # принцем
    "m-soft": "ь я ю = ем е / и ей ям = ями ях",
    "m-j": "й я ю = ем е / и ев ям = ями ях",
    "m-ij": "й я ю = ем и / и ев ям = ями ях",  # Дмитрий
    "f-hard": "а ы е у ой е / ы - ам = ами ах",
    "f-velar": "а и е у ой е / и - ам = ами ах",
    "f-sib": "а и е у ей е / и - ам = ами ах",
    "f-ts": "а ы е у ей е / ы - ам = ами ах",
    "f-soft": "я и е ю ей е / и ь ям = ями ях",
    "f-tja": "я и е ю ёй е / и ей ям = ями ях",  # статья
    "f-ija": "я и и ю ей и / и й ям = ями ях",
    "f-3": "ь и и ь ью и / и ей ям = ями ях",
    "n-hard": "о а у о ом е / а - ам = ами ах",
    "n-je": "е я ю е ем е / я ев ям = ями ях",
    "n-ije": "е я ю е ем и / я й ям = ями ях",
    "indecl": "- - - - - - / - - - - - -",
    "sur-m": "- а у а ым е / ы ых ым ых ыми ых",  # Иванов
    "sur-f": "а ой ой у ой ой / ы ых ым ых ыми ых",  # Иванова
}

# Masculine / feminine / neuter / plural; "=" as above.
ADJECTIVE_PARADIGMS = {
    "hard": "ый ого ому = ым ом / ая ой ой ую ой ой / ое ого ому ое ым ом / ые ых ым = ыми ых",
    "velar": "ий ого ому = им ом / ая ой ой ую ой ой / ое ого ому ое им ом / ие их им = ими их",
    "stressed": "ой ого ому = ым ом / ая ой ой ую ой ой / ое ого ому ое ым ом / ые ых ым = ыми ых",
    "stressed-velar": "ой ого ому = им ом / ая ой ой ую ой ой / ое ого ому ое им ом / ие их им = ими их",
    "stressed-sib": "ой ого ому = им ом / ая ой ой ую ой ой / ое ого ому ое им ом / ие их им = ими их",  # большой
    "sib": "ий его ему = им ем / ая ей ей ую ей ей / ее его ему ее им ем / ие их им = ими их",
    "soft": "ий его ему = им ем / яя ей ей юю ей ей / ее его ему ее им ем / ие их им = ими их",
}

# Numerals in CASES' order; "=" of 2 to 4 is the genitive before an animate noun, the nominative before others.
NUMERALS = {
    2: "два двух двум = двумя двух",
    3: "три трёх трём = тремя трёх",
    4: "четыре четырёх четырём = четырьмя четырёх",
    5: "пять пяти пяти пять пятью пяти",
    6: "шесть шести шести шесть шестью шести",
    7: "семь семи семи семь семью семи",
    8: "восемь восьми восьми восемь восемью восьми",
    9: "девять девяти девяти девять девятью девяти",
    10: "десять десяти десяти десять десятью десяти",
}
ENGLISH_NUMERALS = dict(enumerate("one two three four five six seven eight nine ten".split(), start=1))


@dataclass(frozen=True)
class RussianNoun:
    """One Russian noun: singular cases, then plural cases; `place`: the locative after в and на (в лесу)."""

    gender: str
    animate: bool
    forms: tuple[str, ...]
    place: str

    def form(self, case: str, plural: bool = False) -> str:
        return self.forms[CASES.index(case) + 6 * plural]


def decline(row: str, animate: bool) -> RussianNoun:
    """A noun from a lexicon row: "lemma paradigm" and what is irregular.

    "lemma/stem" gives a stem that is not the lemma less its ending (отец/отц); ":m" after the paradigm overrides the
    gender (мужчина f-hard:m); "np=", "gp=" give one form (number last: s, p), "pl=" five plural forms (no accusative),
    "place=" the second locative.
    """
    lemma, paradigm, *exceptions = row.split()
    paradigm, _, gender = paradigm.partition(":")
    endings = [["" if e == "-" else e for e in half.split()] for half in NOUN_PARADIGMS[paradigm].split(" / ")]
    lemma, _, stem = lemma.partition("/")
    stem = stem or lemma.removesuffix(endings[0][0])
    forms = [e if e == "=" else stem + e for half in endings for e in half]
    forms[0] = lemma
    given = dict(item.split("=") for item in exceptions)
    if "pl" in given:
        nominative, genitive, dative, instrumental, locative = given["pl"].split(",")
        forms[6:] = [nominative, genitive, dative, "=", instrumental, locative]
    for key, value in given.items():
        if key in EXCEPTION_KEYS:
            forms[EXCEPTION_KEYS.index(key)] = value
    for i in (3, 9):
        if forms[i] == "=":
            forms[i] = forms[i - 2] if animate else forms[i - 3]
    gender = gender or (paradigm[0] if paradigm[0] in GENDERS else paradigm[-1])
    if paradigm == "indecl":
        gender = gender if gender in GENDERS else "n"
    return RussianNoun(gender, animate, tuple(forms), given.get("place", forms[5]))


EXCEPTION_KEYS = [initial + number for number in "sp" for initial in "ngdail"]


@dataclass(frozen=True)
class RussianAdjective:
    """24 forms: masculine, feminine, neuter, plural, each in CASES' order with "=" for the accusative of animacy."""

    forms: tuple[tuple[str, ...], ...]

    def form(self, case: str, gender: str, plural: bool, animate: bool) -> str:
        row = self.forms[3 if plural else GENDERS.index(gender)]
        if row[CASES.index(case)].endswith("="):
            case = "gen" if animate else "nom"
        return row[CASES.index(case)]


def decline_adjective(row: str) -> RussianAdjective:
    """An adjective from "lemma paradigm"."""
    lemma, paradigm = row.split()
    rows = [part.split() for part in ADJECTIVE_PARADIGMS[paradigm].split(" / ")]
    stem = lemma.removesuffix(rows[0][0])
    return RussianAdjective(tuple(tuple(stem + ending for ending in row) for row in rows))


@dataclass(frozen=True)
class RussianVerb:
    """One aspect of a Russian verb: finite forms (present, or future of a perfective) and past of four agreements.

    `participle` is the short past passive (написан), empty where there is none in use; `imperative` likewise.
    """

    infinitive: str
    singular: str
    plural: str
    past: tuple[str, str, str, str]
    participle: str = ""
    imperative: str = ""

    def past_form(self, gender: str, plural: bool) -> str:
        return self.past[3 if plural else GENDERS.index(gender)]

    def participle_form(self, gender: str, plural: bool) -> str:
        """написан, написана, написано, написаны; найден, найдена; приглашён, приглашена (ё only under stress)."""
        ending = "ы" if plural else {"m": "", "f": "а", "n": "о"}[gender]
        stem = self.participle
        return (stem[:-2] + "е" + stem[-1] if ending and stem.endswith("ён") else stem) + ending


def conjugate(row: str) -> RussianVerb:
    """A verb from "infinitive third-singular third-plural", then "past=masculine,feminine", "part=", "imp="."""
    infinitive, singular, plural, *rest = row.split()
    given = dict(item.split("=") for item in rest)
    if "past" in given:
        masculine, feminine = given["past"].split(",")
    elif infinitive.endswith("ся"):
        masculine, feminine = infinitive[:-4] + "лся", infinitive[:-4] + "лась"
    else:
        masculine, feminine = infinitive[:-2] + "л", infinitive[:-2] + "ла"
    if feminine.endswith("сь"):
        past = (masculine, feminine, feminine[:-3] + "ось", feminine[:-3] + "ись")
    else:
        past = (masculine, feminine, feminine[:-1] + "о", feminine[:-1] + "и")
    return RussianVerb(infinitive, singular, plural, past, given.get("part", ""), given.get("imp", ""))


IRREGULAR_PLURALS = {
    "man": "men",
    "woman": "women",
    "child": "children",
    "knife": "knives",
    "fisherman": "fishermen",
    "postman": "postmen",
    "lady": "ladies",
    "fish": "fish",
    "wolf": "wolves",
    "salesman": "salesmen",
    "seaman": "seamen",
}
IRREGULAR_VERBS = {
    "see": "saw seen",
    "meet": "met met",
    "find": "found found",
    "write": "wrote written",
    "read": "read read",
    "eat": "ate eaten",
    "buy": "bought bought",
    "sell": "sold sold",
    "build": "built built",
    "draw": "drew drawn",
    "give": "gave given",
    "bring": "brought brought",
    "send": "sent sent",
    "hide": "hid hidden",
    "break": "broke broken",
    "lose": "lost lost",
    "go": "went gone",
    "sleep": "slept slept",
    "sing": "sang sung",
    "swim": "swam swum",
    "tell": "told told",
    "forgive": "forgave forgiven",
    "catch": "caught caught",
    "show": "showed shown",
    "lend": "lent lent",
    "fly": "flew flown",
    "choose": "chose chosen",
    "weep": "wept wept",
    "feed": "fed fed",
    "ring": "rang rung",
}
DOUBLED = {"swim", "travel"}


def english_plural(noun: str) -> str:
    """book -> books, box -> boxes, story -> stories; the last word of a compound inflects."""
    head, _, last = noun.rpartition(" ")
    if last in IRREGULAR_PLURALS:
        plural = IRREGULAR_PLURALS[last]
    elif last.endswith(("s", "x", "ch", "sh")) and last != "monarch":
        plural = last + "es"
    elif last.endswith("y") and last[-2] not in "aeiou":
        plural = last[:-1] + "ies"
    else:
        plural = last + "s"
    return f"{head} {plural}".strip()


@dataclass(frozen=True)
class EnglishVerb:
    """Forms of an English verb; a particle or preposition ("look for") stands after each of them."""

    base: str
    third: str
    past: str
    participle: str
    ing: str


def inflect(verb: str) -> EnglishVerb:
    """All forms of "write", "look for"; irregular ones are listed above."""
    base, _, tail = verb.partition(" ")
    doubled = base + base[-1] if base in DOUBLED else base
    soft_y = base.endswith("y") and base[-2] not in "aeiou"
    third = base[:-1] + "ies" if soft_y else base + ("es" if base.endswith(("s", "x", "ch", "sh", "o")) else "s")
    regular = base[:-1] + "ied" if soft_y else (base + "d" if base.endswith("e") else doubled + "ed")
    past, participle = IRREGULAR_VERBS.get(base, f"{regular} {regular}").split()
    if base.endswith("ie"):
        ing = base[:-2] + "ying"
    else:
        ing = (base[:-1] if base.endswith("e") and not base.endswith("ee") else doubled) + "ing"
    forms = (base, third, past, participle, ing)
    return EnglishVerb(*(f"{form} {tail}".strip() for form in forms))


def article(phrase: str) -> str:
    """The indefinite article by the first letter; "university", "hour" and the like are not in the lexicon's heads."""
    return "an" if phrase[0] in "aeiou" and not phrase.startswith("uni") else "a"


def capitalise(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
