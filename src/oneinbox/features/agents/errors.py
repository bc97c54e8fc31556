"""What can go wrong with agents."""

from oneinbox.kit.errors import NotFound


class AgentNotFound(NotFound):
    """No agent of that id is in this workspace, or it was deleted."""

    code = "AGENT_NOT_FOUND"


class WebhookNotFound(NotFound):
    """No webhook of that id is in this workspace."""

    code = "WEBHOOK_NOT_FOUND"


class VoiceNotFound(NotFound):
    """No voice of that id is known: it must be one of this deployment's, not a provider's own id."""

    code = "VOICE_NOT_FOUND"
