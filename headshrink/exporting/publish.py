"""`headshrink publish`: a model folder to a hub, the files of the model and no others."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from headshrink.errors import HeadshrinkError
from headshrink.escape import visible
from headshrink.exporting.measured import measured_card
from headshrink.exporting.targets import TARGETS
from headshrink.exporting.targets.transformers import CODE

ABOUT = r"README\.md|LICENSE|gate\.json|prune\.json"
FORM_ALONE = r"model\.onnx"  # an ONNX form's folder, published by itself

CARD = Path("README.md")


@dataclass(frozen=True)
class Files:
    """Paths of a folder, relative to it: those of the model, and others with the reason why they stay."""

    sent: list[Path]
    left: dict[Path, str]


def publish(
    folder: Annotated[Path, typer.Argument(help="model folder, as the export stage writes it")],
    hub_id: Annotated[str, typer.Argument(help="owner/name of the repository on the hub")],
    send: Annotated[bool, typer.Option("--send", help="send; without it, only say what would be sent")] = False,
    private: Annotated[bool, typer.Option(help="a new repository is private")] = True,
    message: Annotated[str, typer.Option(help="of the commit")] = "Model by headshrink",
    scores: Annotated[
        Path | None, typer.Option(help="the benchmark's scores.json: its figures go into the card")
    ] = None,
) -> None:
    """Send a model folder to a hub (HF_ENDPOINT names another than the public one), in one commit.

    A dry run unless `--send` is given. Only files that are part of a model are ever sent; the folder stays as it is.
    """
    files = model_files(folder)
    written = {CARD: measured_card(folder, scores).encode()} if scores else {}
    for path in files.sent:
        size = len(written[path]) if path in written else (folder / path).stat().st_size
        typer.echo(f"{'sending' if send else 'would send'}  {size:>12,}  {visible(str(path))}")
    for path, why in files.left.items():
        typer.echo(f"leaving  {visible(str(path))}: {why}")
    if send:
        typer.echo(f"sent: {upload(folder, files.sent, written, hub_id, private, message)}")
    else:
        typer.echo(f"nothing was sent to {hub_id}; --send does it")


def model_files(folder: Path) -> Files:
    """Sort the files of a folder. Links and hidden files are never part of a model; code is only our own.

    Raises HeadshrinkError where the folder holds no model.
    """
    if not (folder / "config.json").is_file() and not (folder / "model.onnx").is_file():
        raise HeadshrinkError(f"no model in {folder}: give a folder with config.json or model.onnx")
    parts = model_parts()
    sent, left = [], {}
    for path in sorted(path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()):
        name = path.relative_to(folder)
        if why := reason_to_leave(path, name.as_posix(), parts):
            left[name] = why
        else:
            sent.append(name)
    return Files(sent, left)


def model_parts() -> re.Pattern[str]:
    """The paths that a model folder may hold: the files of every target in its place, and what is about the model."""
    forms = [
        (f"{re.escape(target.place)}/" if target.place else "") + f"({target.files})" for target in TARGETS.values()
    ]
    return re.compile("|".join([*forms, ABOUT, FORM_ALONE]))


def reason_to_leave(path: Path, name: str, parts: re.Pattern[str]) -> str:
    """Why a file is not part of the model; empty where it is."""
    if path.is_symlink() or not path.is_file():
        return "not a plain file"
    if not parts.fullmatch(name):
        return "not part of a model"
    if path.name in CODE and path.read_bytes() != CODE[path.name].read_bytes():
        return "code that is not headshrink's own"
    return ""


def upload(
    folder: Path, files: list[Path], written: dict[Path, bytes], hub_id: str, private: bool, message: str
) -> str:
    """Commit files to a repository, made where there is none; the commit's address. `written` replaces some of them."""
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    hub = HfApi()
    try:
        hub.create_repo(hub_id, private=private, exist_ok=True)
        additions = [CommitOperationAdd(path.as_posix(), written.get(path, folder / path)) for path in files]
        return hub.create_commit(hub_id, additions, commit_message=message).commit_url
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        reason = str(error).strip().split("\n", 1)[0]
        raise HeadshrinkError(f"cannot publish to {hub_id} ({reason}): owner/name and a token are needed") from error
