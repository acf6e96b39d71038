-- Says how many leads claim would take before one.
-- KEYS 1 ready, 2 its hash
-- ARGV 1 its id
-- Result: so many; nil where it is not ready.
local f = redis.call('HMGET', KEYS[2], 'due', 'seq')
return redis.call('ZRANK', KEYS[1], rank(f[1], f[2], ARGV[1]))
