-- Tells how a campaign stands at a node that does not own it, and takes what the owner
-- grants that node.
-- KEYS 1 campaign, 2 reports, 3 news, 4 grants
-- ARGV 1 boot, 2 report, 3 news (or empty), 4 most news to keep
-- Result: the owner's epoch (or empty: it has none), the owner's node, and the grant where
-- one has not lapsed: sequence number, text.
local now = now_ms()
redis.call('HSET', KEYS[2], ARGV[1], string.format('%.0f ', now) .. ARGV[2])
if ARGV[3] ~= '' then
  redis.call('RPUSH', KEYS[3], string.format('%.0f ', now) .. ARGV[3])
  redis.call('LTRIM', KEYS[3], -tonumber(ARGV[4]), -1)
end
local f = redis.call('HMGET', KEYS[1], 'epoch', 'boot', 'node')
if not f[2] then return { '' } end
local g = redis.call('HMGET', KEYS[4], ARGV[1], ARGV[1] .. ':text')
local epoch, seq, lapse = string.match(g[1] or '', '^(%d+) (%d+) (%d+) ')
if epoch ~= f[1] or tonumber(lapse) <= now then return { f[1], f[3] } end
return { f[1], f[3], seq, g[2] }
