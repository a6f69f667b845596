"""`headshrink prune`: a model folder and pairs, without the pipeline."""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import torch
import typer

from headshrink.corpus import read_corpus
from headshrink.errors import HeadshrinkError
from headshrink.escape import visible
from headshrink.importance import pair_batches, score
from headshrink.importance.criteria import CRITERIA
from headshrink.importance.losses import LOSSES
from headshrink.model import PairBatch, SentenceEncoder, load_encoder, save_encoder
from headshrink.output import check_absent_folder, new_folder
from headshrink.pruning.recipe import Recipe, prune
from headshrink.pruning.record import describe, write_record
from headshrink.pruning.vocabulary import choose_tokens, count_tokens, cut_vocabulary
from headshrink.pruning.within import COSTS, Budget, Cut, prune_within

BATCH_SIZE = 32


def main(
    model: Annotated[Path, typer.Argument(help="folder of a BERT-family sentence encoder")],
    pairs: Annotated[Path, typer.Option(help="English-Russian text: a TSV, aligned files or a folder of them")],
    out: Annotated[Path, typer.Option(help="folder for the pruned model; must not exist")],
    ratio: Annotated[float, typer.Option(help="share of heads and of FFN neurons to cut, in [0, 1)")] = 0.5,
    heads: Annotated[float | None, typer.Option(help="share of heads alone")] = None,
    ffn: Annotated[float | None, typer.Option(help="share of FFN neurons alone")] = None,
    layers: Annotated[float, typer.Option(help="share of layers; heads and FFN are cut from those that stay")] = 0.0,
    hidden: Annotated[float, typer.Option(help="share of the hidden width")] = 0.0,
    embedding: Annotated[float, typer.Option(help="share of the word table's width, as a product of two")] = 0.0,
    vocabulary: Annotated[float, typer.Option(help="share of the tokens, the rarest in the pairs")] = 0.0,
    criterion: Annotated[str, typer.Option(help=", ".join(CRITERIA))] = Recipe.criterion,
    loss: Annotated[str, typer.Option(help=", ".join(LOSSES))] = Recipe.loss,
    ranking: Annotated[
        Literal["global", "layer"], typer.Option(help="over the whole model, or within layers")
    ] = "global",
    least: Annotated[int, typer.Option(help="heads and neurons that stay in every layer", min=0)] = 0,
    budget: Annotated[
        Literal["parameters", "bytes", "flops", "ms"] | None, typer.Option(help="limit that instead of the ratios")
    ] = None,
    share: Annotated[float, typer.Option(help="of the model's budget that stays, in (0, 1)")] = 0.5,
    also: Annotated[str, typer.Option(help="what a budget may cut too: hidden,embedding,vocabulary")] = "",
    steps: Annotated[int, typer.Option(help="cuts on the way, scores recomputed between them", min=1)] = Recipe.steps,
    repair: Annotated[
        Literal["none", "bias", "outputs", "full"], typer.Option(help="what is refitted after a cut")
    ] = Recipe.repair,
    limit: Annotated[int, typer.Option(help="pairs to use, drawn from all", min=2)] = 2_000,
    seed: Annotated[int, typer.Option(help="which pairs")] = 0,
    suite: Annotated[
        Path | None, typer.Option(help="folder with encodechka's data files, whose sentences are not used")
    ] = None,
) -> None:
    """Cut a sentence encoder, to a ratio of each kind or to one budget, and repair what is left, without training."""
    for name, value, allowed in (("--criterion", criterion, CRITERIA), ("--loss", loss, LOSSES)):
        if value not in allowed:
            raise HeadshrinkError(f"{name} {value}: allowed are {', '.join(allowed)}")
    shares: dict[str, Any] = {
        "heads": ratio if heads is None else heads, "ffn": ratio if ffn is None else ffn,
        "layers": layers, "hidden": hidden, "embedding": embedding,
    }  # fmt: skip
    if not all(0 <= share < 1 for share in (*shares.values(), vocabulary)):
        raise HeadshrinkError(f"shares {shares | {'vocabulary': vocabulary}}: each must be in [0, 1)")
    cuts: Any = tuple(name.strip() for name in also.split(",") if name.strip())
    if unknown := sorted(set(cuts) - set(get_args(Cut))):
        raise HeadshrinkError(f"--also {', '.join(unknown)}: allowed are {', '.join(get_args(Cut))}")
    if not 0 < share < 1:
        raise HeadshrinkError(f"--share {share}: must be in (0, 1)")
    if budget and (criterion not in COSTS or loss != "teacher_distance"):
        raise HeadshrinkError(f"--budget needs scores that are costs: {', '.join(COSTS)} by teacher_distance")
    check_absent_folder(out, "--out")
    teacher = load_encoder(model).to("cuda" if torch.cuda.is_available() else "cpu")
    batches = read_batches(teacher, pairs, suite, limit, seed)
    recipe = Recipe(ranking=ranking, least=least, criterion=criterion, loss=loss, steps=steps, repair=repair, **shares)
    counts = count(teacher, batches)
    scores = score(teacher, batches, [criterion], loss, seed)[criterion]
    why: dict[str, Any] = {"criterion": criterion, "loss": loss, "repair": repair}
    if budget:
        target = Budget(budget, share, cuts, repair=repair)
        pruned, plan, _ = prune_within(teacher, target, scores, batches, counts)
        why |= {"budget": budget, "share": share}
    else:
        pruned, plan = prune(teacher, recipe, scores, batches, counts)
        if vocabulary:  # last: a cut of it is exact on text whose tokens stay
            size = round((1 - vocabulary) * len(teacher.tokenizer))
            pruned = cut_vocabulary(pruned, choose_tokens(teacher.tokenizer, counts, budget=size))
        why |= {**shares, "vocabulary": vocabulary, "steps": steps}
    record = describe(teacher, pruned, plan, **why)
    with new_folder(out) as folder:
        save_encoder(pruned, folder)
        write_record(record, folder)
    found = record["parameters"]
    typer.echo(f"{visible(str(out))}: {found['after']:,} of {found['before']:,} parameters")


def count(encoder: SentenceEncoder, batches: list[PairBatch]) -> torch.Tensor:
    """How often each token occurs in the batches."""
    sides = [side for batch in batches for side in batch.sides]
    return count_tokens((side.input_ids[side.attention_mask.bool()].tolist() for side in sides), len(encoder.tokenizer))


def read_batches(
    encoder: SentenceEncoder, place: Path, suite: Path | None, limit: int, seed: int
) -> list[PairBatch]:
    """Batches of at most `limit` training pairs, those that `distill` trains on; HeadshrinkError without even two."""
    pairs = read_corpus(place, suite).train
    if len(pairs) < 2:
        raise HeadshrinkError(f"{len(pairs)} pairs in {place}: at least two are needed, some hundreds to be any good")
    en, ru = (encoder.tokenise(side) for side in ([pair.en for pair in pairs], [pair.ru for pair in pairs]))
    pad_id = encoder.tokenizer.pad_token_id
    return list(pair_batches(en, ru, pad_id, max(1, limit // BATCH_SIZE), min(BATCH_SIZE, len(pairs)), seed))
