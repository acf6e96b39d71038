-- Renews the ownership of a campaign. A lease that lapsed is renewed too, as
-- long as nobody else has taken it: the epoch still fences.
-- KEYS 1 campaign
-- ARGV 1 boot, 2 lease ms
-- Result: 1, or 0 if another has it.
if redis.call('HGET', KEYS[1], 'boot') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'until', now_ms() + tonumber(ARGV[2]))
return 1
