"""A module with a method that is still to be written, made for tests."""

SHAPES = '''\
"""Shapes."""
import math
from dataclasses import dataclass

# How many digits count.
DIGITS = 3


@dataclass
class Point:
    """A point."""
    x: float
    y: float


class Shape:
    """A shape of points."""

    scale = 1.0

    def __init__(self, points):
        self.points = points

    def later(self): ...

    # The way around.
    def perimeter(self) -> float:
        """Return the length of the way around, rounded to DIGITS.

        >>> Shape([Point(0, 0), Point(3, 4)]).perimeter()
        10.0
        """
        # close it
        # TODO: use distance
        raise NotImplementedError

    def last(self): return self.points[-1]


def unwritten(x):
    pass


def distance(a: Point, b: Point) -> float:
    """Return the distance of two points."""
    return math.hypot(a.x - b.x, a.y - b.y)


if __name__ == "__main__":
    print(Shape([]).size())
'''
