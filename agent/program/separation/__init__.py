"""Keep expected values from the program.

An asserted expression is split into what the program's process evaluates and what is judged without it.

An object of the program may lie to whoever asks it: it may define `__eq__`. And a program that sees an expected value
may return it. So no comparison, no truth value and no expected value may reach the program's process.

    assert f(x) == 3  ─ separate ─▶  f(x)     evaluated beside the program; its value becomes _0
                                     _0 == 3  judged in a process that never held the program

`scope` is what is known of each name, `statements` reads what stands above the assertion, `setups` chooses which of it
runs in which process, `exposure` decides what the program may be shown, and `refusals` names what cannot be judged
outside. `constants`, `effects` and `unpacking` answer their questions about code. Nothing here runs a program.
"""
