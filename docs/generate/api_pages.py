"""The commands with their options, from typer, and the names of the Python API, for mkdocstrings."""

from collections.abc import Iterable

import click
import typer

import headshrink
from headshrink.cli import VERBS, build

ORDER = ("load_encoder", "read_corpus", "trim", "score", "prune", "distill", "export", "benchmark")
# What a new entry of a registry implements or receives.
PARTS = (
    "headshrink.distillation.losses.needs",
    "headshrink.distillation.losses.Need",
    "headshrink.distillation.losses.Outputs",
    "headshrink.distillation.callbacks.Callback",
    "headshrink.importance.criteria.Criterion",
    "headshrink.data.corpus.sources.Source",
    "headshrink.exporting.targets.Target",
)


def commands() -> str:
    """One section per command: usage, arguments and options with their help."""
    return "\n".join(section(verb) for verb in VERBS)


def section(verb: str) -> str:
    """A command's docstring, usage and options as Markdown."""
    application = typer.main.get_command(build({verb: VERBS[verb]}))
    command = application.commands[verb]
    context = click.Context(command, info_name=f"headshrink {verb}")
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    rows = [row(parameter, context) for parameter in command.params]
    shown = ["| option | meaning |", "|---|---|", *rows]
    return "\n".join([f"\n## {verb}\n", " ".join((command.help or "").split()), "", f"`{usage}`", "", *shown])


def row(parameter: click.Parameter, context: click.Context) -> str:
    """An argument or an option as a row of a table."""
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    shown = f"`{names}`" if parameter.param_type_name == "option" else f"`{parameter.name}` (argument)"
    meaning = str(getattr(parameter, "help", "") or "")
    required = "**required**; " if parameter.required else ""
    return f"| {shown} | {required}{meaning.replace('|', chr(92) + '|').replace('<', '&lt;')}{default(parameter)} |"


def default(parameter: click.Parameter) -> str:
    """The default of an option that is no parameter of a section: the others state theirs in the help."""
    value = parameter.default
    shown = not callable(value) and value is not None and value != () and parameter.param_type_name == "option"
    return f" [default: {value}]" if shown else ""


def functions() -> str:
    return directives(f"headshrink.{name}" for name in ORDER)


def other_names() -> str:
    return directives(f"headshrink.{name}" for name in headshrink.__all__ if name not in ORDER)


def parts() -> str:
    return directives(PARTS)


def directives(names: Iterable[str]) -> str:
    """mkdocstrings' directive for each name."""
    return "\n\n".join(f"::: {name}" for name in names)
