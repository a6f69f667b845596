"""encodechka's protocol written down plainly: one text at a time, scikit-learn called as it comes, nothing shared.

The tests compare the benchmark with this. It is slow on purpose and knows nothing of headshrink but a loaded model.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import razdel
import torch
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import KFold, cross_val_predict, train_test_split
from sklearn.neighbors import KNeighborsClassifier

from headshrink.model import SentenceEncoder


def poolings(encoder: SentenceEncoder, text: str) -> dict[str, np.ndarray]:
    """Every pooling of one text's forward pass; no pooler where the checkpoint holds none."""
    longest = min(128, encoder.backbone.config.max_position_embeddings)
    inputs = encoder.tokenizer(text, truncation=True, max_length=longest, return_tensors="pt")
    with torch.no_grad():
        output = encoder.backbone(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"])
    mask = inputs["attention_mask"].unsqueeze(-1).float()
    mean = (output.last_hidden_state * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
    found = {"cls": output.last_hidden_state[:, 0], "mean": mean}
    if encoder.backbone.pooler is not None:
        found["pooler"] = output.pooler_output
    found |= {f"{name}_norm": torch.nn.functional.normalize(vector) for name, vector in found.items()}
    return {name: vector[0].numpy() for name, vector in found.items()}


def columns(encoder: SentenceEncoder, texts) -> dict[str, np.ndarray]:
    rows = [poolings(encoder, text) for text in texts]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def products(encoder: SentenceEncoder, left, right) -> dict[str, np.ndarray]:
    one, other = columns(encoder, left), columns(encoder, right)
    return {name: (one[name] * other[name]).sum(1) for name in one}


def similarity(encoder: SentenceEncoder, table: pd.DataFrame, left: str, right: str, label: str) -> dict[str, float]:
    found = products(encoder, table[left], table[right])
    return {name: spearmanr(table[label], product).correlation for name, product in found.items()}


def entailment(encoder: SentenceEncoder, table: pd.DataFrame) -> dict[str, float]:
    gold, scores = table["gold_label"], {}
    for name, product in products(encoder, table["sentence1"], table["sentence2"]).items():
        folds = KFold(n_splits=3, shuffle=True, random_state=1)
        predicted = cross_val_predict(LogisticRegression(max_iter=10_000), product[:, None], gold, cv=folds)
        scores[name] = np.mean(predicted == gold)
    return scores


def accuracy(encoder: SentenceEncoder, train, test, train_text: str, label: str) -> dict[str, float]:
    seen, unseen, scores = columns(encoder, train[train_text]), columns(encoder, test["text"]), {}
    for name in seen:
        regression = LogisticRegression(max_iter=10_000).fit(seen[name], train[label])
        neighbours = KNeighborsClassifier(n_neighbors=3, weights="distance").fit(seen[name], train[label])
        scores[f"{name}__lr"] = np.mean(regression.predict(unseen[name]) == test[label])
        scores[f"{name}__knn"] = np.mean(neighbours.predict(unseen[name]) == test[label])
    return scores


def auc(encoder: SentenceEncoder, train, test, label: str) -> dict[str, float]:
    seen, unseen, scores = columns(encoder, train["text"]), columns(encoder, test["text"]), {}
    for name in seen:
        regression = LogisticRegression(max_iter=10_000).fit(seen[name], train[label])
        scores[name] = roc_auc_score(test[label], regression.predict_proba(unseen[name])[:, 1])
    return scores


def word_labels(text: str, entities) -> tuple[list[str], list[str]]:
    words = list(razdel.tokenize(text))
    word_at = {place: i for i, word in enumerate(words) for place in range(word.start, word.stop)}
    labels = ["O"] * len(words)
    for kind, start, end in entities:
        begun = False
        for place in range(start, end):
            word = word_at.get(place, 0)
            if word and labels[word] == "O":  # word 0 never gets a label
                labels[word] = ("I-" if begun else "B-") + kind
                begun = True
    return [word.text for word in words], labels


def word_rows(encoder: SentenceEncoder, words: list[str]) -> list[np.ndarray]:
    longest = min(encoder.tokenizer.model_max_length, encoder.backbone.config.max_position_embeddings)
    limits = {"is_split_into_words": True, "truncation": True, "max_length": longest}
    inputs = encoder.tokenizer(words, return_tensors="pt", **limits)
    with torch.no_grad():
        states = encoder.backbone(inputs["input_ids"], inputs["attention_mask"]).last_hidden_state[0].numpy()
    pieces: dict[int, list[np.ndarray]] = {i: [] for i in range(len(words))}
    for state, word in zip(states, inputs.word_ids(), strict=True):
        if word is not None:
            pieces[word].append(state)
    # zeros are float64: part of the protocol
    return [np.mean(states_of, 0) if states_of else np.zeros(states.shape[1]) for states_of in pieces.values()]


def entities(encoder: SentenceEncoder, path: Path) -> dict[str, float]:
    data = json.loads(path.read_text(encoding="utf-8"))
    halves = train_test_split(data["texts"], data["labels"], test_size=0.5, random_state=1)
    rows, labels = {}, {}
    for half, texts, marks in (("train", halves[0], halves[2]), ("test", halves[1], halves[3])):
        labelled = [word_labels(text, mark) for text, mark in zip(texts, marks, strict=True)]
        rows[half] = np.stack([row for words, _ in labelled for row in word_rows(encoder, words)])
        labels[half] = np.array([label for _, found in labelled for label in found])
    classifier = SGDClassifier(loss="log_loss", random_state=1, tol=1e-4).fit(rows["train"], labels["train"])
    kinds = sorted(set(labels["test"]) - {"O"})
    return {"words": f1_score(labels["test"], classifier.predict(rows["test"]), average="macro", labels=kinds)}


def evaluate(encoder: SentenceEncoder, folder: Path, task: str) -> dict[str, float]:
    """The score of one task at every pooling and classifier."""

    def read(name: str) -> pd.DataFrame:
        return pd.read_csv(folder / name)

    def halves(stem: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        return read(f"{stem}_train.csv"), read(f"{stem}_test.csv")

    tasks = {
        "sts": lambda: similarity(encoder, read("stsb_dev.csv"), "sentence1", "sentence2", "similarity_score"),
        "pi": lambda: similarity(encoder, read("para_gold.csv"), "text_1", "text_2", "class"),
        "nli": lambda: entailment(encoder, read("xnli_ru.csv")),
        "sa": lambda: accuracy(encoder, *halves("SentiRuEval2016_small"), "text", "answer"),
        "ti": lambda: auc(encoder, *halves("toxic"), "toxic"),
        "ia": lambda: auc(encoder, *halves("inappropriate"), "y"),
        "ic": lambda: accuracy(encoder, *halves("intents"), "text", "label"),
        "icx": lambda: accuracy(encoder, *halves("intents"), "answer", "label"),
        "ne1": lambda: entities(encoder, folder / "factru.json"),
        "ne2": lambda: entities(encoder, folder / "rudrec.json"),
    }
    return tasks[task]()
