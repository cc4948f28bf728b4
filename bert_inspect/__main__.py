"""The command's entry: run it, and turn whatever happens into one clear line and an exit code."""

import gc
import os
import sys
from typing import TYPE_CHECKING

from . import signals

if TYPE_CHECKING:
    from .errors import BertInspectError


def main() -> None:
    """Run the command line and leave with its exit code."""
    signals.end_at_once()
    # A process of seconds: collecting garbage would only walk, again and again, all that importing torch made.
    gc.disable()
    try:
        code = run(sys.argv[1:])
    except Exception as error:  # --debug
        from traceback import format_exc

        from .safetext import safe_lines

        sys.stderr.write(safe_lines(format_exc()))
        code = getattr(error, "exit_code", 1)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError) as error:
        code = _broken(error, code)
    # Everything is flushed and every file closed: taking torch apart, module by module, would be half a second lost.
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; errors are told on stderr.

    With ``--debug`` an error is raised, to show its traceback.
    """
    # Nothing is imported before a Ctrl-C is looked after.
    from .errors import BertInspectError, ExitCode
    from .terminal import prepare_streams, report

    prepare_streams()
    debug = "--debug" in _options(arguments)
    try:
        from .cli import command

        code = int(command()(args=arguments, prog_name="bert-inspect", standalone_mode=False) or ExitCode.OK)
        if code == ExitCode.INTERRUPTED:  # Typer's answer to Ctrl-C
            report(BertInspectError("interrupted"))
        return code
    except KeyboardInterrupt:
        report(BertInspectError("interrupted"))
        return ExitCode.INTERRUPTED
    except BertInspectError as error:
        if debug:
            raise
        report(_on_the_command_line(error))
        return error.exit_code
    except Exception as error:
        if debug:
            raise
        return _unexpected(error)


def _on_the_command_line(error: "BertInspectError") -> "BertInspectError":
    """Return the error with its hint in the words of the command line: the library advises arguments of Python's."""
    from .cli.flags import in_flags
    from .errors import BertInspectError

    return BertInspectError(error.message, error.hint and in_flags(error.hint))


def _options(arguments: list[str]) -> list[str]:
    """Return the arguments before ``--``: behind it everything is text."""
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def _unexpected(error: Exception) -> int:
    """Report an error that is not of our own making: a usage error of Typer's, a full disk, or a fault of ours."""
    from .errors import BertInspectError, ExitCode
    from .terminal import cannot_write_output, report

    code = getattr(error, "exit_code", None)
    if isinstance(code, int) and hasattr(error, "format_message"):
        context = getattr(error, "ctx", None)
        command = getattr(context, "command_path", None) or "bert-inspect"
        message = error.format_message().rstrip(".").replace("': Value error, ", "': ", 1)  # pydantic's word, of no use
        report(BertInspectError(message[:1].lower() + message[1:], f"{command} --help shows the options"))
        return code
    if isinstance(error, OSError) and error.filename is None:  # of no file: it is the help that cannot be written
        report(cannot_write_output(error))
        return ExitCode.NO
    if variable := _variable_in(error):
        told = f"torch and transformers cannot be loaded: {variable} has a value that they do not take"
        report(BertInspectError(told, f"unset {variable}"))
        return ExitCode.MODEL
    hint = "the same with --debug shows where it happened"
    report(BertInspectError(f"unexpected failure: {type(error).__name__}: {error}", hint))
    return ExitCode.NO


def _variable_in(error: Exception) -> str | None:
    """Return the variable of torch's or of Hugging Face's libraries whose value they complain of, if they do."""
    prefixes, told = ("TORCH", "PYTORCH", "HF_", "TRANSFORMERS_"), str(error)
    given = (name for name, value in os.environ.items() if len(value) > 1 and value in told)
    return next((name for name in given if name.startswith(prefixes)), None)


def _broken(error: Exception, code: int) -> int:
    """Leave quietly when the reader of a pipe has seen enough; any other failure of stdout is an error."""
    from .terminal import cannot_write_output, report, swallow_stdout

    swallow_stdout()
    if isinstance(error, BrokenPipeError):
        return code
    failure = cannot_write_output(error)
    report(failure)
    return failure.exit_code


if __name__ == "__main__":
    main()
