"""The Jinja tag `{% personal %}`: what it asks about a reader becomes marks, answered at the send."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jinja2 import TemplateSyntaxError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser

from newsletter.errors import RenderError
from newsletter.render.marks import ATTRIBUTES, make_branch, refuse_unknown

_READER = "subscriber"
_COMPARISONS = frozenset({"eq", "ne", "in", "notin"})


class PersonalBlocks(Extension):
    """Turns each `if` about the subscriber into marks around its branches; all else renders as ever.

    So both branches stand in the mail that is inlined, compiled and hashed, and per reader one of them is
    left out: no template runs then.
    """

    tags = {"personal"}  # noqa: RUF012 - the library's own type

    mark = staticmethod(make_branch)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Parse up to `{% endpersonal %}`."""
        next(parser.stream)
        body = parser.parse_statements(("name:endpersonal",), drop_needle=True)
        return self._defer_all(body)

    def _defer_all(self, body: Sequence[nodes.Node]) -> list[nodes.Node]:
        return [deferred for node in body for deferred in self._defer(node)]

    def _defer(self, node: nodes.Node) -> list[nodes.Node]:
        if isinstance(node, nodes.If) and any(_is_about_reader(each.test) for each in (node, *node.elif_)):
            return self._branch(node)
        if isinstance(node, nodes.Output):
            node.nodes = [part for each in node.nodes for part in self._defer_expression(each)]
        for name in ("body", "else_", "elif_"):
            if isinstance(inner := getattr(node, name, None), list):
                setattr(node, name, self._defer_all(inner))
        self._refuse_decisions(node)
        return [node]

    def _branch(self, node: nodes.If) -> list[nodes.Node]:
        """`elif` is an `if` in the `else`."""
        otherwise = self._defer_all(node.else_)
        for other in reversed(node.elif_):
            otherwise = self._branch(nodes.If(other.test, other.body, [], otherwise, lineno=other.lineno))
        head = nodes.Output([self._call("if", node.lineno, _condition(node.test))], lineno=node.lineno)
        middle = nodes.Output([self._call("else", node.lineno)], lineno=node.lineno)
        end = nodes.Output([self._call("endif", node.lineno)], lineno=node.lineno)
        return [head, *self._defer_all(node.body), *([middle, *otherwise] if otherwise else []), end]

    def _defer_expression(self, node: nodes.Expr) -> list[nodes.Expr]:
        """`{{ a if b else c }}`."""
        if not isinstance(node, nodes.CondExpr) or not _is_about_reader(node.test):
            return [node]
        otherwise = self._defer_expression(node.expr2) if node.expr2 else []
        return [
            self._call("if", node.lineno, _condition(node.test)),
            *self._defer_expression(node.expr1),
            *([self._call("else", node.lineno), *otherwise] if otherwise else []),
            self._call("endif", node.lineno),
        ]

    def _call(self, word: str, line: int, condition: nodes.Expr | None = None) -> nodes.Expr:
        arguments = [nodes.Name(_READER, "load"), nodes.Const(word), *([condition] if condition else [])]
        return self.call_method("mark", arguments, lineno=line)

    def _refuse_decisions(self, node: nodes.Node) -> None:
        """What remains and decides on the reader would decide the same for all of them."""
        for found in _decisions(node):
            if _is_about_reader(found):
                message = "about the subscriber only {% if %} and {{ a if b else c }} can decide"
                raise TemplateSyntaxError(message, found.lineno)


def _decisions(node: nodes.Node) -> Iterator[nodes.Node]:
    kinds = (nodes.CondExpr, nodes.And, nodes.Or, nodes.Not, nodes.Compare)
    yield from node.find_all(kinds)
    for loop in [node, *node.find_all(nodes.For)]:
        if isinstance(loop, nodes.For):
            yield loop.iter


def _is_about_reader(node: nodes.Node) -> bool:
    names = [node] if isinstance(node, nodes.Name) else node.find_all(nodes.Name)
    return any(isinstance(name, nodes.Name) and name.name == _READER for name in names)


def _condition(node: nodes.Node) -> nodes.Expr:
    """Make the expression that gives what `newsletter.render.personal.decide` reads.

    Parts that are not about the reader are evaluated when the issue is rendered, and frozen.
    """
    if not _is_about_reader(node):
        return _listed("value", node)
    if isinstance(node, (nodes.And, nodes.Or)):
        word = "and" if isinstance(node, nodes.And) else "or"
        return _listed(word, _condition(node.left), _condition(node.right))
    if isinstance(node, nodes.Not):
        return _listed("not", _condition(node.node))
    if isinstance(node, nodes.Compare) and len(node.ops) == 1 and node.ops[0].op in _COMPARISONS:
        return _listed(node.ops[0].op, _condition(node.expr), _condition(node.ops[0].expr))
    if slot := _slot_name(node):
        return _listed("slot", nodes.Const(slot))
    message = "a condition about the subscriber may use values, ==, !=, in, and, or, not"
    raise TemplateSyntaxError(message, node.lineno)


def _listed(word: str, *parts: nodes.Node) -> nodes.Expr:
    return nodes.List([nodes.Const(word), *parts])


def _slot_name(node: nodes.Node) -> str | None:
    """`subscriber.name`, `subscriber.attributes.city` or `subscriber.attributes["First name"]`."""
    chain: list[str] = []
    while isinstance(node, (nodes.Getattr, nodes.Getitem)):
        name = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)
        chain.insert(0, str(name))
        node = node.node
    if not isinstance(node, nodes.Name) or not chain:
        return None
    if chain[0] == ATTRIBUTES.rstrip(".") and len(chain) > 1:
        return f"{ATTRIBUTES}{chain[1]}" if len(chain) == 2 else None  # noqa: PLR2004 - attributes and a name
    try:
        refuse_unknown(".".join(chain))
    except RenderError as error:
        raise TemplateSyntaxError(str(error), node.lineno) from error
    return chain[0]
