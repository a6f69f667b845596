"""Files of a model folder: JSON in and out, and paths that stay inside of it."""

import json
from pathlib import Path
from typing import Any

from headshrink.errors import HeadshrinkError, joined

WEIGHTS = "model.safetensors"
SETTINGS = "config_sentence_transformers.json"
INDEX = "model.safetensors.index.json"  # of weights in several files


def read_json(path: Path, kind: type) -> Any:
    """The content of a JSON file, an object of `kind`; HeadshrinkError where it is missing, damaged or another."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, error) from error
    if not isinstance(content, kind):
        raise damaged(path, f"a {type(content).__name__}, where a {kind.__name__} belongs")
    return content


def write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def damaged(path: Path, reason: object) -> HeadshrinkError:
    """What to raise for a file of a model folder that does not hold what it should."""
    return HeadshrinkError(f"cannot read {path} ({joined(reason)}): a whole model folder is needed")


def roots(folder: Path) -> list[Path]:
    """Where a file of a folder may lie: the folder, and for one in a cache of files by content, that cache.

    The hub's client and DVC both fill a folder with links into their own cache.
    """
    own = folder.resolve()
    found = [own]
    if own.parent.name == "snapshots":
        found.append(own.parent.parent / "blobs")
    found += [parent / ".dvc" / "cache" for parent in own.parents if (parent / ".dvc" / "cache").is_dir()]
    return found


def inside(folder: Path, relative: str, stated_in: Path | None = None) -> Path:
    """A path below a folder, from a file (`stated_in`) or a listing.

    Raises HeadshrinkError where it is absolute, has `..`, leads out of the folder by a link, or into a loop of links.
    """
    where = stated_in or folder
    path = folder / relative
    try:
        outside = Path(relative).is_absolute() or ".." in Path(relative).parts
        real = path.resolve(strict=False)
        if path.is_symlink() and not path.exists():
            raise damaged(path, "a link to nothing")
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: a loop of links, up to Python 3.12
        raise HeadshrinkError(f"{where}: the path {relative!r} cannot be followed: a path inside is needed") from error
    if outside or not any(real.is_relative_to(root) for root in roots(folder)):
        raise HeadshrinkError(f"{where}: the path {relative!r} leads out of the model folder: a path inside is needed")
    return path
