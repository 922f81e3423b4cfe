"""sentiserve on AWS: two stacks for each profile, by CDK."""
