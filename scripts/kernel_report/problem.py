"""The error that ends the program with one sentence, and what raises it."""

import subprocess


class Problem(Exception):
    """Says what is missing or wrong, and what to do."""


def end_of(text):
    """The last lines, and of CMake's those from its first error on."""
    text = text.rstrip()
    at = text.find("CMake Error")
    return "\n".join(text[max(at, 0) :].splitlines()[-15:])


def run(command, what, **options):
    """The finished process, its output and errors as one text. Raises Problem with the last lines of it."""
    try:
        done = subprocess.run(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
        )
    except OSError as error:
        raise Problem(f"{what} failed: {error.filename or command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        raise Problem(f"{what} failed (status {done.returncode}):\n" + end_of(done.stdout))
    return done


def write_whole(path, text):
    """Replaces a file, or leaves it as it was."""
    unfinished = path.with_name(path.name + ".tmp")
    try:
        try:
            unfinished.write_text(text)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}") from error
