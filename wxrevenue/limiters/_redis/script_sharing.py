"""Scopes that turn out to share a quota are one group inside Redis.

They are split when that was wrong. The rules are those of
:mod:`wxrevenue.limiters._local.registry`. The group of the scope that was refused last takes the
others' scopes over: their own keys are left to expire, so that no script touches keys that it does
not name.
"""

from __future__ import annotations

from typing import Final

SHARING: Final = """
local group, family = ARGV[14], ARGV[21]
local function scopes_here() return S.scopes or ARGV[13] end
local function lines(text)
  local found = {}
  for line in string.gmatch(text, '[^\\n]+') do found[#found + 1] = line end
  return found
end
local function note_trip()
  if stated then return end
  local untried = S.count == 0 and not S.budget and '1' or '0'
  local head = table.concat({plain(S.tripped), plain(S.opens), plain(S.budget or 0), plain(S.split_until or 0), untried}, ' ')
  redis.call('HSET', KEYS[9], group, head .. '\\n' .. family .. '\\n\\n' .. scopes_here())
end
local function sharers(since)
  local found, all = {}, redis.call('HGETALL', KEYS[9])
  for i = 1, #all, 2 do
    local tripped, opens, budget, split, untried, kin, scopes =
      string.match(all[i + 1], '^(%S+) (%S+) (%S+) (%S+) (%S+)\\n([^\\n]*)\\n\\n(.*)$')
    tripped = tonumber(tripped)
    if tripped < now - 20 * window then
      redis.call('HDEL', KEYS[9], all[i])
    elseif all[i] ~= group and tripped >= since and tonumber(split) <= now then
      found[#found + 1] = {group = all[i], tripped = tripped, opens = tonumber(opens), budget = tonumber(budget), untried = untried == '1',
        family = kin, scopes = lines(scopes)}
    end
  end
  return found
end
local function forget_all()
  for _, name in ipairs({'budget', 'before', 'lasted', 'interval', 'small', 'doubts', 'stretched', 'was', 'late', 'others', 'since',
    'lesson', 'test_at', 'tested_at', 'settled_at', 'spent_at', 'paced', 'blocked_at'}) do put(name, nil) end
  no_refill()
  clear()
  put('span', window)
  put('pause', window)
  put('kind', 'unknown')
  put('phase', 'new')
  put('proven', 0)
  put('extra', 0)
  put('step', 1)
  put('failed', 0)
  put('too_short', 0)
end
local function families_of(sharing, untried)
  local counts, found = {}, lines(S.families or '')
  sharing[#sharing + 1] = {family = family, untried = untried}
  for _, one in ipairs(sharing) do
    if one.untried and one.family ~= '' then counts[one.family] = (counts[one.family] or 0) + 1 end
  end
  sharing[#sharing] = nil
  for name, count in pairs(counts) do
    if count >= 4 then found[#found + 1] = name end
  end
  return found
end
local function merge(sharing)
  local budget, all, opens, tripped = S.budget or 0, lines(scopes_here()), S.opens, S.tripped
  local kin = families_of(sharing, S.count == 0 and not S.budget)
  for _, one in ipairs(sharing) do
    budget = budget > 0 and one.budget > 0 and budget + one.budget or 0
    opens, tripped = math.max(opens, one.opens), math.max(tripped, one.tripped)
    for _, scope in ipairs(one.scopes) do all[#all + 1] = scope end
    redis.call('HDEL', KEYS[9], one.group)
  end
  for _, scope in ipairs(all) do redis.call('HSET', KEYS[1], scope, group) end
  for _, name in ipairs(kin) do redis.call('HSET', KEYS[1], 'family\\n' .. name, group) end
  forget_all()
  if budget > 0 then
    put('budget', budget)
    put('proven', budget)
    put('phase', 'keeping')
  end
  put('opens', opens)
  put('tripped', tripped)
  put('scopes', table.concat(all, '\\n'))
  put('families', #kin > 0 and table.concat(kin, '\\n') or nil)
  note_trip()
end
local function split()
  local opens = S.closed == 1 and S.opens or 0
  local word = table.concat({'split', plain(now + 10 * window), plain(opens), plain(S.tripped), plain(S.failed)}, ' ')
  for _, scope in ipairs(lines(scopes_here())) do redis.call('HSET', KEYS[1], scope, word) end
  for _, name in ipairs(lines(S.families or '')) do redis.call('HDEL', KEYS[1], 'family\\n' .. name) end
  put('scopes', nil)
  put('families', nil)
  forget_all()
end
local function take_split(word)
  local till, opens, tripped, failed = string.match(word, '(%S+) (%S+) (%S+) (%S+)$')
  if tonumber(till) <= (S.split_until or 0) then return end
  put('split_until', tonumber(till))
  if tonumber(opens) > now then
    put('closed', 1)
    put('tried', 0)
    put('opens', tonumber(opens) + window * random)
    put('tripped', tonumber(tripped))
    put('failed', tonumber(failed))
    put('epoch', S.epoch + 1)
  end
end
local function look_for_sharers(probe)
  if stated then return end
  local found = sharers(now - window * (probe and 2 or 1 / 30))
  local count = #lines(scopes_here())
  if probe and count > 1 and #found == 0 and S.failed > 1 then
    split()
    return
  end
  local all = count
  for _, one in ipairs(found) do all = all + #one.scopes end
  if #found > 0 and (probe or all >= 8) then merge(found) else note_trip() end
end
local function split_if_quiet()
  if S.scopes and S.closed == 0 and now - S.tripped >= 30 * window then split() end
end
"""
