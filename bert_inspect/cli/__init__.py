"""The command line: one file a command, each parse, call, render."""

from .app import app

__all__ = ["app"]
