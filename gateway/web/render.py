"""Templates: Jinja2 with autoescape on everywhere, and an unknown name as an error."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

FOLDER: Final = Path(__file__).parent


class Templates:
    """The pages' templates, compiled once."""

    def __init__(self, organization: str) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["organization"] = organization

    def render(self, template: str, **values: object) -> str:
        """The HTML of one page."""
        return self._environment.get_template(template).render(**values)
