"""What can go wrong with models."""

from oneinbox.kit.errors import Conflict, NotFound


class ModelNotFound(NotFound):
    """No model of that id is in this workspace."""

    code = "MODEL_NOT_FOUND"


class ModelInUse(Conflict):
    """Agents think with this model."""

    code = "MODEL_IN_USE"


class ToolNotFound(NotFound):
    """No tool of that id is in this workspace."""

    code = "TOOL_NOT_FOUND"


class KnowledgeBaseNotFound(NotFound):
    """No knowledge base of that id is in this workspace."""

    code = "KNOWLEDGE_BASE_NOT_FOUND"


class IntegrationNotFound(NotFound):
    """No integration of that id is in this workspace."""

    code = "INTEGRATION_NOT_FOUND"
