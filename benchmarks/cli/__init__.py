"""The commands that need benchmarks. The command line of the agent imports them by name, and only this folder."""
