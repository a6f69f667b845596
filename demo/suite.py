"""The demo suite: encodechka's ten tasks in miniature, in its files' own formats, from meanings that no pair has.

Generated data: scores on it compare models with each other and say nothing about real text. The pair tasks are built
so that words alone decide nothing: within each task the overlap of the two sentences is drawn independently of the
label, so what separates labels is who does what to whom, negation, and paraphrase. The classification tasks are learnt
from one wording and tested on another, so that they too ask for meaning.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from random import Random

from demo.grammar import english, russian
from demo.grammar.lexicon import ADJECTIVES_OF, KINDS, PLACES, TIMES_OF
from demo.grammar.meanings import (
    Action,
    Entity,
    Meaning,
    Phrase,
    Transfer,
    core,
    in_suite,
    negated,
    swapped,
)  # fmt: skip
from demo.grammar.morphology import capitalise
from demo.grammar.phrases import REGISTERS
from demo.grammar.sentences import (
    action,
    comparison,
    contrast,
    journey,
    sayable,
    sequence,
    transfer,
)
from demo.grammar.style import Style

LONGEST = 8  # distinct words: two such sentences that differ in one word are no near-duplicates (7/9 < 0.8)
STYLES = tuple(Style(words, order, front) for words in (0, 1) for order in (0, 1, 2) for front in (False, True))
STYLES_OF = {side: [Style(i, i, front) for front in (False, True)] for i, side in enumerate(("train", "test"))}
PAIR_SAMPLERS: tuple[Callable[[Random], Meaning], ...] = (
    action, action, action, transfer, journey, comparison, contrast, sequence,
)  # fmt: skip
Change = Callable[[Meaning, Random], Meaning | None]
Row = dict[str, object]


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


def overlap(one: str, other: str) -> float:
    """Word Jaccard of two sentences."""
    a, b = words(one), words(other)
    return len(a & b) / len(a | b)


def base_meanings(rng: Random) -> Iterator[Meaning]:
    """Meanings of the suite's side of the partition whose sentences are short enough."""
    while True:
        meaning = rng.choice(PAIR_SAMPLERS)(rng)
        if in_suite(meaning) and is_short(meaning):
            yield meaning


def is_short(meaning: Meaning) -> bool:
    """Whether all ways to say a meaning keep to the longest length; where the time stands does not matter."""
    return all(len(words(russian.say(meaning, way))) <= LONGEST for way in STYLES if not way.front)


def opposed(meaning: Meaning, rng: Random) -> Meaning | None:
    """The same words about another fact: roles exchanged, or denied."""
    options = [other for other in (swapped(meaning), negated(meaning)) if other is not None and sayable(other)]
    return rng.choice(options) if options else None


def detailed(meaning: Meaning, rng: Random) -> Meaning | None:
    """The same fact with one detail more: a place, a time or a quality."""
    if not isinstance(meaning, Action | Transfer):
        return None
    options: list[Meaning] = []
    if meaning.time is None and meaning.tense != "habit":
        options.append(replace(meaning, time=rng.choice(TIMES_OF[meaning.tense])))
    if isinstance(meaning, Action) and meaning.place is None:
        options.append(replace(meaning, place=rng.choice(PLACES)))
    if meaning.agent.adjective is None and not meaning.agent.noun.name:
        options.append(replace(meaning, agent=replace(meaning.agent, adjective=rng.choice(ADJECTIVES_OF["person"]))))
    return rng.choice(options) if options else None


def altered(meaning: Meaning, rng: Random) -> Meaning | None:
    """Somebody else does the same: one participant exchanged, still on the suite's side."""
    if not isinstance(meaning, Action | Transfer):
        return None
    for _ in range(200):
        other = replace(meaning, agent=Entity(rng.choice(KINDS["person"])))
        if in_suite(other) and core(other) != core(meaning) and len(core(other)) == len(core(meaning)):
            return other
    return None


def said(one: Meaning, other: Meaning, target: float, rng: Random) -> tuple[str, str] | None:
    """Two sentences for two meanings, their overlap as near to `target` as the styles allow; None if they are equal."""
    first = russian.say(one, rng.choice(STYLES))
    options = {russian.say(other, way) for way in STYLES} - {first}
    if not options:
        return None
    return first, min(sorted(options), key=lambda text: abs(overlap(first, text) - target))


def pairs_by_label(count: int, seed: str, kinds: Sequence[tuple[object, Change]]) -> list[tuple[str, str, object]]:
    """`count` sentence pairs, labels in turn; all labels draw overlaps from one distribution."""
    rng = Random(seed)
    out: list[tuple[str, str, object]] = []
    source = base_meanings(rng)
    while len(out) < count:
        label, make = kinds[len(out) % len(kinds)]
        meaning = next(source)
        other = make(meaning, rng)
        if other is None or not is_short(other):
            continue
        one, two = (meaning, other) if rng.random() < 0.5 else (other, meaning)
        if make is detailed:
            one, two = meaning, other
        sentences = said(one, two, rng.uniform(0.2, 0.8), rng)
        if sentences:
            out.append((*sentences, label))
    rng.shuffle(out)
    return out


def same(meaning: Meaning, rng: Random) -> Meaning:
    return meaning


def unrelated(meaning: Meaning, rng: Random) -> Meaning:
    return next(base_meanings(rng))


def similarity_rows(seed: int) -> Iterator[Row]:
    """STS: 5 the same, 4 a detail more, 2 somebody else, 1 opposed, 0 unrelated."""
    kinds: list[tuple[object, Change]] = [(5.0, same), (4.0, detailed), (2.0, altered), (1.0, opposed)] * 3
    kinds.append((0.0, unrelated))
    for one, two, label in pairs_by_label(420, f"sts {seed}", kinds):
        yield {"sentence1": one, "sentence2": two, "similarity_score": label}


def paraphrase_rows(seed: int) -> Iterator[Row]:
    """PI: 1 the same, 0 a detail more, -1 opposed or about somebody else."""
    kinds = [(1, same), (0, detailed), (-1, opposed), (1, same), (0, detailed), (-1, altered)]
    for i, (one, two, label) in enumerate(pairs_by_label(420, f"pi {seed}", kinds)):
        yield {"id": i, "id_1": 2 * i, "id_2": 2 * i + 1, "text_1": one, "text_2": two, "class": label}


XNLI_COLUMNS = (
    "language gold_label sentence1_binary_parse sentence2_binary_parse sentence1_parse sentence2_parse sentence1 "
    "sentence2 promptID pairID genre label1 label2 label3 label4 label5 sentence1_tokenized sentence2_tokenized match"
).split()


def inference_rows(seed: int) -> Iterator[Row]:
    """NLI: entailed (the same), neutral (a detail that the premise lacks), contradiction (opposed)."""
    kinds = [("entailment", same), ("neutral", detailed), ("contradiction", opposed)]
    for i, (one, two, label) in enumerate(pairs_by_label(420, f"nli {seed}", kinds)):
        row: Row = dict.fromkeys(XNLI_COLUMNS, "")
        row |= {f"label{n}": label for n in range(1, 6)}
        row |= {
            "language": "ru",
            "gold_label": label,
            "sentence1": one,
            "sentence2": two,
            "promptID": i,
            "pairID": i,
            "genre": "generated",
            "sentence1_tokenized": one,
            "sentence2_tokenized": two,
            "match": True,
        }
        yield row


def half(meaning: Meaning) -> str:
    """Train or test side of a classification task: by core, so that no test phrase has its fillers in train."""
    digest = blake2b(" ".join(("half", *core(meaning))).encode(), digest_size=8).digest()
    return "test" if int.from_bytes(digest, "big") % 5 < 2 else "train"


def phrases(register: str, side: str, count: int, seed: int) -> list[tuple[Phrase, Style, str]]:
    """Up to `count` distinct phrases of the suite, each with a style and its text; all labels alike often."""
    rng = Random(f"{register} {side} {seed}")
    most = -(-count // len({label for _, label, *_ in REGISTERS[register].frames}))
    per_label: Counter[str] = Counter()
    seen: dict[str, tuple[Phrase, Style, str]] = {}
    for _ in range(60 * count):
        for phrase in REGISTERS[register].sample(rng):
            if per_label[phrase.label] == most or not in_suite(phrase) or half(phrase) != side:
                continue
            way = rng.choice(STYLES_OF[side])
            text = russian.say(phrase, way)
            if len(words(text)) <= LONGEST and text not in seen:
                seen[text] = phrase, way, text
                per_label[phrase.label] += 1
        if len(seen) >= count:
            break
    return list(islice(seen.values(), count))


def sentiment_rows(side: str, count: int, seed: int) -> Iterator[Row]:
    """SA: what a customer says of an invented company."""
    for i, (phrase, _, text) in enumerate(phrases("review", side, count, seed)):
        company = dict(phrase.fillers)["company"][0][0]
        yield {"text": text, "answer": int(phrase.label), "company": company, "sample_id": i, "domain": "generated"}


def toxicity_rows(side: str, count: int, seed: int) -> Iterator[Row]:
    """TI: insults, and the same words denied."""
    for i, (phrase, _, text) in enumerate(phrases("remark", side, count, seed)):
        name = "__label__INSULT" if phrase.label == "1" else "__label__NORMAL"
        yield {"id": i, "text": text, "labels": f"['{name}']", "toxic": int(phrase.label)}


TOPICS = (
    "offline_crime online_crime drugs gambling pornography prostitution slavery suicide terrorism weapons body_shaming "
    "health_shaming politics racism religion sexual_minorities sexism social_injustice"
).split()


def appropriateness_rows(side: str, count: int, seed: int) -> Iterator[Row]:
    """IA: crime, and the same people at honest work."""
    for phrase, _, text in phrases("incident", side, count, seed):
        bad = int(phrase.label)
        topic = "weapons" if phrase.frame == "incident:trade" else "offline_crime"
        row: Row = {"text": text, "inappropriate": float(bad), **dict.fromkeys(TOPICS, 0.0)}
        yield row | {topic: float(bad), "human_labeled": 1, "y": bad}


INTENT_COLUMNS = (
    "userid answerid scenario intent status answer_annotation notes suggested_entities answer_normalised answer "
    "question text label"
).split()


def intent_rows(side: str, count: int, seed: int) -> Iterator[Row]:
    """IC and ICX: requests in Russian (`text`) and in English (`answer`)."""
    rng = Random(f"answers {side} {seed}")
    for i, (phrase, _, text) in enumerate(phrases("request", side, count, seed)):
        answers = {english.say(phrase, way) for way in STYLES}
        short = [text for text in sorted(answers) if len(words(text)) <= LONGEST]
        answer = rng.choice(short or [min(answers, key=len)])
        scenario = phrase.frame.split(":")[1]
        row: Row = dict.fromkeys(INTENT_COLUMNS, "")
        row |= {"userid": i, "answerid": i, "scenario": scenario, "intent": phrase.label, "text": text}
        yield row | {"answer": answer, "answer_normalised": answer.lower(), "label": f"{scenario}__{phrase.label}"}


ENTITIES = {
    "fullname": "Person", "city": "Location", "country": "LocOrg", "org": "Org",
    "drug": "Drugname", "drugform": "Drugform", "drugclass": "Drugclass", "disease": "DI", "reaction": "ADR",
}  # fmt: skip
Span = list[object]  # [entity type, first character, one past the last]


def marked(phrase: Phrase, way: Style) -> tuple[str, list[Span]]:
    """A Russian sentence with the spans of its fillers; a person is one span a word, as in factRuEval."""
    template = way.construction(phrase.russian)
    fillers = {name: way.word(synonyms)[1] for name, synonyms in phrase.fillers}
    text, spans = "", []
    for literal, name in re.findall(r"([^{]*)(?:\{(\w+)\})?", template):
        text += literal
        if not name:
            continue
        start = len(text) + (len("от ") if name == "disease" else 0)
        text += fillers[name]
        if name == "fullname":
            middle = text.index(" ", start)
            spans += [["Person", start, middle], ["Person", middle + 1, len(text)]]
        elif name in ENTITIES:
            spans.append([ENTITIES[name], start, len(text)])
    return capitalise(text) + ".", spans


def entity_texts(register: str, count: int, sentences: int, seed: int) -> dict[str, list[object]]:
    """NE1 and NE2: texts of so many sentences with entity spans."""
    rng = Random(f"{register} {seed}")
    pool = [(phrase, way) for side in ("train", "test") for phrase, way, _ in phrases(register, side, count // 2, seed)]
    texts: list[object] = []
    labels: list[object] = []
    for _ in range(count):
        text, spans = "", []
        for phrase, way in rng.sample(pool, sentences):
            sentence, found = marked(phrase, way)
            spans += [[kind, first + len(text), last + len(text)] for kind, first, last in found]  # type: ignore[operator]
            text += sentence + " "
        texts.append(text.rstrip() + "\n")
        labels.append(spans)
    return {"texts": texts, "labels": labels}


def write_csv(path: Path, rows: Iterator[Row]) -> None:
    listed = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(listed[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(listed)


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8")


def write_demo_suite(folder: Path, seed: int) -> None:
    """Write encodechka's data files, generated, into an existing folder."""
    write_csv(folder / "stsb_dev.csv", similarity_rows(seed))
    write_csv(folder / "para_gold.csv", paraphrase_rows(seed))
    write_csv(folder / "xnli_ru.csv", inference_rows(seed))
    for side, share in (("train", 300), ("test", 200)):
        write_csv(folder / f"SentiRuEval2016_small_{side}.csv", sentiment_rows(side, share, seed))
        write_csv(folder / f"toxic_{side}.csv", toxicity_rows(side, share, seed))
        write_csv(folder / f"inappropriate_{side}.csv", appropriateness_rows(side, share, seed))
        write_csv(folder / f"intents_{side}.csv", intent_rows(side, share * 3 // 2, seed))
    write_json(folder / "factru.json", entity_texts("report", 160, 3, seed))
    write_json(folder / "rudrec.json", entity_texts("treatment", 300, 1, seed))
    lines = [russian.say(meaning) for meaning in islice(base_meanings(Random(f"speed {seed}")), 100)]
    (folder / "sentences_sample.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
