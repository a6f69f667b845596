"""The benchmark's data files: had from a folder, a clone or an installed package, and read for decontamination."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from headshrink.data.text.lines import read_lines, read_text
from headshrink.data.text.tables import read_texts
from headshrink.errors import HeadshrinkError
from headshrink.hashing import file_sha256

REPOSITORY = "https://github.com/avidale/encodechka"
COMMIT = "5e70bca"
# SHA-256 of each file at COMMIT: results are called encodechka's only where every file is encodechka's.
FILES = {
    "stsb_dev.csv": "a357bd10d302de03d064c7b295e1f5a6db75c043d41068896441be5b41fad967",
    "para_gold.csv": "4a7ba6065b6735a04699a06c9cdf602f08c34b047d6774f17c545ad6d400d37e",
    "xnli_ru.csv": "a451c1061a000072bc01efa5e96f7bbbdf18b1f2c6be13d29045789d46372593",
    "SentiRuEval2016_small_train.csv": "8147090ba42675047c5fcf0bdd48c89cfc46fdfa30b9e697dd21bbbe871bbfaf",
    "SentiRuEval2016_small_test.csv": "af6ef9a94dd68234e0c980c3bb112cc30d36363101c050c5e2da7092bb4b3b7b",
    "toxic_train.csv": "34b67121bd33d30b44cda2d937ab568d3baf3a40c3dbbff87e29a9053959056c",
    "toxic_test.csv": "93c879f0abfdbb6050c7e595e06e7887ad2350dc6e9bfda324a9f77e4b375cb3",
    "inappropriate_train.csv": "f10e85c3ec434c85cece74837f9071019fd09cd39c239bb37206ac4f6affccb0",
    "inappropriate_test.csv": "eff4c7b596b11ce55e20c1e346054b1698eb2082ac9be3e570bbf04608665e11",
    "intents_train.csv": "21f6c4838340285efef048eb44a0adf9db650d0fae374e7ed841bb1f7685455d",
    "intents_test.csv": "da6b214528af9bdfea9286dee45f1fbb4162b5082e876a4ead438913bc3a8d3e",
    "factru.json": "30a298bae76e931fad229c6160bf284132daadf6bd272041167de5469e53bb1a",
    "rudrec.json": "11484d38217999fb04cf3c9a7edfdf1ad3ad40e70a1a7a6720576c1e4c3d07a0",
    "sentences_sample.txt": "23986c60444e960aed51912bdc4778c0f54b874b05df1ec2c38fc919e65b8ee8",
}
TEXT_COLUMNS = ("sentence1", "sentence2", "text_1", "text_2", "text", "answer")  # those that a task embeds
LANDMARK = "stsb_dev.csv"
SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|\n+")
SECONDS_TO_CLONE = 600


def copy_suite(source: Path, target: Path) -> None:
    """Copy the data files of a suite; HeadshrinkError names the first that is missing."""
    for name in FILES:
        if not (source / name).is_file():
            raise HeadshrinkError(f"no {name} in the suite folder {source}: it must hold {', '.join(FILES)}")
        shutil.copyfile(source / name, target / name)


def data_folder(root: Path) -> Path:
    """The folder below `root` that holds the suite's files, wherever the package keeps them."""
    found = sorted(root.rglob(LANDMARK))
    if not found:
        raise HeadshrinkError(f"no {LANDMARK} anywhere in {root}: a copy of avidale/encodechka is needed")
    return found[0].parent


def installed_suite() -> Path:
    """The data folder of the installed encodechka_eval package, which is not imported."""
    spec = importlib.util.find_spec("encodechka_eval")
    if spec is None or not spec.submodule_search_locations:
        raise HeadshrinkError(f"suite.source installed: no package encodechka_eval in {sys.prefix}; install it")
    return data_folder(Path(spec.submodule_search_locations[0]))


def clone_suite(revision: str, folder: Path, repository: str = REPOSITORY) -> Path:
    """Clone encodechka into an empty folder at a commit and return its data folder; HeadshrinkError offline."""
    git("clone", "--quiet", "--no-checkout", repository, str(folder), about=repository)
    git("-C", str(folder), "checkout", "--quiet", "--detach", revision, "--", about=f"{repository} at {revision}")
    return data_folder(folder)


def git(*arguments: str, about: str) -> None:
    """Run git without questions and outside any repository of the caller's; HeadshrinkError with git's last line."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env["GIT_TERMINAL_PROMPT"] = "0"
    command = ["git", *arguments]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, env=env, timeout=SECONDS_TO_CLONE)
    except FileNotFoundError as error:
        raise HeadshrinkError("suite.source git needs the program git, which is not on PATH") from error
    except subprocess.TimeoutExpired as error:
        raise HeadshrinkError(f"cannot fetch {about}: no answer in {SECONDS_TO_CLONE} s; check the network") from error
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or [f"git exited with {error.returncode}"])[-1]
        raise HeadshrinkError(f"cannot fetch {about}: {last}; go online or use source folder") from error


def write_description(folder: Path, origin: str, generated: bool) -> None:
    """Write suite.json beside the data files: what they may be called, and the hash of each.

    The hashes decide the name: only encodechka's own bytes are called encodechka. Other files go by `origin`.
    """
    hashes = {name: file_sha256(folder / name) for name in FILES}
    label = f"encodechka@{COMMIT}" if hashes == FILES else f"{origin} (not the original encodechka)"
    summary = {"label": "demo suite (generated)" if generated else label, "generated": generated, "files": hashes}
    text = json.dumps(summary, ensure_ascii=False, indent=2, sort_keys=True)
    (folder / "suite.json").write_text(text + "\n", encoding="utf-8")


def suite_sentences(folder: Path) -> Iterator[str]:
    """Every text of the suite's files that a task embeds; long documents also sentence by sentence.

    Raises HeadshrinkError for a file that does not parse or has no text column.
    """
    readers = {".csv": csv_texts, ".json": json_texts, ".txt": read_lines}
    for name in FILES:
        path = folder / name
        try:
            yield from readers[path.suffix](path)
        except HeadshrinkError as error:
            raise HeadshrinkError(f"{path} is not one of encodechka's data files: {error}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise HeadshrinkError(f"{path} is not one of encodechka's data files: {error!r}") from error


def csv_texts(path: Path) -> Iterator[str]:
    label = "answer" if path.name.startswith("SentiRu") else None  # a text in the other files
    columns = read_texts(path, [column for column in TEXT_COLUMNS if column != label])
    for row in zip(*columns.values(), strict=True):
        yield from filter(None, row)


def json_texts(path: Path) -> Iterator[str]:
    for document in json.loads(read_text(path))["texts"]:
        yield document
        yield from SENTENCE_END.split(document)
