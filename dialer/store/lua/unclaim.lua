-- Gives claimed leads back without an attempt.
-- KEYS 1 waiting, 2 ready, 3 claimed
-- ARGV 1 epoch, 2 prefix of lead keys; then for each lead: id, due ms, why
-- Result: how many were ours to give back.
local now, n = now_ms(), 0
for i = 3, #ARGV, 3 do
  local id, key = ARGV[i], ARGV[2] .. ARGV[i]
  local f = redis.call('HMGET', key, 'state', 'epoch')
  if f[1] == 'claimed' and f[2] == ARGV[1] then
    redis.call('ZREM', KEYS[3], id)
    redis.call('HSET', key, 'why', ARGV[i + 2])
    place(KEYS[2], KEYS[1], key, id, tonumber(ARGV[i + 1]), now)
    n = n + 1
  end
end
return n
