"""What happens inside Redis, each in one step.

It is on keys of one slot, by Redis' own clock. Every script gets three keys: the record (a hash:
the newest fences and the refresh token), the token, and the lock. Each may run twice: the lock
knows the attempt that took it, a record the fence that wrote it. What another program left under a
key counts as nothing.
"""

from __future__ import annotations

from typing import Final

from wxrevenue._redis.script import TEXT, Script

_TOOLS: Final = (
    TEXT
    + """
local function fence(name)
  local number = tonumber(text(redis.pcall('HGET', KEYS[1], name)) or '')
  if number and number >= 0 and number < 4503599627370496 then return number end
  return 0
end
local function microseconds() local now = redis.call('TIME') return now[1] * 1000000 + now[2] end
local function plain(number) return string.format('%.0f', number) end
local function mend() if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end end
local function holder() return string.match(text(redis.pcall('GET', KEYS[3])) or '', '^(%d+) (%w+)$') end
"""
)

READ: Final = Script(
    _TOOLS
    + """
local at, age = tonumber(text(redis.pcall('HGET', KEYS[1], 'at')) or ''), -1
if at then age = microseconds() - at end
local refresh = text(redis.pcall('HGET', KEYS[1], 'refresh'))
return {text(redis.pcall('GET', KEYS[2])), redis.call('PTTL', KEYS[2]), refresh, plain(fence('written')), plain(age)}
"""
)

LOCK: Final = Script(
    _TOOLS
    + """
local lease, attempt, keep = ARGV[1], ARGV[2], ARGV[3]
local number, held_by = holder()
if held_by == attempt then return number end
if held_by then return false end
number = plain(math.max(fence('issued') + 1, fence('written') + 1, microseconds()))
mend()
redis.call('HSET', KEYS[1], 'issued', number)
redis.call('PEXPIRE', KEYS[1], keep)
redis.call('SET', KEYS[3], number .. ' ' .. attempt, 'PX', lease)
return number
"""
)
"""Takes the lock; its fence grows by Redis' time and by a counter.

The time keeps fences growing when the counter is lost with a server, or evicted. The counter does
when a clock goes back.
"""

WRITE: Final = Script(
    _TOOLS
    + """
local number, value, left, refresh, keep, age = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
if fence('written') > number then return 0 end
local issued = math.max(fence('issued'), number)
mend()
redis.call('HSET', KEYS[1], 'issued', plain(issued), 'written', plain(number), 'at', plain(microseconds() - age))
if refresh == '' then redis.call('HDEL', KEYS[1], 'refresh') else redis.call('HSET', KEYS[1], 'refresh', refresh) end
redis.call('PEXPIRE', KEYS[1], keep)
if value == '' then redis.call('DEL', KEYS[2]) else redis.call('SET', KEYS[2], value, 'PX', left) end
return 1
"""
)

RENEW: Final = Script(
    _TOOLS
    + """
if holder() ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[3], ARGV[2])
"""
)

UNLOCK: Final = Script(
    _TOOLS
    + """
if holder() == ARGV[1] then redis.call('DEL', KEYS[3]) end
return 1
"""
)
