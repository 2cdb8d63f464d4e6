"""The one script of the shared limiter.

It reports, asks, learns, gives back and keeps alive, all in one step. It may run twice: reports
carry a number, and what was granted is told as a total.

Nothing runs inside Redis by itself: one process, the ticker, asks when a call may go next. Where
calls go one at a time, and who is first in line spoke too long ago to be granted anything unasked,
that process is told when to ask: another one's question would only wake it.
"""

from __future__ import annotations

from typing import Final

from wxrevenue._redis.script import Script
from wxrevenue.limiters._redis.script_books import ACCOUNT, LOG, RECORDS, STATE
from wxrevenue.limiters._redis.script_gate import ANSWERS, GATE
from wxrevenue.limiters._redis.script_grants import SCHEDULE, SERVE
from wxrevenue.limiters._redis.script_sharing import SHARING

_LESSONS: Final = """
local function may_be_refused_too()
  return (S.others or 0) > 0 and not S.budget and S.closed == 1 and now < math.min(S.opens, S.refused_at + window / 30)
end
local function lesson_due()
  if S.phase == 'refused' and not S.lesson and not S.probe and (S.closed == 0 or S.out == 0 or now >= S.opens) then
    if may_be_refused_too() then return nil end
    put('others', math.min(S.others or 0, called_in_account(S.refused_at)))
    put('lesson', 'reopen')
  end
  return S.lesson
end
local function take_plan(text)
  local fence = tonumber(string.match(text, '^(%d+)'))
  if not text or fence ~= S.fence or S.lock_for ~= me or not S.lesson then return end
  for name, value in string.gmatch(text, ' (%S+)=(%S+)') do
    if name == 'clear' then clear()
    elseif value == '-' then put(name, nil)
    else put(name, tonumber(value) or value) end
  end
  put('lesson', nil)
  put('was', nil)
  put('others', nil)
  put('lock_until', nil)
  put('lock_for', nil)
end
local function teaches()
  if not lesson_due() then return false end
  if S.lock_for and S.lock_for ~= me and (S.lock_until or 0) > now then return false end
  put('fence', S.fence + 1)
  put('lock_for', me)
  put('lock_until', now + math.min(0.5, lease))
  return true
end
"""

_ANSWER: Final = """
local function gathered_for()
  if not stated then return is_wide() and math.min(0.25, S.span / 200) or 0 end
  local gap = per_stated / calls_stated
  return gap <= 0.125 and math.min(0.25, (burst_stated - 1) * gap / 2) or 0
end
local function next_time()
  local at = ready()
  if S.closed == 1 and S.probe then at = tonumber(redis.call('ZSCORE', KEYS[6], S.probe) or now + lease) end
  if at <= now or at >= HUGE then at = now + (is_wide() and math.min(1, window / 60) or 0.25) end
  at = at + gathered_for()
  return math.min(at, now + math.max(0.25, window / 2))
end
local function is_ticker(proc, at)
  local other = S.ticker and S.ticker ~= proc and S.ticks >= now - 0.1 and S.ticks <= at + 0.02
  if other then return false end
  put('ticker', proc)
  put('ticks', at)
  return true
end
local handed_on = false
local function hand_on(proc, at)
  if not is_wide() or cap() > 1 then return false end
  local first = redis.call('ZRANGE', KEYS[7], 0, 0)[1]
  local r = first and first ~= proc and record(first)
  if not r or listens(first, r) or r.woken > r.spoken then return false end
  if S.ticker == proc or not S.ticks or S.ticks < now - 0.1 or S.ticks > at + 0.02 then put('ticker', nil) end
  handed_on = true
  return true
end
local function come_after(proc, r)
  if r.want <= 0 or r.woken == now then return 0 end
  local at, rank = next_time(), redis.call('ZRANK', KEYS[7], proc) or 0
  if not hand_on(proc, at) and is_ticker(proc, at) then return at - now end
  if rank < 2 or ARGV[20] ~= '' then return at - now + 0.25 * (1 + rank) end
  local spread = redis.call('ZCARD', KEYS[7]) / (is_wide() and 3 or 4)
  return math.min(at - now + lease * math.max(1, spread), math.max(lease, window) + lease)
end
local function told(proc, r)
  local wide = is_wide() or stated
  local width = wide and not stated and math.max(1, math.floor(cap() / math.max(1, redis.call('ZCARD', KEYS[6])))) or 1000000
  local members = redis.call('ZCOUNT', KEYS[8], plain(now - math.max(S.span, window)), '+inf')
  local gather = wide and math.min(0.25, S.span / 200) or 0
  if wide and not stated and cap() < 2 then gather = 0 end
  return table.concat({'ok', r.gen, plain(r.granted), plain(r.void), plain(S.epoch), plain(now), plain(width), plain(gather),
    plain(come_after(proc, r)), plain(S.closed), plain(math.max(0, S.opens - now)), plain(math.max(0, (S.quota_ends or 0) - now)),
    plain(math.max(0, soonest() - now)), plain(stated and calls_stated or S.budget or 0),
    plain(stated and per_stated or S.span), plain(members),
    S.probe == proc and '1' or '0', plain(r.want), plain(S.count + S.out), S.scopes and '0' or '1', S.kind}, ' ')
end
local function first_in_line() return not S.ticker and redis.call('ZRANGE', KEYS[7], 0, 0)[1] end
local function send(proc)
  local r = record(proc)
  if r and proc ~= me then redis.pcall('PUBLISH', channel .. string.match(proc, '^[^.]+'), ARGV[14] .. ' ' .. told(proc, r)) end
end
local function publish()
  if S.ticker == me and (record(me) or {want = 0}).want <= 0 then put('ticker', nil) end
  local first = first_in_line()
  if first then tell[first] = true end
  for proc in pairs(tell) do send(proc) end
  first = handed_on and first_in_line()
  if first then send(first) end
end
"""

_RETURN: Final = """
local function keep_made(calls, till)
  local words = {}
  for at, had in string.gmatch(S.made or '', '(%S+):(%d+)') do
    if tonumber(at) == till then
      calls = calls + had
    elseif tonumber(at) > now then
      words[#words + 1] = at .. ':' .. had
    end
  end
  words[#words + 1] = plain(till) .. ':' .. plain(calls)
  put('made', table.concat(words, ' '))
end
local function came_back(calls, age)
  if stated then
    put('due', math.max(S.due or -HUGE, now) + calls * per_stated / calls_stated)
  else
    if calls > 0 then keep_made(calls, math.ceil(4 * (now - age + S.span)) / 4) end
    if S.phase ~= 'refused' then doubt(now) end
  end
  if (S.blind or 0) <= now then
    put('hold', now + 1)
    put('silent_since', now - lease)
  end
  put('blind', now + S.span)
end
"""

_MAIN: Final = """
local at_home = redis.call('HGET', KEYS[1], ARGV[13])
if not at_home and family ~= '' then at_home = redis.call('HGET', KEYS[1], 'family\\n' .. family) end
local parted = at_home and string.match(at_home, '^split (.*)')
if parted or not at_home then at_home = ARGV[18] end
if at_home ~= group then return {'moved', at_home} end
if parted then take_split(parted) end
expire()
local gen, number, want, ahead = ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local r = record(me)
if r and gen ~= '0' and r.gen ~= gen then
  forget_process(me)
  r = false
end
local mine = r or gen == '0'
r = r or born(me)
if number > r.n then
  r.n = number
  look()
  if mine then
    take_chunks(r, ARGV[15])
    split_if_quiet()
  else
    for kind, calls, age, sent_age in string.gmatch(ARGV[15], '([eEfF]):(%d+):([%d.]+):([%d.]+)') do
      take_chunk(r, 'e', 1, tonumber(age), tonumber(sent_age))
    end
  end
  local made, age = string.match(ARGV[17], '^away:(%d+):([%d.]+)$')
  if made then came_back(tonumber(made), tonumber(age)) end
  if ARGV[17] == 'reopen' and S.closed == 1 then
    open()
    if S.phase ~= 'refused' then reopened() end
  end
end
if ARGV[16] ~= '' then take_plan(ARGV[16]) end
look()
if mine then r.seen = tonumber(ARGV[19]) end
r.spoken, r.want, r.ahead = now, want, ahead
redis.call('ZADD', KEYS[8], plain(now), me)
local was_refused = string.find(ARGV[15], '[fF]:')
if want > 0 and (was_refused or not redis.call('ZSCORE', KEYS[7], me)) then
  put('tick', S.tick + 1)
  redis.call('ZADD', KEYS[7], plain(was_refused and S.tick - 1e12 or S.tick), me)
elseif want <= 0 then
  redis.call('ZREM', KEYS[7], me)
end
local teach = teaches()
if not S.lesson then serve() end
if r.held > 0 or want > 0 then
  redis.call('ZADD', KEYS[6], plain(now + (S.probe == me and probe_lease or lease)), me)
else
  redis.call('ZREM', KEYS[6], me)
end
if ARGV[17] == 'leave' then
  forget_process(me)
  redis.call('ZREM', KEYS[8], me)
end
local answer = told(me, r)
publish()
save()
if not teach then return {answer} end
return {answer, plain(S.fence), redis.call('HGETALL', KEYS[2]), redis.call('LRANGE', KEYS[3], 0, -1), redis.call('LRANGE', KEYS[4], 0, -1)}
"""

TURN: Final = Script(STATE + ACCOUNT + LOG + RECORDS + GATE + SHARING + ANSWERS + SCHEDULE + SERVE + _LESSONS + _ANSWER + _RETURN + _MAIN)
"""The script that every request runs, with its keys and arguments.

Keys: 1 which group a scope belongs to (a hash of the account); then of the group: 2 what is known
(a hash), 3 the calls that count, 4 those that did lately (lists), 5 the processes (a hash), 6 their
leases, 7 which wait, 8 which were here (sorted sets); of the account again: 9 the groups that are
closed, 10 how much the others called lately (hashes).

Arguments: 1 window, 2 lease, 3 a probe's lease, 4 the stated rate or nothing, 5 how channels begin,
6 the process (and, behind a dot, which of its scopes), 7 its generation, 8 the request's number, 9
callers that wait, 10 further permits wished for, 11 a random number, 12 a pause's margin, 13 the
scope, 14 its group as this process knows it, 15 reports, 16 a plan, 17 ``reopen``, ``leave``, or
the calls made while Redis was away and the last one's age, 18 the group of a scope that was never
merged, 19 how many permits the process has seen, 20 ``deaf`` if it hears no messages, 21 what
scopes have in common that differ in the authorizer alone, or nothing.
"""
