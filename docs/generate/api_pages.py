"""The reference of the command line, from typer's commands, and of the Python API, for mkdocstrings."""

import click
import typer

import headshrink
from headshrink.cli import VERBS, build

ORDER = ("load_encoder", "read_corpus", "score", "prune", "distill", "export", "benchmark")
# What a new entry of a registry implements or receives.
PARTS = (
    "headshrink.distillation.losses.needs",
    "headshrink.distillation.losses.Need",
    "headshrink.distillation.losses.Outputs",
    "headshrink.distillation.callbacks.Callback",
    "headshrink.importance.criteria.Criterion",
    "headshrink.corpus.sources.Source",
    "headshrink.exporting.targets.Target",
)
CLI = """# Command line

`headshrink COMMAND --help` prints the same text. An option has the name, default and range of the
[parameter](parameters.md) with this name. A mistake of the user is one line, and the exit status is 2.
"""
API = """# Python API

`import headshrink as hs` offers seven functions. Their keyword options are the [parameters](parameters.md) of the
section with the same name: `score` takes those of `importance`, the others those of `prune`, `distill`, `export` and
`benchmark`. `help(hs.prune)` lists them with their defaults.
"""


def cli_page() -> str:
    """One section per command: usage, arguments and options with their help."""
    return "\n".join([CLI, *(section(verb) for verb in VERBS)])


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
    required = " **Required.**" if parameter.required else ""
    return f"| {shown} | {meaning.replace('|', chr(92) + '|').replace('<', '&lt;')}{default(parameter)}{required} |"


def default(parameter: click.Parameter) -> str:
    """The default of an option that is no parameter of a section: the others state theirs in the help."""
    value = parameter.default
    shown = not callable(value) and value is not None and value != () and parameter.param_type_name == "option"
    return f" [default: {value}]" if shown else ""


def api_page() -> str:
    """The seven functions in the order of their use, the other public names, and the parts that one implements."""
    others = [name for name in headshrink.__all__ if name not in ORDER]
    text = [API, *(f"\n::: headshrink.{name}" for name in ORDER), "\n## Classes and other names"]
    text += [f"\n::: headshrink.{name}" for name in others]
    return "\n".join([*text, "\n## Parts to implement", *(f"\n::: {name}" for name in PARTS)]) + "\n"
