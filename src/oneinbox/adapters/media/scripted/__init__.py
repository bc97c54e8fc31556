"""A media plane that follows a script: calls without SIP, in a test's own time, and trunks in another process."""

from oneinbox.adapters.media.scripted.client import ScriptedTrunks
from oneinbox.adapters.media.scripted.leg import Hold, LegScript, Press, Resume, ScriptedLeg, Speak, Stop
from oneinbox.adapters.media.scripted.plane import ScriptedPlane

__all__ = ["Hold", "LegScript", "Press", "Resume", "ScriptedLeg", "ScriptedPlane", "ScriptedTrunks", "Speak", "Stop"]
