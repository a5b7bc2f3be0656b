"""The menu of a terminal with a screen: panes that stay, an experiment from the guess to the result, a challenge."""


def menu() -> int:
    """Until the person quits, which is no failure whatever the runs found; 70 where the menu itself is broken."""
    from windtunnel.ui.menu.app import Menu

    menu = Menu()
    menu.run()
    return menu.status
