"""The load balancer."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from deploy.aws.findings import ENTRANCE, acknowledge
from deploy.aws.network import Network
from deploy.aws.profiles import Profile
from deploy.aws.task import PORT


class Entrance(Construct):
    """One address; what is not ready gets no requests."""

    def __init__(self, scope: Construct, profile: Profile, network: Network, allowed: str) -> None:
        """Let in whoever comes from the allowed addresses (CIDR)."""
        super().__init__(scope, "Entrance")
        acknowledge(self, ENTRANCE)
        self.balancer = elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=network.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_group_name="public"),
            internet_facing=True,
            security_group=network.balancer,
            drop_invalid_header_fields=True,
        )
        self.targets = elb.ApplicationTargetGroup(
            self,
            "Targets",
            vpc=network.vpc,
            port=PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            target_type=elb.TargetType.IP,
            # Of Spot's two minutes; whoever is drained says first that it is not ready.
            deregistration_delay=cdk.Duration.seconds(30),
            load_balancing_algorithm_type=elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
            health_check=elb.HealthCheck(
                path="/health/ready",
                interval=cdk.Duration.seconds(5),
                timeout=cdk.Duration.seconds(4),
                healthy_threshold_count=2,
                unhealthy_threshold_count=3,
            ),
        )
        self._listen(profile)
        for port in (80, 443) if profile.tls else (80,):
            ec2.CfnSecurityGroupIngress(
                self,
                f"From{port}",
                group_id=network.balancer.security_group_id,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                cidr_ip=allowed,
                description="whoever may ask",
            )

    def _listen(self, profile: Profile) -> None:
        if not profile.tls:
            self.balancer.add_listener(
                "Http", port=80, open=False, default_target_groups=[self.targets]
            )
            self.url = f"http://{self.balancer.load_balancer_dns_name}"
            return
        certificate = cdk.CfnParameter(
            cdk.Stack.of(self),
            "CertificateArn",
            allowed_pattern="arn:aws[a-z-]*:acm:.+",
            description="Certificate of your domain, in this region's Certificate Manager",
        )
        self.balancer.add_listener(
            "Https",
            port=443,
            open=False,
            certificates=[elb.ListenerCertificate.from_arn(certificate.value_as_string)],
            ssl_policy=elb.SslPolicy.RECOMMENDED_TLS,
            default_target_groups=[self.targets],
        )
        self.balancer.add_redirect(open=False)
        self.url = f"https://{self.balancer.load_balancer_dns_name}"
