"""Fetch GraphiQL and React from the npm registry into `gateway/static/graphiql/`, with licences and hashes.

Offices have no internet, so the page loads nothing from elsewhere. Run it to move to newer
versions, look at the page, and commit what it wrote:

    python tools/vendor_graphiql.py

`--check` compares the files with VERSIONS.json and fetches nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "gateway" / "static" / "graphiql"
VERSIONS = FOLDER / "VERSIONS.json"
# GraphiQL 3 and React 18 are the last versions that are published as plain scripts for a page.
PACKAGES = {
    "graphiql@3.9.0": {
        "graphiql.min.js": "graphiql.min.js",
        "graphiql.min.css": "graphiql.min.css",
        "LICENSE": "graphiql.LICENSE",
    },
    "react@18.3.1": {
        "umd/react.production.min.js": "react.production.min.js",
        "LICENSE": "react.LICENSE",
    },
    "react-dom@18.3.1": {
        "umd/react-dom.production.min.js": "react-dom.production.min.js",
        "LICENSE": "react-dom.LICENSE",
    },
}


def sha256(path: Path) -> str:
    """Hexadecimal digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(package: str, members: dict[str, str], folder: Path) -> list[dict[str, str]]:
    """Unpack the named members of one npm package; returns their rows of VERSIONS.json."""
    with tempfile.TemporaryDirectory() as scratch:
        command = ["npm", "pack", package, "--silent", "--pack-destination", scratch]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - fixed names
        (archive,) = Path(scratch).glob("*.tgz")
        with tarfile.open(archive) as tar:
            for member, name in members.items():
                found = tar.extractfile(f"package/{member}")
                if found is None:
                    raise SystemExit(f"{package} has no {member}")
                (folder / name).write_bytes(found.read())
    name, version = package.rsplit("@", 1)
    return [
        {"file": target, "package": name, "version": version, "sha256": sha256(folder / target)}
        for target in members.values()
    ]


def check() -> str | None:
    """What is wrong with the files, if anything."""
    rows = json.loads(VERSIONS.read_text(encoding="utf-8"))
    wrong = [row["file"] for row in rows if sha256(FOLDER / row["file"]) != row["sha256"]]
    return f"not what VERSIONS.json says: {', '.join(wrong)}" if wrong else None


def main() -> str | None:
    """Fetch or check; returns what the process exits with."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with VERSIONS.json, fetch nothing")
    if parser.parse_args().check:
        return check()
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = [row for package, members in PACKAGES.items() for row in fetch(package, members, FOLDER)]
    VERSIONS.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return None


if __name__ == "__main__":
    sys.exit(main())
