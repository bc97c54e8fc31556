"""One call's conversation: a CallPlan and a leg in, CallEvents out; knows no database, no HTTP and no SIP.

Importing it loads livekit.agents (1.5 s, 120 MB): only voice workers do.
"""

from oneinbox.conversation.call import run

__all__ = ["run"]
