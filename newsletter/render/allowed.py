"""Which features a theme uses knowingly although some mail clients lack them: its `clients.toml`."""

from __future__ import annotations

import tomllib

import jinja2

from newsletter.errors import RenderError


def load_allowed_features(environment: jinja2.Environment, theme: str) -> dict[str, str]:
    """Read what the bundled themes allow and what a theme adds.

    Args:
        environment: as `make_environment` made it; it knows where the templates are.
        theme: the publication's.

    Returns:
        Names of caniemail features, to the reason.

    Raises:
        RenderError: A file is no TOML; the message names it.
    """
    folder = "email/issue" if theme == "default" else f"email/themes/{theme}"
    allowed: dict[str, str] = {}
    for name in ("email/_base/clients.toml", f"{folder}/clients.toml"):
        try:
            text = environment.loader.get_source(environment, name)[0] if environment.loader else ""
            allowed |= {feature: str(reason) for feature, reason in tomllib.loads(text).items()}
        except jinja2.TemplateNotFound:
            continue
        except tomllib.TOMLDecodeError as error:
            message = f"{name}: {error}. Each line is a feature's name and a reason in quotes."
            raise RenderError(message) from error
    return allowed
