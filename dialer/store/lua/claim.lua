-- Claims leads for dialing: promotes those that have come due, takes back
-- those whose claim lapsed, then takes the best; of one priority first those that are named.
-- KEYS 1 campaign, 2 waiting, 3 ready, 4 claimed
-- ARGV 1 epoch, 2 how many, 3 lease ms, 4 prefix of lead keys, 5 most leads to promote;
--      then ids of leads that go before others of their priority, in their order
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
local n, lapse = tonumber(ARGV[2]), now + tonumber(ARGV[3])
local function claim(members)
  for _, member in ipairs(members) do
    local id = string.sub(member, 27)
    local key = ARGV[4] .. id
    redis.call('ZREM', KEYS[3], member)
    redis.call('ZADD', KEYS[4], lapse, id)
    redis.call('HSET', key, 'state', 'claimed', 'epoch', ARGV[1])
    leads[#leads + 1] = redis.call('HGETALL', key)
  end
end
for i = 6, #ARGV do
  if #leads >= n then break end
  local f = redis.call('HMGET', ARGV[4] .. ARGV[i], 'due', 'seq')
  local member = rank(f[1], f[2], ARGV[i])
  local score = redis.call('ZSCORE', KEYS[3], member)
  if score then -- ready
    claim(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', '(' .. score, 'LIMIT', 0, n - #leads))
    if #leads < n then claim({ member }) end
  end
end
if #leads < n then claim(redis.call('ZRANGE', KEYS[3], 0, n - #leads - 1)) end
return leads
