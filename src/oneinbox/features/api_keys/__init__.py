"""API keys: how a workspace's programs show who they are."""
