"""What a legacy page's script makes of the password before it sends it, as an expression of a recipe.

    expression = term *( "+" term )
    term       = name | name "(" expression *( "," expression ) ")" | string | number | "(" expression ")"

Values are bytes. Hashes give lower-case hex text, as the scripts' `hex_md5` does; ciphers give raw bytes, to be put
into `base64(...)` or `hex(...)`. The name of a function alone is that function of the password: `md5` is
`md5(password)`, `plain` is `password`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from connectors.errors import ConnectorError
from connectors.legacy.patterns import Pattern
from connectors.legacy.recipe.transform_functions import FUNCTIONS, TransformError
from vault.keys.suites import wipe

_MAX_LENGTH = 500
_MAX_DEPTH = 20
_TOKEN = Pattern(
    r"""\s*(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>[0-9]{1,4})|(?P<string>"[^"]*"|'[^']*')|(?P<sign>[+(),]))"""
)

_KINDS = ("name", "number", "string", "sign")

Values = Mapping[str, bytes | bytearray]
_Node = Callable[[Values], bytearray]


@dataclass(frozen=True)
class Transform:
    """Made by `compile_transform` only. `variables` are the names it needs beside the password."""

    expression: str
    variables: frozenset[str]
    _node: _Node

    def apply(self, secret: bytearray, variables: Mapping[str, str]) -> bytearray:
        """The value the legacy server expects, in a buffer of its own, which the caller wipes.

        `secret` is UTF-8 and stays as it is. Raises ERR-TRANSFORM; its detail never holds a value.
        """
        if missing := sorted(self.variables - variables.keys()):
            raise ConnectorError("ERR-TRANSFORM", f"no value for {', '.join(missing)}")
        values: dict[str, bytes | bytearray] = {name: variables[name].encode() for name in self.variables}
        values["password"] = secret
        try:
            return self._node(values)
        except TransformError as error:
            raise ConnectorError("ERR-TRANSFORM", str(error)) from None

    def __repr__(self) -> str:
        return f"Transform({self.expression!r})"


@lru_cache(maxsize=1024)
def compile_transform(expression: str) -> Transform:
    """A Transform of the expression. Raises ERR-TRANSFORM with the column of the mistake."""
    if len(expression) > _MAX_LENGTH:
        raise ConnectorError("ERR-TRANSFORM", f"the expression is longer than {_MAX_LENGTH} characters")
    parser = _Parser(expression)
    node = parser.whole()
    if "password" not in parser.names:
        raise ConnectorError("ERR-TRANSFORM", "the expression never uses the password")
    return Transform(expression, frozenset(parser.names - {"password"}), node)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    column: int


def _tokens(expression: str) -> Iterator[_Token]:
    position, end = 0, len(expression.rstrip())
    while position < end:
        match = _TOKEN.match(expression, position)
        if match is None:
            raise ConnectorError("ERR-TRANSFORM", f"column {position + 1}: a character that means nothing here")
        kind = next(one for one in _KINDS if match[one] is not None)
        yield _Token(kind, match[kind], match.end() - len(match[kind]) + 1)
        position = match.end()
    yield _Token("end", "", end + 1)


class _Parser:
    def __init__(self, expression: str) -> None:
        self._tokens = list(_tokens(expression))
        self._next = 0
        self.names: set[str] = set()

    def whole(self) -> _Node:
        node = self._expression(1)
        self._expect("end")
        return node

    def _expression(self, depth: int) -> _Node:
        if depth > _MAX_DEPTH:
            raise self._wrong("nested too deeply")
        terms = [self._term(depth)]
        while self._accept("+"):
            terms.append(self._term(depth))
        return terms[0] if len(terms) == 1 else _concatenation(terms)

    def _term(self, depth: int) -> _Node:
        token = self._tokens[self._next]
        if token.kind in ("string", "number"):
            self._next += 1
            text = token.text[1:-1] if token.kind == "string" else token.text
            return _constant(text.encode())
        if self._accept("("):
            node = self._expression(depth + 1)
            self._expect(")")
            return node
        if token.kind != "name":
            raise self._wrong("expected a name, a text in quotes or an expression")
        self._next += 1
        if self._accept("("):
            return self._call(token, depth)
        return self._name(token)

    def _name(self, token: _Token) -> _Node:
        if token.text != "plain" and token.text not in FUNCTIONS:
            self.names.add(token.text)
            return _variable(token.text)
        self.names.add("password")
        password = _variable("password")
        return password if token.text == "plain" else self._apply(token, [password])

    def _call(self, token: _Token, depth: int) -> _Node:
        arguments = [self._expression(depth + 1)]
        while self._accept(","):
            arguments.append(self._expression(depth + 1))
        self._expect(")")
        return self._apply(token, arguments)

    def _apply(self, token: _Token, arguments: list[_Node]) -> _Node:
        function = FUNCTIONS.get(token.text)
        if function is None:
            raise ConnectorError("ERR-TRANSFORM", f"column {token.column}: there is no function {token.text}")
        if len(arguments) not in function.takes:
            takes = " or ".join(map(str, function.takes))
            raise ConnectorError("ERR-TRANSFORM", f"column {token.column}: {token.text} takes {takes} argument(s)")
        return _application(function.compute, arguments)

    def _accept(self, sign: str) -> bool:
        token = self._tokens[self._next]
        if token.kind != "sign" or token.text != sign:
            return False
        self._next += 1
        return True

    def _expect(self, what: str) -> None:
        token = self._tokens[self._next]
        if (token.text if token.kind == "sign" else token.kind) != what:
            raise self._wrong("expected the end" if what == "end" else f"expected {what}")
        self._next += 1

    def _wrong(self, message: str) -> ConnectorError:
        return ConnectorError("ERR-TRANSFORM", f"column {self._tokens[self._next].column}: {message}")


def _constant(value: bytes) -> _Node:
    return lambda values: bytearray(value)


def _variable(name: str) -> _Node:
    return lambda values: bytearray(values[name])


def _concatenation(terms: list[_Node]) -> _Node:
    return _application(lambda *parts: bytearray().join(parts), terms)


def _application(compute: Callable[..., bytearray], arguments: list[_Node]) -> _Node:
    def node(values: Values) -> bytearray:
        computed: list[bytearray] = []
        try:
            for argument in arguments:
                computed.append(argument(values))
            return compute(*computed)
        finally:
            # Every step but the last is a secret that nobody needs any more.
            for value in computed:
                wipe(value)

    return node
