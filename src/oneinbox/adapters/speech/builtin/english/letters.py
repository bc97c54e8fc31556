"""How an unknown word is probably said: g2p-en's small recurrent network in numpy."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

START, END, LONGEST = 2, 3, 24
PHONES = tuple(
    [
        "<pad>",
        "<unk>",
        "<s>",
        "</s>",
        "AA0",
        "AA1",
        "AA2",
        "AE0",
        "AE1",
        "AE2",
        "AH0",
        "AH1",
        "AH2",
        "AO0",
        "AO1",
        "AO2",
        "AW0",
        "AW1",
        "AW2",
        "AY0",
        "AY1",
        "AY2",
        "B",
        "CH",
        "D",
        "DH",
        "EH0",
        "EH1",
        "EH2",
        "ER0",
        "ER1",
        "ER2",
        "EY0",
        "EY1",
        "EY2",
        "F",
        "G",
        "HH",
        "IH0",
        "IH1",
        "IH2",
        "IY0",
        "IY1",
        "IY2",
        "JH",
        "K",
        "L",
        "M",
        "N",
        "NG",
        "OW0",
        "OW1",
        "OW2",
        "OY0",
        "OY1",
        "OY2",
        "P",
        "R",
        "S",
        "SH",
        "T",
        "TH",
        "UH0",
        "UH1",
        "UH2",
        "UW",
        "UW0",
        "UW1",
        "UW2",
        "V",
        "W",
        "Y",
        "Z",
        "ZH",
    ]
)


class LetterToSound:
    """The network; one word takes about a millisecond."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as stored:
            self._weights = {name: stored[name].astype(np.float32) for name in stored.files}

    def __call__(self, word: str) -> list[str]:
        """ARPAbet of `word`, which is a to z only."""
        weights = self._weights
        state: Vector = np.zeros(weights["enc_w_hh"].shape[1], np.float32)
        for index in (*(ord(char) - ord("a") + 3 for char in word), 2):
            state = self._step("enc", weights["enc_emb"][index], state)
        phones: list[str] = []
        last = START
        for _ in range(LONGEST):
            state = self._step("dec", weights["dec_emb"][last], state)
            last = int((weights["fc_w"] @ state + weights["fc_b"]).argmax())
            if last == END:
                break
            phones.append(PHONES[last])
        return [phone if phone != "UW" else "UW1" for phone in phones if phone[0] != "<"]

    def _step(self, side: str, given: Vector, state: Vector) -> Vector:
        """One step of a gated recurrent unit (Cho et al. 2014, gates in the order reset, update, new)."""
        weights = self._weights
        from_input = weights[f"{side}_w_ih"] @ given + weights[f"{side}_b_ih"]
        from_state = weights[f"{side}_w_hh"] @ state + weights[f"{side}_b_hh"]
        size = len(state)
        gates = 1 / (1 + np.exp(-(from_input[: 2 * size] + from_state[: 2 * size])))
        new = np.tanh(from_input[2 * size :] + gates[:size] * from_state[2 * size :])
        mixed: Vector = (1 - gates[size:]) * new + gates[size:] * state
        return mixed
