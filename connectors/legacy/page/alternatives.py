"""Forms that take one of several things for a user name, with an "or" between them."""

from collections.abc import Sequence
from itertools import pairwise

from connectors.legacy.page.controls import Control, Page
from connectors.legacy.page.roles import is_phone


def alternative_username(page: Page, controls: Sequence[Control], password: Control) -> Control | None:
    """The first alternative that is a single field (an account number in two fields is none), a telephone number last;
    None where the form gives no choice."""
    asked = [one for one in controls if one.is_text and not one.hidden and one.index < password.index]
    if not asked:
        return None
    borders = [one for one in page.alternatives if asked[0].index < one <= asked[-1].index]
    edges = [asked[0].index, *borders, password.index]
    runs = [[one for one in asked if start <= one.index < end] for start, end in pairwise(edges)]
    single = [run[0] for run in runs if len(run) == 1]
    return min(single, key=lambda one: (is_phone(one), one.index)) if borders and single else None
