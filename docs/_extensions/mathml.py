"""Formulas as MathML, made when the site is built: browsers draw it with no JavaScript and no network."""

from __future__ import annotations

from typing import Any


def setup(app: Any) -> dict[str, Any]:
    """Register the renderer `mathml`."""
    from docutils import nodes
    from latex2mathml.converter import convert
    from sphinx.util import logging

    log = logging.getLogger(__name__)

    def mathml(latex: str, display: str, node: Any) -> str:
        try:
            return str(convert(latex, display=display))
        except Exception as error:  # whatever the converter makes of a formula that it cannot read
            log.warning("no MathML of %s: %r", latex, error, location=node)
            return f"<code>{latex}</code>"

    def inline(self: Any, node: Any) -> None:
        self.body.append(mathml(node.astext(), "inline", node))
        raise nodes.SkipNode

    def block(self: Any, node: Any) -> None:
        self.body.append(f'<div class="math">{mathml(node.astext(), "block", node)}</div>')
        raise nodes.SkipNode

    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
