-- Records a live attempt again whose start Redis lost (a failover, a crash between
-- syncs), so that its lead is not dialed a second time meanwhile.
-- KEYS 1 lead, 2 attempts, 3 waiting, 4 ready, 5 claimed, 6 counters
-- ARGV 1 attempt id, 2 lead id, 3 ordinal, 4 attempts today with this one,
--      5 attempt JSON, 6 start of the attempt ms
-- Result: 1 if it was lost, else 0.
local lead = KEYS[1]
if has_ended(lead, ARGV[1]) then return 0 end
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[5]) -- it may have lost that the trunk is another now
  return 0
end
local f = redis.call('HMGET', lead, 'state', 'n')
if f[1] ~= 'ready' and f[1] ~= 'waiting' and f[1] ~= 'claimed' then return 0 end
take(KEYS[4], KEYS[3], KEYS[5], lead, ARGV[2], f[1])
redis.call('HSET', lead, 'state', 'dialing', 'attempt', ARGV[1], 'today', ARGV[4], 'last', ARGV[6],
  'n', math.max(tonumber(f[2]) or 0, tonumber(ARGV[3])))
redis.call('HSET', KEYS[2], ARGV[1], ARGV[5])
redis.call('HINCRBY', KEYS[6], 'started', 1)
return 1
