"""Dubito as tools of the Model Context Protocol (MCP), for assistants that write programs with other models.

`server` answers the protocol and imports nothing slow; `tools` does the work, on the thread of the desk.
"""
