"""The menu of a terminal with a screen: panes that stay, an experiment from the guess to the result, a challenge."""


def menu() -> int:
    """Until the person quits, which is no failure whatever the runs found."""
    from windtunnel.ui.menu.app import Menu

    Menu().run()
    return 0
