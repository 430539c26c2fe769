"""The command line: read options, build the parts they name, print the result, set the exit code. No algorithms."""
