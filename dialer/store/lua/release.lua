-- Gives up the ownership of a campaign; its epoch is fenced from then on.
-- KEYS 1 campaign
-- ARGV 1 boot
-- Result: 1, or 0 if another has it.
if redis.call('HGET', KEYS[1], 'boot') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'node', 'boot', 'until')
return 1
