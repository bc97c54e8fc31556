"""Every secret in every form is found nowhere; every kind of artefact gives away a leak in every form it can hold."""

from tests.canaries.forms import forms, search
from tests.canaries.leaks import KINDS, leaked
from tests.canaries.planted import USERNAME
from tests.canaries.planting import HOMES, Planted

EXAMPLE = "kanarie-voorbeeld-1"


def hidden(product: Planted) -> dict[str, list[str]]:
    """Where each secret was found, by its name and form, besides where it is kept."""
    found = search(product.artefacts(), product.looks)
    away = [one for one in found if not any(one.startswith(f"{place}: {name} as ") for name, place in HOMES.items())]
    names = [f"{name} as {form}" for name, looks in product.looks.items() for form in looks]
    return {name: [one for one in away if one.endswith(f": {name}")] for name in names}


def caught(product: Planted, kind: str) -> dict[str, bool]:
    """Whether a leak there was found, by its form: by the same search, over artefacts that were collected alike."""
    artefact, looks = KINDS[kind], forms(EXAMPLE, username=USERNAME)
    leaks = {form: leaked(EXAMPLE, form) for form in looks}
    holds = {form: leak for form, leak in leaks.items() if artefact.holds(leak)}
    with artefact.leak(product, list(dict.fromkeys(holds.values()))):
        found = search(product.artefacts(), {"example": looks})
    seen = {one.rpartition(" as ")[2] for one in found if one.startswith(artefact.place)}
    return {f"{form} in {kind}": form in seen for form in holds}
