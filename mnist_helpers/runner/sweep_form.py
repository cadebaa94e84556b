"""Which sections a sweep file may have, and what they look like."""

from pathlib import Path
from typing import Annotated, Any

from annotated_types import MinLen
from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError
from ruamel.yaml.comments import CommentedMap

from mnist_helpers.runner.yaml_file import SweepError, line_of

DEFAULT_NOTEBOOKS = ["02_clean_phase", "03_augmented_phase", "04_evaluation", "05_robustness"]

Names = Annotated[list[str], MinLen(1)]
Mapping = Annotated[dict[str, Any], MinLen(1)]


class _VariantSection(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")
    name: Annotated[str, MinLen(1)]
    notebooks: Names = DEFAULT_NOTEBOOKS


class _Sections(BaseModel):
    """The form of a sweep file; what a parameter may be is checked against the notebooks."""

    model_config = ConfigDict(strict=True, extra="forbid")
    notebooks: Names = DEFAULT_NOTEBOOKS
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


def check_form(path: Path, content: CommentedMap) -> None:
    """Checks the sections; what they say of parameters is checked against the notebooks.

    Raises:
        SweepError: One is unknown, or of another form.
    """
    if not content:
        raise SweepError(path, 1, f"A sweep has at least one of the sections {KNOWN}.")
    try:
        _Sections.model_validate(content)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        raise SweepError(path, *_describe(content, *details[0]["loc"])) from None


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
