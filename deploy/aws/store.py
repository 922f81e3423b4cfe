"""The store: Valkey with TLS and a password."""

from aws_cdk import Fn, RemovalPolicy, SecretValue
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from deploy.aws.network import Network
from deploy.aws.profiles import Profile


class Store(Construct):
    """Valkey, and the secret that holds its whole URL."""

    def __init__(self, scope: Construct, profile: Profile, network: Network) -> None:
        """Create it in subnets that have no way out."""
        super().__init__(scope, "Store")
        self.password = secrets.Secret(
            self,
            "Password",
            description="Password of Valkey",
            removal_policy=RemovalPolicy.DESTROY,
            generate_secret_string=secrets.SecretStringGenerator(
                password_length=64,
                exclude_punctuation=True,  # it stands in a URL
            ),
        )
        subnets = elasticache.CfnSubnetGroup(
            self,
            "Subnets",
            description="Where Valkey is",
            subnet_ids=network.vpc.select_subnets(
                subnet_group_name=network.store_in.subnet_group_name
            ).subnet_ids,
        )
        parameters = elasticache.CfnParameterGroup(
            self,
            "Parameters",
            cache_parameter_group_family="valkey8",
            description="The oldest predictions go first",
            # Under other policies the lists of authors and hashtags might go before the posts.
            properties={"maxmemory-policy": "volatile-ttl"},
        )
        group = elasticache.CfnReplicationGroup(
            self,
            "Valkey",
            replication_group_description="Predictions",
            engine="valkey",
            engine_version="8.1",
            cache_node_type="cache.t4g.micro",
            cache_parameter_group_name=parameters.ref,
            num_cache_clusters=profile.nodes,
            automatic_failover_enabled=profile.nodes > 1,
            multi_az_enabled=profile.nodes > 1,
            cache_subnet_group_name=subnets.ref,
            security_group_ids=[network.store.security_group_id],
            at_rest_encryption_enabled=True,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            auth_token=self.password.secret_value.unsafe_unwrap(),  # a reference, not the value
            snapshot_retention_limit=0,  # what is lost is predicted again
        )
        group.apply_removal_policy(RemovalPolicy.DESTROY)
        address = group.attr_primary_end_point_address
        self.url = secrets.Secret(
            self,
            "Url",
            description="SENTISERVE_STORE",
            removal_policy=RemovalPolicy.DESTROY,
            secret_string_value=SecretValue.unsafe_plain_text(
                Fn.join(
                    "",
                    [
                        "rediss://:",
                        self.password.secret_value.unsafe_unwrap(),
                        "@",
                        address,
                        ":6379",
                    ],
                )
            ),
        )
        self.node_names = [Fn.join("", [group.ref, f"-00{i + 1}"]) for i in range(profile.nodes)]
