"""Make newsletter/review/caniemail.json anew from the npm package `caniemail`.

    npm pack caniemail
    .venv/bin/python deploy/refresh_caniemail.py caniemail-*.tgz

Kept is what the checks use: each feature's title, the date of its last test, what the newest version of every
client does with it, and its notes. Its licence is MIT; the notice goes into the file.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "newsletter" / "review" / "caniemail.json"


def trim(data: dict[str, Any], version: str, licence: str) -> dict[str, Any]:
    """Keep of the package's data what the checks use.

    Args:
        data: `data/caniemail.json` of the package, parsed.
        version: of the package.
        licence: its text.
    """
    pairs = sorted(
        {
            (family, platform)
            for each in data["data"]
            for family, known in each["stats"].items()
            for platform in known
        }
    )
    names = data["nicenames"]
    return {
        "source": f"npm package caniemail {version}",
        "licence": licence,
        "date": data["last_update_date"][:10],
        "clients": [
            [family, names["family"].get(family, family), names["platform"].get(platform, platform)]
            for family, platform in pairs
        ],
        "features": {each["slug"]: _trim_feature(each, pairs) for each in data["data"]},
    }


def _trim_feature(feature: dict[str, Any], pairs: list[tuple[str, str]]) -> dict[str, Any]:
    newest = [
        list(feature["stats"].get(family, {}).get(platform, {"": "u"}).values())[-1]
        for family, platform in pairs
    ]
    answers = ["".join(re.findall(r"^\w|#\d+", answer)) for answer in newest]
    return {
        "title": feature["title"],
        "tested": feature["last_test_date"],
        "answers": " ".join(answers),
        "notes": feature["notes_by_num"] or {},
    }


def main() -> None:
    """Read the archive that the command line names and write the file."""
    with tarfile.open(sys.argv[1]) as archive:

        def read(name: str) -> str:
            file = archive.extractfile(f"package/{name}")
            return file.read().decode("utf-8") if file else ""

        version = json.loads(read("package.json"))["version"]
        trimmed = trim(json.loads(read("data/caniemail.json")), version, read("LICENSE"))
    text = json.dumps(trimmed, ensure_ascii=False, separators=(",", ":"))
    TARGET.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(f"{TARGET.name}: {len(trimmed['features'])} features of {trimmed['date']}\n")


if __name__ == "__main__":
    main()
