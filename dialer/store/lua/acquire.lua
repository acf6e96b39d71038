-- Takes the ownership of a campaign.
-- A new epoch fences every claim of the old one, so their leads are free at once.
-- KEYS 1 campaign, 2 claimed
-- ARGV 1 node, 2 boot, 3 lease ms
-- Result: the fencing epoch. The holder's own boot keeps its epoch; a former
-- boot of the same node gives way at once. A new epoch is the time in ms, or more:
-- so it is new even where Redis has lost the last one.
-- Errors: OWNED (with the node)
local f = redis.call('HMGET', KEYS[1], 'node', 'boot', 'until', 'epoch')
local now = now_ms()
local epoch
if f[2] == ARGV[2] then
  epoch = f[4]
elseif f[2] and f[1] ~= ARGV[1] and tonumber(f[3]) > now then
  return redis.error_reply('OWNED ' .. f[1])
else
  epoch = math.max((tonumber(f[4]) or 0) + 1, now)
  redis.call('HSET', KEYS[1], 'epoch', epoch)
  redis.call('ZUNIONSTORE', KEYS[2], 1, KEYS[2], 'WEIGHTS', 0)
end
redis.call('HSET', KEYS[1], 'node', ARGV[1], 'boot', ARGV[2], 'until', now + tonumber(ARGV[3]))
return tonumber(epoch)
