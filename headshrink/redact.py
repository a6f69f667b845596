"""Passwords, tokens and signatures: found in URLs, taken from the environment, kept out of every text.

A URL with a secret names environment variables in its place, as in `https://${USER}:${PASSWORD}@host/file.zip` or
`https://host/file.zip?X-Amz-Signature=${SIGNATURE}`: then no file, lock or process list holds it. The standard library
only.
"""

import os
import re
from urllib.parse import unquote, urlsplit

HIDDEN = "***"
NAMED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
NAMED_ONLY = re.compile(rf"(?:{NAMED.pattern})+")
LONGEST = 500  # characters of a user and password; without a limit, a long line of colons would take minutes
USERINFO = re.compile(  # also where a password has a raw slash
    rf"(?<=://)(?:[^\s/?#'\"]{{0,{LONGEST}}}|[^\s/?#'\":]{{0,{LONGEST}}}:[^\s'\"]{{0,{LONGEST}}})@"
)
SETTING = re.compile(  # the value without the punctuation of a sentence around it
    r"(?P<in_url>[?&;#])?(?<![\w.%-])(?P<name>[\w.%-]+)=(?P<value>[^\s&;#'\"]+?)(?=[.,:)]*(?:[\s&;#'\"]|$))"
)
HEADER = re.compile(r"\b(bearer|basic)\s+[\w+/=.~-]{8,}", re.IGNORECASE)
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
SECRET_WORDS = {
    "apikey", "auth", "authorization", "code", "credential", "credentials", "jwt", "key", "pass", "passwd", "password",
    "pwd", "secret", "session", "sig", "signature", "signed", "token",
}  # fmt: skip
ALWAYS_SECRET = {"passwd", "password", "pwd", "secret", "token"}  # also outside URLs, as of a database
SHORTEST = 4  # characters of a password that is looked for in texts; shorter ones are parts of words

_used: set[str] = set()  # secrets that this process has taken from the environment


def redacted(text: str) -> str:
    """The text with `***` for each user and password of a URL, each secret setting, and each secret that is in use."""
    for secret in sorted(_used | _passwords_of_environment(), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    text = USERINFO.sub(lambda found: found[0] if _holds_no_secret(found[0][:-1]) else f"{HIDDEN}@", text)
    text = SETTING.sub(_without_value, text)
    return HEADER.sub(rf"\1 {HIDDEN}", text)


def secret_in(url: str) -> str | None:
    """What of a URL is a secret written out, as the part's name; None where there is none.

    Raises ValueError for what is no URL.
    """
    parts = urlsplit(url)
    userinfo, at, _ = parts.netloc.rpartition("@")
    if at and not _holds_no_secret(userinfo):
        return "a user or a password"
    for found in SETTING.finditer(f"?{parts.query}#{parts.fragment}"):
        if _is_secret(found):
            return f"the value of {found['name']}"
    return None


def filled_in(template: str) -> str:
    """The template with the environment's values; KeyError with the name of a variable that is not set.

    The values are secrets from now on: `redacted` hides them.
    """
    _used.update(os.environ[name] for name in NAMED.findall(template) if len(os.environ[name]) >= SHORTEST)
    return NAMED.sub(lambda found: os.environ[found[1]], template)


def _holds_no_secret(userinfo: str) -> bool:
    """Whether the password, or without one the user, is but names of environment variables."""
    user, colon, password = userinfo.partition(":")
    return bool(NAMED_ONLY.fullmatch(password if colon else user))


def _is_secret(setting: re.Match[str]) -> bool:
    secret = SECRET_WORDS if setting["in_url"] else ALWAYS_SECRET
    named = any(word.lower() in secret for word in WORDS.findall(unquote(setting["name"])))
    return named and not NAMED_ONLY.fullmatch(setting["value"])


def _without_value(setting: re.Match[str]) -> str:
    return f"{setting['in_url'] or ''}{setting['name']}={HIDDEN}" if _is_secret(setting) else setting[0]


def _passwords_of_environment() -> set[str]:
    """Passwords of the URLs in the environment: of MLflow's server, of a database, of a proxy."""
    found: set[str] = set()
    for value in os.environ.values():
        if "://" in value and "@" in value:
            password = value.partition("://")[2].rpartition("@")[0].partition(":")[2]
            found |= {password, unquote(password)}
    return {password for password in found if len(password) >= SHORTEST and not NAMED_ONLY.fullmatch(password)}
