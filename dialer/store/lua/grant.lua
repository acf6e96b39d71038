-- Grants nodes calls. What a node was granted before is void.
-- KEYS 1 campaign, 2 grants
-- ARGV 1 boot, 2 epoch, 3 ms until they lapse; then for each node: boot, sequence number,
--      calls, text
-- Result: 1
-- Errors: FENCED
local f = redis.call('HMGET', KEYS[1], 'epoch', 'boot')
if f[1] ~= ARGV[2] or f[2] ~= ARGV[1] then return redis.error_reply('FENCED the campaign has another owner') end
local lapse = now_ms() + tonumber(ARGV[3])
for i = 4, #ARGV, 4 do
  redis.call('HSET', KEYS[2], ARGV[i], string.format('%s %s %.0f %s', ARGV[2], ARGV[i + 1], lapse, ARGV[i + 2]),
    ARGV[i] .. ':text', ARGV[i + 3])
end
return 1
