"""Which calls may go, decided inside Redis by Redis' time.

The rules are those of the learner's schedule, and of sharing among processes. While anything is
unknown, what is granted is what may fly, one permit at a time, round robin. Once budget and kind
are known, permits are granted in lots.
"""

from __future__ import annotations

from typing import Final

SCHEDULE: Final = """
local reserved = 0
local function cap()
  local proven = math.max(S.count, S.proven)
  if S.budget then return math.max(1, math.floor((S.gap and proven or math.min(S.budget, proven)) / 10)) end
  if proven >= 10 or S.small == 1 then return math.max(1, math.ceil(proven / 10)) end
  return math.min(3, 10 - proven)
end
local function made_while_away()
  local sum, first = 0, HUGE
  for till, calls in string.gmatch(S.made or '', '(%S+):(%d+)') do
    till = tonumber(till)
    if till > now then sum, first = sum + calls, math.min(first, till) end
  end
  return sum, first
end
local function kept_for_silent()
  if (S.blind or 0) <= now then return 0 end
  local silent = redis.call('ZCOUNT', KEYS[8], '-inf', plain(S.silent_since))
  return math.floor(S.budget * silent / math.max(1, redis.call('ZCARD', KEYS[8])))
end
local function probe_after_outage()
  local made, first = made_while_away()
  if S.budget and made + kept_for_silent() >= S.budget then return math.min(first, S.blind) end
  return S.hold or 0
end
local function over()
  local made = made_while_away()
  return S.out + reserved + made + kept_for_silent() + S.count - S.budget - S.extra
end
local function freed(calls)
  local _, first = made_while_away()
  local at = math.min(answered_until(calls), first)
  if kept_for_silent() > 0 then at = math.min(at, S.blind) end
  return at
end
local function is_wide()
  return S.phase == 'keeping' and S.budget and S.kind ~= 'unknown' and S.closed == 0 and not S.gap
end
local function never_refused() return not S.budget and S.small ~= 1 end
local function test_delay()
  if S.kind ~= 'unknown' then return 0 end
  return math.max(window / 60, math.min(window / 6, 0.6 * window / S.budget))
end
local function test_time()
  if S.out + reserved > 0 or S.extra > 0 or S.count == 0 then return HUGE end
  local first = oldest()
  local _, last = newest()
  local due = math.max(S.test_at or -HUGE, S.blind or -HUGE)
  local at = math.max(last + test_delay(), due)
  if at - first <= window / 3 or now >= due + 32 * window then return at end
  return HUGE
end
local function held_until()
  put('blocked_at', math.min(S.blocked_at or HUGE, now))
  if never_refused() then return math.max(S.blocked_at + math.min(0.7, window / 60), (S.sent_at or -HUGE) + 0.005) end
  return S.blocked_at + math.min(1, window / 60)
end
local function replay_gap()
  local lasted = (S.lasted or 0) / window
  if lasted <= 0.05 and S.budget * lasted >= 0.5 then return S.lasted / S.budget end
  return 0
end
local function look()
  if S.phase ~= 'refused' then forget(now - S.span + TINY) end
  if S.made and made_while_away() == 0 then put('made', nil) end
  if now - (S.answered_at or now) >= 30 * window then put('proven', 0) end
  if S.phase == 'releasing' and S.since and now - S.since >= window then put('phase', 'new') end
  if S.phase == 'testing' and S.out + S.count < S.budget then
    put('extra', 0)
    put('step', 1)
    put('phase', 'keeping')
  end
end
local function ready_stated()
  local gap = per_stated / calls_stated
  return math.max(S.due or -HUGE, now) + (1 + reserved - burst_stated) * gap - TINY
end
local function ready()
  if S.closed == 1 then
    if S.probe or reserved > 0 then return HUGE end
    return math.max(now, S.opens, probe_after_outage(), S.lesson and (S.lock_until or 0) or 0)
  end
  if (S.hold or 0) > now then return S.hold end
  if stated then return ready_stated() end
  if S.lesson then return math.max(S.lock_until or 0, now + TINY) end
  if S.phase == 'releasing' then return (S.sent_at or -HUGE) + 0.05 * (1 + reserved) end
  if is_wide() then
    local o = over()
    if o < 0 then return S.holders + reserved < cap() and now or now + math.min(1, window / 60) end
    return math.min(freed(o + 1), test_time())
  end
  local at = now
  if S.out + reserved >= cap() then at = held_until() end
  if S.gap then return math.max(at, (S.sent_at or -HUGE) + S.gap * (1 + reserved)) end
  if not S.budget then return at end
  local o = over()
  if o < 0 then
    if S.kind == 'unknown' then return math.max(at, (S.paced or -HUGE) + replay_gap() * (1 + reserved)) end
    return at
  end
  return math.max(at, math.min(freed(o + 1), test_time()))
end
local function soonest()
  if S.closed == 1 then return S.probe and now or math.max(now, S.opens, probe_after_outage()) end
  if (S.hold or 0) > now then return S.hold end
  if stated then return math.max(now, ready_stated()) end
  if not S.budget or S.gap or S.lesson or S.phase ~= 'keeping' then return now end
  local o = over()
  if o < 0 or S.count == 0 then return now end
  local first = oldest()
  local _, last = newest()
  local due = math.max(S.test_at or -HUGE, S.blind or -HUGE)
  local test = math.max(last, now) + test_delay()
  test = math.max(test, due)
  if test - first > window / 3 and now < due + 32 * window then test = HUGE end
  return math.max(now, math.min(freed(o + 1), test))
end
local function sent(calls)
  if S.gap then
    if now - (S.sent_at or -HUGE) <= 2 * S.gap then
      local period = S.gap > S.first_gap / 2 and 2.0 or 1.2
      put('gap', S.gap / 1.5 ^ math.min(1, S.gap / period))
    end
  elseif not stated and S.budget and S.phase ~= 'refused' and S.out + S.count >= S.budget + S.extra then
    if S.kind == 'bucket' then
      put('gap', S.span / S.budget)
      put('first_gap', S.gap)
      put('filled', 0)
      put('phase', 'measuring')
    else
      local _, last = newest()
      put('extra', S.step)
      put('spent_at', last or now)
      put('phase', 'testing')
    end
  end
  if stated then put('due', math.max(S.due or -HUGE, now) + calls * per_stated / calls_stated) end
  if S.budget and S.kind == 'unknown' then
    put('paced', S.out + S.count == 0 and now or math.max((S.paced or -HUGE) + replay_gap() * calls, now - 0.1))
  end
  put('out', S.out + calls)
  put('sent_at', now)
  if not never_refused() then put('blocked_at', nil) end
end
"""

SERVE: Final = """
local kept = 0
local function lot(r, waiting)
  local left, most
  if S.closed == 1 then return 1 end
  if stated then
    left = math.floor(burst_stated - (math.max(S.due or -HUGE, now) - now) * calls_stated / per_stated + TINY) - reserved
    most = math.ceil(burst_stated / 10)
  elseif is_wide() and over() < 0 then
    left = -over()
    most = math.ceil(S.budget / 10)
  else
    return 1
  end
  left = left - kept
  return math.max(0, math.min(r.want + r.ahead, math.max(1, math.floor(left / waiting)), most - r.held, left))
end
local function grant(proc, r, calls)
  if S.closed == 1 then
    if S.tried ~= 1 then
      put('tried', 1)
      reopened()
    end
    put('probe', proc)
  end
  if r.epoch ~= S.epoch then
    r.epoch = S.epoch
    r.void = r.granted
  end
  if r.held == 0 then put('holders', S.holders + 1) end
  r.granted = r.granted + calls
  r.held = r.held + calls
  r.want = math.max(0, r.want - calls)
  sent(calls)
  redis.call('ZADD', KEYS[6], plain(now + (S.probe == proc and probe_lease or lease)), proc)
  if proc ~= me then tell[proc] = true end
end
local function listens(proc, r) return proc == me or (now - r.spoken < lease and r.seen == r.granted) end
local function wake(proc, r, share)
  if r.woken <= r.spoken or now - r.woken < 0.25 then
    if r.woken <= r.spoken then
      r.woken = now
      tell[proc] = true
    end
    reserved = reserved + 1
    kept = kept + math.max(0, share - 1)
  elseif now - r.woken > lease then
    r.want = 0
    redis.call('ZREM', KEYS[7], proc)
  end
end
local function go_back(proc, r)
  put('tick', S.tick + 1)
  if r.want > 0 then
    redis.call('ZADD', KEYS[7], plain(S.tick), proc)
  else
    redis.call('ZREM', KEYS[7], proc)
  end
end
local function serve()
  if ready() > now then return end
  local line = redis.call('ZRANGE', KEYS[7], 0, 255)
  local i, behind = 1, #line
  local elsewhere = math.max(0, redis.call('ZCARD', KEYS[6]) - behind)
  while line[i] and ready() <= now do
    local proc = line[i]
    local r = record(proc)
    i = i + 1
    local calls = r and lot(r, math.max(1, behind - i + 2) + elsewhere)
    if not r then
      redis.call('ZREM', KEYS[7], proc)
    elseif not listens(proc, r) then
      wake(proc, r, calls)
    else
      if calls > 0 then
        grant(proc, r, calls)
        go_back(proc, r)
        if r.want > 0 then
          line[#line + 1] = proc
          behind = #line
        end
      end
    end
  end
end
"""
