"""The fifteen tools of the memory server: names, descriptions and JSON schemas, as claude-cortex 2.0.0 has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CATEGORIES = (
    "architecture",
    "pattern",
    "preference",
    "error",
    "context",
    "learning",
    "todo",
    "note",
    "relationship",
    "custom",
)
TYPES = ("short_term", "long_term", "episodic")
RELATIONSHIPS = ("references", "extends", "contradicts", "related")

_DRAFT = "http://json-schema.org/draft-07/schema#"

Schema = dict[str, Any]


def _text(description: str) -> Schema:
    return {"type": "string", "description": description}


def _one_of(values: tuple[str, ...], description: str, **more: object) -> Schema:
    return {"type": "string", "enum": list(values), **more, "description": description}


def _number(description: str, **limits: float) -> Schema:
    return {"type": "number", **limits, "description": description}


def _flag(description: str, *, default: bool | None = None) -> Schema:
    return {"type": "boolean", **({} if default is None else {"default": default}), "description": description}


def _texts(description: str) -> Schema:
    return {"type": "array", "items": {"type": "string"}, "description": description}


def _arguments(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": properties, **needed, "additionalProperties": False, "$schema": _DRAFT}


_ALL_PROJECTS = 'Project scope. Auto-detected if not provided. Use "*" for all projects.'

SCHEMAS: Mapping[str, Schema] = {
    "remember": _arguments(
        {
            "title": _text("Short title for the memory"),
            "content": _text("Detailed content"),
            "category": _one_of(CATEGORIES, "Category (auto-detected if not provided)"),
            "type": _one_of(TYPES, "Memory type (auto-determined if not provided)"),
            "project": _text(
                'Project scope. Auto-detected from working directory if not provided. Use "*" for global.'
            ),
            "tags": _texts("Tags for categorization"),
            "importance": _one_of(("low", "normal", "high", "critical"), "Override automatic salience"),
            "scope": _one_of(("project", "global"), "Memory scope: project (default) or global (cross-project)"),
            "transferable": _flag("Whether this memory can be transferred to other projects"),
            "metadata": {
                "type": "object",
                "additionalProperties": {},
                "description": "Arbitrary metadata to attach to the memory",
            },
        },
        ("title", "content"),
    ),
    "recall": _arguments(
        {
            "query": _text("Search query"),
            "category": _one_of(CATEGORIES, "Filter by category"),
            "type": _one_of(TYPES, "Filter by type"),
            "project": _text(_ALL_PROJECTS),
            "tags": _texts("Filter by tags"),
            "limit": _number("Max results", minimum=1, maximum=50, default=10),
            "includeDecayed": _flag("Include decayed memories", default=False),
            "includeGlobal": _flag("Include global memories in search results (default: true)", default=True),
            "mode": _one_of(("search", "recent", "important"), "Recall mode", default="search"),
        }
    ),
    "forget": _arguments(
        {
            "id": _number("Memory ID to delete"),
            "query": _text("Delete matching query"),
            "category": _one_of(CATEGORIES, "Delete category"),
            "project": _text('Project scope for deletion. Auto-detected if not provided. Use "*" for all projects.'),
            "olderThan": _number("Delete older than N days"),
            "belowSalience": _number("Delete below salience", minimum=0, maximum=1),
            "dryRun": _flag("Preview only", default=False),
            "confirm": _flag("Confirm bulk delete", default=False),
        }
    ),
    "get_context": _arguments(
        {
            "project": _text(_ALL_PROJECTS),
            "query": _text("Current task for relevant context"),
            "format": _one_of(("summary", "detailed", "raw"), "Output format", default="summary"),
        }
    ),
    "start_session": _arguments(
        {"project": _text('Project scope. Auto-detected if not provided. Use "*" for global.')}
    ),
    "end_session": _arguments(
        {"sessionId": _number("Session ID"), "summary": _text("Session summary")}, ("sessionId",)
    ),
    "consolidate": _arguments(
        {
            "force": _flag("Force consolidation", default=False),
            "dryRun": _flag("Preview what would happen without doing it", default=False),
        }
    ),
    "memory_stats": _arguments({"project": _text(_ALL_PROJECTS)}),
    "get_memory": _arguments({"id": _number("Memory ID")}, ("id",)),
    "export_memories": _arguments({"project": _text(_ALL_PROJECTS)}),
    "import_memories": _arguments({"data": _text("JSON data")}, ("data",)),
    "get_related": _arguments({"id": _number("Memory ID to find relationships for")}, ("id",)),
    "link_memories": _arguments(
        {
            "sourceId": _number("Source memory ID"),
            "targetId": _number("Target memory ID"),
            "relationship": _one_of(RELATIONSHIPS, "Type of relationship"),
            "strength": _number("Relationship strength (0-1)", minimum=0, maximum=1, default=0.5),
        },
        ("sourceId", "targetId", "relationship"),
    ),
    "set_project": _arguments({"project": _text('Project name, or "*" for global scope')}, ("project",)),
    "get_project": {"$schema": _DRAFT, "type": "object", "properties": {}},
}

DESCRIPTIONS: Mapping[str, str] = {
    "remember": """\
Store information in memory for later recall. Use this to remember:
- Architecture decisions ("We're using PostgreSQL for the database")
- Code patterns ("The auth flow uses JWT tokens")
- User preferences ("Always use TypeScript strict mode")
- Error resolutions ("Fixed by updating the dependency")
- Project context ("This is a React + Node.js project")
- Important notes ("Remember to test the edge cases")

The system automatically detects importance, categorizes, and manages storage.""",
    "recall": """\
Search and retrieve memories. Use this to:
- Find relevant context ("What do I know about auth?")
- Get recent activity ("What did we work on?")
- Find decisions ("What architecture decisions were made?")

Modes: search (query-based), recent (by time), important (by salience)""",
    "forget": "Delete memories. Use dryRun: true to preview, confirm: true for bulk.",
    "get_context": """\
Get relevant context from memory. THE KEY TOOL for maintaining context.

Use at session start, after compaction, when switching tasks, or to recall project info.
Returns: architecture decisions, patterns, pending items, recent activity.""",
    "start_session": "Start a new coding session. Returns relevant context.",
    "end_session": "End session and trigger consolidation.",
    "consolidate": "Run memory consolidation (like brain sleep). Promotes STM to LTM, decays old memories. "
    "Use dryRun to preview.",
    "memory_stats": "Get memory statistics.",
    "get_memory": "Get a specific memory by ID.",
    "export_memories": "Export memories as JSON for backup.",
    "import_memories": "Import memories from JSON.",
    "get_related": "Get memories related to a specific memory. Shows connections and relationships.",
    "link_memories": "Create a relationship link between two memories.",
    "set_project": 'Switch active project context. Use "*" for global/all projects.',
    "get_project": "Show current project scope and detection info.",
}
