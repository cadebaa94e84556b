"""A sweep file's YAML and its sections, read under limits of size and depth; faults have lines."""

import io
import re
from pathlib import Path
from typing import Annotated, Any

from annotated_types import MinLen
from pydantic import BaseModel, PositiveInt, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent
from ruamel.yaml.scalarbool import ScalarBoolean

MOST_BYTES = 100_000  # which take a few seconds
MOST_NESTING = 20
MOST_MERGES = 50  # each copies all that the merged mapping holds
# Of numbers with thousands of digits, for example, or merged values that are no mapping.
UNREADABLE = (YAMLError, ValueError, TypeError, AttributeError, LookupError, RecursionError)


class SweepError(ValueError):
    """A sweep file says something impossible; says where."""

    def __init__(self, line: int, text: str):
        """Takes the line, counted from 1, and what is wrong."""
        super().__init__(f"line {line}: {text}")


def read_yaml(path: Path) -> CommentedMap:
    """Reads a sweep file of YAML 1.2; a key that is there twice is an error.

    What the file says of parameters is checked against the notebooks, and not here.

    Raises:
        OSError: It cannot be read.
        SweepError: It is no YAML, goes beyond the limits, or has unknown sections or sections of
            another form; names the line.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not a file; give the path of a sweep file.")
    if path.stat().st_size > MOST_BYTES:
        raise SweepError(1, f"The file has more than {MOST_BYTES:,} bytes.")
    try:
        text = path.read_text(encoding="utf-8")
        _check_events(text)
        content = YAML().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or ""
        if isinstance(error, DuplicateKeyError):
            problem = problem.split('"')[1] + " is there twice"
        raise SweepError(mark.line + 1 if mark else 1, f"This is not YAML: {problem}.") from error
    except UnicodeDecodeError as error:
        raise SweepError(1, f"This is no text in UTF-8: {error}.") from error
    except SweepError:
        raise
    except UNREADABLE as error:
        raise SweepError(1, f"This is not YAML that can be read: {error}.") from error
    return _check_form(content)


def _check_events(text: str) -> None:
    """Looks at depth, tags and merges before anything is built, which they can break."""
    depth = merges = 0
    for event in YAML().parse(io.StringIO(text)):
        line = event.start_mark.line + 1
        depth += isinstance(event, CollectionStartEvent)
        depth -= isinstance(event, CollectionEndEvent)
        value = getattr(event, "value", "")
        merges += value == "<<"
        if depth > MOST_NESTING:
            raise SweepError(line, f"This is nested more than {MOST_NESTING} deep.")
        if re.search(r"[\0\ud800-\udfff]", value):
            raise SweepError(line, "There is a character that is no text.")
        if merges > MOST_MERGES:
            raise SweepError(line, f"There are more than {MOST_MERGES} merges (<<).")
        if getattr(event, "tag", None):
            raise SweepError(line, f"Write the value without the tag {event.tag}.")


def line_of(mapping: Any, key: Any) -> int:
    """Returns the line of a key, counted from 1; of a merged key, that of its mapping."""
    try:
        return mapping.lc.key(key)[0] + 1
    except (KeyError, TypeError):
        return (mapping.lc.line or 0) + 1


def plain(value: Any) -> Any:
    """Returns Python's own number, string or list for ruamel's, which remember how they stood."""
    if isinstance(value, list):
        return [plain(each) if not isinstance(each, list) else each for each in value]
    if isinstance(value, bool | ScalarBoolean):  # both would pass for integers
        return bool(value)
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


Names = Annotated[list[str], MinLen(1)]
Mapping = Annotated[dict[str, Any], MinLen(1)]


class _VariantSection(BaseModel, strict=True, extra="allow"):
    name: Annotated[str, MinLen(1)]
    notebooks: Names = []


class _Sections(BaseModel, strict=True, extra="forbid"):
    """The form of a sweep file, in which no section is required.

    What a parameter may be is checked against the notebooks.
    """

    notebooks: Names = []
    fixed: Mapping = {}
    variants: Annotated[list[_VariantSection], MinLen(1)] = []
    grid: Mapping = {}
    zip: Mapping = {}
    seeds: PositiveInt | Annotated[list[Any], MinLen(1)] = 1


KNOWN = ", ".join(_Sections.model_fields)
MUST_BE = {
    "notebooks": "notebooks must be a list of names, such as [02_clean_phase].",
    "variants": "variants must be a list, each with a name.",
    "seeds": "seeds must be how many, such as 5, or a list of them.",
}


def _check_form(content: Any) -> CommentedMap:
    if not isinstance(content, CommentedMap) or not content:
        raise SweepError(1, f"A sweep has at least one of the sections {KNOWN}.")
    try:
        _Sections.model_validate(content)
    except ValidationError as error:
        place = error.errors(include_input=False, include_url=False)[0]["loc"]
        raise SweepError(*_describe(content, *place)) from None
    return content


def _describe(content: CommentedMap, section: Any, *inner: Any) -> tuple[int, str]:
    """Returns line and sentence of a fault, for its place in the file."""
    line = line_of(content, section)
    if section not in _Sections.model_fields:
        return line, f"There is no section {section}; there are {KNOWN}."
    if section == "variants" and inner:
        entries = content["variants"]
        if inner[1:2] == ("notebooks",):
            return line_of(entries[inner[0]], "notebooks"), MUST_BE["notebooks"]
        line = entries.lc.item(inner[0])[0] + 1
        return line, "Each variant must have a name, such as {name: short}."
    return line, MUST_BE.get(section, f"{section} must name parameters.")
