"""What commands print of names from outside."""

from __future__ import annotations

from rich.text import Text

from engine.cli.printing import safe


def test_a_name_commands_neither_rich_nor_the_terminal() -> None:
    name = "a\x1b]0;owned\x07 [red]b\x9b31m\n[/red]"
    assert Text.from_markup(safe(name)).plain == "a�]0;owned� [red]b�31m\n[/red]"
