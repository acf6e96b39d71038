-- Keeps the contacts of users who are registered at a node, in place of those before.
-- What has lapsed is forgotten on the way.
-- KEYS 1 contacts, 2 lapse
-- ARGV for each user: name, ms until its last contact expires, contacts (JSON; '' forgets)
-- Result: 1
local now = now_ms()
for i = 1, #ARGV, 3 do
  if ARGV[i + 2] == '' then
    redis.call('HDEL', KEYS[1], ARGV[i])
    redis.call('ZREM', KEYS[2], ARGV[i])
  else
    redis.call('HSET', KEYS[1], ARGV[i], string.format('%d ', now) .. ARGV[i + 2])
    redis.call('ZADD', KEYS[2], string.format('%d', now + tonumber(ARGV[i + 1])), ARGV[i])
  end
end
for _, user in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%d', now), 'LIMIT', 0, 200)) do
  redis.call('HDEL', KEYS[1], user)
  redis.call('ZREM', KEYS[2], user)
end
return 1
