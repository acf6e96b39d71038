-- Says that a node is alive; the store's ping.
-- KEYS 1 nodes
-- ARGV 1 node, 2 boot, 3 lease ms, 4 "join" (take the name over from a former boot),
--      "beat" or "leave"
-- Result: word, ms now.
--   alive  it is noted
--   late   it is, and this process had lapsed, or was to lapse later than it can be: the
--          clock was set, or the process was held
--   taken  another living process goes by the node's name
local now = now_ms()
local boot, lapse = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '^(%S+) (%d+)$')
if ARGV[4] ~= 'join' and boot and boot ~= ARGV[2] and tonumber(lapse) > now then return { 'taken', now } end
local word = 'alive'
if boot == ARGV[2] and (tonumber(lapse) <= now or tonumber(lapse) > now + tonumber(ARGV[3])) then word = 'late' end
if ARGV[4] == 'leave' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. string.format('%d', now + tonumber(ARGV[3])))
end
return { word, now }
