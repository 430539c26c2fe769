"""Run programs in the sandbox, and judge what they return. Chooses no program.

`examples` checks a program on the examples of its prompt. It evaluates their expressions beside the program, where the
source of `show_guest` turns values into plain data. `judgement` and `expectations` compare the values, on the host or,
with the source of `judge_guest`, in a process that never held the program. `behaviour` records what a program returns
on probe inputs, `executed_lines` which lines it runs, and `metered` keeps to the run budget.
"""
