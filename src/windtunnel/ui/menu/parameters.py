"""The parameters of an experiment as a form: each with its range and one sentence."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from windtunnel.lab.errors import WrongInput
from windtunnel.ui.menu.fields import Field, Fields
from windtunnel.ui.menu.lines import CHOSEN, joined, signed, wrapped
from windtunnel.ui.menu.room import BACK, Key, Room
from windtunnel.ui.menu.setting import Setting


class Parameters(Room):
    """A field for each; what is left empty keeps its own value."""

    FILLED = True
    KEYS = (
        Key("enter", "do_next", "next"),
        Key("up", "do_up", ""),
        Key("down", "do_down", "field", "↑↓"),
        Key("ctrl+u", "do_own", "its own value", "^u"),
        Key("ctrl+r", "do_keep", "keep and go back", "^r"),
        BACK,
        Key("tab", "do_down", ""),
        Key("shift+tab", "do_up", ""),
    )

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.setting = setting
        self.fields = Fields([Field(setting.changed.get(param.name, ""), signs="") for param in setting.params])

    def typed(self, character: str, name: str) -> bool:
        return self.fields.front.type(character, name)

    def taken(self, index: int) -> tuple[str | None, str]:
        """What a field says, as the parameter's type would print it, and what is wrong with it."""
        text = self.fields.all[index].text.strip()
        if not text:
            return None, ""
        try:
            return str(self.setting.params[index].take(text)), ""
        except WrongInput as error:
            return None, str(error)

    def keep(self) -> bool:
        """Keep what the fields say; whether all of it can be kept."""
        said = [self.taken(index) for index in range(len(self.fields.all))]
        for index, (_, wrong) in enumerate(said):
            if wrong:
                self.fields.at = index
                return False
        names = [param.name for param in self.setting.params]
        self.setting.changed.clear()
        self.setting.changed.update({n: value for n, (value, _) in zip(names, said, strict=True) if value is not None})
        return True

    async def do_next(self) -> None:
        if not self.fields.move(1):
            await self.do_keep()

    async def do_keep(self) -> None:
        if self.keep():
            await self.menu.back()

    async def do_back(self) -> None:
        await self.do_keep()  # what was typed is kept; what cannot be kept is told, and a second escape leaves it
        if self.is_current:
            self.fields.front.text = ""

    def do_own(self) -> None:
        self.fields.front.text = ""

    def do_up(self) -> None:
        self.fields.move(-1)

    def do_down(self) -> None:
        self.fields.move(1)

    def place(self) -> tuple[str, str]:
        return f"{self.setting.where} / parameters", self.setting.said

    def middle(self, width: int, height: int) -> RenderableType:
        params = self.setting.params
        wide = max((len(param.name) for param in params), default=0)
        short = 3 * len(params) > height - 4
        lines: list[Text] = [Text("")]
        for index, (param, field) in enumerate(zip(params, self.fields.all, strict=True)):
            front = index == self.fields.at
            text = field.text or ("" if front else str(self.setting.value(param)))
            shown = Field(text, signs="").drawn(front)
            own = f"   own: {self.setting.value(param)}" if front and not field.text else ""
            head = Text.assemble(
                CHOSEN if front else " ", (f"{param.name:<{wide}}", "bold" if front else ""), " ", shown
            )
            lines.append(head + Text(f" {param.range}{own}", "dim"))
            wrong = self.taken(index)[1]
            if front or not short or wrong:
                about = signed("✘", "red", wrong, width - wide - 2) if wrong else []
                about = about or wrapped(param.help[:1].upper() + param.help[1:] + ".", width - wide - 2, style="dim")
                lines += [Text(" " * (wide + 2)) + line for line in about]
            if not short:
                lines.append(Text(""))
        return joined(lines)
