"""What is the same for every model on a server: what it refuses, what it leaves unsaid, and who it is."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, ClassVar

from pytest_koderz.core.arm import ModelSettings
from pytest_koderz.core.errors import ModelRefused
from pytest_koderz.core.iteration import StopReason
from pytest_koderz.core.money import Usage
from pytest_koderz.core.ports import Prompt, Reply
from pytest_koderz.core.withdrawal import check_wanted, heeding, is_withdrawn
from pytest_koderz.files.visible_text import quoted

from .backend import Surroundings
from .http.client import HttpClient
from .http.failures import Wordless, is_too_long, is_window
from .http.hosts import Service
from .http.limits import Limits, folder_of
from .http.pool import Berth, Pool, PoolCourse
from .http.retry import Caller, Course, Elsewhere, MayPass, Refused, caller_of
from .streamed_replies import Pieces
from .token_counts import PromptDensity

Body = Mapping[str, Any]


def too_long(model: str, words: str) -> Reply:
    """The reply to a prompt that does not fit: a named outcome of the model, which read and wrote nothing."""
    return Reply("", Usage(), model, StopReason.CONTEXT, warnings=(f"the prompt does not fit: {words}",))


class CutShort(Exception):
    """A call was withdrawn when it had been sent, and what came of its answer are *pieces*."""

    def __init__(self, pieces: Pieces) -> None:
        super().__init__()
        self.pieces = pieces


class ServedModel(ABC):
    """A Model. Several threads may use it."""

    needed: ClassVar[frozenset[str]] = frozenset({"model", "messages", "stream", "system", "options"})
    """What of a request cannot be left out."""
    also_called: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """By name in a request, what its refusal may call it besides."""

    def __init__(self, settings: ModelSettings, caller: Caller) -> None:
        self.settings = settings
        self._caller = caller
        self._options = settings.options
        self._lock = Lock()
        self._left_out: set[str] = set()
        self._renamed: dict[str, str] = {}
        self._unsaid: list[str] = []
        """What the next reply is to say."""
        self._known_as: set[str] = set()

    look: ClassVar[str | None] = None
    """A path that the server answers at no cost. None: there is none."""

    @property
    def caller(self) -> Caller:
        return self._caller

    def slots(self) -> int | None:
        """How many calls the server answers at once, as it says itself. None: it does not."""
        return None

    def looked(self) -> Callable[[], object] | None:
        """What asks the server at no cost. None: there is no such question."""
        return None

    def admit(self) -> None:
        """Wait for a server that is known to be out; one that has answered nothing yet is tried, where that costs
        nothing. Raises ModelUnavailable when patience has run out.
        """
        self._caller.settle(self.looked())

    def complete(self, prompt: Prompt) -> Reply:
        with self._caller.course() as course:
            return self.answered(prompt, course)

    def answered(self, prompt: Prompt, course: Course) -> Reply:
        """The reply to a call on its way. Raises Elsewhere where *course* leads to another server."""
        try:
            reply = self._caller.within(course, self._asking(prompt))
        except Refused as refusal:
            if refusal.status is None:
                raise ModelRefused(f"{self._caller.host}: {refusal.words}", lasting=refusal.lasting) from None
            if not is_too_long(refusal.words):
                raise ModelRefused(self._what_to_do(refusal), lasting=refusal.lasting) from None
            reply = too_long(self.settings.model, refusal.words)
        return reply.warned(*self._news(reply))

    def close(self) -> None:  # noqa: B027 - not every model has something to close
        """Nothing is kept open between calls."""

    @abstractmethod
    def _attempt(self, prompt: Prompt) -> Reply:
        """Raises MayPass or Refused."""

    @abstractmethod
    def _sent(self, body: Body) -> Mapping[str, Any]:
        """What the server answers. Raises MayPass or Refused."""

    @abstractmethod
    def _what_to_do(self, refusal: Refused) -> str:
        """The advice for one who reads why nothing was answered."""

    def _instead_of(self, name: str, words: str) -> str | None:  # noqa: ARG002 - for those who know one
        """The name under which a server that refuses a setting with *words* takes it. None: under none."""
        return None

    def _asking(self, prompt: Prompt) -> Callable[[], Reply]:
        """One call, which a turn without a word is repeated for once."""
        wordless: list[Wordless] = []

        def attempt() -> Reply:
            check_wanted()
            try:
                return self._attempt(prompt)
            except Wordless as ending:
                if wordless or not self._caller.patience.retries:
                    return ending.reply
                wordless.append(ending)
                raise

        return attempt

    def _answer(self, body: Body) -> Mapping[str, Any]:
        """What the server answers; settings that it refuses by name are left out from then on, which is said once."""
        while True:
            sent = self._taken(body)
            try:
                return self._sent(sent)
            except Refused as refusal:
                named = list(self._named_in(refusal, sent))
                if not named:
                    raise
                for name in named:
                    self._leave_out(name, refusal.words)

    def _named_in(self, refusal: Refused, sent: Body) -> Iterator[str]:
        """The settings of *sent* that a refusal speaks of; those of the window are no matter of one setting."""
        if refusal.status not in (400, 422) or is_window(refusal.words):
            return
        for name in {*sent, *sent.get("options", {})} - self.needed:
            if any(_speaks_of(refusal.words, each) for each in (name, *self.also_called.get(name, ()))):
                yield name

    def _leave_out(self, name: str, words: str) -> None:
        with self._lock:
            instead = self._instead_of(name, words)
            if instead is not None and instead not in self._left_out:
                self._renamed[name] = instead
            elif name not in self._left_out:
                self._left_out.add(name)
                self._unsaid.append(f"the server refuses `{name}`, so that it is not in force: {words}")

    def _taken(self, body: Body) -> dict[str, Any]:
        """*body* as far as the server takes it; Ollama's has some settings one level deeper."""
        renamed = {self._renamed.get(name, name): value for name, value in body.items()}
        taken = {name: value for name, value in renamed.items() if name not in self._left_out}
        if isinstance(taken.get("options"), dict):
            taken["options"] = self._taken(taken["options"])
        return taken

    def _news(self, reply: Reply) -> Iterable[str]:
        """What was not said before: of settings, and of who answers."""
        with self._lock:
            news, self._unsaid = self._unsaid, []
            who = reply.model_id
            if who not in self._known_as and not is_same_model(self.settings.model, who):
                news.append(f"answers where {self.settings.model!r} was asked for")
            self._known_as.add(who)
        return news


class JsonModel(ServedModel):
    """One whose server is asked by our own client."""

    def __init__(self, settings: ModelSettings, client: HttpClient, caller: Caller) -> None:
        super().__init__(settings, caller)
        self._client = client
        self._density = PromptDensity()

    def looked(self) -> Callable[[], object] | None:
        look = self.look
        return None if look is None else lambda: self._client.get(look)

    def _put_together(self, path: str, body: Body, pieces: Pieces) -> Mapping[str, Any]:
        """The answer, in *pieces* unless the server knows no such thing. Raises CutShort, MayPass or Refused."""
        whole = self._client.stream(path, body, pieces.take)
        if whole is not None:
            return whole
        pieces.take(b"")
        if pieces.ended:
            return pieces.answer
        if is_withdrawn():
            raise CutShort(pieces)
        raise MayPass("its stream ended before the reply did")

    @classmethod
    def opened(cls, service: Service, settings: ModelSettings, surroundings: Surroundings) -> ServedModel | PooledModel:
        """The model on its servers. Raises UsageError for servers that are none."""
        environment = surroundings.environment
        key, redact = service.key(environment), service.redactor(settings, environment)

        def at(url: str, caller: Caller) -> ServedModel:
            return cls(settings, HttpClient(url, settings.timeout, key, redact), caller)

        return on_servers(service, settings, surroundings, at)


def on_servers(
    service: Service,
    settings: ModelSettings,
    surroundings: Surroundings,
    at: Callable[[str, Caller], ServedModel],
) -> ServedModel | PooledModel:
    """The model on all of its servers, as *at* opens it on one of them. Raises UsageError for servers that are none."""
    urls = service.turned(settings, surroundings.environment, surroundings.worker)
    sleep, notify = heeding(surroundings.sleep), surroundings.notify
    members = [at(url, caller_of(settings, url, sleep, notify)) for url in urls]
    if len(members) == 1 and settings.slots is None:
        return members[0]
    return PooledModel(members, sleep, notify)


class PooledModel:
    """A Model on several servers. Several threads may use it."""

    def __init__(
        self, members: Sequence[ServedModel], sleep: Callable[[float], None], notify: Callable[[str], None]
    ) -> None:
        """*members* are the same model on each of the servers, the one to begin with first."""
        self._members = members
        self._notify = notify
        berths = [_berth(each) for each in members]
        self._pool = Pool(berths, sleep)

    def admit(self) -> None:
        """Wait while all of the servers are known to be out. Raises ModelUnavailable when patience has run out."""
        self._pool.settled(lambda number: self._members[number].caller.is_there(self._members[number].looked()))

    def complete(self, prompt: Prompt) -> Reply:
        time_outs = self._members[0].caller.patience.time_outs
        with PoolCourse(self._pool, time_outs) as course:
            while True:
                member = self._members[course.next()]
                try:
                    return member.answered(prompt, course)
                except Elsewhere:
                    continue
                except ModelRefused as refusal:
                    if not refusal.lasting or not course.refused():
                        raise
                    self._notify(f"{refusal}; its calls go to the other servers")

    def close(self) -> None:
        for each in self._members:
            each.close()


def _berth(member: ServedModel) -> Berth:
    settings, caller = member.settings, member.caller
    slots = settings.slots or member.slots()
    # Of the host and not of the back end: a server has its slots for whoever asks.
    return Berth(caller.breaker, slots, Limits(folder_of(f"slots {caller.host}"), slots))


def _speaks_of(words: str, name: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", words) is not None


def is_same_model(asked: str, answers: str) -> bool:
    """Whether a server's name for what answers is that of what was asked for, or its version of a day."""
    asked, answers = plain_name(asked), plain_name(answers)
    return answers == asked or re.fullmatch(re.escape(asked) + r"[-@][0-9][0-9-]*", answers) is not None


def plain_name(model: str) -> str:
    """The same for the ways in which servers write a model: as a path, with its publisher, with the tag `latest`."""
    name = model.strip().lower().replace("\\", "/").rstrip("/").rpartition("/")[2]
    return name.removesuffix(":latest").removesuffix(".gguf")


LONGEST_NAME = 200


def listed_in(answer: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The objects that a server lists under that *name*; anything else there is passed over."""
    found = answer.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def name_of(told: object, asked: str) -> str:
    """The model that a server says it is, in one line that can be shown; what was asked for where it does not say."""
    return quoted(told, LONGEST_NAME) if isinstance(told, str) and told.strip() else asked
