"""The command line: `headshrink VERB ...`; each verb is a `command.py` beside the library code it calls."""

import ast
import importlib
import re
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import typer

from headshrink.errors import ends_in_one_line
from headshrink.options import with_options

# verb -> (module, function): imported only when asked for, so that `--help` and errors come at once.
VERBS: dict[str, tuple[str, str]] = {
    "trim": ("headshrink.trimming.command", "main"),
    "prune": ("headshrink.pruning.command", "main"),
    "distill": ("headshrink.distillation.command", "main"),
    "benchmark": ("headshrink.benchmarking.command", "main"),
    "compare": ("headshrink.report.command", "main"),
    "export": ("headshrink.exporting.write_command", "export"),
    "encode": ("headshrink.exporting.command", "encode"),
    "search": ("headshrink.exporting.command", "search"),
    "publish": ("headshrink.exporting.publish", "publish"),
}
OLD_OUT = r"^--output(?==|$)"  # the former name of `--out`, which scripts may still use


def build(verbs: dict[str, tuple[str, str]]) -> typer.Typer:
    """A typer application with the given verbs."""
    app = typer.Typer(
        help="Compress Russian-English BERT encoders.", no_args_is_help=True, add_completion=False,
        pretty_exceptions_enable=False,
    )  # fmt: skip
    for verb, (module, function) in verbs.items():
        app.command(verb)(reporting(with_options(getattr(importlib.import_module(module), function))))
    app.callback()(lambda: None)  # keeps the verb even where there is only one
    return app


def overview(verbs: dict[str, tuple[str, str]]) -> typer.Typer:
    """A typer application that lists the verbs; none of them runs, and nothing that they need is imported."""
    app = build({})
    for verb, place in verbs.items():
        app.command(verb, help=docstring(*place))(lambda: None)
    return app


def docstring(module: str, function: str) -> str:
    """A function's docstring, read from the source: an import takes seconds, and packages that an extra brings."""
    source = Path(__file__).resolve().parents[1] / f"{module.replace('.', '/')}.py"
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return ast.get_docstring(node) or ""
    raise AttributeError(f"no function {function} in {source}")


def reporting(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb, whose errors become one line before typer handles some of them in its own way."""

    @wraps(verb)
    def run(*args, **options) -> None:
        with ends_in_one_line():
            verb(*args, **options)

    return run


def main() -> None:
    """Run the verb; a mistake of the user's or an error of the system's is one line and exit status 2."""
    sys.argv[1:] = [re.sub(OLD_OUT, "--out", word) for word in sys.argv[1:]]
    named = next((word for word in sys.argv[1:] if word != "--"), "")
    with ends_in_one_line():
        (build({named: VERBS[named]}) if named in VERBS else overview(VERBS))()


if __name__ == "__main__":
    main()
