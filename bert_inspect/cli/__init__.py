"""The command line: one file a command, each parse, call, render."""

from .app import command

__all__ = ["command"]
