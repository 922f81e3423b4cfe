"""The base stack: what stays while services come and go, and is there before the first image."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_sns as sns
from constructs import Construct

from deploy.aws.findings import BASE, acknowledge
from deploy.aws.network import Network
from deploy.aws.profiles import Profile
from deploy.aws.store import Store


class Base(cdk.Stack):
    """Network, images, models, secrets, store, and the topic of the alarms."""

    def __init__(self, scope: Construct, profile: Profile) -> None:
        """Name it after the profile."""
        super().__init__(
            scope,
            f"sentiserve-{profile.name}-base",
            description=f"sentiserve, {profile.name}: network, images, models, secrets, store",
            synthesizer=cdk.BootstraplessSynthesizer(),
        )
        self.template_options.template_format_version = "2010-09-09"
        self.network = Network(self, profile)
        self.store = Store(self, profile, self.network)
        self.images = ecr.Repository(
            self,
            "Images",
            repository_name=f"sentiserve-{profile.name}",
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            image_scan_on_push=True,
            lifecycle_rules=[ecr.LifecycleRule(max_image_count=10)],
            empty_on_delete=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.models = s3.Bucket(
            self,
            "Models",
            versioned=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=cdk.Duration.days(30),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                )
            ],
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.keys = secrets.Secret(
            self,
            "Keys",
            description="SENTISERVE_API_KEYS: one key, or several with commas between them",
            removal_policy=cdk.RemovalPolicy.DESTROY,
            generate_secret_string=secrets.SecretStringGenerator(
                password_length=48, exclude_punctuation=True
            ),
        )
        self.alerts = sns.Topic(self, "Alerts", enforce_ssl=True)
        self.alerts.add_to_resource_policy(  # a policy replaces the usual one, which let it
            iam.PolicyStatement(
                actions=["sns:Publish"],
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                resources=[self.alerts.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        cdk.CfnOutput(self, "Repository", value=self.images.repository_uri)
        cdk.CfnOutput(self, "ModelBucket", value=self.models.bucket_name)
        cdk.CfnOutput(self, "KeysSecret", value=self.keys.secret_arn)
        cdk.CfnOutput(self, "AlertsTopic", value=self.alerts.topic_arn)
        acknowledge(self, BASE)
