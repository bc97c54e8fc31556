"""Whether the deployment is well."""
