"""Which features a theme uses knowingly although some mail clients lack them: `[allow]` in its theme.toml."""

from __future__ import annotations

import jinja2

from newsletter.render.themes import load_theme


def load_allowed_features(environment: jinja2.Environment, theme: str) -> dict[str, str]:
    """Return what the bundled themes allow and what a theme adds.

    Args:
        environment: as `make_environment` made it; it knows where the templates are.
        theme: the publication's.

    Returns:
        Names of caniemail features, to the reason.

    Raises:
        RenderError: There is no such theme, or its theme.toml is at fault.
    """
    return dict(load_theme(environment, theme).allow)
