"""What Kubernetes does with the manifests of a chart, as far as a program notices.

Secrets become variables and folders, Services become variables, probes are asked, hosts are routed to pods.
"""

import base64
from asyncio.subprocess import Process
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import httpx

from tests.deploy.chart import Manifest, of_kind, selects
from tests.deploy.containers import Container
from tests.deploy.dockerfile import Image


@dataclass(frozen=True)
class Pod:
    manifest: Manifest
    container: Container

    @property
    def spec(self) -> Manifest:
        (only,) = self.manifest["spec"]["containers"]
        found: Manifest = only
        return found

    def port(self, name: str) -> int:
        return next(int(port["containerPort"]) for port in self.spec["ports"] if port["name"] == name)

    async def until_ready(self, process: Process) -> None:
        """Until all its probes are content."""
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = self.spec[probe]["httpGet"]
            await self.container.until(200, self.port(asked["port"]), asked["path"], process)


@dataclass(frozen=True)
class Cluster:
    """`secrets` are those that the operator made; the chart's own are added when it is installed."""

    image: Image
    folder: Path
    manifests: list[Manifest]
    secrets: dict[str, dict[str, str]] = field(repr=False)

    def take_secrets(self) -> None:
        for name, secret in of_kind(self.manifests, "Secret").items():
            given = {key: base64.b64decode(text).decode() for key, text in secret["data"].items()}
            self.secrets[name] = given

    def pod(self, template: Manifest, name: str, *, arguments: list[str] | None = None) -> Pod:
        """A pod of the template; with other `arguments`, what `kubectl exec` starts in it."""
        (spec,) = template["spec"]["containers"]
        folder = self.folder / name
        folder.mkdir()
        container = Container(
            self.image,
            folder / "log",
            arguments=arguments or spec["args"],
            environment=self._links(template["spec"]) | {one["name"]: self._value(one) for one in spec["env"]},
            mounts=dict(self._mount(template["spec"], one, folder) for one in spec["volumeMounts"]),
        )
        return Pod(template, container)

    def route(self, host: str, path: str, pods: list[Pod]) -> tuple[str, int]:
        """The address and port that an ingress sends a request to."""
        rules = [rule for one in of_kind(self.manifests, "Ingress").values() for rule in one["spec"]["rules"]]
        (rule,) = (rule for rule in rules if fnmatchcase(host, rule["host"]))
        paths = rule["http"]["paths"]
        exact = next((one for one in paths if one["pathType"] == "Exact" and one["path"] == path), paths[0])
        service = of_kind(self.manifests, "Service")[exact["backend"]["service"]["name"]]["spec"]
        (port,) = service["ports"]
        ready = (pod for pod in pods if selects(service["selector"], pod.manifest["metadata"]["labels"]))
        pod = next(ready)
        return pod.container.address, pod.port(port["targetPort"])

    def _value(self, variable: Manifest) -> str:
        if "value" in variable:
            return str(variable["value"])
        reference = variable["valueFrom"]["secretKeyRef"]
        return self.secrets[reference["name"]][reference["key"]]

    def _links(self, pod: Manifest) -> dict[str, str]:
        """What Kubernetes puts into every container that does not refuse it."""
        if not pod.get("enableServiceLinks", True):
            return {}
        names = [name.upper().replace("-", "_") for name in of_kind(self.manifests, "Service")]
        return {f"{name}_PORT": "tcp://10.96.0.7:80" for name in names}

    def _mount(self, pod: Manifest, mount: Manifest, folder: Path) -> tuple[str, Path]:
        volume = next(one for one in pod["volumes"] if one["name"] == mount["name"])
        place = folder / volume["name"]
        place.mkdir(mode=0o777)
        if "secret" in volume:
            self._fill(place, volume["secret"])
        return mount["mountPath"], place

    def _fill(self, place: Path, secret: Manifest) -> None:
        """As kubelet does it, which exchanges all files at once: each is a link into a folder that is a link itself."""
        if secret.get("optional") and secret["secretName"] not in self.secrets:
            return
        versioned = place / "..2026_11_23_08_00_00.1"
        versioned.mkdir()
        (place / "..data").symlink_to(versioned.name)
        for name, text in self.secrets[secret["secretName"]].items():
            (versioned / name).write_text(text, encoding="utf-8")
            (versioned / name).chmod(secret["defaultMode"])
            (place / name).symlink_to(Path("..data", name))


class ThroughTheIngress(httpx.AsyncBaseTransport):
    """Ends TLS, says who asked, and passes a request to the pod that it is for."""

    def __init__(self, cluster: Cluster, pods: list[Pod], person: str) -> None:
        self._cluster = cluster
        self._pods = pods
        self._person = person
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        address, port = self._cluster.route(request.url.host, request.url.path, self._pods)
        passed_on = httpx.Request(
            request.method,
            request.url.copy_with(scheme="http", host=address, port=port),
            headers=[*request.headers.raw, (b"x-forwarded-for", self._person.encode())],
            stream=request.stream,
            extensions=request.extensions,
        )
        return await self._inner.handle_async_request(passed_on)

    async def aclose(self) -> None:
        await self._inner.aclose()
