"""Speech that follows a script: for tests and load, at almost no CPU; nothing in it understands a word."""

from oneinbox.adapters.speech.scripted.brain import ScriptedBrain
from oneinbox.adapters.speech.scripted.recogniser import ScriptedRecogniser
from oneinbox.adapters.speech.scripted.voice import ScriptedVoice

__all__ = ["ScriptedBrain", "ScriptedRecogniser", "ScriptedVoice"]
