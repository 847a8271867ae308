"""The chart, as Helm renders it: Kubernetes takes every manifest, and what refers to something finds it."""

import re
from typing import Any

import kubernetes_validate
import pytest
import yaml

from core.settings import Settings
from tests.deploy.chart import CHART, RELEASE, VALUES, Helm, Manifest, of_kind, pods, selects

SETS = sorted(path.stem for path in VALUES.glob("*.yaml"))
ROLES = ("identity", "gateway", "worker")
OLDEST, NEWEST = "1.28", kubernetes_validate.latest_version()


@pytest.fixture(scope="session", params=SETS)
def manifests(request: pytest.FixtureRequest, helm: Helm) -> list[Manifest]:
    return helm.render(request.param)


@pytest.mark.parametrize("arguments", [[], *(["--values", str(VALUES / f"{name}.yaml")] for name in SETS)])
def test_helm_finds_nothing_to_complain_about(helm: Helm, arguments: list[str]) -> None:
    linted = helm.run("lint", "--strict", str(CHART), *arguments)
    assert linted.returncode == 0, linted.stdout
    assert "[WARNING]" not in linted.stdout


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_takes_every_manifest(manifests: list[Manifest], version: str) -> None:
    for manifest in manifests:
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("issuer=", "issuer is required"),
        ("gatewayDomain=", "gatewayDomain is required"),
        ("trustedProxies=null", "trustedProxies is required"),
        ("issuer=http://sso.example.gov.cn", "/issuer"),
        ("issuer=https://sso.example.gov.cn/path", "/issuer"),
        ("gatewayDomain=https://gw.example.gov.cn", "/gatewayDomain"),
        ("trustedProxies=the ingress", "/trustedProxies"),
        ("upstreamAllow={everywhere}", "/upstreamAllow"),
        ("suite=des", "/suite"),
        ("forwardedField=via", "/forwardedField"),
        ("proxyProtocol=maybe", "/proxyProtocol"),
        ("proxyProtocol=true,trustedProxies=", "proxyProtocol needs trustedProxies"),
        ("tls.gatewaySecret=county-gateway", "belong together"),
        ("identity.replicas=0", "/identity/replicas"),
        ("identity.replica=3", "replica"),
        ("netwrokPolicy.enabled=false", "netwrokPolicy"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(helm: Helm, given: str, complaint: str) -> None:
    required = str(VALUES / "required.yaml")
    refused = helm.run("template", RELEASE, str(CHART), "--values", required, "--set", given)
    assert refused.returncode != 0
    assert complaint in refused.stderr


def test_each_role_is_deployed_by_itself(manifests: list[Manifest]) -> None:
    assert set(of_kind(manifests, "Deployment")) == {f"{RELEASE}-{role}" for role in ROLES}
    assert set(of_kind(manifests, "PodDisruptionBudget")) == {f"{RELEASE}-{role}" for role in ROLES}


def test_every_pod_may_do_as_little_as_kubernetes_knows(manifests: list[Manifest]) -> None:
    """The profile `restricted` of the Pod Security Standards, a root file system that is only read, and no token."""
    for pod in (template["spec"] for template in pods(manifests).values()):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"requests", "limits"} <= set(container["resources"])
        assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


def test_every_selector_finds_the_pods_it_means(manifests: list[Manifest]) -> None:
    labels = {name: template["metadata"]["labels"] for name, template in pods(manifests).items()}
    kinds = {
        "Deployment": "selector.matchLabels",
        "PodDisruptionBudget": "selector.matchLabels",
        "NetworkPolicy": "podSelector.matchLabels",
        "Service": "selector",
    }
    for kind, path in kinds.items():
        for name, manifest in of_kind(manifests, kind).items():
            selector = _at(manifest["spec"], path)
            found = [pod for pod, own in labels.items() if selects(selector, own)]
            assert found == ([] if name == f"{RELEASE}-nobody" else [name])


def test_every_ingress_leads_to_a_port_that_a_pod_has(manifests: list[Manifest]) -> None:
    services, templates = of_kind(manifests, "Service"), pods(manifests)
    for ingress in of_kind(manifests, "Ingress").values():
        for path in (path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]):
            service = services[path["backend"]["service"]["name"]]
            (port,) = service["spec"]["ports"]
            assert path["backend"]["service"]["port"]["name"] == port["name"]
            for template in templates.values():
                if selects(service["spec"]["selector"], template["metadata"]["labels"]):
                    assert port["targetPort"] in _port_names(template)


def test_what_tools_ask_the_pods_is_not_told_to_the_world(helm: Helm) -> None:
    identity = of_kind(helm.render("required"), "Ingress")[f"{RELEASE}-identity"]
    (rule,) = identity["spec"]["rules"]
    nobody = [p["path"] for p in rule["http"]["paths"] if p["backend"]["service"]["name"] == f"{RELEASE}-nobody"]
    assert nobody == ["/metrics", "/readyz"]


def test_the_ingress_routes_the_issuer_and_every_gateway_host(helm: Helm) -> None:
    ingresses = of_kind(helm.render("everything"), "Ingress")
    hosts = {name: [rule["host"] for rule in ingress["spec"]["rules"]] for name, ingress in ingresses.items()}
    assert hosts == {f"{RELEASE}-identity": ["sso.example.gov.cn"], f"{RELEASE}-gateway": ["*.gw.example.gov.cn"]}


def test_an_autoscaler_decides_alone_how_many_there_are(helm: Helm) -> None:
    manifests = helm.render("everything")
    scaled = of_kind(manifests, "HorizontalPodAutoscaler")
    assert set(scaled) == {f"{RELEASE}-identity", f"{RELEASE}-gateway"}
    for name, deployment in of_kind(manifests, "Deployment").items():
        assert ("replicas" in deployment["spec"]) is (name not in scaled)
    assert of_kind(helm.render("required"), "HorizontalPodAutoscaler") == {}


def test_only_the_gateway_may_reach_the_whole_network(helm: Helm) -> None:
    policies = of_kind(helm.render("required"), "NetworkPolicy")
    reached = {
        name: {port["port"] for rule in policy["spec"]["egress"] for port in rule.get("ports", [{"port": "any"}])}
        for name, policy in policies.items()
    }
    assert reached == {
        f"{RELEASE}-identity": {53, 5432, 443},
        f"{RELEASE}-gateway": {53, 5432, "any"},
        f"{RELEASE}-worker": {53, 5432},
    }
    assert policies[f"{RELEASE}-worker"]["spec"]["ingress"] == []


def test_what_the_operator_gives_reaches_every_container(helm: Helm) -> None:
    for template in pods(helm.render("everything")).values():
        (container,) = template["spec"]["containers"]
        given = {one["name"]: one.get("value") for one in container["env"]}
        assert given["YIMEN_TRUSTED_PROXIES"] == "10.244.0.0/16,fd00:10:244::/56"
        assert given["YIMEN_UPSTREAM_ALLOW"] == "10.8.0.0/16"
        assert given["YIMEN_OUTBOUND_ALLOW"] == "10.9.0.0/24,10.9.8.7/32"
        assert given["YIMEN_TIME_ZONE"] == "Asia/Urumqi"
        assert (given["YIMEN_FORWARDED_FIELD"], given["YIMEN_PROXY_PROTOCOL"]) == ("either", "false")
        assert given["YIMEN_LOCKOUT_MINUTES"] == "30"
        assert "/etc/county-authorities" in {mount["mountPath"] for mount in container["volumeMounts"]}
        assert container["image"].startswith("images.example.gov.cn/yimen@sha256:")


def test_pods_with_certificates_of_their_own_speak_tls(helm: Helm) -> None:
    manifests = helm.render("tls_of_its_own")
    for role, variables in (("identity", "YIMEN_TLS"), ("gateway", "YIMEN_GATEWAY_TLS"), ("worker", None)):
        pod = pods(manifests)[f"{RELEASE}-{role}"]["spec"]
        (container,) = pod["containers"]
        given = {one["name"]: one.get("value") for one in container["env"]}
        secrets = {one["name"]: one["secret"]["secretName"] for one in pod["volumes"] if "secret" in one}
        assert (given["YIMEN_FORWARDED_FIELD"], given["YIMEN_PROXY_PROTOCOL"]) == ("forwarded", "true")
        assert {name: value for name, value in given.items() if "TLS" in name} == (
            {f"{variables}_CERT": "/run/yimen/tls/tls.crt", f"{variables}_KEY": "/run/yimen/tls/tls.key"}
            if variables
            else {}
        )
        assert secrets.get("tls") == (f"county-{role}" if variables else None)
        assert container["readinessProbe"]["httpGet"]["scheme"] == ("HTTPS" if variables else "HTTP")


def test_a_port_is_named_for_what_is_spoken_there(manifests: list[Manifest]) -> None:
    """Some ingresses go by the name, or by `appProtocol`."""
    for name, service in of_kind(manifests, "Service").items():
        if name != f"{RELEASE}-nobody":
            (port,) = service["spec"]["ports"]
            (container,) = pods(manifests)[name]["spec"]["containers"]
            assert port["appProtocol"] == port["name"] == container["readinessProbe"]["httpGet"]["scheme"].lower()


def test_every_setting_of_how_it_is_reached_can_be_given_as_a_value(helm: Helm) -> None:
    """Those of one kind of process need not be the others'."""
    templates = pods(helm.render("tls_of_its_own")).values()
    given = {one["name"] for template in templates for one in template["spec"]["containers"][0]["env"]}
    reached = ("issuer", "gateway_domain", "host", "port", "trusted_proxies", "forwarded_field", "proxy_protocol")
    certificates = ("tls_cert", "tls_key", "gateway_tls_cert", "gateway_tls_key")
    assert {f"YIMEN_{name.upper()}" for name in (*reached, *certificates)} <= given


def test_a_pod_has_time_to_end_by_itself(manifests: list[Manifest]) -> None:
    for deployment in of_kind(manifests, "Deployment").values():
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        (grace,) = (int(one["value"]) for one in container["env"] if one["name"] == "YIMEN_GRACE_SECONDS")
        _, pause = container["lifecycle"]["preStop"]["exec"]["command"]
        assert pod["terminationGracePeriodSeconds"] > grace + int(pause)


def test_the_hooks_stand_on_nothing_that_comes_after_them(manifests: list[Manifest]) -> None:
    """A hook before the installation finds only what the operator made, and other hooks."""
    hooks = [one for one in manifests if "helm.sh/hook" in one["metadata"].get("annotations", {})]
    ours = {one["metadata"]["name"] for one in manifests if one not in hooks}
    (job,) = of_kind(hooks, "Job").values()
    assert re.split(r", *", job["metadata"]["annotations"]["helm.sh/hook"]) == ["pre-install", "pre-upgrade"]
    pod = job["spec"]["template"]["spec"]
    needed = {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    assert not ours & {*needed, pod["serviceAccountName"]}


def test_the_one_time_passwords_are_new_for_each_installation(helm: Helm) -> None:
    first, second = (of_kind(helm.render("required"), "Secret")[f"{RELEASE}-first-sign-in"] for _ in range(2))
    assert set(first["data"]) == {"sysadmin", "secadmin", "auditadmin"}
    assert len({*first["data"].values(), *second["data"].values()}) == 6
    assert of_kind(helm.render("everything"), "Secret") == {}, "there the operator has made one"


def test_the_charts_networks_are_those_of_the_program() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    assert values["upstreamAllow"] == [str(network) for network in Settings.model_fields["upstream_allow"].default]


def _at(manifest: Manifest, path: str) -> Any:
    for name in path.split("."):
        manifest = manifest[name]
    return manifest


def _port_names(template: Manifest) -> set[str]:
    return {port["name"] for container in template["spec"]["containers"] for port in container["ports"]}
