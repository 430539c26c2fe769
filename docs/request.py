def longest_run(text: str) -> int:
    """Return the length of the longest run of one and the same character in text.

    >>> longest_run("abbbcc")
    3
    >>> longest_run("")
    0
    """
