"""The embedded memory server: `python -m pytest_koderz.cortex --db FILE` serves MCP on stdin and stdout."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m pytest_koderz.cortex", description=__doc__)
    parser.add_argument(
        "--db", metavar="FILE", type=Path, required=True, help="the SQLite file; made if it is not there"
    )
    from .server.mcp_server import serve

    return serve(parser.parse_args().db, os.environ)


if __name__ == "__main__":
    sys.exit(main())
