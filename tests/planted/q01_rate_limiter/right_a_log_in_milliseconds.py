"""An exact log, written as the milliseconds between one and the next; one that a clock moved back is moved with it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from windtunnel.catalogue.interview.q01_rate_limiter import SmallWindows
from windtunnel.engines import Script, Store

challenge = "q01-rate-limiter"


def take(store: Store, keys: Sequence[str], args: Sequence[str]) -> int:
    limit, window_ms = int(args[0]), int(float(args[1]) * int(args[2]) * 1000)
    now = int(store.time_s() * 1000)
    times = list(accumulate(int(gap, 16) for gap in (store.get(keys[0]) or "").split()))
    back = max(0, times[-1] - now) if times else 0
    times = [at - back for at in times if at - back + window_ms >= now]  # a millisecond more, as they are cut off
    may = len(times) < limit
    times += [now] * may
    if times:
        gaps = [times[0], *(after - before for before, after in pairwise(times))]
        store.set(keys[0], " ".join(f"{gap:x}" for gap in gaps), ttl_s=window_ms / 1000 + 0.001)
    return int(may)


class Yours(SmallWindows):
    script = Script(
        """
        local limit, window = tonumber(ARGV[1]), math.floor(ARGV[2] * ARGV[3] * 1000)
        local time = redis.call('TIME')
        local now, at, all, times = time[1] * 1000 + math.floor(time[2] / 1000), 0, {}, {}
        for gap in string.gmatch(redis.call('GET', KEYS[1]) or '', '%S+') do
          at = at + tonumber(gap, 16)
          table.insert(all, at)
        end
        local back = math.max(0, at - now)
        for _, one in ipairs(all) do if one - back + window >= now then table.insert(times, one - back) end end
        local may = #times < limit
        if may then table.insert(times, now) end
        local gaps, last = {}, 0
        for _, one in ipairs(times) do table.insert(gaps, string.format('%x', one - last)); last = one end
        redis.call('SET', KEYS[1], table.concat(gaps, ' '), 'PX', window + 1)
        return may and 1 or 0
        """,
        take,
    )
