"""Verifiers of DKIM that are not ours: dkimpy and OpenDKIM, both Debian's."""

from __future__ import annotations

import json
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

Verify = Callable[[Sequence[bytes], Mapping[str, str]], list[list[bool]]]
"""Messages and TXT records by name to, per message, whether each of its signatures holds."""

_SYSTEM_PYTHON = "/usr/bin/python3"
_DKIMPY = """
import base64, dkim, json, sys
asked = json.load(sys.stdin)
records = {name.encode() + b"." : text.encode() for name, text in asked["records"].items()}
found = []
for each in asked["messages"]:
    message = base64.b64decode(each)
    count = sum(name.lower() == b"dkim-signature" for name, _ in dkim.rfc822_parse(message)[0])
    look_up = lambda name, timeout=5: records[name]
    found.append([])
    for number in range(count):
        try:
            found[-1].append(bool(dkim.DKIM(message).verify(idx=number, dnsfunc=look_up)))
        except dkim.ValidationError:
            found[-1].append(False)
json.dump(found, sys.stdout)
"""


@pytest.fixture
def dkimpy() -> Verify:
    """Debian's python3-dkim, in a process of the system's Python."""
    if (
        not shutil.which(_SYSTEM_PYTHON)
        or subprocess.run([_SYSTEM_PYTHON, "-c", "import dkim"], check=False, capture_output=True).returncode
    ):
        pytest.skip("dkimpy is not installed: apt-get install python3-dkim")

    def verify(messages: Sequence[bytes], records: Mapping[str, str]) -> list[list[bool]]:
        asked = {"records": dict(records), "messages": [b64encode(each).decode() for each in messages]}
        ran = subprocess.run(
            [_SYSTEM_PYTHON, "-c", _DKIMPY],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert ran.returncode == 0, ran.stderr
        found: list[list[bool]] = json.loads(ran.stdout)
        return found

    return verify


@pytest.fixture
def opendkim(tmp_path: Path) -> Verify:
    """Debian's OpenDKIM in its test mode, which reads messages and records from files."""
    if not shutil.which("opendkim"):
        pytest.skip("OpenDKIM is not installed: apt-get install opendkim")

    def verify(messages: Sequence[bytes], records: Mapping[str, str]) -> list[list[bool]]:
        data = tmp_path / "records"
        data.write_text("".join(f"{name} {text}\n" for name, text in records.items()), encoding="utf-8")
        config = tmp_path / "opendkim.conf"
        config.write_text(f"Mode v\nAlwaysAddARHeader yes\nTestDNSData file:{data}\n", encoding="utf-8")
        found = []
        for message in messages:
            path = tmp_path / "message.eml"
            path.write_bytes(message)
            said = subprocess.run(
                ["opendkim", "-x", str(config), "-t", str(path), "-vvv"],
                capture_output=True,
                text=True,
                check=False,
                timeout=30,
            ).stdout
            found.append(
                [line.strip().startswith("dkim=pass") for line in said.split("\n") if "dkim=" in line]
            )
        return found

    return verify
