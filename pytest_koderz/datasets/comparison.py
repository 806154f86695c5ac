"""How an answer is compared with the reference's, as source for the tests.

The rules are evalplus's (evalplus/eval, Apache-2.0), told anew: equal, or close where floats are expected; some
problems of MBPP ask for a set, or can be read in more than one way. Not repeated are three of its slips: the root of
HumanEval/32 is refused where the polynomial is steep, NaN is never right, and after the first float that is expected
all later answers of the problem may differ a little, whole numbers too.
"""

from __future__ import annotations

_PLAIN = """\
wanted = expected(*deepcopy(given))
assert agrees(candidate(*deepcopy(given)), wanted)"""

_AGREES = '''\
TOLERANCE = {tolerance}


def agrees(answer, wanted):
    """Equal, or of the same type and as close as numpy's allclose asks for."""
    if answer == wanted:
        return True
    tolerance = TOLERANCE or (1e-06 if is_floats(wanted) else 0)
    return bool(tolerance) and type(answer) is type(wanted) and close(answer, wanted, tolerance)


def is_floats(value):
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(part, float) for part in value)
    return isinstance(value, float)


def close(answer, wanted, tolerance):
    if isinstance(wanted, (list, tuple)):
        return (
            isinstance(answer, (list, tuple))
            and len(answer) == len(wanted)
            and all(close(*pair, tolerance) for pair in zip(answer, wanted))
        )
    if answer == wanted:
        return True
    if not isinstance(answer, (int, float, complex)) or not isinstance(wanted, (int, float, complex)):
        return False
    if answer != answer and wanted != wanted:
        return True
    try:
        return abs(wanted) != inf and abs(answer - wanted) <= tolerance + 1e-07 * abs(wanted)
    except OverflowError:  # whole numbers that no float can hold
        return False
'''

_AS_SETS = '''\
def agrees(answer, wanted):
    """The same members, in whatever order and however often."""
    try:
        return set(answer) == set(wanted)
    except TypeError:
        return False
'''

_FOUND = '''\
def agrees(answer, wanted):
    """True for True and anything that is not None for a match; False and None for no match."""
    found = wanted is not None
    return answer == found if isinstance(answer, bool) else (answer is not None) == found
'''

_ANY_READING = '''\
def agrees(answer, wanted):
    """Yes or no: the text does not say whether a number is among its own divisors."""
    return isinstance(answer, bool)
'''

_ZERO_TOO = '''\
def agrees(answer, wanted):
    """The text does not say whether 1 has a divisor; nor does it count the number itself."""
    return answer == wanted or answer == 0
'''

_SURFACE = '''\
def agrees(answer, wanted, base, height):
    """The text does not say whether the second number is the slant height or the pyramid's own."""
    slant = ((base / 2) ** 2 + height**2) ** 0.5
    return answer == wanted or answer == round(base**2 + 2 * base * slant)
'''

_DIGITS = '''\
def agrees(answer, wanted, first, second):
    """The text does not say whether the shorter number is filled up with zeros."""
    width = max(len(str(first)), len(str(second)))
    pairs = zip(str(first).zfill(width), str(second).zfill(width))
    return answer == wanted or answer == sum(abs(int(left) - int(right)) for left, right in pairs)
'''

_ZERO_OF = '''\
from fractions import Fraction


def is_zero(x, coefficients):
    """Whether the polynomial is almost 0 at x, or changes its sign so near to x that floats come no nearer.

    A small value alone is too much to ask for where the polynomial is steep.
    """
    if isinstance(x, bool) or not isinstance(x, (int, float)) or isnan(x) or abs(x) == inf:
        return False
    step = Fraction(1, 10**6) * max(1, abs(Fraction(x)))
    below, at, above = (value_at(coefficients, Fraction(x) + part) for part in (-step, 0, step))
    return abs(at) <= Fraction(1, 10**4) or (below < 0 < above) or (above < 0 < below)


def value_at(coefficients, x):
    value = Fraction(0)
    for coefficient in reversed(coefficients):
        value = value * x + Fraction(coefficient)
    return value
'''

_WITH_INPUTS = _PLAIN.replace("wanted)", "wanted, *given)")

_SPECIAL = {
    "HumanEval/32": (_ZERO_OF, "assert is_zero(candidate(*deepcopy(given)), *given)"),
    "Mbpp/164": (_ANY_READING, _PLAIN),
    "Mbpp/295": (_ZERO_TOO, _PLAIN),
    "Mbpp/558": (_DIGITS, _WITH_INPUTS),
    "Mbpp/581": (_SURFACE, _WITH_INPUTS),
}
_SETS = frozenset(
    {
        "similar_elements",
        "find_char_long",
        "common_in_nested_lists",
        "extract_singly",
        "larg_nnum",
        "intersection_array",
        "find_dissimilar",
        "Diff",
    }
)
_MATCHES = frozenset({"check_str", "text_match_three", "text_starta_endb"})


def comparison_of(problem_id: str, entry_point: str, tolerance: float) -> tuple[str, str]:
    """The functions that compare one problem's answers, and the assertion that calls them for the arguments `given`."""
    if problem_id in _SPECIAL:
        return _SPECIAL[problem_id]
    if problem_id.startswith("Mbpp/") and entry_point in _SETS:
        return _AS_SETS, _PLAIN
    if problem_id.startswith("Mbpp/") and entry_point in _MATCHES:
        return _FOUND, _PLAIN
    return _AGREES.format(tolerance=tolerance), _PLAIN
