"""Stage targets: the teacher's embedding of every sentence, computed once for all students."""

import os
import shutil
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headshrink.parameters.compute import DEFAULTS as COMPUTE
from headshrink.parameters.compute import ComputeParams
from headshrink.parameters.section import LIBRARY, given_path
from headshrink.parameters.targets import TargetsParams
from headshrink.parameters.tokenize import TokenizeParams

if TYPE_CHECKING:
    from headshrink.data.table import SentenceTable, Tokens
    from headshrink.model import SentenceEncoder


def run(targets: TargetsParams, tokenize: TokenizeParams, compute: ComputeParams = COMPUTE) -> None:
    """Read teacher, shards and, where there is one, a folder of text; write targets/, the teacher's embeddings.

    An MLM head that is fitted here lies beside them.
    """
    from headshrink.data.corpus.clean import language_of
    from headshrink.data.shards import read_split
    from headshrink.data.table import SentenceTable, Tokens
    from headshrink.data.targets import SINGLE, write_single, write_targets
    from headshrink.model import best_device, load_encoder
    from headshrink.model.precision import resolve
    from headshrink.output import new_folder
    from tasks.stage import ARTIFACTS

    teacher = load_encoder(ARTIFACTS / "teacher").to(best_device(compute.device))
    splits = {name: SentenceTable.from_dataset(read_split(ARTIFACTS / "shards", name)) for name in ("train", "heldout")}
    how: dict[str, Any] = {"batch_size": targets.batch_size, "precision": resolve(targets.precision, teacher.device)}
    with new_folder(ARTIFACTS / "targets") as folder:
        if targets.mlm_head_steps:
            write_mlm_head(targets, teacher, splits, folder, how)
        texts = more_texts(targets, teacher, splits["train"].tokens, folder, how)
        if texts:
            teacher.max_length = tokenize.max_length
            kept = untested(texts)
            tokens = Tokens.from_rows(teacher.tokenise(kept))
            splits[SINGLE] = SentenceTable.of_single(tokens, list(map(language_of, kept)))
            write_single(splits[SINGLE], folder)
        work, finished = unfinished(splits, how)
        write_targets(teacher, splits, work, finished, **how)
        for file in work.iterdir():
            link(file, folder / file.name)
    shutil.rmtree(finished, ignore_errors=True)
    work.rename(finished)


def unfinished(splits: "Mapping[str, SentenceTable]", how: dict[str, Any]) -> tuple[Path, Path]:
    """Where a killed stage finds its embeddings again, and where the last one to finish has left its own.

    Both belong to this teacher and this code; those of others are removed. The finished ones are the files of
    artifacts/targets, by a second name that outlives a new run of the stage: a larger corpus keeps its embeddings.
    """
    from headshrink.checkpoint import fingerprint
    from tasks.stage import ARTIFACTS, WORK

    code = [LIBRARY / name for name in ("data/targets.py", "model", "padding.py")]
    texts = blake2b()
    for ids in (ids for table in splits.values() for ids in table.tokens.blocks()):
        texts.update(ids.tobytes())
    own = WORK / "targets" / fingerprint([*code, ARTIFACTS / "teacher"], how)
    work, finished = own / texts.hexdigest()[:16], own / "finished"
    for other in {*own.parent.glob("*"), *own.glob("*")} - {own, work, finished}:
        shutil.rmtree(other)
    return work, finished


def link(source: Path, target: Path) -> None:
    """A second name for a file; a copy where the file system has none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def more_texts(
    chosen: TargetsParams, teacher: "SentenceEncoder", sentences: "Tokens", folder: Path, how: dict[str, Any]
) -> list[str]:
    """Sentences without translation: those of a folder, and those of the pairs with words replaced."""
    from headshrink.data.text.sentences import read_sentences
    from headshrink.distillation.replacement import replaced
    from headshrink.model.mlm_head import load_mlm_head
    from tasks.stage import ARTIFACTS

    texts = list(read_sentences(place)) if (place := given_path(chosen.monolingual)) else []
    count = round(chosen.augment * len(sentences))
    if count:
        mlm_head = load_mlm_head([folder, ARTIFACTS / "teacher"], teacher.backbone)
        texts += replaced(teacher, sentences, count, mlm_head, seed=chosen.seed, **how)
    return texts


def write_mlm_head(
    chosen: TargetsParams,
    teacher: "SentenceEncoder",
    splits: "Mapping[str, SentenceTable]",
    folder: Path,
    how: dict[str, Any],
) -> None:
    """Fit an MLM head on the frozen teacher, and say how well it guesses words of held-out sentences."""
    from headshrink.distillation.mlm_fit import fit_mlm_head
    from headshrink.model.files import write_json
    from headshrink.model.mlm_head import load_mlm_head, save_mlm_head
    from tasks.stage import ARTIFACTS

    train, heldout = (splits[name].tokens for name in ("train", "heldout"))
    start = load_mlm_head([ARTIFACTS / "teacher"], teacher.backbone)
    mlm_head, perplexity = fit_mlm_head(teacher, train, heldout, chosen.mlm_head_steps, start, seed=chosen.seed, **how)
    save_mlm_head(mlm_head, folder)
    write_json(folder / "mlm_head.json", {"steps": chosen.mlm_head_steps, "heldout_perplexity": round(perplexity, 2)})
    print(f"targets: MLM head of {chosen.mlm_head_steps} steps, held-out perplexity {perplexity:.1f}")


def untested(texts: list[str]) -> list[str]:
    """Distinct sentences without the benchmark's, their near-copies and the held-out pairs'."""
    import pandas as pd

    from headshrink.data.corpus.decontaminate import SuiteIndex, without_tested
    from headshrink.data.corpus.suite import suite_sentences
    from tasks.stage import ARTIFACTS

    suite = SuiteIndex(suite_sentences(ARTIFACTS / "suite"))
    heldout = pd.read_parquet(ARTIFACTS / "corpus" / "heldout.parquet", columns=["en", "ru"])
    kept = without_tested(texts, (text for side in heldout for text in heldout[side]), suite)
    print(f"targets: {len(kept)} sentences without translation, {len(texts) - len(kept)} repeated or tested left out")
    return kept


if __name__ == "__main__":
    from tasks.stage import main

    main(run, "targets", "targets")
