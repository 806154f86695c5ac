"""What the embedded server does for each tool, and says of it, in claude-cortex's words."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .store import PROMOTED_FROM, MemoryFilter, Row, Store, imported, plain
from .validation import InvalidArguments, checked

SALIENCE = {None: 0.25, "low": 0.3, "normal": 0.5, "high": 0.8, "critical": 1.0}

_HINTS = (
    ("error", r"\b(error|bug|fix(ed)?|crash(ed)?|exception)\b"),
    ("architecture", r"\b(architecture|decided|database schema|design decision)\b"),
    ("preference", r"\b(prefer|always|never)\b"),
    ("todo", r"\b(todo|to do|pending)\b"),
    ("learning", r"\b(learned|learnt|discovered|turns out)\b"),
    ("pattern", r"\b(pattern|convention)\b"),
)
"""Which category a memory is of where nobody says so: the first whose words occur."""

FOR_ALL_PROJECTS = ("learning", "pattern", "preference")
"""Categories of which a memory is seen in every project unless its scope is given."""

Arguments = Mapping[str, Any]


class MemoryTools:
    """One server's tools over one store. `call` answers; what a tool cannot do it says in its text."""

    def __init__(self, store: Store, project: str | None, folder: Path) -> None:
        self._store = store
        self._project = project or folder.name or None
        self._source = "env" if project else "cwd"

    def call(self, tool: str, arguments: Arguments) -> tuple[str, bool]:
        """The reply's text, and whether the call itself was wrong."""
        answer = self._answers.get(tool)
        if answer is None:
            return f"MCP error -32602: Tool {tool} not found", True
        try:
            return answer(self, checked(tool, arguments)), False
        except InvalidArguments as error:
            return str(error), True
        except (sqlite3.Error, ValueError) as error:
            return f"{_FAILED.get(tool, '')}Error: {error}", False

    # Keeping and finding

    def _remember(self, given: Arguments) -> str:
        salience = SALIENCE[given.get("importance")]
        category = given.get("category") or _category_of(f"{given['title']} {given['content']}")
        scope = given.get("scope") or ("global" if category in FOR_ALL_PROJECTS else "project")
        row = self._store.add(
            {
                "type": given.get("type") or ("long_term" if salience >= PROMOTED_FROM else "short_term"),
                "category": category,
                "title": given["title"],
                "content": given["content"],
                "project": self._scope(given),
                "tags": _compact(list(dict.fromkeys(given.get("tags", ())))),
                "salience": salience,
                "metadata": _compact(given.get("metadata", {})),
                "scope": scope,
                "transferable": given.get("transferable", scope == "global"),
            }
        )
        return (
            f'Remembered: "{row["title"]}"\n  ID: {row["id"]}\n  Type: {row["type"]}\n  Category: {row["category"]}\n'
            f"  Salience: {_percent(row['salience'])}\n  Reason: general note"
        )

    def _recall(self, given: Arguments) -> str:
        limit, project = int(given["limit"]), self._scope(given)
        if given["mode"] == "recent":
            rows = self._store.find(MemoryFilter(project=project), "last_accessed DESC, id", limit)
        elif given["mode"] == "important":
            which = MemoryFilter(project=project, salience_from=PROMOTED_FROM)
            rows = self._store.find(which, "salience DESC, last_accessed DESC, id", limit)
        else:
            rows = self._store.find(self._search(given), "salience DESC, last_accessed DESC, id", limit)
        if not rows:
            return "No memories found matching your query."
        shown = [_shown(self._store.access(row["id"]) or row) for row in rows]
        return f"Found {_memories(len(rows))}:\n" + "\n\n".join(shown)

    def _get_memory(self, given: Arguments) -> str:
        row = self._store.access(given["id"])
        return f"Error: {_not_found(given['id'])}" if row is None else _shown(row)

    def _export(self, given: Arguments) -> str:
        # Not in the schema: this project's own client names a benchmark, of which it takes a part at a time.
        which = MemoryFilter(project=self._scope(given), tags=tuple(given.get("tags", ())))
        rows = self._store.find(which, "created_at, id", given.get("limit", -1), given.get("offset", 0))
        return f"Exported {len(rows)} memories:\n\n{_as_json(rows)}"

    def _import(self, given: Arguments) -> str:
        entries = json.loads(given["data"])
        if not isinstance(entries, list):
            raise ValueError("the data is not a JSON array of memories")  # noqa: TRY004 - it is a text, and its value is wrong
        return f"Imported {self._store.add_all([imported(entry) for entry in entries])} memories."

    def _statistics(self, given: Arguments) -> str:
        found = self._store.statistics(self._scope(given))
        counted = {name: found.by_type.get(name, 0) for name in ("short_term", "long_term", "episodic")}
        lines = [
            "## Memory Statistics",
            "",
            f"Total memories: {sum(counted.values())}",
            f"  - Short-term: {counted['short_term']}",
            f"  - Long-term: {counted['long_term']}",
            f"  - Episodic: {counted['episodic']}",
            "",
            f"Average salience: {found.average_salience:.1%}",
            "",
            "### By Category",
            *(f"  - {category}: {count}" for category, count in found.by_category.items()),
        ]
        return "\n".join(lines)

    # Context and sessions

    def _get_context(self, given: Arguments) -> str:
        summary, relevant = self._summary(self._scope(given)), self._relevant(given)
        if given["format"] == "raw":
            return _as_json({"summary": _raw(summary), "relevantMemories": [plain(row) for row in relevant]})
        if given["format"] == "detailed":
            return _detailed(summary, relevant)
        text = _summarized(summary)
        if relevant:
            found = "\n".join(f"- **{row['title']}**: {row['content'][:100]}..." for row in relevant)
            text += f"\n\n### Relevant to Current Query\n{found}"
        return text

    def _relevant(self, given: Arguments) -> list[Row]:
        if not given.get("query", "").strip():
            return []
        which = MemoryFilter(query=given["query"], project=self._scope(given), include_global=True, salience_from=0.4)
        return self._store.find(which, "salience DESC, last_accessed DESC, id DESC", 5)

    def _summary(self, project: str | None) -> dict[str, Any]:
        def of(category: str, salience: float | None, limit: int) -> list[Row]:
            which = MemoryFilter(project=project, include_global=True, category=category, salience_from=salience)
            return self._store.find(which, "salience DESC, last_accessed DESC, id", limit)

        return {
            **({} if project is None else {"project": project}),
            "recentMemories": self._store.find(MemoryFilter(project=project), "last_accessed DESC, id", 10),
            "keyDecisions": of("architecture", 0.6, 5),
            "activePatterns": of("pattern", 0.5, 5),
            "pendingItems": of("todo", None, 10),
        }

    def _start_session(self, given: Arguments) -> str:
        project = self._scope(given)
        number = self._store.start_session(project)
        return f"Session {number} started.\n\n{_summarized(self._summary(project))}"

    def _end_session(self, given: Arguments) -> str:
        self._store.end_session(given["sessionId"], given.get("summary"))
        return f"Session ended. Consolidation: {self._store.promote()} promoted, 0 decayed, 0 deleted."

    def _consolidate(self, given: Arguments) -> str:
        if not given["dryRun"]:
            return f"Consolidation: {self._store.promote()} promoted, 0 updated, 0 deleted."
        rows = self._store.promotable()
        lines = [
            "## Consolidation Preview (Dry Run)",
            "",
            f"Would promote: {len(rows)} memories",
            "Would delete: 0 memories",
        ]
        if rows:
            lines += ["", "**To promote:**", *(f"  - {row['title']}" for row in rows[:10])]
        return "\n".join(lines)

    # Forgetting and linking

    def _forget(self, given: Arguments) -> str:
        if "id" in given:
            row = self._store.get(given["id"])
            if row is None:
                return f"Failed to forget: {_not_found(given['id'])}"
            rows = [row]
        else:
            rows = self._store.find(self._doomed(given))
        if not rows:
            return "No memories matched the deletion criteria."
        if given["dryRun"]:
            return f"Dry run: Would delete {_memories(len(rows))}:\n{_preview(rows, 20)}"
        if len(rows) > 1 and not given["confirm"]:
            return (
                f"Bulk delete blocked: {len(rows)} memories would be deleted\n\nSuggestion: This operation would "
                'delete many memories. Use "dryRun: true" first to preview what would be deleted, then set "confirm: '
                f'true" to proceed.\n\nPreview of memories to delete:\n{_preview(rows, 10)}'
            )
        self._store.forget([row["id"] for row in rows])
        return f"Deleted {_memories(len(rows))}:\n{_titles(rows)}"

    def _doomed(self, given: Arguments) -> MemoryFilter:
        which = MemoryFilter(
            project=self._scope(given),
            query=given.get("query", ""),
            category=given.get("category"),
            older_than_days=given.get("olderThan"),
            salience_below=given.get("belowSalience"),
        )
        if which == MemoryFilter():
            raise ValueError(
                "No deletion criteria specified. Provide id, query, category, project, olderThan, or belowSalience."
            )
        return which

    def _link(self, given: Arguments) -> str:
        source, target, relationship = given["sourceId"], given["targetId"], given["relationship"]
        if not self._store.link(source, target, relationship, given["strength"]):
            return "Failed to create link. Memories may not exist or link already exists."
        return f"Linked memory {source} -> {target} ({relationship})"

    def _related(self, given: Arguments) -> str:
        rows = self._store.related(given["id"])
        if not rows:
            return "No related memories found."
        lines = [f"## Related Memories for ID {given['id']}\n"]
        for row in rows:
            strength = f"{row['relationship']}, {_percent(row['strength'])} strength"
            lines.append(f"{row['arrow']} **{row['title']}** ({strength})")
            lines.append(f"  ID: {row['id']} | {row['category']} | {_percent(row['salience'])} salience")
        return "\n".join(lines)

    # Projects

    def _set_project(self, given: Arguments) -> str:
        before, self._project = self._project, None if given["project"] == "*" else given["project"]
        self._source = "manual"
        return f"Project context changed: {before or 'global'} -> {self._project or 'global'}"

    def _get_project(self, _: Arguments) -> str:
        scope = f'Scoped - queries filtered to "{self._project}"'
        return (
            f"**Current Project:** {self._project or 'global (all projects)'}\n**Detection Source:** {self._source}\n"
            f"**Scope:** {scope if self._project else 'Global - queries return all projects'}"
        )

    def _scope(self, given: Arguments) -> str | None:
        """The project that is meant; None: all of them, or none in particular."""
        project = given.get("project", self._project)
        return None if project == "*" else project

    def _search(self, given: Arguments) -> MemoryFilter:
        return MemoryFilter(
            project=self._scope(given),
            include_global=given["includeGlobal"],
            query=given.get("query", ""),
            category=given.get("category"),
            type=given.get("type"),
            tags=tuple(given.get("tags", ())),
        )

    _answers: Mapping[str, Callable[[MemoryTools, Arguments], str]] = {
        "remember": _remember,
        "recall": _recall,
        "forget": _forget,
        "get_context": _get_context,
        "start_session": _start_session,
        "end_session": _end_session,
        "consolidate": _consolidate,
        "memory_stats": _statistics,
        "get_memory": _get_memory,
        "export_memories": _export,
        "import_memories": _import,
        "get_related": _related,
        "link_memories": _link,
        "set_project": _set_project,
        "get_project": _get_project,
    }


_FAILED = {"remember": "Failed to remember: ", "recall": "Failed to recall: ", "forget": "Failed to forget: "}


def _shown(row: Row) -> str:
    content, tags = row["content"], json.loads(row["tags"])
    lines = [
        f"[{row['id']}] **{row['title']}**",
        f"    {content[:200]}{'...' if len(content) > 200 else ''}",
        f"    Type: {row['type']} | Category: {row['category']}",
        f"    Salience: {_percent(row['salience'])} | Accessed: {row['access_count']}x",
        f"    Last access: {_ago(row['last_accessed'])}",
    ]
    if tags:
        lines.append(f"    Tags: {', '.join(tags)}")
    if row["project"]:
        lines.append(f"    Project: {row['project']}")
    return "\n".join(lines)


def _ago(moment: str) -> str:
    passed = datetime.now(UTC) - datetime.fromisoformat(moment).replace(tzinfo=UTC)
    minutes = int(passed.total_seconds() // 60)
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = minutes // size
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def _raw(summary: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: [plain(row) for row in value] if isinstance(value, list) else value for name, value in summary.items()
    }


def _summarized(summary: Mapping[str, Any]) -> str:
    lines = [f"## Project: {summary['project']}\n"] if "project" in summary else []
    for heading, name in (("Key Decisions", "keyDecisions"), ("Active Patterns", "activePatterns")):
        if summary[name]:
            lines += [f"### {heading}", *(f"- **{row['title']}**: {_beginning(row)}" for row in summary[name]), ""]
    if summary["pendingItems"]:
        lines += ["### Pending Items", *(f"- [ ] {row['title']}" for row in summary["pendingItems"]), ""]
    if summary["recentMemories"]:
        lines += ["### Recent Context"]
        lines += [f"- {row['title']} ({row['category']})" for row in summary["recentMemories"][:5]]
    return "\n".join(lines)


def _detailed(summary: Mapping[str, Any], relevant: Sequence[Row]) -> str:
    lines = [f"# Project Context: {summary['project']}\n" if "project" in summary else "# Memory Context\n"]
    for heading, rows, shown in (
        ("Architecture & Decisions", summary["keyDecisions"], _decision),
        ("Active Patterns", summary["activePatterns"], _whole),
        ("Pending Items", summary["pendingItems"], _pending),
        ("Relevant to Current Context", relevant, _relevant),
    ):
        if rows:
            lines += [f"## {heading}\n", *map(shown, rows)]
            lines += [""] if shown is _pending else []
    if summary["recentMemories"]:
        lines.append("## Recent Activity\n")
        lines += [f"- **{row['title']}** ({row['category']})" for row in summary["recentMemories"][:5]]
    return "\n".join(lines)


def _whole(row: Row) -> str:
    return f"### {row['title']}\n{row['content']}\n"


def _decision(row: Row) -> str:
    return f"{_whole(row)}*Salience: {_percent(row['salience'])} | Category: {row['category']}*\n"


def _pending(row: Row) -> str:
    return f"- [ ] **{row['title']}**: {row['content'][:100]}"


def _relevant(row: Row) -> str:
    tags = ", ".join(json.loads(row["tags"])) or "none"
    return f"{_whole(row)}*Type: {row['type']} | Tags: {tags}*\n"


def _beginning(row: Row) -> str:
    return f"{row['content'][:100]}{'...' if len(row['content']) > 100 else ''}"


def _preview(rows: Sequence[Row], most: int) -> str:
    """The last of its lines is empty where all are shown."""
    return f"{_titles(rows[:most])}\n{f'  ... and {len(rows) - most} more' if len(rows) > most else ''}"


def _titles(rows: Sequence[Row]) -> str:
    return "\n".join(f"  - [{row['id']}] {row['title']}" for row in rows)


def _category_of(text: str) -> str:
    return next((name for name, words in _HINTS if re.search(words, text, re.IGNORECASE)), "note")


def _not_found(number: float) -> str:
    return (
        f'Memory with ID {number} not found\n\nSuggestion: Use "recall" to search for existing memories, or check if '
        "the memory was deleted by consolidation."
    )


def _memories(count: int) -> str:
    return f"{count} {'memory' if count == 1 else 'memories'}"


def _percent(share: float) -> str:
    return f"{share * 100:.0f}%"


def _compact(value: object) -> str:
    return json.dumps(_as_javascript(value), ensure_ascii=False, separators=(",", ":"))


def _as_json(value: object) -> str:
    from pydantic_core import to_json

    # As json.dumps would write it, in a tenth of the time.
    return to_json(_as_javascript(value), indent=2).decode()


def _as_javascript(value: object) -> object:
    """Where whole numbers are written without a fraction."""
    if isinstance(value, dict):
        return {name: _as_javascript(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_javascript(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
