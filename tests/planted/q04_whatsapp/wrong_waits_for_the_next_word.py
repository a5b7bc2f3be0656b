"""Who has lost a gateway looks at nothing: what that one had kept, and did not tell of, waits for the next message."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    def wake(self, here: Desk, frame: Frame | None) -> None:
        if frame is not None:
            super().wake(here, frame)
