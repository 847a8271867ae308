"""Helm, and what it makes of the chart."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "yimen"
VALUES = Path(__file__).parent / "values"
# As operators name it: the variables that Kubernetes makes of its Services begin with YIMEN_ then.
RELEASE = "yimen"

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Helm:
    program: str

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([self.program, *arguments], capture_output=True, text=True, check=False)

    def render(self, values: str, **other: str) -> list[Manifest]:
        """Everything that an installation with `values/<values>.yaml` brings to the cluster, hooks included."""
        given = ["--values", str(VALUES / f"{values}.yaml")]
        given += [word for name, text in other.items() for word in ("--set", f"{name}={text}")]
        done = self.run("template", RELEASE, str(CHART), "--namespace", "county", *given)
        assert done.returncode == 0, done.stderr
        return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def find_helm() -> Helm | None:
    """The one that `make tools` builds, or the machine's own."""
    own = ROOT / ".tools" / "helm"
    program = str(own) if own.exists() else shutil.which("helm")
    return Helm(program) if program else None


def of_kind(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {manifest["metadata"]["name"]: manifest for manifest in manifests if manifest["kind"] == kind}


def pods(manifests: list[Manifest]) -> dict[str, Manifest]:
    """The templates of all pods, by the name of what makes them."""
    made = [manifest for manifest in manifests if manifest["kind"] in ("Deployment", "Job")]
    return {manifest["metadata"]["name"]: manifest["spec"]["template"] for manifest in made}


def selects(selector: Manifest, labels: Manifest) -> bool:
    return selector.items() <= labels.items()
