"""All commands together: how one is found, and how they are listed."""

from __future__ import annotations

import click

from windtunnel.lab.errors import WrongInput, suggest


class Commands(click.Group):
    """Commands that suggest the nearest name for an unknown one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            raise WrongInput(suggest(args[0], self.commands, "command"))
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are met, and not of the alphabet."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each with its first sentence, whole."""
        with formatter.section("Commands"):
            told = [(name, (self.commands[name].help or "").partition("\n\n")[0]) for name in self.list_commands(ctx)]
            formatter.write_dl([(name, " ".join(said.split())) for name, said in told])
