"""The gate inside Redis, and what answers and refusals do to the books.

The rules are those of :mod:`wxrevenue.limiters._local.gate` and of the learner; a test compares
them.
"""

from __future__ import annotations

from typing import Final

GATE: Final = """
local random, margin = tonumber(ARGV[11]), tonumber(ARGV[12])
local stated = ARGV[4] ~= ''
local calls_stated, per_stated, burst_stated = string.match(ARGV[4], '(%S+) (%S+) (%S+)')
calls_stated, per_stated, burst_stated = tonumber(calls_stated), tonumber(per_stated), tonumber(burst_stated)
local function shut(pause)
  if S.closed == 0 and not stated then leave_account() end
  put('closed', 1)
  put('tried', 0)
  put('tripped', now)
  put('opens', math.max(S.opens, now + pause + margin))
  put('epoch', S.epoch + 1)
  put('probe', nil)
  put('lesson', nil)
  put('fence', S.fence + 1)
  for _, proc in ipairs(redis.call('ZRANGE', KEYS[6], 0, -1)) do tell[proc] = true end
end
local function close(probe)
  local pause = math.max(S.pause, (S.stretched or 0) > 0 and S.span or 0)
  if probe then
    put('failed', S.failed + 1)
    put('too_short', S.opens - S.tripped)
    local wider = math.min(2 ^ (S.failed - 1), 16) - 1
    pause = math.max(pause, window * (1 + wider * random))
    if S.failed > 1 then pause = math.max(pause, math.min(1.25 * S.too_short, 4 * window)) end
  end
  put('paused_until', math.max(S.paused_until, now + pause + margin))
  shut(pause)
end
local function close_for_quota()
  local midnight = 86400 - (wall + 28800) % 86400
  put('quota', 1)
  redis.call('HDEL', KEYS[9], ARGV[14])
  put('quota_ends', now + midnight)
  shut(math.min(600, midnight))
end
local function open()
  put('closed', 0)
  put('quota', nil)
  put('quota_ends', nil)
  put('opens', math.min(S.opens, now))
  put('failed', 0)
  put('probe', nil)
  put('accepted_at', now)
  redis.call('HDEL', KEYS[9], ARGV[14])
end
local function probe_accepted()
  if now < S.opens then return end
  if S.quota ~= 1 and S.failed <= 3 then
    if S.failed > 0 then
      put('pause', math.min(math.max(window, S.opens - S.tripped), 4 * window))
    elseif S.pause > 1.25 * S.too_short then
      put('pause', math.max(window, (S.pause + S.too_short) / 2))
    end
  end
  open()
end
local function no_refill()
  for _, name in ipairs({'gap', 'first_gap', 'filled_since', 'filled', 'filled_last'}) do put(name, nil) end
end
local function reopened()
  no_refill()
  put('since', nil)
  put('lesson', nil)
  if S.phase ~= 'refused' or not S.was then
    put('phase', S.budget and 'keeping' or 'releasing')
    clear()
    put('extra', 0)
    put('step', 1)
  end
end
"""

ANSWERS: Final = """
local function answered(stamp, calls, accepted)
  if stated then return end
  if S.phase == 'refused' then
    if accepted then put('late', (S.late or 0) + calls) end
    put('answered_at', math.max(stamp, S.answered_at or 0))
    return
  end
  local fresh = not S.since or stamp - (S.answered_at or 0) >= window
  note(stamp, calls, accepted and 0 or calls)
  if S.gap and fresh and calls == 1 then
    no_refill()
    put('phase', 'keeping')
  end
  if not accepted then
    doubt(stamp)
  elseif S.gap then
    put('filled', S.filled + calls)
    put('filled_last', stamp)
  elseif S.phase == 'testing' and S.out == 0 then
    forget(now - S.span)
    if S.count >= S.budget + S.extra then put('lesson', 'passed') end
  end
end
local function refused(probe)
  local is_news = not stated and S.phase ~= 'refused' and (S.blind or 0) <= now
  if is_news then
    put('was', S.phase)
    put('phase', 'refused')
    put('refused_at', now)
    put('late', 0)
  end
  close(probe)
  if is_news then put('others', called_in_account(now)) end
  look_for_sharers(probe)
end
local function take_chunk(r, kind, calls, age, sent_age)
  local probe = S.probe == me and string.upper(kind) == kind
  kind = string.lower(kind)
  if kind == 'e' then
    if now - sent_age > (S.accepted_at or -HUGE) then refused(false) end
    return
  end
  local held = give_back(r, calls)
  if probe then put('probe', nil) end
  if kind == 'f' then refused(probe)
  elseif kind == 'q' then close_for_quota()
  elseif held == 0 then return
  elseif kind == 'b' then
    if stated then put('due', (S.due or now) - held * per_stated / calls_stated) end
  else
    answered(now - age, held, kind == 'o')
    if probe and kind == 'o' then probe_accepted() end
  end
end
local function take_chunks(r, text)
  for kind, calls, age, sent_age in string.gmatch(text, '(%a):(%d+):([%d.]+):([%d.]+)') do
    take_chunk(r, kind, tonumber(calls), tonumber(age), tonumber(sent_age))
  end
end
"""
