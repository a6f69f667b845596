"""A suite of encodechka's shapes with a few dozen rows a task, from the words that the tests' tokenizer knows."""

import json
import random
from pathlib import Path

import pandas as pd

SUBJECTS = {"мужчина": "man", "женщина": "woman", "кошка": "cat", "собака": "dog"}
VERBS = {"бежит": "runs", "спит": "sleeps", "читает": "reads", "видит": "sees"}
PLACES = {"дом": "house", "дерево": "tree"}


def sentence(chance: random.Random) -> tuple[str, str, str]:
    """A Russian sentence, its English translation, and its verb, which is what labels are made of."""
    subject, verb, place = (chance.choice(list(words)) for words in (SUBJECTS, VERBS, PLACES))
    extra = " ".join(chance.choices(["и", "в", "на", "не", "большой", "маленький", "слово"], k=chance.randrange(6)))
    return (
        f"{subject} {verb} на {place} {extra}".strip(),
        f"the {SUBJECTS[subject]} {VERBS[verb]} on the {PLACES[place]} {extra}".strip(),
        verb,
    )


def pairs(chance: random.Random, count: int) -> list[tuple[str, str, float]]:
    drawn = [(sentence(chance)[0], sentence(chance)[0]) for _ in range(count)]
    return [(left, right, len(set(left.split()) & set(right.split()))) for left, right in drawn]


def write_tiny_suite(folder: Path, rows: int = 60, seed: int = 0) -> Path:
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    graded = pairs(chance, rows)
    write(folder / "stsb_dev.csv", ["sentence1", "sentence2", "similarity_score"], graded)
    write(folder / "para_gold.csv", ["text_1", "text_2", "class"], [(a, b, min(c, 2) - 1) for a, b, c in graded[::-1]])
    relations = [(a, b, ["contradiction", "neutral", "entailment"][c % 3]) for a, b, c in graded]
    write(folder / "xnli_ru.csv", ["sentence1", "sentence2", "gold_label"], relations)
    for half in ("train", "test"):
        write_labelled(folder, half, [sentence(chance) for _ in range(rows)])
    for name in ("factru.json", "rudrec.json"):
        lengths = [1, 2, 3, 30] * 10  # the longest are cut at the model's limit
        write_entities(folder / name, [" ".join(sentence(chance)[0] for _ in range(length)) for length in lengths])
    sample = "".join(sentence(chance)[0] + "\n" for _ in range(20))
    (folder / "sentences_sample.txt").write_text(sample, encoding="utf-8")
    return folder


def write_labelled(folder: Path, half: str, drawn: list[tuple[str, str, str]]) -> None:
    moods = [(text, list(VERBS).index(verb) % 3 - 1) for text, _, verb in drawn]
    write(folder / f"SentiRuEval2016_small_{half}.csv", ["text", "answer"], moods)
    moving = [(text, int(verb in ("бежит", "спит"))) for text, _, verb in drawn]
    write(folder / f"toxic_{half}.csv", ["text", "toxic"], moving)
    write(folder / f"inappropriate_{half}.csv", ["text", "y"], [(text, int("кошка" in text)) for text, _, _ in drawn])
    intents = [(english, text, VERBS[verb]) for text, english, verb in drawn]
    write(folder / f"intents_{half}.csv", ["answer", "text", "label"], intents)


def write(path: Path, columns: list[str], rows: list[tuple]) -> None:
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)


def write_entities(path: Path, texts: list[str]) -> None:
    """Subjects are one kind, places with the word before them another; a text may begin with an entity."""
    labels = []
    for text in texts:
        found = []
        for word, kind, before in [(w, "Who", 0) for w in SUBJECTS] + [(w, "Where", 3) for w in PLACES]:
            start = text.find(word)
            if start >= 0:
                found.append([kind, max(0, start - before), start + len(word)])
        labels.append(found)
    path.write_text(json.dumps({"texts": texts, "labels": labels}, ensure_ascii=False), encoding="utf-8")
