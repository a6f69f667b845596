"""Tables of parameters and of the names in registries, from headshrink/parameters and the modules' docstrings."""

import ast
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from headshrink.parameters.distill_library import LibraryDistillParams
from headshrink.parameters.prune import LibraryPruneParams
from headshrink.parameters.section import LIBRARY, Section, names_in
from tasks.params import Params
from tasks.reference import Parameter, parameters

# title, package, parameter that holds the name
REGISTRIES = (
    ("Losses of the distillation", "distillation/losses", "distill.losses"),
    ("Kinds of student", "distillation/students", "distill.student.kind"),
    ("Callbacks of the training", "distillation/callbacks", "distill.callbacks"),
    ("Criteria of importance", "importance/criteria", "importance.criterion"),
    ("Losses that importance is computed from", "importance/losses", "importance.loss"),
    ("Export formats", "exporting/targets", "export.targets"),
    ("Tasks of the benchmark", "benchmarking/suite", "benchmark.tasks"),
    ("Sources of pairs", "data/corpus/sources", "corpus.source"),
)


def parameter_tables() -> str:
    """One table per section of params.yaml."""
    text = []
    for section, found in groupby(parameters(), key=lambda parameter: parameter.name.partition(".")[0]):
        model = Params.model_fields[section].annotation
        text += [f"## {section}\n", (model.__doc__ or "").strip().partition("\n")[0], "", table(found), ""]
    return "\n".join(text)


def library_table() -> str:
    """The parameters that functions and commands have and stages do not."""
    return table(library_parameters())


def library_parameters() -> Iterator[Parameter]:
    """The parameters that functions and commands have and stages do not."""
    known = {parameter.name for parameter in parameters()}
    models: dict[str, type[Section]] = {"prune": LibraryPruneParams, "distill": LibraryDistillParams}
    for section, model in models.items():
        yield from (each for each in parameters(model, f"{section}.") if each.name not in known)


def table(found: Iterator[Parameter]) -> str:
    """A Markdown table; names have an anchor."""
    rows = ["| parameter | default | meaning |", "|---|---|---|"]
    for each in found:
        only = f"<br>*Only for:* {cell(each.only_for)}" if each.only_for else ""
        anchor = f'<span id="{each.name}"></span>'
        meaning = f"{cell(each.description)}<br>*Allowed:* {cell(each.allowed)}{only}"
        rows.append(f"| {anchor}`{each.name}` | `{cell(each.default)}` | {meaning} |")
    return "\n".join(rows)


def cell(text: str) -> str:
    """Text that may stand in a cell of a Markdown table."""
    return text.replace(" | ", ", ").replace("|", "\\|").replace("<", "&lt;")


def registry_tables() -> str:
    """One table per registry: each name with the first line of its module."""
    text = []
    for title, package, parameter in REGISTRIES:
        text += [f"## {title}\n", f"Parameter: [`{parameter}`](parameters.md#{parameter})\n", "| name | what it is |"]
        text += [
            "|---|---|",
            *(f"| `{name}` | {purpose(LIBRARY / package / name)} |" for name in names_in(package)),
            "",
        ]
    return "\n".join(text)


def purpose(module: Path) -> str:
    """The first paragraph of a module's docstring in one line."""
    tree = ast.parse(module.with_suffix(".py").read_text(encoding="utf-8"))
    return cell(" ".join((ast.get_docstring(tree) or "").partition("\n\n")[0].split()))
