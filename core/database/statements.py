"""Statements as the drivers take them: a text, arguments in order, and how to read the rows that come back.

SQLAlchemy's tables and expressions are the one source of text and types. What it costs to make a text of an expression
is paid once for a `Prepared` statement. Any other one is looked up by its shape, which costs about as much as a fast
statement takes to run.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from operator import itemgetter
from typing import Any, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect, Executable, Integer, Row, Select, Table, insert
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.util import LRUCache

from core.database.several import NUMBER, asked_of, callers_of, of_callers

Values = Mapping[str, Any]
Convert = Callable[[Any], Any]

_MOST_SHAPES = 1000
_REQUIRED = object()


class RowReader:
    """Makes rows of what a driver gives, as the columns' types say."""

    __slots__ = ("_converters", "_metadata")

    def __init__(self, names: Sequence[str], converters: Sequence[Convert | None]) -> None:
        self._metadata = SimpleResultMetaData(names)
        self._converters: Any = tuple(converters) if any(converters) else None

    def read(self, raw: Iterable[Sequence[Any]]) -> list[Any]:
        return [self.row(values) for values in raw]

    def row(self, values: Sequence[Any]) -> Row[Any]:
        metadata = self._metadata
        return Row(metadata, self._converters, metadata._key_to_index, tuple(values))


class Part:
    """Some columns of a joined row, as the driver sent them (`raw`), and read when somebody asks for the row. Two parts
    with equal `raw` say the same, which costs much less to see than to read both."""

    __slots__ = ("_reader", "raw")

    def __init__(self, raw: Sequence[Any], reader: RowReader) -> None:
        self.raw = raw
        self._reader = reader

    def row(self) -> Row[Any]:
        return self._reader.row(self.raw)


class _PartsReader(RowReader):
    """Makes each row a tuple of its parts."""

    __slots__ = ("_parts",)

    def __init__(self, names: Sequence[str], converters: Sequence[Convert | None], lengths: Sequence[int]) -> None:
        ends = list(accumulate(lengths))
        if not ends or ends[-1] != len(names):
            raise TypeError(f"{len(names)} columns are not {lengths}")
        slices = [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]
        self._parts = [(one, RowReader(names[one], converters[one])) for one in slices]

    def read(self, raw: Iterable[Sequence[Any]]) -> list[Any]:
        parts = self._parts
        return [tuple([Part(values[one], reader) for one, reader in parts]) for values in raw]


@dataclass(frozen=True, slots=True)
class Call:
    """`reader` is None where no rows come back, or where the driver must say what they are called: see `tells`."""

    text: str
    arguments: Sequence[Any]
    reader: RowReader | None
    tells: bool = False


class _Made:
    """A prepared statement in one dialect."""

    __slots__ = ("_converters", "_defaults", "_names", "_take", "reader", "text")

    def __init__(self, compiled: SQLCompiler, dialect: Dialect, parts: Sequence[int]) -> None:
        self.reader = _reader_of(compiled, dialect, parts)
        values = compiled.construct_params(escape_names=False, _check=False)
        self.text, places, converters = _expanded(compiled, values)
        binds = [compiled.binds.get(name) for name in places]
        self._names = [name if bind is None else bind.key for name, bind in zip(places, binds, strict=True)]
        self._defaults = [
            values.get(name) if bind is None else _REQUIRED if bind.required else bind.effective_value
            for name, bind in zip(places, binds, strict=True)
        ]
        is_given = len(places) > 1 and all(default is _REQUIRED for default in self._defaults)
        self._take = itemgetter(*self._names) if is_given else None
        self._converters = [(place, converters[name]) for place, name in enumerate(places) if name in converters]

    def arguments(self, given: Values) -> list[Any]:
        """Raises TypeError where a value is not given."""
        try:
            sent = list(self._take(given)) if self._take is not None else self._mixed(given)
        except KeyError as error:
            raise TypeError(f"the statement needs {error.args[0]}") from None
        for place, convert in self._converters:
            sent[place] = convert(sent[place])
        return sent

    def _mixed(self, given: Values) -> list[Any]:
        return [
            given[name] if default is _REQUIRED else given.get(name, default)
            for name, default in zip(self._names, self._defaults, strict=True)
        ]


class Prepared:
    """A statement that is put together once, with `bindparam`s for what changes; names that are given at each use.

        BY_DIGEST = Prepared(select(code_table).where(code_table.c.digest == bindparam("digest")))
        row = (await connection.execute(BY_DIGEST, {"digest": digest})).one_or_none()

    An insert or update takes the names that are given at a use as the columns to write. With `parts`, the numbers of
    columns that belong together, each row is a tuple of a `Part` for each of them.
    """

    __slots__ = ("_made", "_writes", "parts", "statement")

    def __init__(self, statement: Executable, parts: Sequence[int] = ()) -> None:
        self.statement = statement
        self.parts = parts
        self._writes = bool(getattr(statement, "is_insert", False) or getattr(statement, "is_update", False))
        self._made: dict[tuple[str, tuple[str, ...]], _Made] = {}

    def made(self, dialect: Dialect, given: Values) -> _Made:
        names = tuple(given) if self._writes else ()
        made = self._made.get((dialect.name, names))
        if made is None:
            compiled = self.statement.compile(dialect=dialect, column_keys=list(names) or None)  # type: ignore[attr-defined]
            made = self._made[(dialect.name, names)] = _Made(compiled, dialect, self.parts)
        return made


@cache
def for_several(prepared: Prepared) -> Prepared:
    """The same question of several callers (`core.database.several`). Each row has its caller's number as its last
    part."""
    statement = cast("Select[Any]", prepared.statement)
    callers = callers_of({NUMBER: Integer()} | asked_of(statement))
    return Prepared(of_callers(statement, callers).add_columns(callers.c[NUMBER]), (*prepared.parts, 1))


@cache
def new_row(table: Table) -> Prepared:
    """The statement that writes a row of the table, of the columns that are given with it."""
    return Prepared(insert(table))


class Statements:
    """Makes what one driver takes of the statements of a whole database."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._shapes: LRUCache[Any, Any] = LRUCache(_MOST_SHAPES)
        self._readers: WeakKeyDictionary[SQLCompiler, RowReader | None] = WeakKeyDictionary()

    def call(self, statement: Executable | Prepared, given: Values) -> Call:
        if isinstance(statement, Prepared):
            made = statement.made(self._dialect, given)
            return Call(made.text, made.arguments(given), made.reader)
        return self._looked_up(statement, given, many=False)

    def calls(self, statement: Executable | Prepared, rows: Sequence[Values]) -> tuple[str, list[Sequence[Any]]]:
        """One text, and the arguments of each of `rows`, which all have the same names."""
        if isinstance(statement, Prepared):
            made = statement.made(self._dialect, rows[0])
            return made.text, [made.arguments(given) for given in rows]
        made_of = [self._looked_up(statement, given, many=True) for given in rows]
        return made_of[0].text, [one.arguments for one in made_of]

    def text_of(self, statement: Executable, names: Sequence[str]) -> str:
        """The text of a statement whose arguments are sent as they are, in the order of `names`."""
        compiled = cast(SQLCompiler, statement.compile(dialect=self._dialect))  # type: ignore[attr-defined]
        if list(compiled.positiontup or ()) != list(names):
            raise TypeError("the names are not in the order of the table's columns")
        return compiled.string

    def _looked_up(self, statement: Executable, given: Values, *, many: bool) -> Call:
        made, extracted, collected, _ = statement._compile_w_cache(
            self._dialect, compiled_cache=self._shapes, column_keys=sorted(given), for_executemany=many
        )
        compiled = cast(SQLCompiler, made)
        values = compiled.construct_params(
            given, escape_names=False, extracted_parameters=extracted, _collected_params=collected
        )
        text, places, converters = _expanded(compiled, values)
        arguments = [converters[name](values[name]) if name in converters else values[name] for name in places]
        return Call(text, arguments, self._reader(compiled), tells=compiled.isplaintext)

    def _reader(self, compiled: SQLCompiler) -> RowReader | None:
        if compiled not in self._readers:
            self._readers[compiled] = _reader_of(compiled, self._dialect)
        return self._readers[compiled]


def _expanded(compiled: SQLCompiler, values: Any) -> tuple[str, Sequence[str], Mapping[str, Any]]:
    """The text, the names of its arguments in order, and how each is sent. Where a list of values stands in the
    statement, each of them is an argument of its own, and is put among `values`."""
    converters: Mapping[str, Any] = compiled._bind_processors
    if not (compiled.post_compile_params or compiled.literal_execute_params):
        return compiled.string, compiled.positiontup or (), converters
    expanded = compiled._process_parameters_for_postcompile(values)
    return expanded.statement, expanded.positiontup or (), {**converters, **expanded.processors}


def _reader_of(compiled: SQLCompiler, dialect: Dialect, parts: Sequence[int] = ()) -> RowReader | None:
    columns = compiled._result_columns
    if not columns:
        return None
    names = [column.name for column in columns]
    converters = [column.type._cached_result_processor(dialect, None) for column in columns]
    return _PartsReader(names, converters, parts) if parts else RowReader(names, converters)
