-- Takes back the start of an attempt whose answer never reached us, so that
-- nothing was dialed. Whichever of start and abort comes first, the lead ends up
-- free and the attempt does not exist.
-- KEYS 1 lead, 2 attempts, 3 waiting, 4 ready, 5 counters, 6 withdrawn
-- ARGV 1 attempt id, 2 lead id
-- Result: 1 if the attempt had been recorded.
local lead = KEYS[1]
if has_ended(lead, ARGV[1]) then return 0 end
mark_ended(lead, ARGV[1])
if redis.call('HDEL', KEYS[2], ARGV[1]) == 0 then return 0 end
redis.call('HINCRBY', KEYS[5], 'started', -1)
local f = redis.call('HMGET', lead, 'state', 'attempt', 'due', 'gone')
if f[1] == 'dialing' and f[2] == ARGV[1] then
  redis.call('HINCRBY', lead, 'n', -1)
  if (tonumber(redis.call('HGET', lead, 'today')) or 0) > 0 then redis.call('HINCRBY', lead, 'today', -1) end
  redis.call('HDEL', lead, 'attempt')
  if f[4] then
    redis.call('HSET', lead, 'state', 'withdrawn')
    redis.call('ZADD', KEYS[6], now_ms(), ARGV[2])
  else
    place(KEYS[4], KEYS[3], lead, ARGV[2], tonumber(f[3]) or 0, now_ms())
  end
end
return 1
