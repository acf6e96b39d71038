-- Starts an attempt: the one round trip before an INVITE. Either all of it is
-- recorded and the call may go out, or nothing is and it must not.
-- KEYS 1 campaign, 2 lead, 3 claimed, 4 attempts, 5 counters, 6 do-not-call numbers,
--      7 do-not-call prefixes, 8 numbers for all campaigns, 9 prefixes for all campaigns,
--      10 numbers that call us just now, 11 grants, 12 the ledger of today (pacing/ledger)
-- ARGV 1 attempt id, 2 lead id, 3 version, 4 epoch, 5 number, 6 attempts today with
--      this one, 7 attempt JSON, 8 boot, 9 the grant that it is dialed by (or empty: the
--      owner dials), 10 the most calls that may have been abandoned today (or empty: any)
-- Result: the ordinal of the attempt; the same again for an id that is open.
-- Errors: FENCED, STOPPED (by whatever node), WITHDRAWN, CHANGED, UNCLAIMED, DNC (with the
--      entry that matched); and, where the lead stays claimed, CALLING, UNGRANTED (the grant
--      has lapsed or is used up) and CREDIT (more calls were abandoned since it was decided)
local lead = KEYS[2]
local f = redis.call('HMGET', lead, 'state', 'v', 'epoch', 'attempt', 'n', 'gone')
if f[1] == 'dialing' and f[4] == ARGV[1] then return tonumber(f[5]) end
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[4] or not redis.call('HGET', KEYS[1], 'boot') then
  return redis.error_reply('FENCED the campaign has another owner')
end
if redis.call('HGET', KEYS[1], 'desired') == 'stopped' then return redis.error_reply('STOPPED the campaign was stopped') end
local granted, left
if ARGV[9] ~= '' then
  local epoch, seq, lapse
  epoch, seq, lapse, left = string.match(redis.call('HGET', KEYS[11], ARGV[8]) or '', '^(%d+) (%d+) (%d+) (%d+)$')
  if epoch ~= ARGV[4] or seq ~= ARGV[9] then return redis.error_reply('UNGRANTED by ' .. ARGV[9] .. ': it is replaced') end
  if tonumber(lapse) <= now_ms() or left == '0' then return redis.error_reply('UNGRANTED by ' .. seq .. ': it has lapsed, or is used up') end
  granted = epoch .. ' ' .. seq .. ' ' .. lapse .. ' '
end
if ARGV[10] ~= '' then
  local abandoned, counts = 0, redis.call('HGETALL', KEYS[12])
  for i = 1, #counts, 2 do
    if string.sub(counts[i], 1, 10) == 'abandoned:' then abandoned = abandoned + tonumber(counts[i + 1]) end
  end
  if abandoned > tonumber(ARGV[10]) then
    return redis.error_reply(string.format('CREDIT %d calls are abandoned today, which is more than it was decided for', abandoned))
  end
end
if f[1] == 'withdrawn' or f[6] then return redis.error_reply('WITHDRAWN the lead was withdrawn') end
if f[1] and f[2] ~= ARGV[3] then return redis.error_reply('CHANGED the lead is at version ' .. f[2]) end
if f[1] ~= 'claimed' or f[3] ~= ARGV[4] or has_ended(lead, ARGV[1]) then
  return redis.error_reply('UNCLAIMED the lead is ' .. (f[1] or 'unknown'))
end
local entry = forbidding(ARGV[5], KEYS[6], KEYS[7]) or forbidding(ARGV[5], KEYS[8], KEYS[9])
if entry then return redis.error_reply('DNC ' .. entry) end
local caller = who_calls(KEYS[10], lead, ARGV[5])
if caller then return redis.error_reply('CALLING ' .. caller .. ' calls us just now') end
if granted then redis.call('HSET', KEYS[11], ARGV[8], granted .. string.format('%d', tonumber(left) - 1)) end
local ordinal = redis.call('HINCRBY', lead, 'n', 1)
redis.call('ZREM', KEYS[3], ARGV[2])
redis.call('HSET', lead, 'state', 'dialing', 'attempt', ARGV[1], 'today', ARGV[6], 'last', now_ms())
redis.call('HDEL', lead, 'why')
redis.call('HSET', KEYS[4], ARGV[1], ARGV[7])
redis.call('HINCRBY', KEYS[5], 'started', 1)
return ordinal
