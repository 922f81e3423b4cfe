"""Resource types that moto's CloudFormation lacks, by the call that AWS's own makes for each.

moto has most of these calls, and botocore refuses what doesn't have their shape. Where moto lacks
the call too, botocore's word is all there is. What this proves: every reference leads somewhere,
and every property is one that the service knows. What it doesn't: that AWS acts as one expects.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.model import StructureShape
from botocore.validate import ParamValidator
from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel

Properties = dict[str, Any]
_REFERENCE = re.compile(r"\{\{resolve:secretsmanager:(arn:[^}]+?):SecretString:::?\}\}")


@dataclass(frozen=True)
class Kind:
    """How one type is made.

    Attributes:
        type: CloudFormation's name for it.
        call: the service and the operation, ``ecs.create_service``.
        name: the property that names it, where the template leaves that to CloudFormation.
        adapt: properties in, the call's parameters out.
        ref: what ``Ref`` gives, from what was sent and what came back.
        attributes: what ``Fn::GetAtt`` gives, likewise.
        is_real: whether moto has the call.
    """

    type: str
    call: str
    name: str = ""
    adapt: Callable[[Properties], Properties] = lambda properties: properties
    ref: Callable[[Properties, Properties], str] | None = None
    attributes: Callable[[Properties, Properties], Properties] = field(
        default=lambda _sent, _answer: {}
    )
    is_real: bool = True


def teach(kind: Kind) -> type[CloudFormationModel]:
    """Let moto's CloudFormation make this type."""

    class Forwarded(CloudFormationModel):
        __module__ = "moto.cloudformation"  # moto knows types by their modules
        physical_resource_id: str
        sent: Properties
        answer: Properties

        @staticmethod
        def cloudformation_name_type() -> str:
            return kind.name

        @staticmethod
        def cloudformation_type() -> str:
            return kind.type

        @classmethod
        def has_cfn_attr(cls, attr: str) -> bool:
            return True

        @classmethod
        def create_from_cloudformation_json(
            cls,
            resource_name: str,
            cloudformation_json: Any,
            account_id: str,
            region_name: str,
            **kwargs: Any,
        ) -> Any:
            self = cls()
            given = dict(_resolved(cloudformation_json.get("Properties", {}), region_name))
            if kind.name:
                given.setdefault(kind.name, resource_name)
            self.sent = kind.adapt(given)
            self.answer = _called(kind, region_name, self.sent)
            made = kind.ref(self.sent, self.answer) if kind.ref else resource_name
            self.physical_resource_id = made
            return self

        @classmethod
        def update_from_cloudformation_json(
            cls,
            original_resource: Any,
            new_resource_name: str,
            cloudformation_json: Any,
            account_id: str,
            region_name: str,
        ) -> Any:
            return cls.create_from_cloudformation_json(
                new_resource_name, cloudformation_json, account_id, region_name
            )

        @classmethod
        def delete_from_cloudformation_json(cls, *_: Any) -> None:
            """Nothing is deleted: the emulator ends anyway."""

        def get_cfn_attribute(self, attribute_name: str) -> Any:
            return kind.attributes(self.sent, self.answer)[attribute_name]

    Forwarded.__name__ = kind.type.replace("::", "")
    for known in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
        known.cache_clear()
    return Forwarded


def _called(kind: Kind, region: str, parameters: Properties) -> Properties:
    service, operation = kind.call.split(".")
    client = boto3.client(service, region_name=region)
    if kind.is_real:
        answer: Properties = getattr(client, operation)(**parameters)
        return answer
    model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
    assert isinstance(model.input_shape, StructureShape)
    report = ParamValidator().validate(parameters, model.input_shape)
    if report.has_errors():
        raise ValueError(f"{kind.type}: {report.generate_report()}")
    return {}


def _resolved(value: Any, region: str) -> Any:
    """Dynamic references to secrets, as CloudFormation reads them."""
    if isinstance(value, str):
        secrets = boto3.client("secretsmanager", region_name=region)
        return _REFERENCE.sub(
            lambda found: secrets.get_secret_value(SecretId=found[1])["SecretString"], value
        )
    if isinstance(value, dict):
        return {key: _resolved(of, region) for key, of in value.items()}
    return [_resolved(of, region) for of in value] if isinstance(value, list) else value
