"""The command-line door: one file for each command."""
