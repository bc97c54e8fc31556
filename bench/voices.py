"""What a recogniser understands of the builtin voice over a telephone line, beside espeak-ng on the same sentences."""

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soxr

from bench import g711
from bench.figures import Figure
from bench.statistics import word_errors, words
from bench.world import World
from oneinbox.adapters.speech.builtin.english.normalise import normalise, pieces
from oneinbox.adapters.speech.builtin.english.words import Words
from oneinbox.adapters.speech.builtin.models import moonshine_pool
from oneinbox.adapters.speech.builtin.piper import Piper
from oneinbox.app.caller import read_audio

ESPEAK = "espeak-ng"
SENTENCES = (
    "Thank you for calling Lakeside Dental, how may I help you?",
    "We are open Monday through Friday, 8 am to 5:30 pm.",
    "On Saturdays we close at noon.",
    "Your appointment is on March 3rd at 2:15 pm.",
    "The consultation costs $85.",
    "That comes to $42.50 with tax.",
    "Our address is 1420 Maple Ave., Suite 300.",
    "You can reach us at 555-0142.",
    "Dr. Nguyen is available next Thursday.",
    "I have you down for a table for six.",
    "We don't take walk-ins after 4 o'clock.",
    "Please bring your insurance card and a photo ID.",
    "The repair will take about 2-3 business days.",
    "Parking is free for the first 2 hours.",
    "Could you spell your last name for me?",
    "We ship within the U.S. and to Canada.",
    "Your order number is 7 4 9 2.",
    "There is a 20% discount for students.",
    "Delivery is free on orders over $100.",
    "Our next opening is Wednesday, June 12th.",
    "The kitchen closes at 9:45 in the evening.",
    "A double room is $129 a night, breakfast included.",
    "Check-in starts at 3 pm, and check-out is by 11.",
    "I will ask Mrs. Patterson to call you back.",
    "Is there anything else I can do for you today?",
    "You will get a text message within ten minutes.",
    "The meeting has been moved to the 21st of October.",
    "Our warehouse is at the corner of 5th Street and Grand.",
    "Membership is $30 a month or $300 a year.",
    "We were founded in 1987 by two brothers.",
    "Take exit 14B and turn left at the light.",
    "The library is about half a mile from here.",
    "Children under 12 eat for half price.",
    "For billing, press two; for anything else, stay on the line.",
    "Your package weighs 3.5 pounds.",
    "Mr. O'Brien is out of the office until Monday.",
    "The warranty covers parts and labor for 24 months.",
    "We can fit you in at a quarter past eight.",
    "I'm sorry, we are fully booked this weekend.",
    "Goodbye, and have a wonderful afternoon.",
)


def measure(world: World) -> list[Figure]:
    """The builtin voice, espeak-ng, and our voice with the phonemes that espeak-ng makes of the text."""
    sentences = SENTENCES[: world.times(len(SENTENCES), 6)]
    known = Words().known
    wanted = [spoken_form(text, known) for text in sentences]
    ours = _rate(wanted, [asyncio.run(world.voice.synthesise(text)) for text in sentences], known)
    count = sum(len(one) for one in wanted)
    note = f"{len(sentences)} sentences of a receptionist; G.711, then the builtin recogniser, which errs itself"
    if shutil.which(ESPEAK) is None:
        return [Figure("round-trip word errors", ours, "%", count, note=f"{note}; {ESPEAK} is not installed")]
    raw = _rate(wanted, [espeak(text) for text in sentences], known)
    joe = Piper(world.voice_folder())
    phonemes = _rate(wanted, [b"".join(joe.speak(espeak_phonemes(text, joe), 1.0)) for text in sentences], known)
    return [
        Figure("round-trip word errors", ours, "%", count, rival=(f"{ESPEAK}", raw), note=note),
        Figure("round-trip word errors", ours, "%", count, rival=(f"{ESPEAK}'s phonemes in our voice", phonemes)),
    ]


def spoken_form(text: str, known: Callable[[str], bool]) -> list[str]:
    """A text in the words that are said, numbers and abbreviations written out."""
    return [word for piece in pieces(text) for word in words(normalise(piece, known))]


def espeak(text: str) -> bytes:
    """The text in espeak's American voice, s16le mono at 8 kHz."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        subprocess.run([ESPEAK, "-v", "en-us", "-w", str(path), text], check=True, timeout=30)
        return read_audio(path)


def espeak_phonemes(text: str, voice: Piper) -> str:
    """The text as espeak would pronounce it, for the voice that we use."""
    command = [ESPEAK, "-q", "-v", "en-us", "--ipa", text]
    clauses = subprocess.run(command, check=True, timeout=30, capture_output=True, text=True).stdout.split("\n")
    said = ", ".join(clause.strip() for clause in clauses if clause.strip()) + "."
    return "".join(sign for sign in said if sign in voice.ids)


def _rate(wanted: Sequence[Sequence[str]], sounds: Sequence[bytes], known: Callable[[str], bool]) -> float:
    """Wrong words in percent, with single words and joined ones taken for the same."""
    wrong = 0
    for said, sound in zip(wanted, sounds, strict=True):
        heard = spoken_form(_heard(sound), known)
        wrong += 0 if "".join(said) == "".join(heard) else word_errors(said, heard)
    return 100 * wrong / sum(len(said) for said in wanted)


def _heard(pcm: bytes) -> str:
    sound = g711.decode(g711.encode(pcm)).astype(np.float32) / 32768
    return moonshine_pool().run(np.asarray(soxr.resample(sound, g711.RATE, 2 * g711.RATE), np.float32))
