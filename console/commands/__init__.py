"""What each command of the command line does, one file per command.

A command is a function `run(flags, environ, **options) -> ExitCode` with the options that cli.py's shape of
it names. It is imported when it is run and not before, so it may import what it needs; it must not read argv
or `os.environ`, and it prints data to stdout and everything else to stderr.
"""
