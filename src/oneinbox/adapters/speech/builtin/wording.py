"""What the builtin brain says of its own: everything else it says was written by the agent's owner."""

from collections.abc import Sequence

HELLO = "Hello. How can I help you?"
HOW = "How can I help you?"
WHAT = "What would you like to know?"
WHAT_ELSE = "All right. What else can I do for you?"
ANYTHING = "Is there anything else I can do for you?"
MORE = "You're welcome. Is there anything else I can do for you?"
MORE_AFTER_NO = "All right. Is there anything else I can do for you?"
GOODBYE = "Thank you for calling. Goodbye."
IN_OTHER_WORDS = "Sorry. Could you say that in other words?"
PERSON = "I can't put you through from here, but I can take a message. Would you like that?"
TAKE = "Of course. Please tell me your name, your number, and what it is about."
TAKE_AFTER_ALL = "Go ahead. I need your name, your number, and what it is about."
NUMBER = "And which number can we call you back on?"
ONCE_MORE = "Sorry. Please tell me the whole message once more."
NOTED = "Thank you, I have noted it. Is there anything else I can do for you?"
NOTED_GOODBYE = "Thank you, I have noted it. Goodbye."
DROPPED = "All right, no message. What else can I do for you?"
AND_MESSAGE = "And what is your message?"
READ_BACK_WORDS = 60
WAYS_TO_BE_UNSURE = 3
"""After so many the question itself is said."""


def suggest(label: str) -> str:
    """Ask whether the caller means it."""
    return f"Do you mean {label}?"


def suggest_question(question: str) -> str:
    """Ask whether the caller means the owner's question."""
    return f"Do you mean: {question}"


def hedge(answer: str) -> str:
    """An answer that may be the wrong one."""
    return f"I'm not sure I understood. {answer} Is that what you wanted to know?"


def read_back(message: str) -> str:
    """What was heard, for the caller to confirm; a very long message is cut."""
    words = message.split()
    heard = message.rstrip(" .") if len(words) <= READ_BACK_WORDS else " ".join(words[:READ_BACK_WORDS]) + ", and so on"
    return f"I have: {heard}. Is that right?"


def known(labels: Sequence[str]) -> str:
    """What can be asked here."""
    named = list(labels[:4])
    if not named:
        return "I can take a message for you."
    listed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    return f"You can ask me about {listed}, or leave a message."


def machine(labels: Sequence[str]) -> str:
    """Who is talking: never a person."""
    return f"I'm an automated assistant. {known(labels)}"


def unclear(times: int) -> str:
    """Nothing was understood. `times`: how often before in this call."""
    ways = (
        "Sorry, I didn't catch that.",
        "I still didn't hear you well. Could you say it again?",
        "I'm afraid the line is bad. Could you speak up a little?",
    )
    return ways[times % len(ways)] if times < 2 * len(ways) else "I can't hear you. Please call us again."


def unsure(times: int, heard: str, labels: Sequence[str]) -> str:
    """No answer, said differently each time. `times`: how often before in this call."""
    if times == 0:
        return "I'm not sure about that. Would you like to leave a message?"
    if times == 1:
        return "I'm afraid I don't know that one. Shall I take a message for you?"
    if times == 2:
        return f"That is not among the things I know. {known(labels)} Would you like to leave one?"
    if times % 2:
        return f"I heard: {heard}. I have no answer to that. Shall I note it as a message?"
    return f"You said: {heard}. I can't answer that, but I can note it. Shall I?"
