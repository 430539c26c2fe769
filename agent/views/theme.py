"""Colours of code and of warnings that can be read on dark and on light terminals. Draws nothing by itself."""

from __future__ import annotations

from pygments.token import Comment, Keyword, Name, Number, Operator, String  # type: ignore[import-untyped]
from rich.style import Style
from rich.syntax import ANSISyntaxTheme, Syntax
from rich.text import Text

from agent.views.text import clean

# Of the 256 colours: the terminal's own yellow, green and cyan can hardly be read on white.
WARNING, GOOD, PLACE = "dark_orange3", "green4", "turquoise4"
# Names, brackets and commas keep the terminal's own colour.
CODE_THEME = ANSISyntaxTheme(
    {
        Comment: Style(color="bright_black", italic=True),
        Keyword: Style(color="magenta"),
        Name.Function: Style(bold=True),
        Name.Class: Style(bold=True),
        Number: Style(color=PLACE),
        Operator.Word: Style(color="magenta"),
        String: Style(color=GOOD),
    }
)


def highlight(source: str) -> Text:
    """Return Python in colour, cleaned. Its characters and line breaks stay where they are."""
    code = clean(source)
    if "\t" in code:
        return Text(code)  # the highlighter of rich widens tabs, and would shift what is marked
    text = Syntax("", "python", theme=CODE_THEME, background_color="default").highlight(code)
    if (added := len(text.plain) - len(code)) > 0:
        text.right_crop(added)  # it ends every text with a line break
    return text
