"""Workspaces: the tenants that everything belongs to."""
