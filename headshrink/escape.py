"""Text from data made safe for the place that shows it: a terminal, a page or Markdown. The standard library only."""

import re
import unicodedata

from headshrink.redact import redacted

HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control, format (bidi marks among them), surrogates, line and paragraph ends
JOINERS = "\u200c\u200d"  # parts of emoji and of some scripts; they move nothing
LONGEST = 60  # characters of a value in an error line
MARKDOWN = re.compile(r"[\\`*\[\]<>|~]|&(?=[#\w])|(?<![^\W_])_|_(?![^\W_])")
ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def visible(text: str, keep: str = "") -> str:
    r"""The text with every character that acts and does not show written as Python writes it: \x1b, \t, \u202e.

    A terminal obeys escape sequences and bidi marks, a table of lines breaks at a tab or at a line end. `keep` are
    characters that stay as they are.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character in keep or character in JOINERS or unicodedata.category(character) not in HIDDEN
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


def short(text: str) -> str:
    """The text, without its middle where it is too long for an error line; half a secret would not be known as one."""
    text, half = redacted(text), LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]}...{text[-half:]}"


def markdown(text: str) -> str:
    """The text as GitHub's Markdown shows it: no markup, no HTML, one line, no end of a table's cell.

    An underscore within a word has no meaning in Markdown and stays.
    """
    line = visible(" ".join(text.splitlines()))
    return MARKDOWN.sub(lambda found: ENTITIES.get(found[0], f"\\{found[0]}"), line)


def fenced(text: str, language: str = "") -> str:
    """A block of code of Markdown whose fence is longer than every run of backticks in the text."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{visible(text, keep=chr(10))}\n{fence}"
