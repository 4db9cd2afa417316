"""Words of a foreign system in what we print: they must not end a line of YAML or steer a terminal."""

from __future__ import annotations


def shown(text: str) -> str:
    """On one line, with every sign that does not print written out, escape as backslash x1b."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
