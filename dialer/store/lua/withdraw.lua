-- Withdraws a lead: it is never dialed again. A call that is up goes on.
-- KEYS 1 lead, 2 waiting, 3 ready, 4 claimed, 5 done, 6 withdrawn
-- ARGV 1 id
-- Result: its new version; the same again for a lead that is withdrawn.
-- Errors: UNKNOWN
local f = redis.call('HMGET', KEYS[1], 'lead', 'state', 'v', 'gone')
if not f[1] then return redis.error_reply('UNKNOWN no lead ' .. ARGV[1]) end
if f[2] == 'withdrawn' or f[4] then return tonumber(f[3]) end
if f[2] == 'dialing' then
  redis.call('HSET', KEYS[1], 'gone', 1)
else
  take(KEYS[3], KEYS[2], KEYS[4], KEYS[1], ARGV[1], f[2])
  redis.call('ZREM', KEYS[5], ARGV[1])
  redis.call('HSET', KEYS[1], 'state', 'withdrawn')
  redis.call('ZADD', KEYS[6], now_ms(), ARGV[1])
end
return redis.call('HINCRBY', KEYS[1], 'v', 1)
