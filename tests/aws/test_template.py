"""What the templates say: safety, least privilege, and how deployments go."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws.stacks import Template

from deploy.aws.profiles import PROFILES
from deploy.aws.templates import DIRECTORY, written
from sentiserve.settings import PREFIX, Settings

pytestmark = pytest.mark.xdist_group("aws")
ROOT = Path(__file__).parents[2]
MOST = 51_200  # bytes of a template that is sent as it is


def test_there_are_two_stacks_for_each_profile(templates: dict[str, Template]) -> None:
    """Nothing else is deployed, and no bootstrap stack is asked for."""
    names = {f"sentiserve-{name}{part}" for name in PROFILES for part in ("", "-base")}
    assert set(templates) == names
    assert not [
        name for name, t in templates.items() if "BootstrapVersion" in t.body.get("Parameters", {})
    ]


def test_the_files_for_those_without_node_are_up_to_date(templates: dict[str, Template]) -> None:
    """``make templates`` was run, and each can be sent to CloudFormation as it is."""
    files = {file.stem: file.read_text() for file in DIRECTORY.iterdir()}
    assert files == {name: written(template.body) for name, template in templates.items()}
    assert all(len(text.encode()) < MOST for text in files.values())
    assert all(json.loads(text) == templates[name].body for name, text in files.items())


def test_the_cdk_can_send_them_too(templates: dict[str, Template]) -> None:
    """It does as YAML, which is longer; and without a bucket of its own there is a limit."""

    class Indented(yaml.SafeDumper):  # type: ignore[misc]  # it has no types; the CDK's indents
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001
            super().increase_indent(flow, False)

    sizes = {
        name: len(yaml.dump(template.body, Dumper=Indented, width=10**6).encode())
        for name, template in templates.items()
    }
    assert {name: size for name, size in sizes.items() if size >= MOST} == {}


def test_the_linter_finds_no_error(directory: Path) -> None:
    """cfn-lint knows CloudFormation's types, regions and limits."""
    program = Path(sys.executable).parent / "cfn-lint"
    files = map(str, directory.glob("*.template.json"))
    done = subprocess.run(
        [str(program), "--regions", "us-east-1", "--", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_failed_deployment_is_taken_back(service: Template) -> None:
    """By the circuit breaker if tasks don't come up, by alarms if what comes up is bad."""
    deployment = service.only("ECS::Service")["DeploymentConfiguration"]
    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert deployment["Alarms"]["Enable"] is deployment["Alarms"]["Rollback"] is True
    named = {name["Ref"] for name in deployment["Alarms"]["AlarmNames"]}
    assert {service.all("CloudWatch::Alarm")[name]["AlarmDescription"] for name in named} == {
        "more than 5 % of requests fail",
        "one of ten answers takes over 2 s",
    }
    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (100, 200)


def test_an_image_and_a_model_are_a_revision_of_the_task(service: Template) -> None:
    """So either is rolled out, and taken back, as any deployment is."""
    ((name, task),) = service.all("ECS::TaskDefinition").items()
    assert service.only("ECS::Service")["TaskDefinition"] == {"Ref": name}
    (container,) = task["ContainerDefinitions"]
    assert {"Name": "SENTISERVE_MODEL", "Value": {"Ref": "Model"}} in container["Environment"]
    assert container["Image"]["Fn::Join"][1][-2:] == [":", {"Ref": "ImageTag"}]


def test_a_deployment_leaves_the_number_of_tasks_alone(service: Template) -> None:
    """With a DesiredCount it would undo what scaling did."""
    assert "DesiredCount" not in service.only("ECS::Service")


def test_the_least_number_of_tasks_is_not_on_spot(service: Template, profile: str) -> None:
    """All of Spot can be taken away within two minutes."""
    on_demand, spot = service.only("ECS::Service")["CapacityProviderStrategy"]
    least, _ = PROFILES[profile].tasks
    assert (on_demand["CapacityProvider"], on_demand["Base"]) == ("FARGATE", least)
    assert (spot["CapacityProvider"], spot["Weight"] > 1) == ("FARGATE_SPOT", True)
    (providers,) = service.all("ECS::ClusterCapacityProviderAssociations")
    (described,) = (
        r for r in service.body["Resources"].values() if r["Type"] == "AWS::ECS::Service"
    )
    assert providers in described["DependsOn"]


def test_tasks_are_where_nothing_outside_reaches_them(
    base: Template, service: Template, profile: str
) -> None:
    """In private subnets; in the demo in public ones, where their group lets in the balancer."""
    network = service.only("ECS::Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
    subnets = [subnet["Fn::ImportValue"] for subnet in network["Subnets"]]
    where = "tasks" if PROFILES[profile].private else "public"
    assert all(f"NetworkVpc{where}Subnet" in subnet for subnet in subnets)
    assert len(subnets) == 2
    assert network["AssignPublicIp"] == ("DISABLED" if PROFILES[profile].private else "ENABLED")
    into = base.all("EC2::SecurityGroupIngress").values()
    assert not [rule for rule in into if "CidrIp" in rule]
    assert sorted({rule["FromPort"] for rule in into} - {443}) == [6379, 8000]
    groups = base.all("EC2::SecurityGroup").values()
    assert not [group for group in groups if group.get("SecurityGroupIngress")]
    assert not [s for s in base.all("EC2::Subnet").values() if s["MapPublicIpOnLaunch"]]


def test_only_what_asks_platforms_has_a_way_out(base: Template, profile: str) -> None:
    """NAT gateways or endpoints, one of each zone; the demo needs neither."""
    nats, endpoints = base.all("EC2::NatGateway"), base.all("EC2::VPCEndpoint")
    kinds = [endpoint.get("VpcEndpointType") for endpoint in endpoints.values()]
    assert (len(nats), kinds.count("Gateway"), kinds.count("Interface")) == {
        "demo": (0, 1, 0),
        "prod": (2, 1, 0),
        "closed": (0, 1, 4),
    }[profile]


def test_everything_that_is_kept_is_encrypted(base: Template) -> None:
    """On disks and on the way, and nobody is let in without a password."""
    store = base.only("ElastiCache::ReplicationGroup")
    assert store["AtRestEncryptionEnabled"] is store["TransitEncryptionEnabled"] is True
    assert store["TransitEncryptionMode"] == "required"
    assert "AuthToken" in store
    bucket = base.only("S3::Bucket")
    assert bucket["BucketEncryption"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = [
        statement
        for statement in base.only("S3::BucketPolicy")["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
    ]
    assert rule["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_whoever_asks_prod_asks_by_tls(service: Template, profile: str) -> None:
    """Plain HTTP is sent there; the demo, which has no domain, has nothing else."""
    listeners = {
        one["Port"]: one for one in service.all("ElasticLoadBalancingV2::Listener").values()
    }
    if not PROFILES[profile].tls:
        assert set(listeners) == {80}
        return
    assert listeners[443]["Certificates"] == [{"CertificateArn": {"Ref": "CertificateArn"}}]
    assert listeners[443]["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2")
    (action,) = listeners[80]["DefaultActions"]
    assert (action["Type"], action["RedirectConfig"]["Port"]) == ("redirect", "443")


def test_alarms_may_tell_the_topic(base: Template) -> None:
    """A policy of one's own takes away what CloudWatch may do without one."""
    statements = base.only("SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    (allowed,) = [one for one in statements if one["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Action"] == "sns:Publish"
    assert allowed["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }


def test_secrets_are_references(templates: dict[str, Template], service: Template) -> None:
    """Templates hold none, and tasks get them from Secrets Manager."""
    for template in templates.values():
        for secret in template.all("SecretsManager::Secret").values():
            value = json.dumps(secret.get("SecretString", ""))
            assert value == '""' or "{{resolve:secretsmanager:" in value
    (container,) = service.only("ECS::TaskDefinition")["ContainerDefinitions"]
    told = {one["Name"] for one in container["Environment"]}
    secrets = {one["Name"] for one in container["Secrets"]}
    assert secrets == {"SENTISERVE_STORE", "SENTISERVE_API_KEYS"}
    assert not told & secrets


def test_a_wildcard_stands_only_where_aws_demands_it(base: Template, service: Template) -> None:
    """A registry's token is not of one registry; models are all below one prefix."""
    for statement in [*base.statements(), *service.statements()]:
        actions, resources = _listed(statement["Action"]), _listed(statement["Resource"])
        assert not [action for action in actions if "*" in action]
        if "*" in resources:
            assert actions == ["ecr:GetAuthorizationToken"]
        wild = [json.dumps(one) for one in resources if "*" in json.dumps(one) and one != "*"]
        assert all('"/models/*"' in one for one in wild)


def test_a_task_reads_models_and_does_nothing_else(service: Template) -> None:
    """Not even list what isn't a model."""
    (role,) = service.only("ECS::TaskDefinition")["TaskRoleArn"]["Fn::GetAtt"][:1]
    policies = [p for p in service.all("IAM::Policy").values() if p["Roles"] == [{"Ref": role}]]
    (policy,) = policies
    get, listing = policy["PolicyDocument"]["Statement"]
    assert get["Action"] == "s3:GetObject"
    assert (listing["Action"], listing["Condition"]) == (
        "s3:ListBucket",
        {"StringLike": {"s3:prefix": "models/*"}},
    )


def test_a_task_writes_nowhere_but_to_its_data(service: Template) -> None:
    """The root file system is read-only, as in the image's own tests."""
    (container,) = service.only("ECS::TaskDefinition")["ContainerDefinitions"]
    assert container["ReadonlyRootFilesystem"] is True
    assert [mount["ContainerPath"] for mount in container["MountPoints"]] == ["/data"]


def test_a_task_fits_the_image(service: Template) -> None:
    """Port, health check, and the volume, whose owner Fargate takes from the image."""
    image = (ROOT / "deploy" / "Dockerfile").read_text()
    (container,) = service.only("ECS::TaskDefinition")["ContainerDefinitions"]
    assert f"\nEXPOSE {container['PortMappings'][0]['ContainerPort']}\n" in image
    assert f"\nVOLUME {container['MountPoints'][0]['ContainerPath']}\n" in image
    assert f" CMD {json.dumps(container['HealthCheck']['Command'][1:])}\n" in image


def test_a_stopping_task_has_time_for_all_it_does(service: Template) -> None:
    """Notice, answers and records end before it is killed, and before Spot takes the machine."""
    (container,) = service.only("ECS::TaskDefinition")["ContainerDefinitions"]
    told = {one["Name"]: one["Value"] for one in container["Environment"]}
    targets = service.only("ElasticLoadBalancingV2::TargetGroup")
    notice = targets["HealthCheckIntervalSeconds"] * targets["UnhealthyThresholdCount"]
    delay = int(told["SENTISERVE_DRAIN_DELAY"])
    assert notice < delay
    assert delay + 2 * int(told["SENTISERVE_DRAIN_TIMEOUT"]) < container["StopTimeout"] < 120
    assert targets["HealthCheckPath"] == "/health/ready"


def test_a_task_is_told_of_settings_that_there_are(service: Template) -> None:
    """A misspelt one would be ignored, with a warning that nobody reads."""
    (container,) = service.only("ECS::TaskDefinition")["ContainerDefinitions"]
    told = [one["Name"] for one in [*container["Environment"], *container["Secrets"]]]
    assert {name.removeprefix(PREFIX).lower() for name in told} <= set(Settings.model_fields)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
