"""The command's first moments, while it is still being imported."""

import signal


def main() -> None:
    """Run the command; Ctrl-C ends it without a word as long as nothing has begun."""
    is_heeded = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heeded:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from sentiserve.cli.main import main as run

    if is_heeded:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()
