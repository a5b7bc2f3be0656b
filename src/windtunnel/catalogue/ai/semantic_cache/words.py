"""What questions are made of. Each topic has a verb, what it is done to, and for both other words; nothing else knows
which words mean the same."""

from __future__ import annotations

from typing import NamedTuple


class Topic(NamedTuple):
    """One thing that is asked for: words that mean it, the likeliest first, and a verb that means the opposite."""

    verbs: tuple[str, ...]
    things: tuple[str, ...]
    opposite: str


TOPICS = tuple(
    Topic(tuple(verbs.split("|")), tuple(things.split("|")), opposite)
    for verbs, things, opposite in (
        ("reset|recover", "my password|my login secret", "keep"),
        ("enable|turn on", "two-factor sign-in|the second factor", "disable"),
        ("cancel|end", "a subscription|a paid contract", "uncancel"),
        ("export|download", "all invoices|the bills", "reimport"),
        ("invite|bring in", "a colleague|a team member", "uninvite"),
        ("restart|reboot", "the database server|the db machine", "stop"),
        ("increase|raise", "the storage quota|the disk allowance", "decrease"),
        ("install|set up", "the command line client|the terminal tool", "uninstall"),
        ("encrypt|protect", "a backup archive|a saved copy", "decrypt"),
        ("mount|attach", "a network volume|a shared drive", "unmount"),
        ("subscribe to|sign up for", "outage alerts|incident mails", "unsubscribe from"),
        ("publish|release", "a draft article|an unfinished post", "unpublish"),
        ("lock|block", "a lost credit card|a missing bank card", "unlock"),
        ("hide|conceal", "archived projects|old workspaces", "unhide"),
        ("compress|shrink", "large pictures|big images", "decompress"),
        ("assign|give", "a support ticket|a help request", "unassign"),
        ("merge|join", "duplicate customers|double clients", "unmerge"),
        ("schedule|plan", "a maintenance window|a service break", "unschedule"),
        ("kill|terminate", "a hanging process|a stuck program", "keep alive"),
        ("approve|accept", "travel expenses|trip costs", "disapprove"),
        ("rename|relabel", "a git branch|a line of development", "keep the name of"),
        ("refund|pay back", "a late delivery|an overdue parcel", "charge for"),
        ("translate|localise", "the user manual|the handbook", "untranslate"),
        ("rotate|replace", "signing keys|crypto credentials", "retain"),
        ("print|put on paper", "shipping labels|parcel stickers", "delete"),
        ("pin|fix", "a chat message|a talk note", "unpin"),
        ("record|tape", "a video meeting|an online conference", "stop recording"),
        ("connect|pair", "a bluetooth headset|wireless earphones", "disconnect"),
        ("freeze|suspend", "a payroll run|a salary round", "unfreeze"),
        ("index|make searchable", "scanned documents|digitised sheets", "deindex"),
        ("validate|check", "a tax number|a fiscal code", "invalidate"),
        ("upload|send in", "medical reports|health records", "withdraw"),
        ("book|reserve", "a rental bicycle|a hired bike", "unbook"),
        ("verify|confirm", "an email address|a mailbox name", "forget"),
        ("sort|order", "calendar events|appointments", "shuffle"),
        ("grow|extend", "a swap partition|a paging area", "shrink back"),
        ("trace|follow", "slow queries|long-running statements", "ignore"),
        ("test|try", "a webhook endpoint|a callback url", "untest"),
        ("share|pass on", "a photo album|a picture collection", "unshare"),
        ("audit|review", "access rights|permission lists", "skip"),
    )
)
HOW = (
    "how do i {what}",
    "how can i {what}",
    "how to {what}",
    "what do i have to do to {what}",
    "tell me how to {what}",
    "what is the right way to {what}",
    "i would like to {what}, how does that work",
)
WHEN = (
    "when can i {what}",
    "when can we {what}",
    "when is it possible to {what}",
    "in which cases can i {what}",
    "tell me when i can {what}",
    "under which conditions is it possible to {what}",
    "when am i able to {what}",
)
NEVER = (
    "when can i not {what}",
    "when can we not {what}",
    "when is it not possible to {what}",
    "in which cases can't i {what}",
    "tell me when i cannot {what}",
    "under which conditions is it not possible to {what}",
    "when am i unable to {what}",
)
"""How a thing is done; when it can be, and when it can not, in as many ways each."""
BEFORE = ("", "", "", "", "", "please ", "hi, ", "quick question: ")
AFTER = ("?", "?", "?", "?", "", "", " please?", ", thanks")
"""What is said besides, and means nothing."""
SYLLABLES = (
    "ba",
    "cor",
    "dex",
    "fal",
    "gra",
    "hin",
    "jo",
    "kel",
    "lum",
    "mor",
    "nis",
    "pra",
    "quil",
    "ros",
    "tav",
    "vex",
)
"""Names of products and places are made of these."""
NUMBERS = (" in 2023", " in 2024", " in 2025", " in 2022", " in 2021", " in 2026")
"""What a question of the kind `number` ends with."""
