"""Bodies of functions, and the tests that they are right or wrong by."""

# ruff: noqa: E501, ISC004 - a program is easiest to read in one piece

from __future__ import annotations

RIGHT = {
    "a_set": ("return {1, (2, 3), frozenset([4])}", "assert candidate() == {1, (2, 3), frozenset([4])}"),
    "nested": ("return [{'a': [(1, {2: [3]})]}]", "assert candidate() == [{'a': [(1, {2: [3]})]}]"),
    "self_containing": ("a = [1]; a.append(a); return a", "x = candidate(); assert x[1] is x and x[1][1][0] == 1"),
    "a_generator": ("yield from range(3)", "assert list(candidate()) == [0, 1, 2]"),
    "a_map": ("return map(str, [1, 2])", "assert list(candidate()) == ['1', '2']"),
    "nan": ("return float('nan')", "x = candidate(); assert x != x"),
    "minus_zero": ("return -0.0", "import math; assert math.copysign(1, candidate()) == -1"),
    "infinity": ("return float('-inf')", "assert candidate() == float('-inf')"),
    "huge_int": ("return 7 ** 20000", "assert candidate() == 7 ** 20000"),
    "huge_str": ("return 'ab' * 2_000_000", "assert candidate() == 'ab' * 2_000_000"),
    "deep_recursion": (
        "import sys; sys.setrecursionlimit(20000); r = lambda n: n and 1 + r(n - 1); return r(9000)",
        "assert candidate() == 9000",
    ),
    "surrogates": ("return '\\ud83d' + '\\ude00'", "assert candidate() == '\\ud83d' + '\\ude00'"),
    "bytes": ("return b'\\x00\\xff'", "assert candidate() == b'\\x00\\xff'"),
    "complex": ("return complex(-0.0, 2)", "assert candidate() == 2j"),
    "a_range": ("return range(3)", "assert candidate() == range(3)"),
    "a_key_error": ("{}['k']", "try: candidate()\n    except KeyError as error: assert error.args == ('k',)\n    else: assert False"),
    "an_error_of_many_arguments": ("b'\\xff'.decode()", "try: candidate()\n    except ValueError as error: assert 'utf-8' in str(error)\n    else: assert False"),
    "many_threads": (
        "import threading, time; ts = [threading.Thread(target=time.sleep, args=(0.05,)) for _ in range(60)]; [t.start() for t in ts]; [t.join() for t in ts]; return 1",
        "assert candidate() == 1",
    ),
    "a_counter": ("from collections import Counter; return Counter('aab')", "assert candidate() == {'a': 2, 'b': 1}"),
    "a_defaultdict": ("from collections import defaultdict; d = defaultdict(list); d[1].append(2); return d", "assert candidate() == {1: [2]}"),
    "a_namedtuple": ("from collections import namedtuple; return namedtuple('P', 'x y')(1, 2)", "assert candidate() == (1, 2)"),
    "a_decimal": ("from decimal import Decimal; return Decimal('1.10')", "from decimal import Decimal; assert candidate() == Decimal('1.1')"),
    "a_date": ("import datetime; return args[0] + datetime.timedelta(1)", "from datetime import date; assert candidate(date(2024, 2, 28)) == date(2024, 2, 29)"),
    "a_fraction": ("return args[0] / 2", "from fractions import Fraction; assert candidate(Fraction(1, 3)) == Fraction(1, 6)"),
    "an_int_enum": ("from enum import IntEnum; return IntEnum('E', 'A')(1)", "assert candidate() == 1"),
    "keys": ("return {'b': 1}.keys()", "assert sorted(candidate()) == ['b']"),
    "a_function": ("return lambda x: x + 1", "assert candidate()(2) == 3"),
    "an_object_passed_back": (
        "return (args[0].n + 1) if args else type('N', (), {'n': 4})()",
        "x = candidate(); assert candidate(x) == 5",
    ),
    "output_that_is_no_utf8": ("import sys; sys.stdout.buffer.write(b'\\xff' * 99); return 1", "assert candidate() == 1"),
    "a_flood_of_output": ("print('x' * 5_000_000); return 1", "assert candidate() == 1"),
    "all_descriptors_closed": ("import os; os.closerange(0, 64); return 1", "assert candidate() == 1"),
    "streams_closed": ("import sys; sys.stdout.close(); sys.stderr.close(); return 1", "assert candidate() == 1"),
    "fork_that_fails": (
        "import os\n    try:\n        os.fork()\n    except OSError:\n        pass\n    return 1",
        "assert candidate() == 1",
    ),
    "a_thread": ("import threading; t = threading.Thread(target=int); t.start(); t.join(); return 1", "assert candidate() == 1"),
    "a_sleep": ("import time; time.sleep(0.05); return 1", "assert candidate() == 1"),
    "an_alarm": (
        "import signal\n    def h(*_): raise TimeoutError\n    signal.signal(signal.SIGALRM, h)\n"
        "    signal.setitimer(signal.ITIMER_REAL, 0.02)\n    try:\n        signal.pause()\n    except TimeoutError:\n        return 1",
        "assert candidate() == 1",
    ),
    "hashlib": ("import hashlib; return hashlib.md5(b'x').hexdigest()", "assert candidate() == '9dd4e461268c8034f5c8564e155c67a6'"),
    "a_mutated_list": ("args[0].append(2)", "x = [1]; candidate(x); assert x == [1, 2]"),
    "a_mutated_depth": ("args[0]['a'][0].add(9)", "x = {'a': [{1}]}; y = x['a'][0]; candidate(x); assert y == {1, 9}"),
    "a_mutation_of_type_alone": ("args[0][0] = 1.0", "x = [1]; candidate(x); assert type(x[0]) is float"),
    "the_argument_itself": ("return args[0]", "x = [1]; assert candidate(x) is x"),
    "an_expected_error": (
        "raise ValueError('no')",
        "try:\n        candidate()\n        assert False\n    except ValueError as e:\n        assert str(e) == 'no'",
    ),
    "an_error_of_its_own_type": (
        "class Mine(KeyError): pass\n    raise Mine(1)",
        "try:\n        candidate()\n    except KeyError:\n        assert True",
    ),
    "keyword_arguments": ("return kwargs['y']", "assert candidate(y=3) == 3"),
    "a_dataclass_inside": (
        "from dataclasses import dataclass\n    @dataclass\n    class P:\n        x: 'int'\n    return P(3).x",
        "assert candidate() == 3",
    ),
    "a_default_kept_between_calls": (
        "return g()\ndef g(seen=[]):\n    seen.append(1)\n    return len(seen)",
        "assert [candidate(), candidate()] == [1, 2]",
    ),
    "a_trace_function": ("import sys; sys.settrace(lambda *a: None); return 1", "assert candidate() == 1"),
    "streams_that_are_none": ("import sys; sys.stdout = sys.stderr = None; return 1", "assert candidate() == 1"),
    "print_replaced": ("import builtins; builtins.print = None; return 1", "assert candidate() == 1"),
    "modules_forgotten": ("import sys; sys.path.clear(); [sys.modules.pop(each, None) for each in ('json', 're', 'socket')]; return 1", "assert candidate() + candidate() == 2"),
    "warnings_as_errors": ("import warnings; warnings.simplefilter('error'); return 1", "assert candidate() == 1"),
    "collector_off": ("import gc; gc.disable(); gc.set_debug(gc.DEBUG_SAVEALL); return [[]]", "assert candidate() == [[]]"),
    "an_iterator_handed_back": ("return args[0]", "assert list(candidate(iter([1, 2]))) == [1, 2]"),
    "the_rest_of_an_iterator": ("next(args[0]); return args[0]", "assert list(candidate(iter([1, 2]))) == [2]"),
    "an_expected_error_of_a_generator": (
        "yield 1; raise ValueError('no')",
        "try: list(candidate())\n    except ValueError as error: assert str(error) == 'no'\n    else: assert False",
    ),
    "an_expected_exit": (
        "import sys; sys.exit(3)",
        "try: candidate()\n    except SystemExit: assert True\n    else: assert False",
    ),
    "a_function_that_is_asked_for": ("return len", "assert callable(candidate()) and candidate()([1]) == 1"),
    "items_of_an_object": (
        "import array, collections; return array.array('i', [1]), collections.UserList([2])",
        "assert [*map(list, candidate())] == [[1], [2]]",
    ),
    "the_name_of_a_type": ("return type('N', (), {})()", "assert type(candidate()).__name__ == 'N'"),
    "a_thread_left_at_work": (
        "import threading; threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start(); return 1",
        "assert candidate() == 1",
    ),
    "digits_limited": ("import sys; sys.set_int_max_str_digits(640); return 10 ** 1000", "assert candidate() == 10 ** 1000"),
    "an_end_of_iteration_in_a_generator": ("yield 1; return 2", "assert [*candidate()] == [1]"),
    "a_locale_and_a_precision": (
        "import decimal, locale; decimal.getcontext().prec = 1; locale.setlocale(locale.LC_ALL, 'C'); return decimal.Decimal('1.25')",
        "import decimal; assert candidate() == decimal.Decimal('1.25')",
    ),
}  # fmt: skip

WRONG = {
    "nan_for_a_number": ("return float('nan')", "assert candidate() == 1.0"),
    "an_object_of_its_own": ("return object()", "assert candidate() == 1"),
    "false_for_an_assert_of_truth": ("return []", "assert candidate()"),
    "an_iterator_for_a_list": ("return iter([1])", "assert candidate() == [1]"),
    "an_endless_iterator": ("import itertools; return itertools.count()", "assert list(candidate())"),
    "an_argument_that_stayed": ("return None", "x = [2, 1]; candidate(x); assert x == [1, 2]"),
    "an_object_for_a_function": ("return object()", "assert callable(candidate())"),
    "an_object_for_a_list": (
        "return object()",
        "from collections.abc import Iterable\n    assert isinstance(candidate(), Iterable)",
    ),
    "an_exit_for_an_error": (
        "import sys; sys.exit(0)",
        "try:\n        candidate()\n    except Exception:\n        assert True",
    ),
    "no_assertion_at_all": ("return 1", "candidate()"),
    "an_error_swallowed_with_the_process": (
        "import os; os._exit(0)",
        "try:\n        candidate()\n    except BaseException:\n        pass\n    assert True",
    ),
}
