"""The books of a quota inside Redis.

What is known, which calls count, and which processes hold permits. Times are Redis' own, in
seconds; they never run backwards, also where its clock is set back or another server takes over.
``S`` is the state, a hash; a field that is missing is not known.
"""

from __future__ import annotations

from typing import Final

STATE: Final = """
local window, lease, probe_lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local channel, me = ARGV[5], ARGV[6]
local HUGE, TINY, SLICES = 1e15, 1e-8, 1200
local S, dirty = {}, {}
do
  local found = redis.call('HGETALL', KEYS[2])
  for i = 1, #found, 2 do S[found[i]] = tonumber(found[i + 1]) or found[i + 1] end
end
local function put(name, value)
  if S[name] ~= value then
    S[name] = value
    dirty[name] = true
  end
end
local function plain(value)
  if type(value) == 'number' then return string.format('%.17g', value) end
  return value
end
local clock = redis.call('TIME')
local wall = clock[1] + clock[2] / 1000000
local now = wall + (S.lag or 0)
if S.latest and now < S.latest then
  put('lag', (S.lag or 0) + S.latest - now)
  now = S.latest
end
put('latest', now)
if not S.epoch then
  local first = {epoch = math.floor(wall * 1000), fence = math.floor(wall * 1000), phase = 'new', kind = 'unknown',
    span = window, pause = window, out = 0, count = 0, unknown = 0, proven = 0, counted = 0, extra = 0, step = 1,
    holders = 0, tick = 0, closed = 0, opens = 0, tripped = -HUGE, failed = 0, too_short = 0, paused_until = 0}
  for name, value in pairs(first) do put(name, value) end
end
"""

ACCOUNT: Final = """
local SLOTS = 60
local function slot_of(stamp) return math.floor((stamp - (S.lag or 0)) * SLOTS / window) end
local function note_in_account(stamp, calls)
  local slot = slot_of(stamp)
  if redis.call('HINCRBY', KEYS[10], plain(slot), calls) ~= calls then return end
  for _, name in ipairs(redis.call('HKEYS', KEYS[10])) do
    if math.abs(slot - tonumber(name)) > 3 * SLOTS then redis.call('HDEL', KEYS[10], name) end
  end
  redis.call('PEXPIRE', KEYS[10], string.format('%.0f', 1441000 * window))
end
local function called_in_account(upto)
  local last, called, found = slot_of(upto), 0, redis.call('HGETALL', KEYS[10])
  for i = 1, #found, 2 do
    local behind = last - tonumber(found[i])
    if behind >= 0 and behind < SLOTS then called = called + math.max(0, tonumber(found[i + 1])) end
  end
  return called
end
"""
"""How much all scopes of an account called lately, closed gates left out.

Times are Redis' clock's own here: each group sets it right by itself.
"""

LOG: Final = """
local grain = window / SLICES
local function slice(text)
  if not text then return nil end
  local start, stop, calls, doubted = string.match(text, '(%S+) (%S+) (%S+) (%S+)')
  return tonumber(start), tonumber(stop), tonumber(calls), tonumber(doubted)
end
local function oldest() return slice(redis.call('LINDEX', KEYS[3], 0)) end
local function newest() return slice(redis.call('LINDEX', KEYS[3], -1)) end
local function forget(upto)
  local start, stop, calls, doubted = oldest()
  while start and stop <= upto do
    redis.call('RPUSH', KEYS[4], redis.call('LPOP', KEYS[3]))
    put('count', S.count - calls)
    put('unknown', S.unknown - doubted)
    start, stop, calls, doubted = oldest()
  end
  redis.call('LTRIM', KEYS[4], -SLICES, -1)
end
local function clear()
  redis.call('DEL', KEYS[3])
  redis.call('DEL', KEYS[4])
  put('count', 0)
  put('unknown', 0)
end
local function add(stamp, calls, doubted)
  local start, stop, had, doubts = newest()
  if start then stamp = math.max(stamp, stop) end
  if start and stamp - start < grain then
    local text = plain(start) .. ' ' .. plain(stamp) .. ' ' .. plain(had + calls) .. ' ' .. plain(doubts + doubted)
    redis.call('LSET', KEYS[3], -1, text)
  else
    start = stamp
    redis.call('RPUSH', KEYS[3], plain(stamp) .. ' ' .. plain(stamp) .. ' ' .. plain(calls) .. ' ' .. plain(doubted))
  end
  note_in_account(start, calls)
  put('count', S.count + calls)
  put('unknown', S.unknown + doubted)
end
local function note(stamp, calls, doubted)
  if not S.since or stamp - (S.answered_at or 0) >= window then
    put('since', stamp)
    put('counted', 0)
  end
  put('answered_at', math.max(stamp, S.answered_at or 0))
  put('blocked_at', nil)
  put('counted', S.counted + calls)
  add(stamp, calls, doubted)
  put('proven', math.max(S.proven, S.count))
end
local function leave_account()
  for _, slices in ipairs({redis.call('LRANGE', KEYS[3], 0, -1), redis.call('LRANGE', KEYS[4], 0, -1)}) do
    for _, text in ipairs(slices) do
      local start, _, calls = slice(text)
      if now - start < 2 * window then note_in_account(start, -calls) end
    end
  end
end
local function answered_until(calls)
  local from = 0
  while from < S.count do
    local some = redis.call('LRANGE', KEYS[3], from, from + 31)
    if #some == 0 then break end
    for i = 1, #some do
      local start, stop, had = slice(some[i])
      calls = calls - had
      if calls <= 0 then return stop + S.span end
    end
    from = from + 32
  end
  return (S.sent_at or now) + window + S.span
end
"""

RECORDS: Final = """
local records, tell = {}, {}
local FIELDS = {'gen', 'granted', 'seen', 'held', 'epoch', 'void', 'want', 'ahead', 'spoken', 'woken', 'n'}
local function record(proc)
  if records[proc] == nil then
    local found = redis.call('HGET', KEYS[5], proc)
    records[proc] = false
    if found then
      local r, i = {}, 0
      for word in string.gmatch(found, '%S+') do
        i = i + 1
        r[FIELDS[i]] = i == 1 and word or tonumber(word)
      end
      records[proc] = r
    end
  end
  return records[proc]
end
local function born(proc)
  local r = {gen = 'g' .. string.format('%.0f', wall * 1000000) .. S.tick, granted = 0, seen = 0, held = 0, epoch = S.epoch, void = 0,
    want = 0, ahead = 0, spoken = now, woken = 0, n = 0}
  put('tick', S.tick + 1)
  records[proc] = r
  return r
end
local function give_back(r, calls)
  calls = math.min(calls, r.held)
  r.held = r.held - calls
  put('out', math.max(0, S.out - calls))
  if calls > 0 and r.held == 0 then put('holders', math.max(0, S.holders - 1)) end
  return calls
end
local function doubt(stamp)
  put('test_at', math.max(S.test_at or -HUGE, stamp + S.span))
  put('extra', 0)
  put('step', 1)
  if S.phase == 'testing' then put('phase', 'keeping') end
  put('lesson', nil)
end
local function forget_process(proc, ended)
  local r = record(proc)
  if r then
    local lost = give_back(r, r.held)
    if lost > 0 and S.phase ~= 'refused' and ARGV[4] == '' then
      note(ended or now, lost, lost)
      doubt(ended or now)
    end
  end
  if S.probe == proc then put('probe', nil) end
  if S.ticker == proc then put('ticker', nil) end
  records[proc] = false
  redis.call('HDEL', KEYS[5], proc)
  redis.call('ZREM', KEYS[6], proc)
  redis.call('ZREM', KEYS[7], proc)
end
local function expire()
  for _, proc in ipairs(redis.call('ZRANGEBYSCORE', KEYS[6], '-inf', plain(now))) do
    local r, ended = record(proc), tonumber(redis.call('ZSCORE', KEYS[6], proc))
    if r and r.held == 0 then
      redis.call('ZREM', KEYS[6], proc)
    else
      forget_process(proc, ended)
    end
  end
  for _, proc in ipairs(redis.call('ZRANGEBYSCORE', KEYS[8], '-inf', plain(now - 2 * math.max(S.span, window) - lease))) do
    forget_process(proc)
    redis.call('ZREM', KEYS[8], proc)
  end
end
local function keep_record(proc, r)
  local words = {}
  for i, name in ipairs(FIELDS) do words[i] = plain(r[name]) end
  redis.call('HSET', KEYS[5], proc, table.concat(words, ' '))
end
local function save()
  for proc, r in pairs(records) do
    if r then keep_record(proc, r) end
  end
  local changed, gone = {}, {}
  for name in pairs(dirty) do
    if S[name] == nil then
      redis.call('HDEL', KEYS[2], name)
    else
      changed[#changed + 1] = name
      changed[#changed + 1] = plain(S[name])
    end
  end
  if #changed > 0 then redis.call('HSET', KEYS[2], unpack(changed)) end
  local life = string.format('%.0f', 1441000 * math.max(window, S.span) + 1000 * lease)
  redis.call('PEXPIRE', KEYS[2], life)
  redis.call('PEXPIRE', KEYS[3], life)
  redis.call('PEXPIRE', KEYS[4], life)
  redis.call('PEXPIRE', KEYS[5], life)
  redis.call('PEXPIRE', KEYS[6], life)
  redis.call('PEXPIRE', KEYS[7], life)
  redis.call('PEXPIRE', KEYS[8], life)
  redis.call('PEXPIRE', KEYS[1], life)
  redis.call('PEXPIRE', KEYS[9], life)
end
"""
