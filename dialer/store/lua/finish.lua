-- Ends an attempt: removes it from the open ones, says what becomes of its
-- lead, counts it and writes its call detail record. Exactly once for an id.
-- KEYS 1 lead, 2 attempts, 3 waiting, 4 ready, 5 claimed, 6 done, 7 withdrawn,
--      8 counters, 9 cdrs, 10 who talked last with the number
-- ARGV 1 attempt id, 2 lead id, 3 "finish" (started) or "skip" (a rule forbade it
--      before it started), 4 epoch of the claim (skip only), 5 ordinal, 6 due ms,
--      7 "1" if the lead is done, 8 outcome, 9 record JSON, 10 longest cdrs stream (0: any),
--      11 start of the attempt ms, 12 a number of the lead that is dead (or empty),
--      13 the agent who talked with the person (or empty), 14 for how many ms to
--      remember them; then pairs: counter, amount
-- Result: "written", "repeat" (the id has ended before), or "stale" (a skip of a
-- lead that is no longer claimed by that epoch: nothing was dialed, nothing written).
local lead, now = KEYS[1], now_ms()
local was_open = redis.call('HDEL', KEYS[2], ARGV[1])
if has_ended(lead, ARGV[1]) then return 'repeat' end
local f = redis.call('HMGET', lead, 'state', 'attempt', 'epoch', 'gone', 'n', 'lead', 'asked')
local ours
local due, final = tonumber(ARGV[6]), ARGV[7] == '1'
if f[7] and ARGV[3] == 'finish' and ARGV[8] ~= 'person' and tonumber(f[7]) >= tonumber(ARGV[11]) then
  due, final = 0, false -- they asked to be called while they were being dialed, in vain
elseif f[7] and (ARGV[8] == 'person' or final) then
  redis.call('HDEL', lead, 'asked', 'asks')
end
if ARGV[3] == 'skip' then
  if f[1] ~= 'claimed' or f[3] ~= ARGV[4] then return 'stale' end
  ours = true
elseif was_open == 1 then
  ours = f[1] == 'dialing' and f[2] == ARGV[1]
else
  -- Redis lost the start (a failover, a crash between syncs): the call was
  -- made all the same, and its end is the only trace of it.
  ours = f[1] == 'ready' or f[1] == 'waiting' or f[1] == 'claimed'
  if (tonumber(f[5]) or 0) < tonumber(ARGV[5]) then
    redis.call('HSET', lead, 'n', ARGV[5], 'last', ARGV[11])
  end
  redis.call('HINCRBY', KEYS[8], 'started', 1)
end
mark_ended(lead, ARGV[1])
redis.call('HINCRBY', lead, 'o:' .. ARGV[8], 1)
if ARGV[12] ~= '' then
  local dead = redis.call('HGET', lead, 'dead')
  redis.call('HSET', lead, 'dead', dead and dead .. ' ' .. ARGV[12] or ARGV[12])
end
if ours and f[6] then
  take(KEYS[4], KEYS[3], KEYS[5], lead, ARGV[2], f[1])
  redis.call('HDEL', lead, 'attempt', 'why')
  if f[4] then
    redis.call('HSET', lead, 'state', 'withdrawn')
    redis.call('ZADD', KEYS[7], now, ARGV[2])
  elseif final then
    redis.call('HSET', lead, 'state', 'done')
    redis.call('ZADD', KEYS[6], now, ARGV[2])
  else
    place(KEYS[4], KEYS[3], lead, ARGV[2], due, now)
  end
end
if ARGV[13] ~= '' then redis.call('SET', KEYS[10], ARGV[13], 'PX', ARGV[14]) end
redis.call('HINCRBY', KEYS[8], ARGV[8], 1)
for i = 15, #ARGV, 2 do redis.call('HINCRBY', KEYS[8], ARGV[i], ARGV[i + 1]) end
if ARGV[10] == '0' then
  redis.call('XADD', KEYS[9], '*', 'cdr', ARGV[9])
else
  redis.call('XADD', KEYS[9], 'MAXLEN', '~', ARGV[10], '*', 'cdr', ARGV[9])
end
return 'written'
