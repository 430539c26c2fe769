"""Dubito as an agent of the Agent Client Protocol (ACP), as Zed, JetBrains' IDEs and Neovim speak it with assistants.

`server` answers the protocol and imports nothing slow; `turns` writes programs, on the thread of the desk.
"""
