"""What trimming loses on held-out text, and what it costs for a table of LaBSE's size.

`lost`: tokens are counted on training pairs and monolingual text without held-out sentences; lost are the token
occurrences of held-out text whose token went, per 1,000. `at_best` counts the held-out text too: no choice from the
same text does better by much. `speed`: the folder's tokens stand among made-up ones of other scripts in a table of
`--rows` rows, with random weights of the folder's shape; counting is compared with the tokenizer alone.

    python -m benchmarks.trimming lost --teacher FOLDER --pairs FOLDER [--text FILE ...] --out FILE
    python -m benchmarks.trimming speed --teacher FOLDER --text FILE ... --out FILE
"""

import argparse
import json
import random
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer

from headshrink.data.corpus import Corpus, read_corpus
from headshrink.data.corpus.clean import fold
from headshrink.parameters.trim import TrimParams
from headshrink.trimming.count import Counts, chunks, joined
from headshrink.trimming.folder import trim_folder
from headshrink.trimming.run import Choice
from headshrink.trimming.select import Selection
from headshrink.trimming.text import Hinted, sentences

CUTS = (0.3, 0.5, 0.7)
COVERAGE = 0.999
LANGUAGES = ("en", "ru")


def heldout_text(corpus: Corpus) -> list[Hinted]:
    return [hinted for pair in corpus.heldout for hinted in (("en", pair.en), ("ru", pair.ru))]


def without(text: Iterable[Hinted], left_out: Iterable[Hinted]) -> Iterable[Hinted]:
    """A text without the sentences of another, compared without case and punctuation."""
    known = {fold(sentence) for _, sentence in left_out}
    return ((hint, sentence) for hint, sentence in text if fold(sentence) not in known)


def lost_table(chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for each cut: tokens, and lost occurrences per 1,000 beside those with the held-out text counted too."""
    corpus = read_corpus(chosen.pairs, heldout_percent=chosen.heldout_percent)
    tokenizer = AutoTokenizer.from_pretrained(chosen.teacher)
    plain = Choice(tokenizer, TrimParams())
    heldout, of_pairs = heldout_text(corpus), plain.count(sentences(corpus, LANGUAGES))
    unseen = plain.count(heldout)
    counted = {"pairs": of_pairs}
    if chosen.text:
        texts = without(sentences(chosen.text, LANGUAGES), heldout)
        counted["pairs and text"] = joined([of_pairs, plain.count(texts)])
    hows = [*({"tokens": round((1 - cut) * plain.vocabulary.size)} for cut in CUTS), {"coverage": COVERAGE}]
    rows = []
    for how in hows:
        choice = Choice(tokenizer, TrimParams(**how))
        for name, counts in counted.items():
            own, best = choice.select(counts), choice.select(replace(joined([counts, unseen]), sources=[]))
            rows.append({"counted": name, **how, "tokens": len(own.tokens), **lost(own, best, unseen)})
            print({key: round(value, 2) if isinstance(value, float) else value for key, value in rows[-1].items()})
    return rows


def lost(own: Selection, best: Selection, unseen: Counts) -> dict[str, float]:
    """Lost occurrences of each text, per 1,000."""
    texts = {"": unseen.total(), **{f"_{code}": tokens for code, tokens in unseen.tokens.items()}}
    found = {f"lost{name}": 1000 * (1 - own.coverage(tokens)) for name, tokens in texts.items()}
    return found | {"at_best": 1000 * (1 - best.coverage(unseen.total()))}


def made_up(count: int, taken: set[str]) -> list[str]:
    """So many pieces of other scripts, a fifth of them Latin or Cyrillic."""
    draw = random.Random(0)
    ranges = [(0x3B1, 0x3C9), (0x4E00, 0x9FA5), (0x627, 0x64A), (0xE01, 0xE2E), (0x905, 0x939)]
    ranges += [(0x61, 0x7A), (0x430, 0x44F)]
    found = dict[str, None]()
    while len(found) < count:
        first, last = draw.choices(ranges, weights=[3, 3, 3, 3, 4, 3, 1])[0]
        word = "".join(chr(draw.randint(first, last)) for _ in range(draw.randint(1, 9)))
        piece = draw.choice(("", "##")) + word
        if piece not in taken:
            found[piece] = None
    return list(found)


def write_large(teacher: Path, rows: int, folder: Path) -> list[str]:
    """A folder whose vocabulary holds the teacher's at random places; returns the teacher's tokens."""
    own = (teacher / "vocab.txt").read_text(encoding="utf-8").splitlines()
    rest = own[5:] + made_up(rows - len(own), set(own))
    random.Random(1).shuffle(rest)
    folder.mkdir()
    for path in teacher.iterdir():
        if path.name in ("config.json", "tokenizer_config.json", "special_tokens_map.json"):
            shutil.copyfile(path, folder / path.name)
    (folder / "vocab.txt").write_text("\n".join([*own[:5], *rest]) + "\n", encoding="utf-8")
    config = AutoConfig.from_pretrained(folder)
    config.vocab_size = rows
    torch.manual_seed(0)
    with torch.no_grad():
        AutoModel.from_config(config).save_pretrained(folder)
    return own


def speed_facts(chosen: argparse.Namespace) -> dict[str, Any]:
    """Seconds of counting and of all else, and how much of the teacher's own choice of tokens is kept."""
    with tempfile.TemporaryDirectory(prefix="headshrink-") as scratch:
        large, small = Path(scratch) / "large", Path(scratch) / "small"
        own = write_large(chosen.teacher, chosen.rows, large)
        counting: list[float] = []
        count = Choice.count

        def timed(self: Choice, *texts: Iterable[Hinted]) -> Counts:
            started = time.perf_counter()
            found = count(self, *texts)
            counting.append(time.perf_counter() - started)
            return found

        Choice.count = timed  # type: ignore[method-assign]
        started = time.perf_counter()
        record = trim_folder(large, [sentences(chosen.text, LANGUAGES)], TrimParams(), small)
        seconds = time.perf_counter() - started
        kept = AutoTokenizer.from_pretrained(small).get_vocab().keys()
        alone = seconds_alone(Choice(AutoTokenizer.from_pretrained(large), TrimParams()), chosen.text)
    facts = {
        "tokens": record["tokens"], "weight_bytes": record["weight_bytes"], "seconds_counting": counting[0],
        "seconds_without_counting": seconds - counting[0], "seconds_tokenizer_alone": alone,
        "counting_relative_to_tokenizer": alone / counting[0],
        "kept_of_the_teachers_tokens": len(kept & set(own)) / len(own), "made_up_tokens_kept": len(kept - set(own)),
    }  # fmt: skip
    print(json.dumps(facts, indent=1))
    return facts


def seconds_alone(choice: Choice, text: list[Path]) -> float:
    """The tokenizer's own time for a text that is in memory."""
    parts = [[sentence for _, sentence in part] for part in chunks(sentences(text, LANGUAGES))]
    started = time.perf_counter()
    for part in parts:
        choice.splitter.encode_batch_fast(part, add_special_tokens=False)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["lost", "speed"])
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, help="TSV, aligned files or a folder of them")
    parser.add_argument("--text", type=Path, nargs="*", default=[], help="files of sentences")
    parser.add_argument("--heldout-percent", type=float, default=12.0)
    parser.add_argument("--rows", type=int, default=501_153)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    found = lost_table(chosen) if chosen.part == "lost" else speed_facts(chosen)
    chosen.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
