"""What `docker build` is given of a folder: the files that its .dockerignore leaves."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class _Rule:
    pattern: re.Pattern[str]
    admits: bool


class Context:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        lines = (folder / ".dockerignore").read_text(encoding="utf-8").splitlines()
        self._rules = [_rule(line.strip()) for line in lines if line.strip() and not line.startswith("#")]

    def copy(self, source: str, target: Path) -> None:
        """A file to `target`, or what is in a folder to the folder `target`."""
        start = self._folder / source
        if start.is_file():
            assert self._is_in(source), f"{source} is left out by .dockerignore"
            _copy(start, target)
            return
        found = list(self._files(start))
        assert found, f"nothing in {source} is left by .dockerignore"
        for path in found:
            _copy(path, target / path.relative_to(start))

    def _files(self, start: Path) -> Iterator[Path]:
        for at, folders, names in os.walk(start):
            here = Path(at)
            # A folder that is left out at the top is not walked through: there the environments of Python and Node are.
            if here == self._folder:
                folders[:] = [name for name in folders if self._is_in(name)]
            yield from (
                here / name for name in names if self._is_in((here / name).relative_to(self._folder).as_posix())
            )

    def _is_in(self, path: str) -> bool:
        """The last rule that speaks of the path, or of a folder it is in, decides."""
        parts = path.split("/")
        above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        told = [rule.admits for rule in self._rules if any(rule.pattern.fullmatch(part) for part in above)]
        return told[-1] if told else True


def _rule(line: str) -> _Rule:
    admits, pattern = line.startswith("!"), line.removeprefix("!")
    expression = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
    return _Rule(re.compile(expression), admits)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
