"""A browser for tests: cookies, forms and raw requests, over real sockets."""

from __future__ import annotations

import http.client
import re
import socket
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from newsletter.config import Settings
from newsletter.store.engine import Database


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: str

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @property
    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="(\w+)"', self.body)
        return found[1] if found else ""


@dataclass
class Site:
    """A running server, what it works on and what time it is there."""

    database: Database
    settings: Settings
    now: datetime
    port: int = 0

    def open(self) -> Browser:
        return Browser(self.port)

    def raw(self, octets: bytes) -> bytes:
        """Send octets as they are and read until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(octets)
            answer = b""
            while part := connection.recv(65536):
                answer += part
            return answer


@dataclass
class Browser:
    """Keeps cookies, follows nothing by itself."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def request(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        connection.request(method, path, body, {k: v for k, v in (sent | (headers or {})).items() if v})
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read().decode("utf-8", "replace"))
        connection.close()
        for line in response.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            if "Max-Age=0" in line:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, headers: dict[str, str] | None = None, **form: object) -> Answer:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.request("POST", path, urlencode(form, doseq=True), kind | (headers or {}))

    def sign_in(self, email: str, password: str, wanted: str = "/editor") -> Answer:
        form = self.get("/editor/login")
        return self.post("/editor/login", email=email, password=password, csrf=form.csrf, next=wanted)
