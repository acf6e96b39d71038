-- Claims leads for dialing: promotes those that have come due, takes back
-- those whose claim lapsed, then pops the best.
-- KEYS 1 campaign, 2 waiting, 3 ready, 4 claimed
-- ARGV 1 epoch, 2 how many, 3 lease ms, 4 prefix of lead keys, 5 most leads to promote
-- Result: for each lead the flat fields and values of its hash.
-- Errors: FENCED
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] or not redis.call('HGET', KEYS[1], 'boot') then
  return redis.error_reply('FENCED the campaign has another owner')
end
local now = now_ms()
for _, from in ipairs({ KEYS[4], KEYS[2] }) do
  local ids = redis.call('ZRANGEBYSCORE', from, '-inf', now, 'LIMIT', 0, ARGV[5])
  for _, id in ipairs(ids) do
    local key = ARGV[4] .. id
    redis.call('ZREM', from, id)
    place(KEYS[3], KEYS[2], key, id, tonumber(redis.call('HGET', key, 'due')) or 0, now)
  end
end
local leads = {}
local n = tonumber(ARGV[2])
if n > 0 then
  local lapse = now + tonumber(ARGV[3])
  for _, member in ipairs(redis.call('ZRANGE', KEYS[3], 0, n - 1)) do
    local id = string.sub(member, 27)
    local key = ARGV[4] .. id
    redis.call('ZREM', KEYS[3], member)
    redis.call('ZADD', KEYS[4], lapse, id)
    redis.call('HSET', key, 'state', 'claimed', 'epoch', ARGV[1])
    leads[#leads + 1] = redis.call('HGETALL', key)
  end
end
return leads
