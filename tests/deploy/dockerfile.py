"""Carries out a Dockerfile without Docker.

A stage is worked on in an empty folder that stands for its root, always under the same path, and is put away when it
ends: what a virtual environment wrote about its own place is then true in the next stage too, as it is in an image.
Every absolute path in a command is one of the image. Not carried out: the base images, whose `python`, `node` and `npm`
are this machine's, and the change of owners.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.deploy.context import Context

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NEEDS_A_SHELL = set("&|;<>*?`$(){}")


@dataclass
class Image:
    """A stage, and at the end the image: `environment`, `entrypoint` and `command` name paths of the image."""

    root: Path
    working_directory: str = "/"
    user: str = ""
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": _SYSTEM_PATH})
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)

    def place(self, path: str) -> Path:
        """Where a path of the image, or one relative to its working directory, is on this machine."""
        return self.root / str(PurePosixPath(self.working_directory, path)).lstrip("/")


def build(dockerfile: Path, folder: Path) -> Image:
    """Carries out every stage in `folder`, in order; gives the last one."""
    builder = _Builder(Context(dockerfile.parent), folder)
    for instruction, words in _instructions(dockerfile):
        builder.carry_out(instruction, words)
    return builder.image


def _instructions(dockerfile: Path) -> list[tuple[str, str]]:
    lines = [line for line in dockerfile.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    found = [line.partition(" ") for line in lines]
    return [(instruction, rest.strip()) for instruction, _, rest in found]


class _Builder:
    def __init__(self, context: Context, folder: Path) -> None:
        self._context = context
        self._folder = folder
        self._name = ""
        self._path = f"{_interpreter(folder / 'bin')}:{os.environ['PATH']}"
        self.image = Image(folder / "root")
        self._does: dict[str, Callable[[str], None]] = {
            "FROM": self._from,
            "WORKDIR": self._workdir,
            "COPY": self._copy,
            "RUN": self._run,
            "ENV": self._env,
            "USER": lambda user: setattr(self.image, "user", user),
            "EXPOSE": lambda ports: setattr(self.image, "ports", [int(port) for port in ports.split()]),
            "ENTRYPOINT": lambda words: setattr(self.image, "entrypoint", json.loads(words)),
            "CMD": lambda words: setattr(self.image, "command", json.loads(words)),
        }

    def carry_out(self, instruction: str, rest: str) -> None:
        self._does[instruction](rest)

    def _from(self, rest: str) -> None:
        if self.image.root.exists():
            self.image.root.rename(self._stage(self._name))
        _, _, self._name = rest.partition(" AS ")
        self.image = Image(self._folder / "root")
        self.image.root.mkdir()

    def _workdir(self, path: str) -> None:
        self.image.working_directory = path
        self.image.place(path).mkdir(parents=True, exist_ok=True)

    def _copy(self, rest: str) -> None:
        words = shlex.split(rest)
        options = dict(word.removeprefix("--").split("=") for word in words if word.startswith("--"))
        *sources, target = [word for word in words if not word.startswith("--")]
        for source in sources:
            place = self.image.place(target)
            if "from" in options:
                _copy_between_stages(self._stage(options["from"]) / source.lstrip("/"), place)
            else:
                self._context.copy(source, place / source if target.endswith("/") else place)

    def _run(self, rest: str) -> None:
        assert not _NEEDS_A_SHELL & set(rest), f"this needs a shell, which the test of the image has none of: {rest}"
        words = [word for word in shlex.split(rest) if not word.startswith("--mount=type=cache,")]
        command = [str(self.image.place(word)) if word.startswith("/") else word for word in words]
        # The caches of pip and npm, which the image's builder mounts, are those of whoever runs the test.
        kept = {
            name: text for name, text in os.environ.items() if not name.startswith(("YIMEN_", "PYTHON", "VIRTUAL_"))
        }
        directory = self.image.place(".")
        done = subprocess.run(
            command, cwd=directory, env=kept | {"PATH": self._path}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{rest}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"

    def _env(self, rest: str) -> None:
        own = self.image.environment
        pairs = (word.partition("=") for word in shlex.split(rest))
        self.image.environment = own | {name: text.replace("$PATH", own["PATH"]) for name, _, text in pairs}

    def _stage(self, name: str) -> Path:
        return self._folder / f"stage-{name}"


def _copy_between_stages(source: Path, target: Path) -> None:
    """By second names for the same bytes: nobody writes into the files of a stage that is put away."""
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=os.link)


def _interpreter(folder: Path) -> Path:
    """A folder whose `python` is the interpreter that this one was started from, not an environment of it."""
    folder.mkdir(parents=True)
    real = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    launcher = folder / "python"
    launcher.write_text(f'#!/bin/sh\nexec {shlex.quote(str(real))} "$@"\n', encoding="utf-8")
    launcher.chmod(0o755)
    return folder
