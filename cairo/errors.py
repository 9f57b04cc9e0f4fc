"""What goes wrong with an input, as one line that names the file, building or key."""

from __future__ import annotations

import re
from collections.abc import Iterable

UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
LONG_WORD = re.compile(r"\S{400,}")

HIDDEN = "set"
"""What is said of a value that may be secret."""
_URL = re.compile(r"(?<![\w+.-])[A-Za-z][\w+.-]+:/{1,2}(?=[^\s/])\S*")
"""A URL in a text, also one whose second slash a path has lost."""
_USER = re.compile(
    r"(?<=:/)(?P<slash>/?)(?!/)(?:[^\s/?#@:]*:(?!:|\d+(?:[/?#]|$))[^\s]*|[^\s/?#@]+)@"
)
"""`user:password@`, whatever the password holds, or `token@`."""
_CONTAINER = re.compile(r"(?:abfss?|wasbs?|sftp|ssh|hdfs)://[^\s/?#@:]+@", re.IGNORECASE)
"""What stands there where it is the name of a container, or of a user who logs in by a key."""
_PARAMETER = re.compile(r"(?P<mark>[?&;#])(?P<name>[^\s?&;#=]*=)?[^\s?&;#:]*(?::(?!:)[^\s?&;#:]*)*")
_OPEN_PARAMETERS = {"versionid=", "generation=", "x-amz-date=", "x-amz-expires="}


def without_secrets(text: str) -> str:
    """A text whose URLs tell no user, password, token or signature."""
    return _URL.sub(lambda found: _open_url(found[0]), text) if ":/" in text else text


def _open_url(url: str) -> str:
    if "@" in url and not _CONTAINER.match(url):
        url = _USER.sub(rf"\g<slash>{HIDDEN}@", url)

    def parameter(found: re.Match[str]) -> str:
        name = found["name"] or ""
        if not name and "http" not in url:  # a key of an object store may hold such a mark
            return found[0]
        return found[0] if name.lower() in _OPEN_PARAMETERS else f"{found['mark']}{name}{HIDDEN}"

    place, mark, rest = _cut(url)
    return place + _PARAMETER.sub(parameter, mark + rest) if rest else url


def _cut(url: str) -> tuple[str, str, str]:
    """A URL before, at and after its first `?` or `#`."""
    at = min((url.find(mark) for mark in "?#" if mark in url), default=len(url))
    return url[:at], url[at : at + 1], url[at + 1 :]


class CairoError(Exception):
    """Base of every error this package raises on purpose; its text is one line.

    What it quotes of a file is written so that it can be printed, very long words are cut in
    their middle, and URLs tell no secrets.
    """

    def __str__(self) -> str:
        text = UNPRINTABLE.sub(lambda found: repr(found[0])[1:-1], super().__str__())
        text = without_secrets(text)
        return LONG_WORD.sub(lambda found: f"{found[0][:100]}...{found[0][-200:]}", text)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class ScenarioError(CairoError):
    """A scenario file, a key in it, a run name or a backend is wrong."""


class TariffError(CairoError):
    """A tariff or tariff map cannot be billed as it stands."""


class MetadataError(CairoError):
    """Building metadata or weights are missing, repeated or out of range."""


class LoadError(CairoError):
    """A load file or load frame is missing, unreadable or not 8760 sound hours a building."""


class PriceError(CairoError):
    """Marginal prices are missing or do not fit the loads' hours."""


class RequirementError(CairoError):
    """A revenue requirement is missing, names no tariff, or cannot be met."""


class OutputError(CairoError):
    """A result could not be written."""


class ClusterError(CairoError):
    """A Dask cluster could not be started, reached or kept."""


class InputErrors(CairoError):
    """Several input errors found in one look; `errors` holds each, the text is a line each."""

    def __init__(self, errors: Iterable[CairoError]) -> None:
        self.errors = tuple(errors)
        super().__init__(*self.errors)

    def __str__(self) -> str:
        return "\n".join(map(str, self.errors))

    def __reduce__(self) -> tuple[type, tuple[tuple[CairoError, ...]]]:
        return type(self), (self.errors,)


def one_line(cause: BaseException, most: int = 200) -> str:
    """The text of an error of another package, on one line of bearable length."""
    return shortened(str(cause), most) or type(cause).__name__


def shortened(text: str, most: int) -> str:
    """A text on one line, cut where it is long; secrets of URLs go first, as a part is not seen."""
    return " ".join(without_secrets(text).split())[:most]


def system_error(error: OSError) -> str:
    """What the system has refused, and of which file."""
    reason = error.strerror or one_line(error)
    return str(CairoError(f"{error.filename}: {reason}" if error.filename else reason))


def listed(values: Iterable[object], most: int = 10) -> str:
    """`1, 2, 3 and 7 more`: the first values of a list for an error message."""
    values = list(values)
    text = ", ".join(str(value) for value in values[:most])
    return text if len(values) <= most else f"{text} and {len(values) - most} more"


def listed_buildings(bldg_ids: Iterable[object]) -> str:
    """Every one of some buildings for an error message, up to a thousand."""
    return listed(bldg_ids, most=1000)
