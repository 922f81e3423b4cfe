"""sentiserve on AWS: two stacks for each profile, by CDK."""

import os

from deploy.aws.node import BIN

# The CDK is a Node program behind Python's face, and looks for Node when it is imported.
os.environ.setdefault("JSII_NODE", str(BIN / "node"))
