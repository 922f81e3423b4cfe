"""Where things are, and who may talk to whom."""

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from deploy.aws.profiles import Profile

CIDR = "10.0.0.0/16"
_PORT, _STORE = ec2.Port.tcp(8000), ec2.Port.tcp(6379)
_INTERFACES = {  # what a task needs of AWS before and while it runs
    "Registry": ec2.InterfaceVpcEndpointAwsService.ECR,
    "Images": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
    "Secrets": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "Logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
}


class Network(Construct):
    """A VPC over two zones, and the security groups of the load balancer, tasks and store."""

    def __init__(self, scope: Construct, profile: Profile) -> None:
        """Lay it out."""
        super().__init__(scope, "Network")
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(CIDR),
            max_azs=2,
            nat_gateways=2 if profile.private and profile.internet else 0,
            subnet_configuration=_subnets(profile),
            restrict_default_security_group=False,  # that would take a Lambda function
            gateway_endpoints={  # free; images' layers and models come through it
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)
            },
        )
        self.tasks_in = ec2.SubnetSelection(
            subnet_group_name="tasks" if profile.private else "public"
        )
        self.store_in = ec2.SubnetSelection(subnet_group_name="store")
        self.balancer = self._group("Balancer", "Who may ask")
        self.tasks = self._group("Tasks", "Asked by the load balancer alone")
        self.store = self._group("Store", "Asked by tasks alone")
        self.balancer.add_egress_rule(self.tasks, _PORT, "to tasks")
        self.tasks.add_ingress_rule(self.balancer, _PORT, "from the load balancer")
        self.tasks.add_egress_rule(self.store, _STORE, "to the store")
        self.store.add_ingress_rule(self.tasks, _STORE, "from tasks")
        # AWS itself, by endpoints or over the internet, and the platforms
        self.tasks.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "to AWS and platforms")
        if profile.private and not profile.internet:
            self._add_interfaces()

    def _group(self, name: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self, name, vpc=self.vpc, description=description, allow_all_outbound=False
        )

    def _add_interfaces(self) -> None:
        group = self._group("Endpoints", "AWS itself, asked by tasks alone")
        group.add_ingress_rule(self.tasks, ec2.Port.tcp(443), "from tasks")
        for name, service in _INTERFACES.items():
            self.vpc.add_interface_endpoint(
                name, service=service, subnets=self.tasks_in, security_groups=[group], open=False
            )


def _subnets(profile: Profile) -> list[ec2.SubnetConfiguration]:
    kinds = {"public": ec2.SubnetType.PUBLIC, "store": ec2.SubnetType.PRIVATE_ISOLATED}
    if profile.private:
        kinds["tasks"] = (
            ec2.SubnetType.PRIVATE_WITH_EGRESS
            if profile.internet
            else ec2.SubnetType.PRIVATE_ISOLATED
        )
    return [
        ec2.SubnetConfiguration(
            name=name,
            subnet_type=kind,
            cidr_mask=24,
            map_public_ip_on_launch=False if name == "public" else None,
        )
        for name, kind in kinds.items()
    ]
